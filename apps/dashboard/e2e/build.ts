import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const app = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Builds the page from its present sources into a folder of its own, so that no test looks at yesterday's page. */
export async function buildPage(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'sigma-dashboard-'));
  await build({
    root: app,
    configFile: join(app, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir, emptyOutDir: true },
  });
  return outDir;
}

/** Where screenshots go; ignored by git. */
export const RESULTS = join(app, 'test-results');
