import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BacklogLane } from './backlog-lane.ts';

/** A store that commits when it is told to, and what it was given in order. */
function store() {
  const given: string[] = [];
  const open = new Map<string, PromiseWithResolvers<void>>();
  let nowUs = 0;
  const looks: (() => void)[] = [];
  const lane = new BacklogLane(100, { nowUs: () => nowUs, after: (_us, run) => void looks.push(run) });
  /** Lets time pass, in steps in which the lane looks. */
  const turn = (us: number): void => {
    for (const untilUs = nowUs + us; nowUs < untilUs; ) {
      nowUs += 5_000;
      for (const look of looks.splice(0)) look();
    }
  };
  const pass = (name: string, behind: boolean, bytes = 60): Promise<void> =>
    lane.pass(name.split(' ')[0] as string, behind, bytes, () => {
      const gate = Promise.withResolvers<void>();
      open.set(name, gate);
      given.push(name);
      return gate.promise;
    });
  const commit = async (name: string, error?: Error): Promise<void> => {
    if (error === undefined) open.get(name)?.resolve();
    else open.get(name)?.reject(error);
    await setImmediate();
  };
  return { given, pass, commit, turn };
}

test('[R125] [L8] what is live passes backlogs that wait for the store, and these go on as room comes', async () => {
  const { given, pass, commit } = store();
  const all = [pass('old 1', true), pass('old 2', true), pass('old 3', true, 30), pass('new 1', false)];
  assert.deepEqual(given, ['old 1', 'new 1']);
  await commit('new 1');
  assert.deepEqual(given, ['old 1', 'new 1']);
  await commit('old 1');
  assert.deepEqual(given, ['old 1', 'new 1', 'old 2', 'old 3']);
  await Promise.all([commit('old 2'), commit('old 3'), ...all]);
});

test('[R125] within a chain order stands: what became live waits behind its own backlog', async () => {
  const { given, pass, commit } = store();
  void pass('r1 1', true);
  void pass('r1 2', true);
  void pass('r1 3', false);
  assert.deepEqual(given, ['r1 1']);
  await commit('r1 1');
  assert.deepEqual(given, ['r1 1', 'r1 2']);
  await commit('r1 2');
  assert.deepEqual(given, ['r1 1', 'r1 2', 'r1 3']);
});

test('[R125] a batch that is greater than all room goes alone, and one that the store does not take makes room again', async () => {
  const { given, pass, commit } = store();
  const lost = pass('old 1', true, 500);
  void pass('old 2', true);
  assert.deepEqual(given, ['old 1']);
  await Promise.all([assert.rejects(lost, /full/), commit('old 1', new Error('full'))]);
  assert.deepEqual(given, ['old 1', 'old 2']);
});

test('[R125] beside what is live a backlog has its pace and its rests, and goes on by itself', async () => {
  const { given, pass, commit, turn } = store();
  await Promise.all([pass('new 1', false), commit('new 1')]);
  const big = 8 * 1024 * 1024;
  void pass('old 1', true, big);
  turn(5_000);
  assert.deepEqual(given, ['new 1', 'old 1']);
  void pass('old 2', true, big);
  await commit('old 1');
  // The first took a second of its pace: what is live comes meanwhile, and again.
  for (const name of ['new 2', 'new 3']) {
    turn(400_000);
    await Promise.all([pass(name, false), commit(name)]);
  }
  assert.deepEqual(given, ['new 1', 'old 1', 'new 2', 'new 3']);
  turn(600_000);
  assert.deepEqual(given, ['new 1', 'old 1', 'new 2', 'new 3', 'old 2']);
});
