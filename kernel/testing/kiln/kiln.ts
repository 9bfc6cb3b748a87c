import {
  type ActionStatus,
  type ClampResult,
  type Command,
  type ComputedWorld,
  clampParams,
  draw,
  type FailsafeAction,
  type Json,
  purpose,
  type Situation,
  type Stimulus,
  type TerrainModel,
} from '../../src/index.ts';

/**
 * The kiln: a pottery as a second, small terrain. There are no poses and no tick: a potter sleeps until something
 * happens. Skills take minutes, firing can end `unknown`, and one kiln is wanted by many; its slots are settled by
 * `resolve`. It exists to show that the kernel knows nothing of robots.
 */
export interface Pottery {
  readonly clay: number;
  readonly pots: { readonly wet: number; readonly fired: number };
  /** What the potter believes of the kiln. */
  readonly kilnTempC: number;
  readonly kilnOpen: boolean;
  readonly promisesSeen: readonly string[];
  readonly tired: number;
}

const MINUTE_US = 60_000_000;
const REST: Command = { kind: 'setpoint', name: 'rest', params: {}, durationUs: 60 * MINUTE_US };

const action = (id: string, severity: number, more: Partial<FailsafeAction<Pottery>>): FailsafeAction<Pottery> => ({
  id,
  severity,
  command: REST,
  restriction: null,
  stopCategory: null,
  broadcast: false,
  canRun: () => true,
  degradesTo: null,
  ...more,
});

const SKILL_MINUTES: Readonly<Record<string, number>> = { throw: 4, fire: 40, fetch: 10 };

function fold(world: Pottery, stimulus: Stimulus): Pottery {
  if (stimulus.kind === 'observation' && stimulus.channel === 'kiln') {
    const { tempC, open } = stimulus.data as { tempC: number; open: boolean };
    if (typeof tempC !== 'number' || typeof open !== 'boolean') return world;
    return { ...world, kilnTempC: tempC, kilnOpen: open };
  }
  if (stimulus.kind === 'message' && stimulus.topic === 'brought') {
    return { ...world, clay: world.clay + 1, promisesSeen: [...world.promisesSeen, String(stimulus.body)] };
  }
  if (stimulus.kind !== 'result' || stimulus.status !== 'done') return world;
  const skill = (stimulus.detail as { skill?: string } | null)?.skill;
  const { wet, fired } = world.pots;
  const tired = world.tired + 1;
  if (skill === 'throw') return { ...world, tired, clay: world.clay - 1, pots: { wet: wet + 1, fired } };
  if (skill === 'fire') return { ...world, tired, pots: { wet: 0, fired: fired + wet } };
  if (skill === 'fetch') return { ...world, tired, clay: world.clay + 3 };
  return world;
}

function clamp(
  command: Command,
  restriction: { atMost: Readonly<Record<string, number>>; forbid: readonly string[] },
): ClampResult {
  const result = clampParams(command, restriction);
  const hot = command.name === 'fire' && restriction.forbid.includes('kiln');
  return hot ? { command: null, clamped: [], forbiddenBy: 'kiln' } : result;
}

const wanted = (args: Json): number => (args as { pots: number }).pots;

