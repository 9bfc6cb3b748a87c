import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** The program that appends, and the thread that it opens by its name beside itself. */
const PARTS = {
  'appender-process.mjs': new URL('../testing/appender-process.ts', import.meta.url),
  'worker.ts': new URL('../stores/sqlite/worker.ts', import.meta.url),
};

/**
 * A program that appends until it is killed, or as often as it is told (recorder/testing/appender-process.ts), as one
 * file: it is started again and again under a tracer that halts it at each file that it opens, and to load a hundred
 * sources took it longer than all that it is looked at for. Gone when this process ends.
 */
export const APPENDER = bundled();

function bundled(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-appender-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const [name, source] of Object.entries(PARTS)) {
    const how = { bundle: true, platform: 'node', format: 'esm', logLevel: 'error' } as const;
    buildSync({ ...how, entryPoints: [fileURLToPath(source)], outfile: join(folder, name) });
  }
  return join(folder, 'appender-process.mjs');
}
