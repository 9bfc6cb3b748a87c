import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders that hold results, packages or copies of sources, never tests of ours. */
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', 'reports', 'test-results']);

/**
 * The test files under `root` as sorted relative paths with forward slashes. `parts` narrows them to paths that contain
 * at least one of the words; with none, all are returned.
 */
export function findTestFiles(root: string, parts: readonly string[]): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (entry.name.startsWith('.') || NOT_OURS.has(entry.name)) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile() && entry.name.endsWith('.test.ts')) found.push(path);
    }
  };
  walk('');
  const wanted = parts.map((part) => part.replace(/^\.\//, ''));
  return found.filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part))).sort();
}

/** Where tests start browsers, databases and whole systems, by how long a file takes. */
const SLOW_FOLDERS = [
  'apps/dashboard/e2e/',
  'recorder/soak/',
  'apps/cli/',
  'sim/',
  'apps/hub/',
  'apps/edge/',
  'recorder/',
];

/**
 * Folders whose sources start nothing, listen to nothing and keep nothing of their own: their tests meet nothing of each
 * other in one process, and to begin one takes longer than most of them.
 */
const SHARE_A_PROCESS = ['terrains/', 'recorder/src/', 'apps/dashboard/src/', 'kernel/', 'swarm/'];

/** Test files that one process runs, one after the other. */
export interface TestProcess {
  /** The file, where it is but one; else the folder. */
  readonly name: string;
  readonly files: readonly string[];
}

/**
 * Which process runs which files, those that take longest first, so that none of them is left alone at the end while a
 * core has nothing to do.
 */
export function processesOf(files: readonly string[]): TestProcess[] {
  const folderOf = (file: string): string => SHARE_A_PROCESS.find((folder) => file.startsWith(folder)) ?? file;
  const processes = [...Map.groupBy(files, folderOf)].map(
    ([folder, shared]): TestProcess => ({ name: shared.length === 1 ? (shared[0] as string) : folder, files: shared }),
  );
  const rank = ({ name, files: [first = ''] }: TestProcess): number => {
    if (name !== first) return 0;
    const at = SLOW_FOLDERS.findIndex((folder) => name.startsWith(folder));
    return at === -1 ? SLOW_FOLDERS.length : at;
  };
  return processes.toSorted((a, b) => rank(a) - rank(b));
}
