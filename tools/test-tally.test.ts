import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingLines, openTally, record, type TestEvent, verdict } from './test-tally.ts';

const passed = (name: string, more: Partial<TestEvent['data']> = {}): TestEvent => ({
  type: 'test:pass',
  data: { name, nesting: 0, file: '/house/kernel/src/a.test.ts', details: { duration_ms: 2 }, ...more },
});
const failed = (name: string, more: Partial<TestEvent['data']> = {}): TestEvent => ({
  ...passed(name, more),
  type: 'test:fail',
});
const total = (message: string): TestEvent => ({ type: 'test:diagnostic', data: { nesting: 0, message } });

function tallyOf(...events: TestEvent[]) {
  const tally = openTally('/house');
  for (const event of events) record(tally, event);
  return tally;
}

test('a run of passing tests passes and ends with the totals and one line in words', () => {
  const tally = tallyOf(passed('a'), passed('b'), total('tests 2'), total('pass 2'), total('duration_ms 12.5'));
  const outcome = verdict(tally, true);
  assert.equal(outcome.passed, true);
  const lines = closingLines(tally, outcome, 5);
  assert.ok(lines.includes('# tests 2') && lines.includes('# pass 2') && lines.includes('# duration_ms 12.5'));
  assert.equal(lines.at(-1), '2 passed, 0 failed, 0 skipped');
});

test('a failed test fails the run; its suite is not counted a second time', () => {
  const suite = { details: { duration_ms: 3, type: 'suite' } };
  const tally = tallyOf(failed('a', { nesting: 1 }), failed('suite', suite), total('tests 1'));
  assert.deepEqual(verdict(tally, false), { passed: false, problems: ['1 failed'] });
});

test('a suite that breaks outside its tests fails the run', () => {
  const suite = { details: { duration_ms: 3, type: 'suite' } };
  const tally = tallyOf(passed('a'), failed('suite', suite), total('tests 1'));
  assert.deepEqual(verdict(tally, false).problems, ['1 suites failed']);
});

test('a skip is named with its reason, and fails the run only where skips are forbidden', () => {
  const tally = tallyOf(
    passed('a'),
    passed('page', { skip: 'needs chromium: apt-get install chromium' }),
    total('tests 2'),
  );
  assert.equal(verdict(tally, false).passed, true);
  const strict = verdict(tally, true);
  assert.equal(strict.passed, false);
  const text = closingLines(tally, strict, 5).join('\n');
  assert.match(text, /kernel\/src\/a\.test\.ts: page\n +needs chromium: apt-get install chromium/);
  assert.match(text, /1 passed, 0 failed, 1 skipped$/);
});

test('a todo counts as a skip where skips are forbidden', () => {
  const tally = tallyOf(passed('a'), passed('later', { todo: true }), total('tests 2'));
  assert.equal(verdict(tally, false).passed, true);
  assert.equal(verdict(tally, true).passed, false);
});

test('a skipped suite is a skip too', () => {
  const suite = { skip: 'needs chromium', details: { duration_ms: 0, type: 'suite' } };
  assert.equal(verdict(tallyOf(passed('a'), passed('suite', suite), total('tests 1')), true).passed, false);
});

test('a cancelled test, a run without a test and a runner that died all fail the run', () => {
  assert.equal(verdict(tallyOf(passed('a'), total('tests 2'), total('cancelled 1')), false).passed, false);
  assert.deepEqual(verdict(tallyOf(total('tests 0')), false).problems, ['no test ran']);
  assert.match(verdict(tallyOf(passed('a')), false).problems.join(), /without its closing totals/);
});

test('a message of a test that looks like a total stays in the report', () => {
  const tally = openTally('/house');
  assert.equal(record(tally, { type: 'test:diagnostic', data: { nesting: 1, message: 'tests 9' } }), true);
  assert.equal(record(tally, { type: 'test:diagnostic', data: { nesting: 0, message: 'seed 9' } }), true);
  assert.equal(tally.totals.size, 0);
});

test('the slowest files are told by how long they ran as a whole, the slowest first, and how long all took', () => {
  const ran = (name: string, ms: number): TestEvent => ({
    type: 'test:complete',
    data: { name: `/house/${name}`, nesting: 0, file: `/house/${name}`, details: { duration_ms: ms } },
  });
  // Both run tests that a third file made: its own time is nobody's.
  const shared = passed('a page', { file: '/house/look.ts', details: { duration_ms: 9_000 } });
  const tally = tallyOf(shared, ran('a.test.ts', 4_000), shared, ran('b.test.ts', 12_340), ran('c.test.ts', 2_000));
  record(tally, total('duration_ms 16500'));
  const lines = closingLines(tally, verdict(tally, false), 2).filter((line) => /^(slow|took)/.test(line));
  assert.deepEqual(lines, ['slow     12.3 s  b.test.ts', 'slow     4.0 s  a.test.ts', 'took     16.5 s  all files']);
});

test('files that one process ran are told by their folder, and each test by its own file', () => {
  const entry = '/tmp/sigma-tests/kernel.mjs';
  const tally = openTally('/house', new Map([[entry, 'kernel/']]));
  record(tally, passed('later', { todo: true }));
  const ended = { name: entry, nesting: 0, file: entry, details: { duration_ms: 2_500 } };
  record(tally, { type: 'test:complete', data: ended });
  const text = closingLines(tally, verdict(tally, false), 5).join('\n');
  assert.match(text, /todo +kernel\/src\/a\.test\.ts: later/);
  assert.match(text, /slow +2\.5 s {2}kernel\/$/m);
});
