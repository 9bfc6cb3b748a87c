import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Alert, type Board, emptyBoard, type Sighting, stepBoard } from './board.ts';

const S = 1_000_000;

/** A board with a clock: `see` and `pass` return what changed. */
function watched() {
  let board: Board = emptyBoard;
  let nowUs = 1_000 * S;
  let ids = 0;
  const step = (sightings: readonly Sighting[]): readonly Alert[] => {
    const result = stepBoard(board, sightings, nowUs, () => `${++ids}`);
    board = result.board;
    return result.changed;
  };
  return {
    see: (over: Partial<Extract<Sighting, { seen: true }>> = {}) =>
      step([
        {
          seen: true,
          agentId: 'r1',
          cause: 'band:motor',
          level: 3,
          text: 'hot',
          advice: 'wait',
          certain: false,
          ...over,
        },
      ]),
    gone: () => step([{ seen: false, agentId: 'r1', cause: 'band:motor' }]),
    pass: (us: number) => {
      nowUs += us;
      return step([]);
    },
  };
}

test('one outlier raises nothing; the third sighting in a row does, once, and counts them', () => {
  const board = watched();
  assert.deepEqual(board.see(), []);
  board.pass(S);
  assert.deepEqual(board.see(), []);
  board.pass(S);
  assert.deepEqual(
    board.see().map(({ count, clearedTimeUs }) => [count, clearedTimeUs]),
    [[3, 0]],
  );
  assert.deepEqual(
    board.see().map(({ id, count }) => [id, count]),
    [['a-1', 4]],
  );
});

test('outliers five seconds apart never add up', () => {
  const board = watched();
  for (let k = 0; k < 10; k++) {
    assert.deepEqual(board.see(), []);
    board.pass(5 * S);
  }
});

test('an alert clears after ten quiet seconds, not before, and a later one is a new alert', () => {
  const board = watched();
  for (let k = 0; k < 3; k++) board.see();
  assert.deepEqual(board.pass(10 * S - 1), []);
  assert.equal(board.pass(1).length, 1);
  board.pass(60 * S);
  for (let k = 0; k < 2; k++) board.see();
  assert.deepEqual(
    board.see().map(({ id }) => id),
    ['a-2'],
  );
});

test('a critical finding is raised at once', () => {
  assert.equal(watched().see({ level: 4 }).length, 1);
});

test('a failsafe stands however long it is quiet, clears when it is gone, and flickering stays one alert', () => {
  const board = watched();
  assert.equal(board.see({ certain: true }).length, 1);
  assert.deepEqual(board.pass(3_600 * S), []);
  assert.ok((board.gone()[0]?.clearedTimeUs ?? 0) > 0);
  board.pass(2 * S);
  assert.deepEqual(
    board.see({ certain: true }).map(({ id, count, clearedTimeUs }) => [id, count, clearedTimeUs]),
    [['a-1', 2, 0]],
  );
});

test('agents and causes do not mix', () => {
  const board = watched();
  for (const agentId of ['r1', 'r2', 'r3']) assert.deepEqual(board.see({ agentId }), []);
  for (const cause of ['a', 'b', 'c']) assert.deepEqual(board.see({ cause }), []);
});

test('a failsafe that ends by itself is told at once, however short it was: a person asks why the robot stopped', () => {
  const board = watched();
  assert.equal(board.see({ certain: true, level: 2 }).length, 1);
  board.pass(S / 4);
  assert.ok((board.gone()[0]?.clearedTimeUs ?? 0) > 0);
});

test('one that comes and goes stays one alert, and clears only when it has stayed away', () => {
  const board = watched();
  const ids = new Set<string>();
  let cleared = 0;
  for (let k = 0; k < 20; k++) {
    for (const one of board.see({ certain: true })) ids.add(one.id);
    board.pass(S);
    cleared += board.gone().filter(({ clearedTimeUs }) => clearedTimeUs > 0).length;
    board.pass(4 * S);
  }
  assert.deepEqual([...ids], ['a-1']);
  assert.equal(cleared, 2, 'after the second return it is watched');
  assert.ok((board.pass(10 * S)[0]?.clearedTimeUs ?? 0) > 0);
});

test('whatever flickers, at whatever pace: at most one new alert in half a minute of quiet', () => {
  const step = fc.record({ seen: fc.boolean(), waitUs: fc.integer({ min: 0, max: 8 * S }) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      (steps, certain, level) => {
        const board = watched();
        let quietUs = 0;
        let quiets = 1;
        const ids = new Set<string>();
        for (const { seen, waitUs } of steps) {
          for (const one of seen ? board.see({ certain, level }) : board.gone()) ids.add(one.id);
          quietUs = seen ? 0 : quietUs;
          for (const one of board.pass(waitUs)) ids.add(one.id);
          quietUs += waitUs;
          if (quietUs >= 30 * S) {
            quiets++;
            quietUs = 0;
          }
        }
        assert.ok(ids.size <= quiets, `${ids.size} alerts in ${quiets} stretches`);
      },
    ),
    { seed: 11, numRuns: 500 },
  );
});
