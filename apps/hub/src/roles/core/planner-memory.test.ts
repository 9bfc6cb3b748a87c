import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { PlannerMemory, type PlannerStore } from './planner-memory.ts';
import type { SupervisorOutput } from './supervisor.ts';

const assign = (agentId: string): SupervisorOutput => ({
  type: 'assign',
  agentId,
  task: { id: 't1', missionId: 'm1', kind: 'patrol', args: {}, priority: 0 },
});
const plan = (agentId: string, revision: number): SupervisorOutput => ({
  type: 'plan',
  agentId,
  plan: { taskId: 't1', revision, intents: [], confidence: 1, rationale: '', basis: null, alternatives: [] },
});

/** A memory over a store that is durable only when the test lets it. */
function kept() {
  const clock = new TurnedClock();
  const saved: Parameters<PlannerStore['save']>[0][] = [];
  const waiting: { readonly done: () => void; readonly fail: (error: Error) => void }[] = [];
  const store: PlannerStore = {
    load: async () => null,
    save: (state) => {
      saved.push(state);
      return new Promise((done, fail) => waiting.push({ done, fail }));
    },
  };
  const said: string[] = [];
  let state = 0;
  const memory = new PlannerMemory({
    store,
    clock,
    version: 'v1',
    parts: () =>
      new Map<string, unknown>([
        ['state', state],
        ['site', 7],
      ]),
    say: (output) => said.push(`${output.type} ${output.type === 'mission' ? output.mission.id : output.agentId}`),
  });
  const take = (...outputs: SupervisorOutput[]): void => {
    state++;
    memory.take(outputs);
  };
  const durable = async (): Promise<void> => {
    waiting.shift()?.done();
    await clock.settle();
  };
  const fails = async (): Promise<void> => {
    waiting.shift()?.fail(new Error('away'));
    await clock.settle();
  };
  return { clock, memory, said, saved, take, durable, fails };
}

test('[L3] work is given only when the state that gave it is durable; plans of others do not wait for that', async () => {
  const { said, saved, take, durable } = kept();
  take(assign('r1'), plan('r1', 1), plan('r2', 1));
  assert.deepEqual(said, ['plan r2']);
  assert.deepEqual(
    saved.map(({ put }) => put.get('state')),
    ['1'],
  );
  await durable();
  assert.deepEqual(said, ['plan r2', 'assign r1', 'plan r1']);
});

test('what is taken while a state is on its way waits for the next one, in order for each agent', async () => {
  const { said, saved, take, durable } = kept();
  take(assign('r1'));
  take(plan('r1', 1), assign('r2'));
  take(plan('r1', 2));
  assert.deepEqual(said, []);
  await durable();
  assert.deepEqual(said, ['assign r1']);
  assert.deepEqual(
    saved.map(({ put }) => put.get('state')),
    ['1', '3'],
  );
  await durable();
  assert.deepEqual(said, ['assign r1', 'plan r1', 'assign r2', 'plan r1']);
  take(plan('r1', 3));
  assert.equal(said.at(-1), 'plan r1');
  assert.equal(said.length, 5);
});

test('plans alone are kept within a second, many together', async () => {
  const { clock, saved, take, durable } = kept();
  for (let k = 1; k <= 5; k++) {
    take(plan('r1', k));
    await clock.turn(150_000);
  }
  assert.equal(saved.length, 0);
  await clock.turn(300_000);
  assert.deepEqual(
    saved.map(({ put }) => put.get('state')),
    ['5'],
  );
  await durable();
  await clock.turn(5_000_000);
  assert.equal(saved.length, 1, 'nothing new, nothing written');
});

test('with a store that fails or hangs the fleet goes on after a second at most, and the memory says why it forgets', async () => {
  const { clock, memory, said, take, fails, durable } = kept();
  take(assign('r1'));
  await fails();
  assert.deepEqual(said, ['assign r1']);
  assert.equal(memory.failure?.message, 'away');
  take(assign('r2'));
  await clock.turn(1_999_999);
  assert.deepEqual(said, ['assign r1']);
  await clock.turn(2);
  assert.deepEqual(said, ['assign r1', 'assign r2']);
  assert.match(memory.failure?.message ?? '', /does not answer/);
  take(assign('r3'));
  await clock.turn(1_000_000);
  await durable();
  await durable();
  assert.equal(said.at(-1), 'assign r3');
  assert.equal(memory.failure, null);
});
