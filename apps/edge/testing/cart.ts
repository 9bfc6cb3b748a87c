import { clampParams, type Json, NO_RESTRICTION, type TerrainModel } from '@sigma/kernel';
import type { Report } from '../src/runtime/ports.ts';

/**
 * The smallest terrain that an edge can run: a cart on a rail with an odometer and a range finder. Commands `drive
 * {speedMps}`, `stop {}`; action `grab {}`.
 */
export interface Rail {
  readonly xM: number;
  readonly rangeM: number;
  readonly grabbed: boolean;
}

const RAIL_CHANNEL = 'rail';

/** Counts of the rail channel: millimetres travelled, millimetres free ahead. */
export const railFrame = (xM: number, rangeM: number) => ({
  kind: 'percept' as const,
  channel: RAIL_CHANNEL,
  values: Int32Array.of(Math.round(xM * 1000), Math.round(rangeM * 1000)),
});

const STOP_COMMAND = { kind: 'setpoint', name: 'stop', params: {}, durationUs: 1_000_000 } as const;

export const cart: TerrainModel<Rail> = {
  name: 'cart',
  version: 1,
  rates: { reflexUs: 10_000, situationEvery: 1, supervisionEvery: 10 },
  chain: {
    primaryTimeoutUs: 600_000,
    secondaryTimeoutUs: 600_000,
    recoverUs: 500_000,
    strikes: 3,
    strikeWindowUs: 5_000_000,
    suspendUs: 2_000_000,
  },
  failsafe: {
    actions: [
      {
        id: 'halt',
        severity: 10,
        command: STOP_COMMAND,
        restriction: null,
        stopCategory: 2,
        broadcast: true,
        canRun: () => true,
        degradesTo: null,
      },
      {
        id: 'brakes',
        severity: 20,
        command: STOP_COMMAND,
        restriction: null,
        stopCategory: 0,
        broadcast: true,
        canRun: () => true,
        degradesTo: null,
      },
    ],
    conditions: [
      {
        id: 'obstacle',
        action: 'halt',
        cause: 'something stands less than 0.3 m ahead',
        advice: 'clear the rail',
        holds: ({ world }) => world.rangeM < 0.3,
        clear: 'when_clears',
        holdDelayUs: 0,
        takeover: 'never',
        deferrable: false,
      },
      {
        id: 'operator_stop',
        action: 'halt',
        cause: 'a person stopped the cart',
        advice: 'release the stop',
        holds: ({ stop }) => stop !== 'none',
        clear: 'when_clears',
        holdDelayUs: 0,
        takeover: 'never',
        deferrable: false,
      },
      {
        id: 'no_planner',
        action: 'halt',
        cause: 'no planner answers',
        advice: 'wait for the hub',
        holds: ({ chain }) => chain === 'mechanical',
        clear: 'when_clears',
        holdDelayUs: 0,
        takeover: 'never',
        deferrable: false,
      },
    ],
    hold: 'halt',
    mechanical: 'brakes',
    deferLimitUs: 1_000_000,
  },
  reflexes: [
    {
      id: 'close',
      reference: 'ISO/TS 15066, 5.5.4',
      propose: ({ world }) =>
        world.rangeM < 1
          ? { restriction: { atMost: { speedMps: 0.3 }, forbid: [] }, rationale: 'something is near' }
          : null,
    },
  ],
  policy: { version: '1', hash: 'none', rules: [] },
  channels: { [RAIL_CHANNEL]: ['xMm', 'rangeMm'] },
  initial: () => ({ xM: 0, rangeM: 100, grabbed: false }),
  fold: (world, stimulus) => {
    if (stimulus.kind === 'percept' && stimulus.channel === RAIL_CHANNEL) {
      const [x = 0, range = 0] = stimulus.values;
      return { ...world, xM: x / 1000, rangeM: range / 1000 };
    }
    return stimulus.kind === 'result' && stimulus.status === 'done' ? { ...world, grabbed: true } : world;
  },
  rest: { kind: 'setpoint', name: 'stop', params: {}, durationUs: 1_000_000 },
  clamp: (command, restriction) =>
    restriction === NO_RESTRICTION ? { command, clamped: [], forbiddenBy: null } : clampParams(command, restriction),
  hazard: ({ params }) => (typeof params.speedMps === 'number' ? Math.abs(params.speedMps) : 0),
  refuses: (_world, task) => (task.kind === 'reach' ? null : `a cart cannot '${task.kind}'`),
  taskProgress: (world, task) => (world.xM >= reachOf(task.args) ? 'done' : 'running'),
  intentProgress: (world, { args }) => (world.xM >= Number(args.xM) ? 'done' : 'running'),
  parametrize: (intent, _situation, id, idempotencyKey) =>
    intent.name === 'grab'
      ? { kind: 'action', name: 'grab', params: {}, id, idempotencyKey, deadlineUs: 60_000_000 }
      : {
          kind: 'setpoint',
          name: 'drive',
          params: { speedMps: Number(intent.args.speedMps ?? 1) },
          durationUs: 400_000,
        },
  swarm: () => [],
  expect: () => null,
  observe: () => ({}),
  promise: () => 'pending',
};

const reachOf = (args: Json): number =>
  typeof args === 'object' && args !== null && !Array.isArray(args) ? Number((args as { xM?: Json }).xM ?? 0) : 0;

export const cartReport: Report<Rail> = {
  channels: [
    {
      channel: 'state',
      everyUs: 100_000,
      fields: [
        { name: 'xM', unit: 'm' },
        { name: 'rangeM', unit: 'm', low: 0, high: 100 },
      ],
      values: ({ world }) => [world.xM, world.rangeM],
    },
  ],
  reaches: () => true,
  greetings: [
    {
      everyUs: 100_000,
      message: ({ world }) => ({ to: '*', topic: 'pose', body: [world.xM] }),
    },
  ],
};
