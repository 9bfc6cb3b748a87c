import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { AgentStatusSchema, PlanAskedSchema } from '@sigma/proto';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import type { AgentLinked } from '../../live/live-fleet.ts';
import { about, packed } from '../../subjects.ts';
import { Core } from './core.ts';
import type { Supervisor, SupervisorInput } from './supervisor.ts';

/** A core whose supervisor takes as long as it is told and remembers what it was asked at once. */
function watched(costUs: number) {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const batches: { readonly atUs: number; readonly asks: number }[] = [];
  let spentUs = 0;
  const slow = { ...bound(clock), nowUs: () => clock.nowUs() + spentUs };
  const news: [status: string, progress: number][] = [];
  const supervisor: Supervisor = {
    initial: () => ({}),
    supervise: (state, inputs: readonly SupervisorInput[]) => {
      for (const input of inputs)
        if (input.type === 'task') news.push([input.status, Math.round(input.progress * 1e3)]);
      const asks = inputs.filter(({ type }) => type === 'asked').length;
      if (asks > 0) batches.push({ atUs: clock.nowUs(), asks });
      spentUs += costUs;
      return { state, outputs: [] };
    },
    preview: () => ({ tasks: [], seconds: 0, detail: '' }),
  };
  new Core({ bus, clock: slow, tenant: 'acme', supervisor });
  const ask = async (agentId: string): Promise<void> => {
    const asked = toBinary(PlanAskedSchema, create(PlanAskedSchema, { agentId, task: { id: 't1' } }));
    await bus.publish(about('acme', 'asked', agentId), asked, 'command');
    await clock.settle();
  };
  const tell = async (taskStatus: string, taskProgress: number): Promise<void> => {
    const status = create(AgentStatusSchema, { agentId: 'r1', taskId: 't1', taskStatus, taskProgress });
    const who = { agentId: 'r1', linked: true, edgeId: 'e1', epoch: 1, role: 'carrier', body: 'carrier' };
    const link: AgentLinked = { ...who, epochTimeUs: 0, capabilities: [], channels: [] };
    await bus.publish(about('acme', 'link', 'r1'), packed(link), 'command');
    await bus.publish(about('acme', 'status', 'r1'), toBinary(AgentStatusSchema, status), 'command');
    await clock.settle();
  };
  return { clock, batches, ask, news, tell };
}
const bound = (clock: TurnedClock) => ({
  after: clock.after.bind(clock),
  every: clock.every.bind(clock),
  soon: clock.soon.bind(clock),
});

test('a quick supervisor hears every question at once', async () => {
  const { batches, ask } = watched(1_000);
  for (const agentId of ['r1', 'r2', 'r3']) await ask(agentId);
  assert.deepEqual(
    batches.map(({ asks }) => asks),
    [1, 1, 1],
  );
});

test('[L8] one at its limit leaves as much time as it takes, hears all that came meanwhile together, and loses nothing', async () => {
  const { clock, batches, ask } = watched(20_000);
  await ask('r0');
  for (let k = 1; k <= 6; k++) {
    await ask(`r${k}`);
    await clock.turn(10_000);
  }
  await clock.turn(50_000);
  assert.deepEqual(
    batches.map(({ asks }) => asks),
    [1, 2, 2, 2],
  );
  const pauses = batches.slice(1).map(({ atUs }, k) => atUs - (batches[k]?.atUs ?? 0));
  assert.ok(
    pauses.every((us) => us >= 20_000 && us <= 25_000),
    pauses.join(' '),
  );
});

test('how far a task has come is heard on the way, in steps that are worth it, and never after its end', async () => {
  const { news, tell } = watched(1_000);
  for (const share of [0, 0.004, 0.25, 0.255, Number.NaN, 7]) await tell('active', share);
  await tell('done', 1);
  await tell('active', 0.5);
  assert.deepEqual(news, [
    ['active', 0],
    ['active', 250],
    ['active', 1_000],
    ['done', 1_000],
  ]);
});
