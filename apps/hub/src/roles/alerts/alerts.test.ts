import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { AgentStatusSchema } from '@sigma/proto';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { about, packed, tell } from '../../subjects.ts';
import { memoryAlerts } from './alert-store.ts';
import { Alerts } from './alerts.ts';
import { HUB } from './causes.ts';
import { memorySilences, Silences } from './silences.ts';

const S = 1_000_000;

/** Alerts on a turned clock, and a robot that says how it is. */
function watched() {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  let ids = 0;
  const newId = () => `${++ids}`;
  const record = { append: async () => undefined };
  const silences = new Silences({ clock, record, newId, store: memorySilences() });
  const alerts = new Alerts({ bus, clock, tenant: 't', record, store: memoryAlerts(), newId, silences });
  const finds = (agentId: string, field: string, level = 3) => {
    const finding = { kind: 'band', agentId, channel: 'state', field, level, text: `${field} is high`, advice: 'look' };
    tell(bus, about('t', 'finding', agentId), packed(finding), 'command');
  };
  const says = (agentId: string, status: MessageInitShape<typeof AgentStatusSchema> = {}) => {
    const data = toBinary(AgentStatusSchema, create(AgentStatusSchema, { agentId, ...status }));
    tell(bus, about('t', 'status', agentId), data, 'command');
  };
  const standing = () =>
    [...alerts.known.values()]
      .filter(({ clearedTimeUs }) => clearedTimeUs === 0)
      .map(({ agentId, cause, level }) => [agentId, cause, level]);
  return { clock, says, standing, alerts, silences, finds };
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

test('a failsafe alert is as grave as what it takes to end it', async () => {
  const { clock, says, standing } = watched();
  const clears = ['when_clears', 'on_acknowledge', 'on_reset'];
  const failsafeEntries = clears.map((clear) => ({ condition: clear, action: 'stop', cause: 'why', clear }));
  says('r1', { failsafe: 'stop', failsafeEntries });
  await clock.turn(S);
  assert.deepEqual(
    standing().map(([, cause, level]) => [cause, level]),
    [
      ['failsafe:when_clears', 2],
      ['failsafe:on_acknowledge', 3],
      ['failsafe:on_reset', 4],
    ],
  );
});

const HOT = {
  failsafe: 'thermal_shutdown',
  epoch: 2,
  decisionSequence: 7n,
  failsafeEntries: [{ condition: 'motor_hot', action: 'thermal_shutdown', cause: 'hot', clear: 'on_acknowledge' }],
};

test('an overheating robot is one alert with its decision; acknowledging it acknowledges what it explains', async () => {
  const { clock, says, finds, alerts } = watched();
  for (let second = 0; second < 4; second++) {
    finds('r1', 'motorLeftC');
    finds('r1', 'motorRightC');
    says('r1', second < 2 ? {} : HOT);
    await clock.turn(S);
  }
  const all = [...alerts.known.values()];
  const root = all.find(({ cause }) => cause === 'failsafe:motor_hot');
  assert.deepEqual([root?.rootId, root?.decisionEpoch, root?.decisionSequence], ['', 2, 7]);
  assert.deepEqual(
    all.filter(({ id }) => id !== root?.id).map(({ cause, rootId }) => [cause, rootId]),
    [
      ['band:state.motorLeftC', root?.id],
      ['band:state.motorRightC', root?.id],
    ],
  );
  await alerts.acknowledge(root?.id ?? '', 'ann');
  assert.deepEqual(
    [...alerts.known.values()].map(({ acknowledgedBy }) => acknowledgedBy),
    ['ann', 'ann', 'ann'],
  );
});

test('a stop of everything is one alert until the last robot is released', async () => {
  const { clock, says, standing, alerts } = watched();
  const entry = { condition: 'operator_emergency_stop', action: 'emergency_stop', cause: 'ordered', clear: 'on_reset' };
  alerts.siteStopped('emergency', 'operator:ann');
  for (const agentId of ['r1', 'r2']) says(agentId, { failsafe: 'emergency_stop', failsafeEntries: [entry] });
  await clock.turn(S);
  const roots = [...alerts.known.values()].filter(({ rootId }) => rootId === '');
  assert.deepEqual(
    roots.map(({ agentId, cause, level }) => [agentId, cause, level]),
    [[HUB, 'stop:emergency', 4]],
  );
  says('r1');
  await clock.turn(4 * S);
  assert.ok(standing().some(([agentId]) => agentId === HUB));
  says('r2');
  await clock.turn(S);
  assert.ok(!standing().some(([agentId]) => agentId === HUB));
});

test('a silence hides its cause until its end and tells both; nothing critical is ever hidden', async () => {
  const { clock, finds, alerts, silences } = watched();
  const told: string[] = [];
  alerts.onChange(({ cause }) => told.push(cause));
  for (let second = 0; second < 3; second++) {
    finds('r1', 'motorLeftC');
    await clock.turn(S);
  }
  const silence = await silences.begin('band:state.motorLeftC', '', 60, 'being mended', 'ann');
  const known = () => [...alerts.known.values()][0] as Parameters<Silences['untilUs']>[0];
  assert.equal(silences.untilUs(known()), silence.untilTimeUs);
  assert.equal(silences.untilUs({ ...known(), level: 4 }), 0);
  assert.equal(silences.untilUs({ ...known(), cause: 'band:state.charge' }), 0);
  const before = told.length;
  for (let second = 0; second < 61; second++) {
    finds('r1', 'motorLeftC');
    await clock.turn(S);
  }
  assert.equal(silences.untilUs(known()), 0);
  assert.deepEqual(silences.list(), []);
  assert.ok(told.length > before, 'its end was told');
  assert.equal(alerts.known.size, 1, 'nothing was deleted');
});
