import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { AlertLevel, AlertSchema, MissionSchema, MissionStatus, TaskStatus } from '@sigma/proto';
import { EMAIL, FakeHub } from './fake-hub.ts';
import { endedMissions, FakeRoom } from './fake-room.ts';
import { recordedDecisions } from './recorded-decisions.ts';
import { recordRobot } from './robot-recording.ts';

const SECOND_US = 1_000_000;
const RECORDED_S = 40;
const RECORDED_ROBOTS = 8;

/** A fake hub in some state, and where its recording lies. */
export interface Stage {
  readonly hub: FakeHub;
  readonly room: FakeRoom;
  /** A moment of the recording as the address bar writes it, so many seconds after its beginning. */
  readonly at: (second: number) => string;
}

/** A control room in the middle of a shift: work, two robots in trouble, people, acts, a recording. */
export function fullStage(dist: string, robots = 40): Stage {
  const hub = new FakeHub(dist, robots);
  hub.role = 'administrator';
  const room = new FakeRoom(hub);
  const beganUs = Number(hub.nowUs) - RECORDED_S * SECOND_US;
  for (const [k, { id }] of hub.robots.slice(0, RECORDED_ROBOTS).entries()) {
    const life = { id, epochTimeUs: beganUs, snapshotEveryUs: 10 * SECOND_US, speedMps: k === 1 || k === 4 ? 0.5 : 0 };
    hub.record.blocks.push(...recordRobot(hub.site, sha256, RECORDED_S, life));
  }
  furnishForks(hub, beganUs);
  hub.imports.furnish(beganUs);
  room.remembered = recordedDecisions(hub.record.blocks.filter(({ source }) => source === 'r02'));
  const mark = (second: number, kind: string, agentId: string, text: string, level = AlertLevel.WARNING) =>
    hub.record.mark(beganUs + second * SECOND_US, kind, { agentId, text, level });
  mark(9, 'stop', 'r06', 'A normal stop was ordered');
  mark(12, 'violation', 'r02', 'The aisle was blocked');
  mark(25, 'failsafe', 'r05', 'Left motor at 96 °C', AlertLevel.CRITICAL);
  mark(31, 'violation', 'r11', 'It came 0.4 m short');
  room.history.push(...endedMissions(60));
  troubles(hub);
  work(hub);
  acts(room);
  return { hub, room, at: (second) => new Date((beganUs + second * SECOND_US) / 1_000).toISOString() };
}

/** A fork in which two of the robots went at another speed. */
function furnishForks(hub: FakeHub, beganUs: number): void {
  hub.forks.furnish(beganUs);
  const otherwise = new Map([
    ['r02', 0.62],
    ['r05', 0.38],
  ]);
  hub.forks.record.blocks = hub.record.blocks.filter(({ source }) => !otherwise.has(source));
  for (const [id, speedMps] of otherwise) {
    const life = { id, epochTimeUs: beganUs, snapshotEveryUs: 10 * SECOND_US, speedMps };
    hub.forks.record.blocks.push(...recordRobot(hub.site, sha256, RECORDED_S, life));
  }
}

/** A site on its first day: nobody connected, nothing recorded. */
export function emptyStage(dist: string): Stage {
  const hub = new FakeHub(dist, 0);
  hub.role = 'administrator';
  const room = new FakeRoom(hub);
  room.accounts.splice(1);
  return { hub, room, at: () => new Date().toISOString() };
}

function troubles(hub: FakeHub): void {
  hub.fault('r07', 'overheating', false);
  hub.fault('r12', 'person_steps_in', false);
  hub.robot('r04').leaseHolder = 'bob@example.org';
  const raisedTimeUs = hub.nowUs - 140_000_000n;
  const alerts: MessageInitShape<typeof AlertSchema>[] = [
    {
      id: 'silent',
      level: AlertLevel.WARNING,
      agentId: 'r11',
      cause: 'link:silent',
      text: 'r11: nothing was heard for 4 s',
      advice: 'Look whether its radio works.',
      raisedTimeUs,
      count: 3,
    },
    {
      id: 'battery',
      level: AlertLevel.ADVISORY,
      agentId: 'r09',
      cause: 'band:batteryCharge',
      text: 'r09: charge is 19 %, below 20 %',
      advice: 'Nothing: it drives to a dock when its task is done.',
      raisedTimeUs,
      count: 1,
    },
    ...[0, 1, 2, 3, 4, 5].map((k) => ({
      id: `hot-${k}`,
      level: AlertLevel.WARNING,
      agentId: 'r07',
      cause: 'band:motorLeftC',
      text: `r07: motor left is ${90 + k} °C, above 80 °C`,
      rootId: 'alert-r07-overheating',
      raisedTimeUs,
      count: 1,
    })),
  ];
  for (const init of alerts) {
    const alert = create(AlertSchema, init);
    hub.alerts.set(alert.id, alert);
  }
}

