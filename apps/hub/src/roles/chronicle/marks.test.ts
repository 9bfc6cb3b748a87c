import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { AgentEventSchema, AgentStatusSchema, DecisionMadeSchema } from '@sigma/proto';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { LiveFleet } from '../../live/live-fleet.ts';
import { about, packed, tell } from '../../subjects.ts';
import type { Alert } from '../alerts/board.ts';
import type { Act } from './acts.ts';
import { type Mark, type MarkStore, memoryMarks } from './mark-store.ts';
import { Marks } from './marks.ts';

const S = 1_000_000;
const EPOCH_US = 1_600_000_000_000_000;
const ALL = {
  fromTimeUs: 0,
  toTimeUs: Number.MAX_SAFE_INTEGER,
  kinds: [],
  agentId: '',
  choose: 'most_urgent',
} as const;

/** Marks of one robot on a turned clock. */
function chronicle(over: { readonly store?: MarkStore; readonly kept?: number } = {}) {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const fleet = new LiveFleet(bus, 't', 'test');
  const hear: { alert?: (alert: Alert) => void; act?: (act: Act) => void } = {};
  const losses: string[] = [];
  let ids = 0;
  const marks = new Marks({
    bus,
    clock,
    tenant: 't',
    fleet,
    alerts: {
      onChange: (heard) => {
        hear.alert = heard;
        return () => undefined;
      },
    },
    missions: { onChange: () => () => undefined },
    acts: {
      onAct: (heard) => {
        hear.act = heard;
        return () => undefined;
      },
    },
    newId: () => String(++ids).padStart(6, '0'),
    onShed: (count, why) => losses.push(`${count} ${why}`),
    store: memoryMarks(),
    ...over,
  });
  const link = {
    agentId: 'r1',
    linked: true,
    edgeId: 'e',
    epoch: 3,
    role: 'carrier',
    body: 'carrier',
    capabilities: [],
  };
  tell(bus, about('t', 'link', 'r1'), packed({ ...link, epochTimeUs: EPOCH_US, channels: [] }), 'command');
  const event = (atUs: number, name: string, body: object) => {
    const signal = { name, bodyJson: JSON.stringify(body) };
    const made = create(AgentEventSchema, { agentId: 'r1', atUs: BigInt(atUs), signal });
    tell(bus, about('t', 'event', 'r1'), toBinary(AgentEventSchema, made), 'command');
  };
  const decided = (atUs: number, sequence: bigint, epoch = 3) => {
    const decision = { sequence, context: { epoch } };
    const made = create(DecisionMadeSchema, { agentId: 'r1', atUs: BigInt(atUs), decision });
    tell(bus, about('t', 'decision', 'r1'), toBinary(DecisionMadeSchema, made), 'telemetry');
  };
  const status = (over: MessageInitShape<typeof AgentStatusSchema>) => {
    const made = create(AgentStatusSchema, { agentId: 'r1', epoch: 3, ...over });
    tell(bus, about('t', 'status', 'r1'), toBinary(AgentStatusSchema, made), 'command');
  };
  return { clock, marks, hear, losses, event, decided, status };
}

const violation = {
  violation: { kind: 'physical', decisionSequence: 4, command: 'drive', quantity: 'xM', expected: 2, observed: 1.5 },
};
const raised = { change: 'raised', entry: { action: 'protective_stop', cause: 'too near', clear: 'on_reset' } };

test('what happened stands where and when it happened, with the decision of the same wake', async () => {
  const { clock, marks, event, decided, status } = chronicle();
  await clock.settle();
  decided(5 * S, 4n);
  event(6 * S, 'violation', violation);
  event(6 * S, 'failsafe', raised);
  event(6 * S, 'failsafe', { ...raised, change: 'cleared' });
  decided(6 * S, 5n);
  decided(7 * S, 6n);
  status({ stop: 'emergency', atUs: BigInt(8 * S), decisionSequence: 6n });
  await clock.turn(S);
  const { marks: found, more } = await marks.find(ALL, 10);
  assert.equal(more, false);
  assert.deepEqual(
    found.map(({ timeUs, kind, level, decisionSequence, decisionEpoch, text }) => [
      (timeUs - EPOCH_US) / S,
      kind,
      level,
      `${decisionEpoch}.${decisionSequence}`,
      text,
    ]),
    [
      [6, 'failsafe', 4, '3.5', 'protective_stop: too near'],
      [6, 'violation', 2, '3.5', 'drive: xM was to be 2 and is 1.5'],
      [8, 'stop', 4, '3.6', 'emergency stop'],
    ],
  );
});

test('a failsafe comes ahead of the decision that answers it, which waits for a slow disk: it is marked when that has come, and of a robot that says no more after three seconds', async () => {
  const { clock, marks, event, decided, status } = chronicle();
  const told: string[] = [];
  marks.onMark(({ decisionSequence }) => told.push(String(decisionSequence)));
  const found = async () => (await marks.find({ ...ALL, choose: 'oldest' }, 10)).marks;
  await clock.settle();
  decided(5 * S, 4n);
  event(6 * S, 'failsafe', raised);
  status({ atUs: BigInt(6 * S), decisionSequence: 5n });
  await clock.turn(S);
  assert.deepEqual([await found(), told], [[], []]);
  decided(6 * S, 5n);
  await clock.settle();
  assert.deepEqual(
    (await found()).map(({ decisionSequence }) => decisionSequence),
    [5],
  );
  event(7 * S, 'violation', violation);
  await clock.turn(S);
  assert.equal((await found()).length, 1);
  status({ atUs: BigInt(7.5 * S), decisionSequence: 5n });
  await clock.settle();
  assert.equal((await found()).length, 2, 'it has decided nothing else by then');
  event(8 * S, 'failsafe', raised);
  await clock.turn(3 * S);
  assert.deepEqual(
    (await found()).map(({ decisionSequence }) => decisionSequence),
    [5, 5, 5],
  );
  assert.deepEqual(told, ['5', '5', '5']);
  event(9 * S, 'failsafe', raised);
  await clock.settle();
  await marks.close();
  assert.equal((await found()).length, 4, 'nothing that was heard is lost with the hub');
});

