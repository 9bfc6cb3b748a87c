import { create } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  type Alert,
  AlertLevel,
  AlertSchema,
  type Mission,
  MissionSchema,
  MissionStatus,
  type Task,
  TaskSchema,
  TaskStatus,
} from '@sigma/proto';
import { EMAIL, FakeHub, PASSWORD } from './fake-hub.ts';
import { endedMissions, FakeRoom } from './fake-room.ts';
import type { FirstPage } from './page.ts';
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

/** One state of one page, worth looking at: where it is, and what a person does to come there. */
export interface Scene {
  readonly name: string;
  /** Opened signed in; empty: the door itself. */
  readonly path: string | ((stage: Stage) => string);
  /** Brings it there; the page is open and live. */
  readonly come?: (first: FirstPage, stage: Stage) => Promise<void>;
  /** Puts the stage back as it was for the scenes after it. */
  readonly leave?: (first: FirstPage, stage: Stage) => Promise<void> | void;
  /** What of the page this scene is about, as a selector; the whole page without it. */
  readonly part?: string;
  readonly newcomer?: true;
  /** Without WebGL. */
  readonly flat?: true;
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
  const put = (id: string, init: Partial<Alert>) =>
    hub.alerts.set(id, create(AlertSchema, { raisedTimeUs, count: 1, ...init, $typeName: undefined, id } as object));
  put('silent', {
    level: AlertLevel.WARNING,
    agentId: 'r11',
    cause: 'link:silent',
    text: 'r11: nothing was heard for 4 s',
    advice: 'Look whether its radio works.',
    count: 3,
  });
  put('battery', {
    level: AlertLevel.ADVISORY,
    agentId: 'r09',
    cause: 'band:batteryCharge',
    text: 'r09: charge is 19 %, below 20 %',
    advice: 'Nothing: it drives to a dock when its task is done.',
  });
  for (let k = 0; k < 6; k++) {
    put(`hot-${k}`, {
      level: AlertLevel.WARNING,
      agentId: 'r07',
      cause: 'band:motorLeftC',
      text: `r07: motor left is ${90 + k} °C, above 80 °C`,
      rootId: 'alert-r07-overheating',
    });
  }
}

