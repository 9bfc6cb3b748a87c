import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { STATE_FIELDS } from '@sigma/fleet-model';
import {
  AgentStatusSchema,
  AlertLevel,
  AlertSchema,
  Authority,
  ChannelSchemaSchema,
  DecisionSchema,
  FailsafeEntrySchema,
  MissionSchema,
  MissionStatus,
  OnTheWaySchema,
  TelemetryFrameSchema,
} from '@sigma/proto';
import { sensorLines } from '../panels/robot/sensor-lines.ts';
import { agentState, nextStep } from './agent-state.ts';
import { byRobot, causeWords, groupAlerts, maySilence } from './alert-words.ts';
import { decisionTitle, reasonWords, restrictionWords, viewDecision } from './decision-words.ts';
import { markWords, onTheWayWords } from './mark-words.ts';
import { byStanding, goalWords, taskName } from './mission-words.ts';
import {
  agentTime,
  bandShort,
  liveReading,
  localTime,
  midSentence,
  namedNumber,
  number,
  personWords,
  plainWords,
  reading,
  sensorWords,
  span,
  utcTime,
  words,
} from './quantities.ts';
import { sensorMeaning } from './sensor-meaning.ts';
import { acknowledgeConsequence, resetConsequence, stopConsequence } from './stop-words.ts';

test('numbers carry their unit and no false digits', () => {
  assert.equal(namedNumber('speedMps', 0.6), 'speed 0.6 m/s');
  assert.equal(namedNumber('holdUs', 1_250_000), 'hold 1.25 s');
  assert.equal(namedNumber('category', 1), 'category 1');
  assert.equal(number(100), '100');
  assert.equal(number(-0.0001), '0');
  assert.equal(number(-0.5), '−0.5', 'a minus as wide as a figure');
  assert.equal(bandShort(-20, 20, 'N m'), '−20 – 20 N·m');
  assert.deepEqual(
    [-0.001, -0.02].map((value) => liveReading(value, 'm/s')),
    ['0.00 m/s', '−0.02 m/s'],
  );
  assert.equal(number(Number.NaN), 'no reading');
  assert.equal(reading(0.834, 'fraction'), '83 %');
  assert.equal(reading(41.25, 'degC'), '41.3 °C');
  assert.equal(words('motorTempLeft'), 'motor temp left');
  assert.deepEqual(['bumper', 'frames_late', 'command_held', 'body_time_lost', 'constructor'].map(words), [
    'bumper contact',
    'no frames from the body',
    'command held back by the recorder',
    'clock of the body stood still',
    'constructor',
  ]);
  assert.deepEqual([400, 12_000, 200_000, 7_500_000].map(span), ['0.4 s', '12 s', '3 min', '2 h 5 min']);
  assert.equal(agentTime(64_250_000n), '1:04.250');
  assert.equal(utcTime(1_700_000_000_000_000n), '22:13:20');
});

test('a line of a log says of a drive what tells: straight on goes without saying, a turn does not', () => {
  const drive = (turnRadps: number) =>
    create(DecisionSchema, {
      command: {
        name: 'drive',
        params: [
          { name: 'speedMps', value: { case: 'number', value: 0.9 } },
          { name: 'turnRadps', value: { case: 'number', value: turnRadps } },
        ],
        kind: { case: 'setPoint', value: { durationUs: 1_200_000n } },
      },
    });
  assert.equal(decisionTitle(drive(0)), 'drive: speed 0.9 m/s');
  assert.equal(decisionTitle(drive(-0.4)), 'drive: speed 0.9 m/s, turn −0.4 rad/s, for 1.2 s');
  assert.match(viewDecision(drive(0), 0n).command, /turn 0 rad\/s/, 'opened, it says all of it');
});

