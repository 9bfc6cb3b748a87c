import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { POISONED_MATH, runInQuickJS } from '../../testing/engine-quickjs.ts';
import { mathDigest } from './index.ts';

const entry = fileURLToPath(new URL('./index.ts', import.meta.url));

test('[L2] QuickJS, where the inexact Math functions throw, computes the same digest as V8', async () => {
  assert.equal(JSON.parse(await runInQuickJS({ entry, call: 'subject.mathDigest()' })), mathDigest());
});

test('[L2] QuickJS reproduces every golden vector', async () => {
  const golden: unknown = JSON.parse(readFileSync(new URL('./golden.json', import.meta.url), 'utf8'));
  const call = `Object.entries(input).flatMap(([name, rows]) => rows.flatMap((row) => {
    const hex = row.split(' ');
    const want = hex.pop();
    const got = subject.hexOfDouble(subject[name](...hex.map(subject.doubleOfHex)));
    return got === want ? [] : [name + '(' + hex + ') = ' + got + ', not ' + want];
  }))`;
  assert.deepEqual(JSON.parse(await runInQuickJS({ entry, call, input: golden })), []);
});

test('[L2] the engine notices what is forbidden: each inexact function, the power operator, clock and chance', async () => {
  for (const name of POISONED_MATH) {
    await assert.rejects(runInQuickJS({ entry, call: `Math.${name}(1, 2)` }), /not the same in every engine/);
  }
  await assert.rejects(runInQuickJS({ entry, call: 'Date.now()' }), /the clock was read/);
  await assert.rejects(runInQuickJS({ entry, call: 'new Date()' }), /the clock was read/);
  assert.equal(await runInQuickJS({ entry, call: 'new Date(0).toISOString()' }), '"1970-01-01T00:00:00.000Z"');
  const folder = mkdtempSync(join(tmpdir(), 'sigma-power-'));
  try {
    const usesPower = join(folder, 'square.ts');
    writeFileSync(usesPower, `export const square = (x: number): number => x ${'*'.repeat(2)} 2;\n`);
    await assert.rejects(runInQuickJS({ entry: usesPower, call: 'subject.square(3)' }), /Math\.pow is not the same/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a call that never ends is broken off after a counted number of steps', async () => {
  await assert.rejects(runInQuickJS({ entry, call: '(() => { for (;;); })()', interruptLimit: 3 }), /interrupted/);
});

test('the text codecs lent to QuickJS agree with those of Node, on good and on broken UTF-8', async () => {
  const texts = ['', 'plain', 'Zürich', '東京', '🤖', 'lone \ud800 surrogate', '\ufeffmarked'];
  const bytes = [
    [0x41, 0xff, 0x42],
    [0xc3],
    [0xe2, 0x82],
    [0xf0, 0x9f, 0xa4, 0x41],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xef, 0xbb, 0xbf, 0x41],
  ];
  const call = `[
    input.texts.map((t) => [...new TextEncoder().encode(t)]),
    input.bytes.map((b) => new TextDecoder().decode(new Uint8Array(b))),
  ]`;
  const [encoded, decoded] = JSON.parse(await runInQuickJS({ entry, call, input: { texts, bytes } })) as [
    number[][],
    string[],
  ];
  assert.deepEqual(
    encoded,
    texts.map((t) => [...new TextEncoder().encode(t)]),
  );
  assert.deepEqual(
    decoded,
    bytes.map((b) => new TextDecoder().decode(new Uint8Array(b))),
  );
});
