import { execFile } from 'node:child_process';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const app = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const SETUP = resolve(app, '../../tools/setup.mjs');

/** Builds what the hub serves when its sources have changed since, as `npm start` does. */
export async function buildServedPage(): Promise<void> {
  await promisify(execFile)(process.execPath, [SETUP, '--dashboard']);
}

/**
 * The page of the present sources, so that no test looks at yesterday's, in a folder of its own, from which no later
 * build takes anything away. Whoever asks first has it built.
 */
export async function buildPage(): Promise<string> {
  await buildServedPage();
  const folder = await mkdtemp(join(tmpdir(), 'sigma-dashboard-'));
  await cp(join(app, 'dist'), folder, { recursive: true });
  return folder;
}

/** Where screenshots go; ignored by git. */
export const RESULTS = join(app, 'test-results');