test('every number that a robot of the fleet tells says what it is, and a bound that bounds nothing is not shown', () => {
  const undescribed = STATE_FIELDS.map(({ name }) => name).filter((name) => sensorMeaning(name) === '');
  assert.deepEqual(undescribed, []);
  assert.equal(sensorMeaning('constructor'), '');
  const fields = [
    { name: 'freePathM', unit: 'm', low: 0, high: 1_000 },
    { name: 'personM', unit: 'm', low: 0.7, high: 1_000 },
  ];
  const frame = create(TelemetryFrameSchema, { channel: 'state', values: [3, 4] });
  const lines = sensorLines([frame], [create(ChannelSchemaSchema, { channel: 'state', fields })]);
  assert.deepEqual(
    lines.map(({ name, band }) => `${name} ${band}`),
    ['free path ', 'person ≥ 0.7 m'],
  );
  assert.match(lines[0]?.about ?? '', /^How far the way ahead .* It has no band it must be in\.$/);
});

test('what a robot tells twice under two names is one reading, and a robot that knows one name keeps it', () => {
  const lines = (...names: string[]) => {
    const fields = names.map((name) => ({ name, unit: '1', low: 0.15, high: 1 }));
    const frame = create(TelemetryFrameSchema, { channel: 'state', values: names.map(() => 0.5) });
    return sensorLines([frame], [create(ChannelSchemaSchema, { channel: 'state', fields })]).map(({ name }) => name);
  };
  assert.deepEqual(lines('charge', 'battery'), ['charge']);
  assert.deepEqual(lines('battery'), ['battery']);
});

test('a mark names people by their address, and says something even where the hub said nothing', () => {
  const said = (text: string) => markWords({ kind: 'act', agentId: 'r1', text });
  assert.equal(said("operator:ann@site.example: sent mission 'aisle-2'"), "ann@site.example: sent mission 'aisle-2'");
  assert.equal(said('operator: stop'), 'operator: stop', 'no account');
  assert.equal(said('thermal_shutdown: a motor is hot'), 'thermal shutdown: a motor is hot');
  assert.equal(said('m_1 done'), 'm_1 done', 'no action');
  assert.equal(said('boardC is 80 degC'), 'board is 80 °C');
  assert.equal(markWords({ kind: 'command_held', agentId: 'r1', text: '' }), 'command held back by the recorder of r1');
});

test('[R192] [R193] what is reported only says so, and it is said whose record is still to come and up to when it is here', () => {
  const mark = { kind: 'failsafe', agentId: 'r1', text: 'stop: near' };
  assert.equal(markWords({ ...mark, reported: true }), 'stop: near (reported; its record is still to come)');
  assert.match(
    markWords({ ...mark, reported: true, unprovable: 'dropped' }),
    /^stop: near \(its record was dropped on the robot; reported ahead, cannot be proved\)$/,
  );
  assert.match(markWords({ ...mark, reported: true, unprovable: 'damaged' }), /came damaged/);
  assert.equal(markWords({ ...mark, reported: false, unprovable: '' }), 'stop: near');
  const life = (agentId: string, upToTimeUs: bigint, outOfReach = false) =>
    create(OnTheWaySchema, { agentId, upToTimeUs, outOfReach });
  assert.equal(onTheWayWords([]), '');
  assert.equal(
    onTheWayWords([life('r1', 0n), life('r2', 1_700_000_000_000_000n, true), life('r3', 0n), life('r4', 0n)]),
    'not all is here: the record is still to come of r1 (nothing is here yet), ' +
      `r2 (here up to ${localTime(1_700_000_000_000_000n)}, out of reach), r3 (nothing is here yet) and 1 others`,
  );
});

