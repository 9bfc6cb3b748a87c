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
const SLOW_FOLDERS = ['apps/dashboard/e2e/', 'apps/cli/', 'sim/', 'apps/hub/', 'apps/edge/', 'recorder/'];

/** The files of slow folders first, so that none of them is left alone at the end while a core has nothing to do. */
export function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string): number => {
    const at = SLOW_FOLDERS.findIndex((folder) => file.startsWith(folder));
    return at === -1 ? SLOW_FOLDERS.length : at;
  };
  return files.toSorted((a, b) => rank(a) - rank(b));
}
