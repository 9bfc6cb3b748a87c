import {
  type ClampResult,
  type Command,
  clampParams,
  type Json,
  type Situation,
  type Stimulus,
  type TerrainModel,
} from '@sigma/kernel';

/**
 * A tram on a straight line: the smallest terrain with everything a recording can hold. It wakes at 10 Hz, reads its
 * place from the rail and distances from a scan, brakes before an obstacle, follows a plan and tells peers.
 */
export interface Tram {
  readonly atMm: number;
  readonly speedMmps: number;
  readonly nearestMm: number;
  /** Every distance of the last scan. */
  readonly scan: Int32Array;
  readonly doneM: number;
}

const HALT: Command = { kind: 'setpoint', name: 'halt', params: {}, durationUs: 1_000_000 };
const SECOND_US = 1_000_000;

function fold(world: Tram, stimulus: Stimulus): Tram {
  if (stimulus.kind !== 'percept') return world;
  const { values } = stimulus;
  if (stimulus.channel === 'rail') return { ...world, atMm: values[0] ?? world.atMm, speedMmps: values[1] ?? 0 };
  if (stimulus.channel !== 'scan') return world;
  let nearestMm = 1_000_000;
  for (const distance of values) if (distance < nearestMm) nearestMm = distance;
  return { ...world, nearestMm, scan: values };
}

const nearerThan =
  (mm: number) =>
  ({ world }: Situation<Tram>, active: boolean): boolean =>
    world.nearestMm < (active ? mm + 200 : mm);

function clamp(command: Command, restriction: Parameters<typeof clampParams>[1]): ClampResult {
  return command.name === 'halt' ? { command, clamped: [], forbiddenBy: null } : clampParams(command, restriction);
}

const distanceOf = (args: Json): number => (args as { toMm?: number } | null)?.toMm ?? 0;

/** @param brakeMm where the tram stops before an obstacle; another value is another behaviour */
export function tramModel(brakeMm = 800): TerrainModel<Tram> {
  return {
    name: 'tram',
    version: 1,
    rates: { reflexUs: 100_000, situationEvery: 2, supervisionEvery: 5 },
    chain: {
      primaryTimeoutUs: 3 * SECOND_US,
      secondaryTimeoutUs: null,
      recoverUs: SECOND_US,
      strikes: 3,
      strikeWindowUs: 10 * SECOND_US,
      suspendUs: 5 * SECOND_US,
    },
    channels: { rail: ['atMm', 'speedMmps'], scan: [] },
    failsafe: {
      actions: [
        {
          id: 'brake',
          severity: 10,
          command: HALT,
          restriction: null,
          stopCategory: 1,
          broadcast: true,
          canRun: () => true,
          degradesTo: null,
        },
        {
          id: 'cut',
          severity: 90,
          command: HALT,
          restriction: null,
          stopCategory: 0,
          broadcast: false,
          canRun: () => true,
          degradesTo: null,
        },
      ],
      conditions: [
        {
          id: 'obstacle',
          action: 'brake',
          cause: 'something stands on the line',
          advice: 'Clear the line',
          holds: nearerThan(brakeMm),
          clear: 'when_clears',
          holdDelayUs: 0,
          takeover: 'never',
          deferrable: false,
        },
      ],
      hold: 'brake',
      mechanical: 'cut',
      deferLimitUs: SECOND_US,
    },
    reflexes: [
      {
        id: 'slow_near',
        reference: 'none: a test',
        propose: ({ world }) =>
          world.nearestMm < 3000
            ? { restriction: { atMost: { speedMps: world.nearestMm / 3000 }, forbid: [] }, rationale: 'near' }
            : null,
      },
    ],
    policy: { version: '1', hash: 'tram-policy', rules: [] },
    initial: (config) => ({
      atMm: (config as { atMm?: number } | null)?.atMm ?? 0,
      speedMmps: 0,
      nearestMm: 1_000_000,
      scan: new Int32Array(),
      doneM: -0,
    }),
    fold,
    rest: HALT,
    clamp,
    hazard: ({ params }) => (typeof params.speedMps === 'number' ? Math.abs(params.speedMps) : 0),
    refuses: (_, task) => (task.kind === 'go' ? null : `a tram cannot ${task.kind}`),
    taskProgress: (world, { args }) => (world.atMm >= distanceOf(args) ? 'done' : 'running'),
    intentProgress: (world, { args }) => (world.atMm >= (args.toMm as number) ? 'done' : 'running'),
    parametrize: ({ args }) => ({
      kind: 'setpoint',
      name: 'drive',
      params: { speedMps: args.speedMps as number },
      durationUs: 500_000,
    }),
    swarm: () => [],
    expect: (world, command, atUs) =>
      command.name === 'drive'
        ? {
            dueUs: atUs + 500_000,
            quantities: [
              { name: 'atMm', value: world.atMm + 500 * (command.params.speedMps as number), tolerance: 200 },
            ],
          }
        : null,
    observe: (world) => ({ atMm: world.atMm }),
    promise: (_, promise, atUs) => (atUs > promise.dueUs ? 'broken' : 'pending'),
  };
}