test('a decision names its winner, what was clamped, and why each loser lost', () => {
  const drive = (speed: number) => ({
    name: 'drive',
    params: [{ name: 'speedMps', value: { case: 'number' as const, value: speed } }],
    kind: { case: 'setPoint' as const, value: { durationUs: 1_200_000n } },
  });
  const plan = {
    source: 'plan:primary',
    authority: Authority.MISSION,
    rationale: 'aisle is free',
    wants: { case: 'command' as const, value: drive(0.9) },
  };
  const yieldTo = {
    source: 'peer:r07',
    authority: Authority.SWARM,
    wants: { case: 'command' as const, value: { name: 'hold' } },
  };
  const slow = {
    source: 'reflex:human_proximity',
    authority: Authority.SAFETY,
    rationale: 'person at 1.2 m',
    wants: { case: 'restriction' as const, value: { atMost: [{ param: 'speedMps', atMost: 0.3 }], forbid: [] } },
  };
  const view = viewDecision(
    create(DecisionSchema, {
      sequence: 12n,
      context: { epoch: 1, inputSequence: 480n, policyHash: 'abcdef0123456789' },
      chosen: yieldTo,
      command: drive(0.3),
      confidence: 0.94,
      rejected: [{ proposal: plan, reason: 'lower_authority', by: 'peer:r07' }],
      restrictions: [slow],
      clamped: [{ param: 'speedMps', from: 0.9, to: 0.3 }],
    }),
    5_000_000n,
  );
  assert.equal(view.title, 'drive: speed 0.3 m/s, for 1.2 s');
  assert.equal(view.winner, 'swarm · peer:r07');
  assert.deepEqual(
    view.contenders.map(({ authority, source, what, why, won }) => [authority, source, what, why, won]),
    [
      ['swarm', 'peer:r07', 'hold', '', true],
      ['mission', 'plan:primary', 'drive: speed 0.9 m/s, for 1.2 s', 'lower authority than peer:r07', false],
    ],
  );
  const [bound] = view.restrictions;
  assert.deepEqual(
    [bound?.authority, bound?.source, bound?.what, bound?.why, bound?.bit],
    ['safety', 'reflex:human_proximity', 'at most speed 0.3 m/s', 'person at 1.2 m', true],
  );
  assert.equal(view.kind, 'clamp');
  const [clamp] = view.clamped;
  assert.deepEqual(
    [clamp?.name, clamp?.from, clamp?.to, clamp?.by],
    ['speed', '0.9 m/s', '0.3 m/s', 'reflex:human_proximity'],
  );
  assert.ok(Math.abs((clamp?.share ?? 0) - 1 / 3) < 1e-9);
  assert.deepEqual(view.context, { epoch: 1, input: '480', policy: 'abcdef0123456789' });
});

test('a decision that nobody asked for says so instead of inventing a winner', () => {
  const view = viewDecision(create(DecisionSchema, { command: { name: 'hold' } }), 0n);
  assert.equal(view.authority, 'rest');
  assert.match(view.winner, /nobody proposed anything/);
});

test('a title says where and how fast; the opened command says everything', () => {
  const params = Object.entries({
    beyondM: 3,
    cruiseMps: 1.8,
    fromXM: 1,
    fromYM: 2,
    speedMps: 0.6,
    toXM: 30.5,
    toYM: 55.5,
  });
  const command = {
    name: 'drive',
    params: params.map(([name, value]) => ({ name, value: { case: 'number' as const, value } })),
    kind: { case: 'setPoint' as const, value: { durationUs: 300_000n } },
  };
  const view = viewDecision(create(DecisionSchema, { command }), 0n);
  assert.equal(view.title, 'drive: to 30.5, 55.5 m, speed 0.6 m/s');
  assert.equal(
    view.command,
    'drive: to 30.5, 55.5 m, speed 0.6 m/s, cruise 1.8 m/s, beyond 3 m, from 1, 2 m, for 0.3 s',
  );
});

test('names of missions, fields and people are read, not decoded', () => {
  const mission = create(MissionSchema, {
    id: 'm-mwq.x',
    name: 'Cover west yard',
    tasks: [{ id: 'm-mwq.x.1' }, { id: 'm-mwq.x.2' }],
  });
  const known = (id: string) => (id === mission.id ? mission : undefined);
  assert.equal(taskName('m-mwq.x.2', known), 'Cover west yard (2 of 2)');
  assert.equal(taskName('m-other.1', known), 'm-other.1');
  assert.equal(taskName('', known), '');
  assert.equal(
    plainWords('motorLeftC is 111.6 degC, above 85 degC; personM is 0.7 m'),
    'motor left is 111.6 °C, above 85 °C; person is 0.7 m',
  );
  assert.equal(personWords('operator:ada@example.org'), 'ada@example.org');
});