/** What the hub says when two edges show other keys than they are known by, and a recording was cut. */
export function witnessed(hub: FakeHub): () => void {
  const raisedTimeUs = hub.nowUs - 20_000_000n;
  const shared = { level: AlertLevel.CRITICAL, raisedTimeUs, count: 1 };
  const keys = ['edge-1', 'edge-2'].map((edge, k) => ({
    ...shared,
    id: `key-${edge}`,
    agentId: 'hub',
    cause: `witness:key:${edge}`,
    text: `edge ${edge} shows another key than the one it is known by: nobody witnesses its recordings`,
    advice:
      `If its computer or data folder was replaced, add the line site/${edge}+9c0d41a${k}+Bm9tTzVlQ3Jl/kLmNoPqR+sTuVw ` +
      "to /srv/sigma/keys/edges-accepted on the hub's machine, then link it again; if not, somebody else poses as it: " +
      'take it off the network. Its work goes on meanwhile',
  }));
  const cut = {
    ...shared,
    id: 'cut',
    agentId: 'r05',
    cause: 'witness:epoch/3',
    text:
      'the recording of r05, epoch 3, events 32 to 51, is not the one that the hub saw (rollback): ' +
      'it ended at event 51 and now ends at 31: its end was cut off',
    advice:
      'Copy the recording and the .proofs beside it before anything else, then run sigma verify on the copy with the ' +
      "witness's key. If a backup was restored on purpose, acknowledge this: what is gone stays named here",
  };
  const alerts = [...keys, cut].map((init) => create(AlertSchema, init));
  for (const alert of alerts) hub.alerts.set(alert.id, alert);
  return () => {
    for (const alert of alerts) {
      const over = { acknowledgedBy: EMAIL, acknowledgedTimeUs: hub.nowUs, clearedTimeUs: hub.nowUs };
      hub.alerts.set(alert.id, create(AlertSchema, { ...alert, ...over }));
    }
  };
}

const CORNERS = [
  { xM: 20, yM: 4 },
  { xM: 44, yM: 4 },
  { xM: 44, yM: 14 },
  { xM: 20, yM: 14 },
];

function work(hub: FakeHub): void {
  const shared = { createdBy: EMAIL, createdTimeUs: hub.nowUs - 400_000_000n };
  const ago = (seconds: number): bigint => hub.nowUs - BigInt(seconds) * 1_000_000n;
  const active = { kind: 'cover', status: TaskStatus.ACTIVE, detail: 'on its way', sinceTimeUs: ago(390) };
  const patrol = { case: 'patrol' as const, value: { points: CORNERS.slice(0, 2), rounds: 3 } };
  const missions: MessageInitShape<typeof MissionSchema>[] = [
    {
      ...shared,
      id: 'm-1',
      name: 'Cover the south aisles',
      status: MissionStatus.ACTIVE,
      progress: 0.22,
      priority: 2,
      goal: { goal: { case: 'cover', value: { area: { case: 'polygon', value: { points: CORNERS } } } } },
      tasks: [
        { ...active, id: 'm-1.1', missionId: 'm-1', agentId: 'r01', progress: 0.33 },
        { ...active, id: 'm-1.2', missionId: 'm-1', agentId: 'r02', progress: 0.46 },
        {
          ...active,
          id: 'm-1.3',
          missionId: 'm-1',
          agentId: 'r03',
          progress: 0.12,
          sinceTimeUs: ago(85),
          history: [
            {
              agentId: 'r12',
              reason: 'r12 cannot move',
              sinceTimeUs: ago(390),
              untilTimeUs: ago(300),
            },
            {
              agentId: 'r09',
              reason: 'the battery of r09 will not last',
              sinceTimeUs: ago(280),
              untilTimeUs: ago(90),
            },
          ],
        },
        {
          id: 'm-1.4',
          missionId: 'm-1',
          agentId: 'r06',
          kind: 'cover',
          status: TaskStatus.DONE,
          progress: 1,
          sinceTimeUs: ago(390),
          untilTimeUs: ago(160),
        },
      ],
      detail: '4 robots sweep 240 m²',
    },
    {
      ...shared,
      id: 'm-2',
      name: 'Night patrol',
      status: MissionStatus.ACTIVE,
      progress: 0.41,
      goal: { goal: patrol },
      tasks: [{ ...active, id: 'm-2.1', missionId: 'm-2', agentId: 'r05', kind: 'patrol', progress: 0.41 }],
    },
    ...['Bring spare parts to the west dock', 'Patrol the fence'].map((name, k) => ({
      ...shared,
      id: `m-${k + 3}`,
      name,
      status: MissionStatus.QUEUED,
      goal: { goal: patrol },
      detail: 'waits for a free robot',
    })),
  ];
  for (const init of missions) {
    const mission = create(MissionSchema, init);
    hub.missions.set(mission.id, mission);
  }
}

function acts(room: FakeRoom): void {
  const bob = 'bob@example.org';
  room.did('CreateMission', 'Cover the south aisles', ['m-1']);
  room.did('TakeLease', 'take control of it', ['r04'], 'accepted', '', bob);
  room.did('SetAgentMode', 'set its mode to manual', ['r02'], 'refused', 'take the control lease first', bob);
  room.did('StopAgents', 'protective stop of them', ['r06', 'r07', 'r08'], 'accepted', '', bob);
  room.did('AcknowledgeAlert', 'acknowledge the alert', ['r09'], 'accepted');
  room.did('StopAgents', 'emergency stop of it', ['r02'], 'failed', 'the robot did not answer within 2 s');
}