export const kilnModel: TerrainModel<Pottery> = {
  name: 'kiln',
  version: 1,
  rates: { reflexUs: null, situationEvery: 1, supervisionEvery: 1 },
  chain: {
    primaryTimeoutUs: null,
    secondaryTimeoutUs: null,
    recoverUs: MINUTE_US,
    strikes: 3,
    strikeWindowUs: 60 * MINUTE_US,
    suspendUs: 30 * MINUTE_US,
  },
  channels: {},
  failsafe: {
    actions: [
      action('wait', 10, {}),
      action('cool', 20, { restriction: { atMost: {}, forbid: ['kiln'] } }),
      action('evacuate', 90, { broadcast: true }),
    ],
    conditions: [
      {
        id: 'kiln_hot',
        action: 'cool',
        cause: 'the kiln is over 1,300 °C',
        advice: 'Close the gas and wait until it is under 1,250 °C',
        holds: ({ world }, active) => world.kilnTempC > (active ? 1250 : 1300),
        clear: 'when_clears',
        holdDelayUs: MINUTE_US,
        takeover: 'allowed',
        deferrable: true,
      },
      {
        id: 'fire',
        action: 'evacuate',
        cause: 'the kiln is over 1,500 °C',
        advice: 'Leave the house; acknowledge and reset when it is safe',
        holds: ({ world }) => world.kilnTempC > 1500,
        clear: 'on_reset',
        holdDelayUs: 0,
        takeover: 'never',
        deferrable: false,
      },
      {
        id: 'stopped',
        action: 'wait',
        cause: 'somebody stopped the potter',
        advice: 'End the stop',
        holds: ({ stop }) => stop !== 'none',
        clear: 'when_clears',
        holdDelayUs: 0,
        takeover: 'never',
        deferrable: false,
      },
    ],
    hold: 'wait',
    mechanical: 'evacuate',
    deferLimitUs: 10 * MINUTE_US,
  },
  reflexes: [
    {
      id: 'small_load',
      reference: 'workshop rule 3',
      propose: ({ world }) =>
        world.tired > 20
          ? { restriction: { atMost: { kg: 5 }, forbid: [] }, rationale: 'a tired potter lifts 5 kg' }
          : null,
    },
  ],
  policy: { version: '1', hash: 'none', rules: [] },
  initial: (config) => ({
    clay: (config as { clay: number }).clay,
    pots: { wet: 0, fired: 0 },
    kilnTempC: 20,
    kilnOpen: true,
    promisesSeen: [],
    tired: 0,
  }),
  fold,
  rest: REST,
  clamp,
  hazard: ({ name }) => (name === 'rest' ? 0 : name === 'fire' ? 3 : 1),
  refuses: (_world, task) =>
    task.kind === 'pots' && wanted(task.args) > 0 ? null : 'a potter makes pots, at least one',
  taskProgress: (world, task) => (world.pots.fired >= wanted(task.args) ? 'done' : 'running'),
  intentProgress: () => 'running',
  parametrize: (intent, situation, id, idempotencyKey) => skillAction(intent.name, situation, id, idempotencyKey),
  swarm: () => [],
  expect: (world, command, atUs) =>
    command.name === 'throw'
      ? { quantities: [{ name: 'wet', value: world.pots.wet + 1, tolerance: 0 }], dueUs: atUs + 6 * MINUTE_US }
      : null,
  observe: (world, names) =>
    Object.fromEntries(names.map((name) => [name, name === 'wet' ? world.pots.wet : Number.NaN])),
  promise: (world, promise) => (world.promisesSeen.includes(promise.id) ? 'kept' : 'pending'),
};

function skillAction(name: string, situation: Situation<Pottery>, id: string, idempotencyKey: string): Command | null {
  const minutes = SKILL_MINUTES[name];
  if (minutes === undefined) return null;
  const deadlineUs = situation.atUs + 2 * minutes * MINUTE_US;
  return { kind: 'action', name, params: { kg: name === 'fetch' ? 12 : 1 }, id, idempotencyKey, deadlineUs };
}

/** The workshop itself: one kiln with one slot. */
export interface Workshop {
  readonly seed: number;
  readonly tick: number;
  readonly firingUntilUs: number;
  readonly work: readonly Work[];
}

interface Work {
  readonly potter: string;
  readonly actionId: string;
  readonly skill: string;
  readonly endsUs: number;
  readonly ending: ActionStatus;
}

export interface WorkshopInputs {
  readonly atUs: number;
  readonly begin: readonly { readonly potter: string; readonly actionId: string; readonly skill: string }[];
}

export interface WorkshopOutcomes {
  readonly results: readonly {
    readonly potter: string;
    readonly actionId: string;
    readonly status: ActionStatus;
    readonly skill: string;
  }[];
  readonly nextUs: number;
}

const FORTUNE = purpose('kiln.fortune');

/** Two potters who want the kiln at once: the smaller id gets it, the other is refused. One firing in eight ends unknown. */
export const workshop: ComputedWorld<Workshop, WorkshopInputs, WorkshopOutcomes> = {
  resolve: (world, { atUs, begin }) => {
    let { firingUntilUs } = world;
    const results: { potter: string; actionId: string; status: ActionStatus; skill: string }[] = [];
    const work: Work[] = [];
    for (const piece of world.work) {
      if (piece.endsUs > atUs) work.push(piece);
      else if (piece.ending !== 'unknown') {
        results.push({ potter: piece.potter, actionId: piece.actionId, status: piece.ending, skill: piece.skill });
      }
    }
    const ordered = [...begin].sort((a, b) => (a.potter < b.potter ? -1 : a.potter > b.potter ? 1 : 0));
    for (const { potter, actionId, skill } of ordered) {
      if (skill === 'fire' && firingUntilUs > atUs) {
        results.push({ potter, actionId, status: 'failed', skill });
        continue;
      }
      const endsUs = atUs + (SKILL_MINUTES[skill] ?? 1) * MINUTE_US;
      if (skill === 'fire') firingUntilUs = endsUs;
      const lost = skill === 'fire' && draw(world.seed, 0, world.tick, FORTUNE, work.length) % 8 === 0;
      work.push({ potter, actionId, skill, endsUs, ending: lost ? 'unknown' : 'done' });
      results.push({ potter, actionId, status: 'running', skill });
    }
    const nextUs = work.reduce((next, piece) => Math.min(next, piece.endsUs), Number.POSITIVE_INFINITY);
    return { world: { seed: world.seed, tick: world.tick + 1, firingUntilUs, work }, outcomes: { results, nextUs } };
  },
};

export const openWorkshop = (seed: number): Workshop => ({ seed, tick: 0, firingUntilUs: 0, work: [] });