test('a reason that this page does not know is shown as it came', () => {
  assert.equal(reasonWords('out_of_purse', 'rule:tax'), 'out of purse (rule:tax)');
  assert.equal(
    restrictionWords(
      create(DecisionSchema, {
        restrictions: [{ wants: { case: 'restriction', value: { forbid: ['zone:4', 'name:lift'] } } }],
      }).restrictions[0]?.wants.value as never,
    ),
    'not in zone 4, never lift',
  );
});

const status = (init: object) =>
  create(AgentStatusSchema, { agentId: 'r1', stop: 'none', chain: 'primary', mode: 'automatic', ...init });

test('the gravest true thing about a robot comes first', () => {
  const entry = (clear: string) => create(FailsafeEntrySchema, { action: 'thermal_shutdown', clear });
  assert.equal(agentState(status({ taskId: 't1' }), 0).word, 'working');
  assert.equal(agentState(status({}), 0).word, 'idle');
  assert.equal(agentState(status({ taskId: 't1' }), 3_000).word, 'stale 3 s');
  assert.equal(
    agentState(status({ stop: 'emergency' }), 3_000).word,
    'emergency stop',
    'a short silence hides no emergency stop',
  );
  assert.equal(agentState(status({ stop: 'emergency' }), 60_000).word, 'no contact 60 s');
  const hot = agentState(
    status({ failsafe: 'thermal_shutdown', failsafeEntries: [entry('when_clears'), entry('on_reset')] }),
    0,
  );
  assert.deepEqual(hot, { word: 'thermal shutdown', level: 'critical', shape: 'octagon' });
  assert.equal(agentState(status({ chain: 'mechanical' }), 0).level, 'critical');
});

test('a failsafe entry says what stands in the way of its end', () => {
  const entry = (init: object) => create(FailsafeEntrySchema, { clear: 'on_reset', ...init });
  assert.equal(nextStep(entry({ present: true })), 'the cause is still there');
  assert.equal(nextStep(entry({})), 'acknowledge it');
  assert.equal(nextStep(entry({ acknowledgedBy: 'ada' })), 'reset the robot');
});

test('a flood of one cause is one line; acknowledged is not resolved; what is over comes last, and is history once acknowledged', () => {
  const alert = (id: string, init: object = {}) =>
    create(AlertSchema, { id, cause: 'link_loss', level: AlertLevel.WARNING, raisedTimeUs: BigInt(id), ...init });
  const groups = groupAlerts([
    alert('1'),
    alert('2'),
    alert('3', { acknowledgedBy: 'ada', clearedTimeUs: 5n }),
    alert('4', { cause: 'overheating', level: AlertLevel.CRITICAL, acknowledgedBy: 'ada' }),
    alert('5', { cause: 'battery', level: AlertLevel.ADVISORY, clearedTimeUs: 9n }),
  ]);
  assert.deepEqual(
    groups.map((group) => [group.cause, group.alerts.length, group.unacknowledged]),
    [
      ['link_loss', 2, 2],
      ['overheating', 1, 0],
      ['battery', 1, 1],
    ],
  );
});