test('a stop that an earlier life of the hub has marked is no news to the next; one that nobody has marked is', async () => {
  const store = memoryMarks();
  for (const [heardS, stop, wanted] of [
    [10, 'emergency', ['emergency stop']],
    [20, 'emergency', ['emergency stop']],
    [30, 'protective', ['emergency stop', 'protective stop']],
  ] as const) {
    const { clock, marks, status } = chronicle({ store });
    await clock.settle();
    for (const second of [0, 1]) status({ stop, atUs: BigInt((heardS + second) * S) });
    await clock.turn(S);
    const { marks: found } = await marks.find({ ...ALL, choose: 'oldest' }, 10);
    assert.deepEqual(found.map(({ text }) => text).sort(), wanted);
  }
});

test('a mark is answered by no decision of an earlier life, and what is sent again is one mark', async () => {
  const { clock, marks, event, decided, status } = chronicle();
  await clock.settle();
  decided(1 * S, 9n, 2);
  event(2 * S, 'violation', violation);
  status({ atUs: BigInt(3 * S) });
  await clock.turn(S);
  event(2 * S, 'violation', violation);
  const { marks: found } = await marks.find(ALL, 10);
  assert.deepEqual(
    found.map(({ decisionEpoch, decisionSequence }) => `${decisionEpoch}.${decisionSequence}`),
    ['0.0'],
  );
});

test('of too many the most urgent come, in order of time; a step takes the nearest whatever it is', async () => {
  const { clock, marks, event, status } = chronicle();
  await clock.settle();
  for (let second = 1; second <= 20; second++) event(second * S, 'violation', violation);
  event(10 * S, 'failsafe', raised);
  status({ atUs: BigInt(20 * S) });
  await clock.turn(S);
  const seconds = (found: readonly Mark[]) => found.map(({ timeUs }) => (timeUs - EPOCH_US) / S);
  const urgent = await marks.find(ALL, 3);
  assert.deepEqual([urgent.more, seconds(urgent.marks)], [true, [10, 19, 20]]);
  const from = EPOCH_US + 5 * S + 1;
  assert.deepEqual(seconds((await marks.find({ ...ALL, fromTimeUs: from, choose: 'oldest' }, 2)).marks), [6, 7]);
  assert.deepEqual(seconds((await marks.find({ ...ALL, toTimeUs: from, choose: 'newest' }, 2)).marks), [5, 4]);
  assert.equal((await marks.find({ ...ALL, kinds: ['failsafe'] }, 9)).marks.length, 1);
  assert.equal((await marks.find({ ...ALL, agentId: 'r2' }, 9)).marks.length, 0);
});

test('an explained alert and an old one are no news; acts and faults are, with their outcome', async () => {
  const { clock, marks, hear } = chronicle();
  await clock.settle();
  const alert = {
    id: 'a1',
    level: 3,
    agentId: 'r1',
    cause: 'c',
    text: 'hot',
    raisedTimeUs: clock.nowUs(),
    rootId: '',
    clearedTimeUs: 0,
  } as Alert;
  for (const over of [{}, { count: 2 }, { id: 'a2', rootId: 'a1' }, { id: 'a3', raisedTimeUs: 1 }])
    hear.alert?.({ ...alert, ...over });
  const act = {
    id: '1',
    timeUs: 1,
    actor: 'operator:ann',
    targets: ['r1'],
    summary: 'did it',
    outcome: 'accepted',
    reason: '',
  };
  hear.act?.({ ...act, act: 'ResetAgent' });
  hear.act?.({ ...act, act: 'InjectFault', targets: ['r1', 'r2'] });
  const { marks: found } = await marks.find(ALL, 10);
  assert.deepEqual(found.map(({ kind, agentId, text }) => `${kind} ${agentId} ${text}`).sort(), [
    'act r1 operator:ann: did it (accepted)',
    'alert r1 hot',
    'fault  operator:ann: did it (accepted)',
  ]);
});

test('[L8] marks that cannot be kept leave a gap that says so, and what is given up in time is said as well', async () => {
  const store = memoryMarks();
  let away = true;
  const failing: MarkStore = {
    ...store,
    add: (batch) => (away ? Promise.reject(new Error('the database is away')) : store.add(batch)),
  };
  const { clock, marks, event, losses, status } = chronicle({ store: failing, kept: 5 });
  await clock.settle();
  for (let second = 1; second <= 3; second++) event(second * S, 'violation', violation);
  status({ atUs: BigInt(3 * S) });
  await clock.turn(2 * S);
  assert.deepEqual(losses, ['3 the database is away']);
  away = false;
  const { marks: found } = await marks.find(ALL, 10);
  assert.deepEqual(
    found.map(({ kind, text }) => [kind, text]),
    [['gap', '3 marks from here on are lost: the database is away']],
  );
  for (let second = 11; second <= 20; second++) event(second * S, 'violation', violation);
  status({ atUs: BigInt(20 * S) });
  await clock.turn(S);
  const left = await marks.find({ ...ALL, choose: 'oldest' }, 10);
  assert.deepEqual([left.marks.length, left.keptFromUs], [5, EPOCH_US + 15 * S + 1]);
});
