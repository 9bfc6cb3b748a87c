import { sha256 } from '@noble/hashes/sha2.js';
import { AlertLevel } from '@sigma/proto';
import { EMAIL, PASSWORD } from './fake-hub.ts';
import type { FirstPage } from './page.ts';
import { recordRobot } from './robot-recording.ts';
import { type Stage, witnessed } from './stages.ts';

const SECOND_US = 1_000_000;

/** One state of one page, worth looking at: where it is, and what a person does to come there. */
export interface Scene {
  readonly name: string;
  /** Opened signed in; empty: the door itself. */
  readonly path: string | ((stage: Stage) => string);
  /** Sets the stage before the page is opened. */
  readonly before?: (stage: Stage) => void;
  /** Brings it there; the page is open and live. */
  readonly come?: (first: FirstPage, stage: Stage) => Promise<void>;
  /** Puts the stage back as it was for the scenes after it. */
  readonly leave?: (first: FirstPage, stage: Stage) => Promise<void> | void;
  /** What of the page this scene is about, as a selector; the whole page without it. */
  readonly part?: string;
  readonly newcomer?: true;
  /** Without WebGL. */
  readonly flat?: true;
  /** Only in a page of its own. */
  readonly apart?: true;
}

/** Takes back what a scene put on the stage. */
let forget: () => void = () => undefined;

/** One bit in the middle of a recorded block; a second time puts it back. */
function flipBit(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) (bytes[bytes.length >> 1] as number) ^= 1;
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
  {
    name: 'witness',
    part: '.page',
    path: '/alerts',
    come: async (first, { hub }) => {
      forget = witnessed(hub);
      await first.says(first.at('alert-witness:key'), /edge-2 shows another key/);
    },
    leave: () => forget(),
  },
  { name: 'what-if', part: '.page', path: '/what-if' },
  {
    name: 'what-if-found',
    part: '.page',
    path: '/what-if/tried',
    come: async (first) => void (await first.says(first.at('flips'), /slow_by_people/)),
  },
  {
    name: 'what-if-trying',
    part: '.page',
    path: '/what-if/trying',
    come: async (first) => void (await first.says(first.at('fork-state'), /63 %/)),
  },
  {
    name: 'forks',
    part: '.page',
    path: ({ at }) => `/forks?at=${at(28)}`,
    come: (first) => first.at('fork-row').first().waitFor(),
  },
  {
    name: 'fork-running',
    part: '.page',
    path: '/forks/running',
    come: async (first) => void (await first.says(first.at('fork-state'), /42 %/)),
  },
  {
    name: 'fork',
    part: '.page',
    path: ({ at }) => `/forks/made?at=${at(26)}`,
    come: async (first) => void (await first.says(first.at('apart'), /r02 by/)),
  },
  {
    name: 'imports',
    part: '.page',
    path: '/imports',
    come: (first) => first.at('import-row').first().waitFor(),
  },
  {
    name: 'import',
    part: '.page',
    path: ({ at }) => `/imports/drive?at=${at(12)}`,
    come: async (first) => {
      await first.at('lane-table').waitFor();
      await first.says(first.at('ghosts'), /Rings of the import: amr-7/);
      await first.says(first.at('lane-value').first(), /x 31.2/);
    },
  },
  {
    name: 'coming-home',
    part: '[data-testid=time-bar]',
    path: '/',
    come: async (first, { hub }) => {
      const life = { epoch: 3, missingEvents: 48_000n, upToTimeUs: hub.nowUs - 500_000_000n };
      hub.record.onTheWay = ['r07', 'r11', 'r12'].map((agentId) => ({
        ...life,
        agentId,
        outOfReach: agentId === 'r11',
      }));
      const told = { agentId: 'r07', text: 'thermal_shutdown: motor_hot', reported: true, level: AlertLevel.CRITICAL };
      hub.record.mark(Number(hub.nowUs) - 240 * SECOND_US, 'failsafe', told);
      await first.page.reload();
      await first.says(first.at('to-come'), /record of 3 robots to come/);
    },
    leave: (_, { hub }) => {
      hub.record.onTheWay = [];
      hub.record.marks = hub.record.marks.filter(({ reported }) => reported !== true);
    },
  },
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
      await first.says(first.at('past-sensors'), /Computed again from its recorded inputs/);
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
  { name: 'wall', path: '/?wall', apart: true },
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
  { name: 'what-if', part: '.middle', path: '/what-if' },
  { name: 'forks', part: '.middle', path: '/forks' },
  { name: 'imports', part: '.middle', path: '/imports' },
  { name: 'acts', part: '.middle', path: '/acts' },
  { name: 'accounts', part: '.middle', path: '/accounts' },
  {
    name: 'verify',
    part: '.middle',
    path: '/verify',
    come: async (first) => void (await first.says(first.at('verify-result'), /nothing to check yet/)),
  },
  { name: 'no-such-page', part: '.middle', path: '/no/such/page' },
];

