import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Names a folder that lives as long as one run of many test files; tools/run-tests.ts makes and removes it. */
const RUN = 'SIGMA_TEST_RUN';

const above = (path: string): readonly string[] => (path === dirname(path) ? [path] : [path, ...above(dirname(path))]);

/** Whether a folder above lets nobody but its owner pass. PostgreSQL, which refuses root, then runs in another way. */
export const isBarred = (path: string): boolean => above(dirname(path)).some((at) => (statSync(at).mode & 0o001) === 0);

/**
 * A folder that takes long to make, the same for every test file of a run: made by whoever asks first, where the way to
 * it is barred or open as the way to `like` is. Null outside a run, and for those who ask while it is being made: they
 * make their own, as they would without it.
 *
 * @param make fills a folder that is there and empty, and leaves nothing running on it
 */
export async function madeOnce(
  name: string,
  like: string,
  make: (folder: string) => Promise<void>,
): Promise<string | null> {
  const run = process.env[RUN] ?? '';
  if (run === '') return null;
  const home = isBarred(like) ? join(run, 'barred') : run;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const made = join(home, name);
  if (existsSync(made)) return made;
  const making = `${made}.making`;
  try {
    mkdirSync(making, { mode: 0o711 });
  } catch {
    return null;
  }
  // Whoever made it may have come to an end between the two looks; while `making` is ours, nobody else makes it.
  if (existsSync(made)) rmdirSync(making);
  else {
    await make(making);
    renameSync(making, made);
  }
  return made;
}

/** Copies a folder with the owners and rights of everything in it, which the file system may do without copying bytes. */
export function copyWhole(from: string, to: string): void {
  execFileSync('cp', ['-Rp', from, to], { stdio: 'pipe' });
}