test('what a witness found reads as a sentence, and what is to be copied stays as it is', () => {
  assert.equal(causeWords('witness:key:edge-1'), 'edge-1 shows another key');
  assert.equal(causeWords('witness:hub_key:edge-1'), 'edge-1 knows the hub by another key');
  assert.equal(causeWords('sync:forgot:edge-1'), 'the hub holds less than it acknowledged to edge-1');
  assert.equal(causeWords('sync:forgot'), 'the hub holds less than it acknowledged');
  assert.equal(causeWords('sync:stranger:edge-1'), 'edge-1 sends what is not its own');
  assert.equal(causeWords('sync:epoch/3'), 'blocks of a record are refused');
  assert.equal(causeWords('sync:world-edge-1/3'), 'blocks of a record are refused');
  assert.equal(causeWords('sync:life'), 'blocks of a record are refused');
  assert.equal(causeWords('report:epoch/3'), 'it reported otherwise than it recorded');
  assert.equal(causeWords('conflict:fence/f-1'), 'two people wrote the same lines');
  assert.equal(causeWords('upkeep:backup'), 'the daily backup failed');
  assert.equal(causeWords('witness:epoch/3'), 'a recording contradicts what was seen of it');
  assert.equal(causeWords('witness:hub/0'), 'the recording of the hub contradicts what was seen of it');
  assert.equal(causeWords('witness:world-edge-1/2'), 'the recording of world-edge-1 contradicts what was seen of it');
  assert.equal(
    plainWords('the recording of r1 is not the one that the hub saw (rollback): its end was cut off'),
    'the recording of r1 is not the one that the hub saw: its end was cut off',
  );
  assert.equal(plainWords('edge edge-1 shows another key'), 'edge-1 shows another key');
  const line = 'site/edge-1+9c0d41aa+Bm9tTzVlQ3Jl/kLmNoPqR+sTuVw';
  const advice = `add the line ${line} to /srv/siteData/keys/edges-accepted on the hub's machine`;
  assert.equal(plainWords(advice), advice);
  assert.deepEqual(['Left motor at 96 °C', 'SOS sent', 'r7 waits'].map(midSentence), [
    'left motor at 96 °C',
    'SOS sent',
    'r7 waits',
  ]);
  assert.equal(plainWords('motorLeftC is 111.6 degC'), 'motor left is 111.6 °C');
});

test('what witnesses found, and what sync could not take, stands in one line for each thing to be done, whatever edge or recording it is about', () => {
  const alert = (id: string, cause: string, level = AlertLevel.CRITICAL, agentId = 'hub') =>
    create(AlertSchema, { id, cause, level, agentId, raisedTimeUs: 1n, advice: `mend ${id}` });
  const groups = groupAlerts([
    alert('1', 'witness:key:edge-1'),
    alert('2', 'witness:key:edge-2'),
    alert('3', 'witness:hub/0'),
    alert('4', 'witness:epoch/3', AlertLevel.CRITICAL, 'r1'),
    alert('5', 'witness:hub_key:edge-1', AlertLevel.WARNING),
    alert('6', 'sync:forgot:edge-1', AlertLevel.WARNING),
    alert('7', 'sync:forgot:edge-2', AlertLevel.WARNING),
    alert('8', 'sync:epoch/3', AlertLevel.CRITICAL, 'r1'),
    alert('9', 'sync:world-edge-1/0'),
  ]);
  assert.deepEqual(
    groups.map(({ cause, causes, alerts }) => [cause, causes.length, alerts.map(({ id }) => id).join(' ')]).sort(),
    [
      ['sync:forgot', 2, '6 7'],
      ['sync:life', 2, '8 9'],
      ['witness:hub_key:edge-1', 1, '5'],
      ['witness:key', 2, '1 2'],
      ['witness:recording', 2, '3 4'],
    ],
  );
  assert.deepEqual(groups.map(({ cause }) => causeWords(cause)).sort(), [
    'a recording contradicts what was seen of it',
    'an edge shows another key',
    'blocks of a record are refused',
    'edge-1 knows the hub by another key',
    'the hub holds less than it acknowledged',
  ]);
});

test('of a robot that has a cause often there is one name, with how often it came', () => {
  const alert = (id: string, agentId: string, count: number, clearedTimeUs = 0n) =>
    create(AlertSchema, { id, agentId, count, clearedTimeUs });
  const robots = byRobot([alert('1', 'r7', 2, 9n), alert('2', 'r8', 1), alert('3', 'r7', 3), alert('4', 'r7', 1, 5n)]);
  assert.deepEqual(
    robots.map(({ agentId, count, clearedTimeUs }) => [agentId, count, clearedTimeUs]),
    [
      ['r7', 6, 0n],
      ['r8', 1, 0n],
    ],
  );
});

test('missions: open before finished, urgent before others, newest first', () => {
  const mission = (id: string, init: object) => create(MissionSchema, { id, status: MissionStatus.ACTIVE, ...init });
  const sorted = [
    mission('a', { status: MissionStatus.DONE, createdTimeUs: 9n }),
    mission('b', { createdTimeUs: 1n }),
    mission('c', { priority: 5 }),
    mission('d', { createdTimeUs: 2n }),
  ].sort(byStanding);
  assert.deepEqual(
    sorted.map((one) => one.id),
    ['c', 'd', 'b', 'a'],
  );
  assert.equal(
    goalWords(create(MissionSchema, { goal: { goal: { case: 'goToDock', value: { agentId: 'r1' } } } }).goal),
    'r1 to the nearest free dock',
  );
});

