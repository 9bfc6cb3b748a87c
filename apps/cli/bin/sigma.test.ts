import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

test('threads and programs of a command know where compiled code is kept', (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'sigma-bin-')));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ['bin', 'src']) mkdirSync(join(root, 'apps/cli', folder), { recursive: true });
  const sigma = join(root, 'apps/cli/bin/sigma.mjs');
  copyFileSync(join(import.meta.dirname, 'sigma.mjs'), sigma);
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  const main = join(root, 'apps/cli/src/main.ts');
  writeFileSync(
    main,
    `import { spawnSync } from 'node:child_process';
     import { getCompileCacheDir } from 'node:module';
     import { isMainThread, Worker } from 'node:worker_threads';
     console.log(getCompileCacheDir());
     if (isMainThread && process.argv[2] === 'all') {
       new Worker(new URL(import.meta.url));
       console.log(spawnSync(process.execPath, [import.meta.filename], { encoding: 'utf8' }).stdout.trim());
     }`,
  );
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const { stdout } = spawnSync(process.execPath, [sigma, 'all'], { env, encoding: 'utf8' });
  assert.deepEqual(stdout.trim().split('\n').map(dirname), Array(3).fill(join(root, 'node_modules/.cache/compiled')));
});
