import { isForTests, resolveRelative } from './house.ts';
import type { Finding } from './syntax.ts';
import type { House } from './walls.ts';

/** Words that name a drawer and not an idea. */
const DRAWERS = new Set(
  'util utils utility utilities helper helpers common misc shared manager managers service services stuff'.split(' '),
);

/** No file or folder is called after a drawer. */
export function drawerNames(house: House): Finding[] {
  return house.modules.flatMap(({ path }) => {
    const words = path.split(/[/.-]/).filter((word) => DRAWERS.has(word.toLowerCase()));
    return words.length === 0 ? [] : [{ path, line: 0, message: `"${words[0]}" names a drawer; name the idea` }];
  });
}

const SOURCE = /\.[cm]?[jt]sx?$/;

/** Files that a tool finds by their name. */
const FOUND_BY_NAME = /(^|\/)[\w-]+\.config\.[cm]?[jt]s$|\.d\.[cm]?ts$/;

/**
 * Source files that nothing reaches. The roots are the entries and programs of every package.json, test files, files
 * that a tool finds by name, and `starts` (paths named in HTML pages, shell scripts and the like). A file that only
 * tests reach is dead too, unless it stands in testing/, in e2e/ or in tools/, where a test is itself the program. A package whose
 * entry is missing gives one finding instead of one for each of its files.
 */
export function deadFiles(house: House, starts: readonly string[]): Finding[] {
  const byPath = new Map(house.modules.map((module) => [module.path, module]));
  const entries = house.packages.flatMap((one) => [...one.exports.values(), ...one.programs]);
  const entryOf = new Map(
    house.packages.flatMap((one) => [...one.exports].map(([sub, path]) => [one.name + sub.slice(1), path])),
  );

  const reachedFrom = (roots: readonly string[]): Set<string> => {
    const reached = new Set<string>();
    const waiting = roots.filter((path) => byPath.has(path));
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      const module = byPath.get(path);
      if (module === undefined) continue;
      const named = module.imports.flatMap(({ specifier }) => (specifier === undefined ? [] : [specifier]));
      for (const name of [...named, ...module.pathLiterals]) {
        for (const target of [entryOf.get(name) ?? name, resolveRelative(path, name)]) {
          if (byPath.has(target) && !reached.has(target)) waiting.push(target);
        }
      }
    }
    return reached;
  };

  const missing = house.packages.flatMap(({ name, folder, exports }) => {
    if (!house.modules.some(({ path }) => path.startsWith(`${folder}/`) && !isForTests(path))) return [];
    return [...exports]
      .filter(([, path]) => SOURCE.test(path) && !byPath.has(path))
      .map(([sub, path]) => ({
        folder,
        path,
        line: 0,
        message: `${name} exports ${sub} from this file, which does not exist`,
      }));
  });
  const unopened = (path: string) => missing.some(({ folder }) => path.startsWith(`${folder}/`));

  const paths = house.modules.map(({ path }) => path);
  const alive = reachedFrom([...entries, ...starts, ...paths.filter((path) => FOUND_BY_NAME.test(path))]);
  const tested = reachedFrom(paths.filter((path) => /\.(test|soak)\.tsx?$/.test(path)));
  const mayLiveByTests = (path: string) => isForTests(path) || path.startsWith('tools/');
  const dead = paths.flatMap((path) => {
    if (alive.has(path) || unopened(path) || (tested.has(path) && mayLiveByTests(path))) return [];
    const message = tested.has(path) ? 'only tests reach this file' : 'no entry, program or test reaches this file';
    return [{ path, line: 0, message }];
  });
  return [...missing.map(({ path, line, message }) => ({ path, line, message })), ...dead];
}
