import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { AgentStatusSchema } from '@sigma/proto';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { about, tell } from '../../subjects.ts';
import { memoryAlerts } from './alert-store.ts';
import { Alerts } from './alerts.ts';

const S = 1_000_000;

/** Alerts on a turned clock, and a robot that says how it is. */
function watched() {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  let ids = 0;
  const newId = () => `${++ids}`;
  const record = { append: async () => undefined };
  const alerts = new Alerts({ bus, clock, tenant: 't', record, store: memoryAlerts(), newId });
  const says = (agentId: string, status: MessageInitShape<typeof AgentStatusSchema> = {}) => {
    const data = toBinary(AgentStatusSchema, create(AgentStatusSchema, { agentId, ...status }));
    tell(bus, about('t', 'status', agentId), data, 'command');
  };
  const standing = () =>
    [...alerts.known.values()]
      .filter(({ clearedTimeUs }) => clearedTimeUs === 0)
      .map(({ agentId, cause, level }) => [agentId, cause, level]);
  return { clock, says, standing };
}

test('[L5] a robot that falls silent is told once, by name, and until it is heard again', async () => {
  const { clock, says, standing } = watched();
  for (let second = 0; second < 4; second++) {
    says('r1');
    says('r2');
    await clock.turn(S);
  }
  for (let second = 0; second < 8; second++) {
    says('r2');
    await clock.turn(S);
  }
  assert.deepEqual(standing(), [['r1', 'link:silent', 3]]);
  says('r1');
  says('r2');
  await clock.turn(S);
  assert.deepEqual(standing(), []);
});

test('a failsafe alert is as grave as what it takes to end it; one that ends by itself is held off a moment', async () => {
  const { clock, says, standing } = watched();
  const clears = ['when_clears', 'on_acknowledge', 'on_reset'];
  const failsafeEntries = clears.map((clear) => ({ condition: clear, action: 'stop', cause: 'why', clear }));
  says('r1', { failsafe: 'stop', failsafeEntries });
  await clock.turn(S);
  assert.deepEqual(
    standing().map(([, cause, level]) => [cause, level]),
    [
      ['failsafe:on_acknowledge', 3],
      ['failsafe:on_reset', 4],
      ['failsafe:when_clears', 2],
    ],
  );
});
