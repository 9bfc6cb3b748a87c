import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPackage } from './house.ts';
import { parseModule, type TextFile } from './syntax.ts';
import type { House } from './walls.ts';

const SOURCE = /\.[cm]?[jt]sx?$/;
const GENERATED = /(^|\/)src\/gen\//;
/** Files that are no source but start one: a page's script, a shell script, a compose file. */
const STARTER = /\.(html|sh|ya?ml|toml)$|^\.ci\/|Dockerfile/;
const SPEC = /(^|\/)SPEC\.md$/;
const NAMED_FILE = /[\w@./-]+\.[cm]?[jt]sx?\b/g;

/** Tracked files and new ones that are not ignored; a file that was deleted but not yet committed is left out. */
function listFiles(root: string): string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return [...new Set(output.split('\0'))].filter((path) => path !== '' && existsSync(join(root, path))).sort();
}

/** Builds the house from texts: parses sources, reads manifests, keeps rules. Pure, so that tests can plant a broken one. */
export function buildHouse(files: readonly TextFile[]): House {
  return {
    modules: files.filter(({ path }) => SOURCE.test(path) && !GENERATED.test(path)).map(parseModule),
    packages: files.filter(({ path }) => path.split('/').at(-1) === 'package.json').map(readPackage),
    specs: files.filter(({ path }) => SPEC.test(path)),
  };
}

/** Source paths that a page or a script names, both as written and from the folder they stand in. */
export function namedStarts(files: readonly TextFile[]): string[] {
  return files
    .filter(({ path }) => STARTER.test(path))
    .flatMap(({ path, text }) => {
      const folder = path.includes('/') ? `${path.slice(0, path.lastIndexOf('/'))}/` : '';
      const names = (text.match(NAMED_FILE) ?? []).map((name) => name.replace(/^\.?\//, ''));
      return names.flatMap((name) => [name, `${folder}${name}`]);
    });
}

export function readTree(root: string): TextFile[] {
  return listFiles(root)
    .filter((path) => [SOURCE, STARTER, SPEC, /(^|\/)package\.json$/].some((wanted) => wanted.test(path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}