function work(hub: FakeHub): void {
  const createdTimeUs = hub.nowUs - 400_000_000n;
  const task = (missionId: string, k: number, agentId: string, kind: string, rest: Partial<Task> = {}): Task =>
    create(TaskSchema, {
      id: `${missionId}.${k}`,
      missionId,
      agentId,
      kind,
      status: TaskStatus.ACTIVE,
      progress: 0.2 + k * 0.13,
      detail: 'on its way',
      ...rest,
      $typeName: undefined,
    } as object);
  const put = (id: string, name: string, init: Partial<Mission>) =>
    hub.missions.set(
      id,
      create(MissionSchema, { id, name, createdBy: EMAIL, createdTimeUs, ...init, $typeName: undefined } as object),
    );
  const corners = [
    { xM: 20, yM: 4 },
    { xM: 44, yM: 4 },
    { xM: 44, yM: 14 },
    { xM: 20, yM: 14 },
  ];
  put('m-1', 'Cover the south aisles', {
    status: MissionStatus.ACTIVE,
    progress: 0.42,
    priority: 2,
    goal: {
      goal: { case: 'cover', value: { area: { case: 'polygon', value: { points: corners } } } },
    } as unknown as NonNullable<Mission['goal']>,
    tasks: [
      task('m-1', 1, 'r01', 'cover'),
      task('m-1', 2, 'r02', 'cover'),
      task('m-1', 3, 'r03', 'cover', {
        history: [{ agentId: 'r09', reason: 'its battery fell below 20 %' }],
      } as unknown as Partial<Task>),
      task('m-1', 4, 'r06', 'cover', { status: TaskStatus.DONE, progress: 1, detail: '' }),
    ],
    detail: '4 robots sweep 240 m²',
  });
  const patrol = { goal: { case: 'patrol', value: { points: corners.slice(0, 2), rounds: 3 } } };
  const goal = patrol as unknown as NonNullable<Mission['goal']>;
  put('m-2', 'Night patrol', {
    status: MissionStatus.ACTIVE,
    progress: 0.71,
    goal,
    tasks: [task('m-2', 1, 'r05', 'patrol')],
  });
  put('m-3', 'Bring spare parts to the west dock', {
    status: MissionStatus.QUEUED,
    goal,
    detail: 'waits for a free robot',
  });
  put('m-4', 'Patrol the fence', { status: MissionStatus.QUEUED, goal, detail: 'waits for a free robot' });
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

const noDialog = async (first: FirstPage) => first.page.keyboard.press('Escape');

export const FULL: readonly Scene[] = [
  { name: 'tour', path: '/', newcomer: true, come: (first) => first.at('tour').waitFor() },
  { name: 'site', path: '/' },
  { name: 'robot-now', part: '[data-panel=robot]', path: '/?select=robot:r07' },
  {
    name: 'robot-sensors',
    part: '[data-panel=robot]',
    path: '/?select=robot:r07',
    come: (first) => first.at('tab-sensors').click(),
  },
  { name: 'robot-decisions', path: '/?select=robot:r12', come: (first) => first.openTab('decisions') },
  { name: 'robot-bench', path: '/?select=robot:r12', come: (first) => first.openTab('simulation') },
  {
    name: 'decision',
    part: '[data-panel=robot]',
    path: '/?select=robot:r07',
    come: async (first) => {
      await first.at('why-now').first().click();
      await first.at('losers').first().waitFor();
    },
  },
  {
    name: 'draw-zone',
    path: '/',
    come: async (first) => {
      await first.at('map').waitFor();
      await first.drawZone([
        [20, 4],
        [44, 4],
        [44, 14],
        [20, 14],
      ]);
      await first.at('preview').filter({ hasText: 'robots' }).waitFor();
    },
    leave: noDialog,
  },
  { name: 'person', part: '[data-panel=robot]', path: '/?select=person:12.50:26.00' },
  { name: 'mission-card', part: '[data-panel=robot]', path: '/?select=mission:m-1' },
  { name: 'alert-card', part: '[data-panel=robot]', path: '/?select=alert:silent' },
  {
    name: 'log',
    part: '[data-panel=log]',
    path: '/',
    come: (first) => first.page.getByRole('tab', { name: 'Log' }).click(),
  },
  {
    name: 'bench',
    part: '[data-panel=bench]',
    path: '/',
    come: (first) => first.page.getByRole('tab', { name: 'Bench' }).click(),
  },
  { name: 'palette', path: '/', come: (first) => first.find('r0', /r0/), leave: noDialog },
  { name: 'keys', path: '/', come: (first) => first.page.keyboard.press('?'), leave: noDialog },
  { name: 'fleet', part: '.page', path: '/fleet' },
  { name: 'robot-page', part: '.page', path: '/robot/r07' },
  {
    name: 'decision-page',
    part: '.page',
    path: ({ room }) => {
      const stop = room.remembered.find(({ decision }) => decision?.command?.name === 'stop');
      return `/decision/r02/0/${stop?.decision?.sequence}`;
    },
    come: async (first) => void (await first.says(first.at('proof-result'), /Computed again/)),
  },
  { name: 'missions', part: '.page', path: '/missions' },
  { name: 'mission', part: '.page', path: '/missions/m-1' },
  { name: 'alerts', part: '.page', path: '/alerts' },
  { name: 'acts', part: '.page', path: '/acts' },
  { name: 'accounts', part: '.page', path: '/accounts' },
  {
    name: 'verify',
    part: '.page',
    path: '/verify',
    come: async (first) => void (await first.says(first.at('verify-result'), /^ok$/)),
  },
  {
    name: 'past',
    path: ({ at }) => `/?at=${at(28)}&select=robot:r02`,
    come: (first) => first.at('computed').waitFor(),
  },
  {
    name: 'past-sensors',
    path: ({ at }) => `/?at=${at(28)}&select=robot:r02`,
    come: async (first) => {
      await first.at('computed').waitFor();
      await first.at('tab-sensors').click();
    },
  },
  {
    name: 'past-missions',
    part: '.page',
    path: ({ at }) => `/missions?at=${at(28)}`,
    come: (first) => first.at('computed').waitFor(),
  },
  {
    name: 'side-by-side',
    part: '.page',
    path: ({ at }) => `/?at=${at(28)}`,
    come: async (first) => {
      await first.at('computed').waitFor();
      await first.page.keyboard.press('Shift+C');
      await first.at('side-by-side').waitFor();
    },
  },
  { name: 'wall', path: '/?wall' },
];

export const EMPTY: readonly Scene[] = [
  { name: 'door', path: '' },
  { name: 'site', path: '/' },
  { name: 'log', path: '/', come: (first) => first.page.getByRole('tab', { name: 'Log' }).click() },
  { name: 'bench', path: '/', come: (first) => first.page.getByRole('tab', { name: 'Bench' }).click() },
  { name: 'fleet', part: '.middle', path: '/fleet' },
  { name: 'robot-page', path: '/robot/r99' },
  { name: 'decision-page', path: '/decision/r99/0/12' },
  { name: 'missions', part: '.middle', path: '/missions' },
  { name: 'mission', path: '/missions/m-99' },
  { name: 'alerts', part: '.middle', path: '/alerts' },
  { name: 'acts', part: '.middle', path: '/acts' },
  { name: 'accounts', part: '.middle', path: '/accounts' },
  {
    name: 'verify',
    part: '.middle',
    path: '/verify',
    come: async (first) => void (await first.says(first.at('verify-result'), /^ok$/)),
  },
  { name: 'no-such-page', part: '.middle', path: '/no/such/page' },
];

const viewer: Pick<Scene, 'leave'> = {
  leave: (_, { hub }) => {
    hub.role = 'administrator';
  },
};

/** Signed in as an administrator, whose role is then taken away. */
const asViewer = async (first: FirstPage, { hub }: Stage): Promise<void> => {
  hub.role = 'viewer';
  await first.page.reload();
  await first.isLive();
};

export const FAILING: readonly Scene[] = [
  {
    name: 'door-wrong',
    path: '',
    come: async (first) => {
      await first.signIn(EMAIL, 'a guess');
      await first.says(first.at('sign-in-message'), /Wrong/);
    },
    leave: (_, { hub }) => {
      hub.tries = 0;
    },
  },
  {
    name: 'door-gone',
    path: '',
    come: async (first, { hub }) => {
      hub.down = true;
      await first.signIn(EMAIL, PASSWORD);
      await first.says(first.at('sign-in-message'), /cannot be reached/);
    },
    leave: (_, { hub }) => {
      hub.down = false;
    },
  },
  ...(['/', '/fleet', '/missions', '/alerts', '/acts', '/robot/r07'] as const).map(
    (path): Scene => ({
      name: `gone${path.replaceAll('/', '-').replace(/-$/, '')}`,
      path: path === '/' ? '/?select=robot:r07' : path,
      come: async (first, { hub }) => {
        hub.down = true;
        await first.says(first.at('late'), /The hub does not answer/);
      },
      leave: async (first, { hub }) => {
        hub.down = false;
        await first.isLive();
      },
    }),
  ),
  {
    name: 'stalled',
    path: '/?select=robot:r07',
    come: async (first, { hub }) => {
      hub.mute = true;
      await first.says(first.at('late'), /The hub does not answer/);
    },
    leave: async (first, { hub }) => {
      hub.mute = false;
      await first.isLive();
    },
  },
  { name: 'flat', part: '[data-testid=map]', path: '/', flat: true },
  {
    name: 'newer',
    path: ({ at }) => `/?at=${at(15)}`,
    come: async (first, { hub, at }) => {
      const epochTimeUs = Date.parse(at(0)) * 1_000;
      const newer = { id: 'r77', epochTimeUs, snapshotEveryUs: 10 * SECOND_US, versionsNewer: 1 };
      hub.record.blocks.push(...recordRobot(hub.site, sha256, 20, newer));
      await first.page.reload();
      await first.says(first.at('past-problem'), /newer version/);
    },
    leave: (_, { hub }) => {
      hub.record.blocks = hub.record.blocks.filter(({ source }) => source !== 'r77');
    },
  },
  {
    name: 'before-record',
    path: '/?at=2020-01-01T00:00:00.000Z',
    come: (first) => first.at('nothing-recorded').waitFor(),
  },
  {
    name: 'past-failed',
    path: ({ at }) => `/?at=${at(15)}`,
    come: async (first, { hub }) => {
      await first.at('computed').waitFor();
      hub.down = true;
      await first.page.keyboard.press('}');
      await first.page.keyboard.press('}');
      await first.at('past-failed').waitFor();
    },
    leave: async (_, { hub }) => {
      hub.down = false;
    },
  },
  { name: 'viewer-site', part: '[data-panel=robot]', path: '/?select=robot:r07', come: asViewer, ...viewer },
  { name: 'viewer-accounts', part: '.page', path: '/accounts', come: asViewer, ...viewer },
  { name: 'viewer-missions', path: '/missions', come: asViewer, ...viewer },
  {
    name: 'no-role',
    path: '/',
    come: async (first, { hub }) => {
      hub.role = '';
      await first.page.reload();
      await first.page.getByRole('heading', { name: 'This account may not see the site' }).waitFor();
    },
    ...viewer,
  },
];
