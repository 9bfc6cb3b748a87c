import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const QUICK = import.meta.resolve('./quick-harness.ts');

/** What the runner says of a file, as it is and with the quick harness. */
function told(t: TestContext, source: string): readonly [string, string] {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-harness-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.test.mjs');
  writeFileSync(file, source);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = (...first: readonly string[]): string => {
    const args = ['--disable-warning=ExperimentalWarning', ...first, '--test-reporter=tap', file];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
    return stdout.replaceAll(/duration_ms:? [\d.]+/g, '');
  };
  return [run(), run(`--import=${QUICK}`)];
}

const UNCAUGHT = `
import { test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
for (let i = 0; i < 400_000; i++) await null;
test('throws in a timer that was made behind a wait', async () => {
  await passed(1);
  await new Promise((resolve) => {
    setTimeout(() => { throw new Error('in a timer'); }, 1);
    setTimeout(resolve, 10_000).unref();
  });
});
test('refuses a promise that nobody waits for', async () => {
  for (let i = 0; i < 400_000; i++) await null;
  void Promise.reject(new Error('unheard'));
  await new Promise((resolve) => setTimeout(resolve, 10_000).unref());
});
test('has nothing to do with either', async () => {
  await passed(1);
});
`;

test('what nobody catches fails the test that it was made in, and no other, however many promises were made before', (t) => {
  const [usual, quick] = told(t, UNCAUGHT);
  const tests = (said: string): readonly string[] => said.split('\n').filter((line) => /^(not )?ok /.test(line));
  assert.deepEqual(tests(quick), [
    'not ok 1 - throws in a timer that was made behind a wait',
    'not ok 2 - refuses a promise that nobody waits for',
    'ok 3 - has nothing to do with either',
  ]);
  assert.match(quick, /in a timer/);
  assert.match(quick, /unheard/);
  assert.deepEqual(tests(usual), tests(quick));
});

const SUITES = `
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as passed } from 'node:timers/promises';
const order = [];
before(async () => { await passed(5); order.push('before'); });
after(() => { order.push('after'); console.log('# ' + order.join(', ')); });
describe('a suite', () => {
  before(() => order.push('before the suite'));
  beforeEach(() => order.push('each'));
  for (const name of ['one', 'two']) test(name, async (t) => {
    await passed(1);
    order.push(name);
    await t.test('within ' + name, () => order.push('within ' + name));
  });
  describe('within', () => { test('three', () => order.push('three')); });
});
describe('a suite that is put together later', async () => {
  await passed(1);
  test('four', () => order.push('four'));
  after(() => order.push('after the second'));
});
`;

test('suites, what they hold and their hooks run in the order in which they do otherwise, also when put together later', (t) => {
  const [usual, quick] = told(t, SUITES);
  assert.match(quick, /# before, before the suite, each, one, .*after$/m);
  assert.equal(quick, usual);
});
