import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { copyWhole, madeOnce } from './made-once.ts';

/** A run of tests in a folder of its own, and as if there were none. */
function runIn(t: TestContext, folder: string): void {
  const before = process.env['SIGMA_TEST_RUN'] ?? '';
  process.env['SIGMA_TEST_RUN'] = folder;
  t.after(() => {
    process.env['SIGMA_TEST_RUN'] = before;
  });
}

function home(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-made-once-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('in a run it is made once and whole: who asks while it is made gets none, who asks later the same', async (t) => {
  const run = home(t);
  runIn(t, run);
  const meanwhile: (string | null)[] = [];
  let times = 0;
  const make = async (folder: string): Promise<void> => {
    times++;
    writeFileSync(join(folder, 'a'), 'half');
    meanwhile.push(await madeOnce('thing', run, make));
    writeFileSync(join(folder, 'a'), 'whole');
  };
  const made = (await madeOnce('thing', run, make)) ?? '';
  assert.deepEqual([times, meanwhile, readFileSync(join(made, 'a'), 'utf8')], [1, [null], 'whole']);
  assert.equal(await madeOnce('thing', run, make), made);
  copyWhole(made, join(run, 'copy'));
  assert.deepEqual(readdirSync(join(run, 'copy')), ['a']);
  assert.equal(times, 1);
});

test('what could not be made is never taken for made', async (t) => {
  const run = home(t);
  runIn(t, run);
  const fails = madeOnce('thing', run, () => Promise.reject(new Error('no room')));
  await assert.rejects(fails, /no room/);
  assert.equal(await madeOnce('thing', run, async () => undefined), null);
});

test('outside a run nothing is kept', async (t) => {
  runIn(t, '');
  const folder = home(t);
  assert.equal(await madeOnce('thing', folder, () => Promise.reject(new Error('asked'))), null);
  assert.equal(existsSync(join(folder, 'thing')), false);
});