test('sensors outside their band come first, and numbers without a schema do not appear', () => {
  const schema = {
    channel: 'health',
    fields: [
      { name: 'boardTemp', unit: 'degC', high: 75 },
      { name: 'motorTempLeft', unit: 'degC', low: 0, high: 80 },
      { name: 'batteryCurrent', unit: 'A' },
    ],
  };
  const frame = (sequence: bigint, values: number[], channel = 'health') => ({ channel, sequence, values });
  const lines = sensorLines(
    [frame(2n, [40, 96.4, Number.NaN]), frame(1n, [0, 0, 0]), frame(9n, [1], 'secret')] as never,
    [schema] as never,
  );
  assert.deepEqual(
    lines.map((line) => [line.name, line.reading, line.band, line.standing]),
    [
      ['motor temp left', '96.4 °C', '0 – 80 °C', 'above'],
      ['battery current', 'no reading', '', 'no reading'],
      ['board temp', '40.0 °C', '≤ 75 °C', 'inside'],
    ],
  );
});

test('what follows from a cause stands under it, is counted with it, and stands for itself when the cause is unknown', () => {
  const alert = (id: string, init: object) =>
    create(AlertSchema, { id, cause: id, level: AlertLevel.WARNING, raisedTimeUs: 1n, ...init });
  const [hot, orphan] = groupAlerts([
    alert('a', { rootId: 'hot' }),
    alert('b', { rootId: 'a' }),
    alert('hot', { level: AlertLevel.CRITICAL }),
    alert('orphan', { rootId: 'gone' }),
  ]);
  assert.deepEqual([hot?.cause, hot?.explained.map(({ id }) => id), hot?.unacknowledged], ['hot', ['a', 'b'], 3]);
  assert.equal(orphan?.cause, 'orphan');
  assert.equal(hot !== undefined && maySilence(hot), false, 'a critical alert always speaks');
  assert.equal(orphan !== undefined && maySilence(orphan), true);
  const round = groupAlerts([alert('x', { rootId: 'y' }), alert('y', { rootId: 'x' })]);
  assert.equal(round.length, 2, 'two that name each other lose neither');
  assert.equal(causeWords('band:state.motorLeftC'), 'motor left out of its band');
  assert.equal(causeWords('failsafe:person_too_close'), 'person too close');
  assert.equal(causeWords('failsafe:bumped'), 'bumper touched something');
  assert.deepEqual(['batteryV', 'batteryA', 'motorLeftC', 'personM'].map(sensorWords), [
    'battery voltage',
    'battery current',
    'motor left',
    'person',
  ]);
});

test('before an act it is said what will happen to whom', () => {
  assert.match(
    stopConsequence('protective', ['r17', 'r18']),
    /^Protective stop of r17, r18: brakes hard, then motors off, category 1\./,
  );
  assert.match(stopConsequence('normal', ['a', 'b', 'c', 'd', 'e', 'f']), /a, b, c and 3 more/);
  const entry = (init: object) =>
    create(FailsafeEntrySchema, { action: 'thermal_shutdown', clear: 'on_reset', present: true, ...init });
  const hot = status({ failsafeEntries: [entry({})] });
  assert.match(acknowledgeConsequence('r1', hot), /thermal shutdown.*r1 does not move yet/);
  assert.match(resetConsequence('r1', hot), /Acknowledge thermal shutdown first; a reset before that is refused/);
  const seen = status({ failsafeEntries: [entry({ acknowledgedBy: 'ada' })] });
  assert.match(resetConsequence('r1', seen), /its cause is still there/);
  const cool = status({
    stop: 'emergency',
    taskId: 't',
    failsafeEntries: [entry({ acknowledgedBy: 'ada', present: false })],
  });
  assert.match(resetConsequence('r1', cool), /r1 may move at once; it goes on with its task\. Look at the place first/);
});
