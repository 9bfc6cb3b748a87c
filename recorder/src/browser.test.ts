import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

test('[R80] the recorder as the browser sees it bundles without Node, and knows no process and no Buffer', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    metafile: true,
    logLevel: 'silent',
  });
  const ours = Object.keys(metafile.inputs).filter((path) => path.includes('recorder/src/'));
  assert.ok(ours.length > 10);
  assert.deepEqual(
    Object.keys(metafile.inputs).filter((path) => path.startsWith('node:')),
    [],
  );
  const text = outputFiles[0]?.text ?? '';
  assert.doesNotMatch(text, /\bBuffer\.|\brequire\(|from "node:|\bDate\.now|\bMath\.random/);
});
