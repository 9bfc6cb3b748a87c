import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** The program that appends, and the thread that it opens by its name beside itself. */
const PARTS = {
  'appender-process.mjs': '../testing/appender-process.ts',
  'worker.ts': '../stores/sqlite/worker.ts',
} as const;

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
    const from = fileURLToPath(new URL(source, import.meta.url));
    const outfile = join(folder, name);
    buildSync({ entryPoints: [from], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  }
  return join(folder, 'appender-process.mjs');
}