const beAdministrator = (_: FirstPage, { hub }: Stage): void => {
  hub.role = 'administrator';
};

const asViewer: Pick<Scene, 'before' | 'leave'> = {
  before: ({ hub }) => {
    hub.role = 'viewer';
  },
  leave: beAdministrator,
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
  ...(
    [
      '/',
      '/fleet',
      '/robot/r07',
      '/decision/r07/1/1',
      '/missions',
      '/missions/m-1',
      '/alerts',
      '/what-if',
      '/forks',
      '/acts',
      '/accounts',
      '/verify',
    ] as const
  ).map(
    (path): Scene => ({
      name: `gone${path.replaceAll('/', '-').replace(/-$/, '')}`,
      path: path === '/' ? '/?select=robot:r07' : path,
      ...(path === '/' ? {} : { part: '.middle' }),
      come: async (first, { hub }) => {
        await first.isComplete();
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
    name: 'not-loaded',
    part: '.middle',
    path: '/',
    apart: true,
    come: async (first) => {
      await first.page.route(/\/acts-page-/, (route) => route.abort());
      await first.goTo('/acts');
      await first.page.getByRole('heading', { name: /^Not loaded/ }).waitFor();
    },
  },
  {
    name: 'verify',
    part: '.page',
    path: '/verify',
    before: ({ hub }) => flipBit(hub.record.blocks[3]?.bytes),
    come: async (first) => void (await first.says(first.at('verify-result'), /r01/)),
    leave: (_, { hub }) => flipBit(hub.record.blocks[3]?.bytes),
  },
  {
    name: 'decision-page',
    part: '.page',
    path: '/decision/r02/0/2',
    before: ({ hub }) => {
      for (const { bytes } of hub.record.blocks.filter(({ source }) => source === 'r02')) flipBit(bytes);
    },
    come: async (first) => void (await first.says(first.at('proof'), /Not proved/)),
    leave: (_, { hub }) => {
      for (const { bytes } of hub.record.blocks.filter(({ source }) => source === 'r02')) flipBit(bytes);
    },
  },
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
  { name: 'fork', part: '.middle', path: '/forks/failed' },
  { name: 'no-fork', part: '.middle', path: '/forks/none' },
  {
    name: 'no-desk',
    part: '.middle',
    path: '/what-if',
    before: ({ hub }) => {
      hub.forks.available = false;
    },
    come: (first) => first.at('no-forks').waitFor(),
    leave: (_, { hub }) => {
      hub.forks.available = true;
    },
  },
  {
    name: 'broken-rule',
    part: '.page',
    path: '/what-if',
    come: async (first) => {
      await first.at('rule-text').fill('id: mine\nrate: situation\nwhen: person.distance_k < 4.0\n');
      await first.at('try-rule').click();
      await first.says(first.at('rule-broken'), /line 3/);
    },
  },
  { name: 'flat', part: '[data-testid=map]', path: '/', flat: true },
  {
    name: 'newer',
    path: ({ at }) => `/?at=${at(15)}`,
    before: ({ hub, at }) => {
      const epochTimeUs = Date.parse(at(0)) * 1_000;
      const newer = { id: 'r77', epochTimeUs, snapshotEveryUs: 10 * SECOND_US, versionsNewer: 1 };
      hub.record.blocks.push(...recordRobot(hub.site, sha256, 20, newer));
    },
    come: async (first) => void (await first.says(first.at('past-problem'), /newer version/)),
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
  { name: 'viewer-site', part: '[data-panel=robot]', path: '/?select=robot:r07', ...asViewer },
  { name: 'viewer-accounts', part: '.page', path: '/accounts', ...asViewer },
  { name: 'viewer-missions', path: '/missions', ...asViewer },
  { name: 'viewer-what-if', part: '.page', path: '/what-if', ...asViewer },
  {
    name: 'no-role',
    path: '/',
    apart: true,
    come: async (first, { hub }) => {
      hub.role = '';
      await first.page.reload();
      await first.page.getByRole('heading', { name: 'This account may not see the site' }).waitFor();
    },
    leave: beAdministrator,
  },
];
