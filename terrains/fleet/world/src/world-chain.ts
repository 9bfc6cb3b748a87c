import { CUTOFF, DRIVE, HOLD, type Site, type SiteRecord, STOP, siteFromJson, siteToJson } from '@sigma/fleet-model';
import {
  type Command,
  decodeState,
  encodeState,
  type Json,
  type Observation,
  type Percept,
  type Stimulus,
} from '@sigma/kernel';
import {
  CannotReexecuteError,
  type ChainId,
  ChainWriter,
  EVENT_TYPE,
  type EventDraft,
  type Execution,
  encodeSegment,
  type Lineage,
  type Opening,
  openingEvent,
  type Reexecutor,
  type SealedBlock,
  type Sha256,
  signalEvent,
  snapshotEvent,
  type Wake,
  WireWriter,
} from '@sigma/recorder';
import { createWorld } from './create.ts';
import { resolve, resolveSensing, resolveUnsensed, type Senses } from './resolve.ts';
import { restore, snapshot, type WorldSnapshot } from './snapshot.ts';
import type { RobotPlan, World } from './state.ts';
import type { Injection, Outcomes, WorldInputs } from './step.ts';

/**
 * The computed world's own chain. Its inputs are what reached the actuators, in whole counts, and what was injected;
 * its signals and snapshots are what the physics made of them. `verify` runs the physics again from the same inputs.
 */
export const WORLD_MODEL = 'fleet-world';
const WORLD_MODEL_VERSION = 2;

/** Row of a percept on channel `drive`: robot index, 0.1 mm/s, 0.1 mrad/s, ms that it holds for. */
const DRIVE_CHANNEL = 'drive';
const DRIVE_SCALE = 1e-4;
const LONGEST_DRIVE_MS = 60_000;
/** Row of a percept on channel `stand`: robot index, word of STANDS, stop category (0 where there is none). */
const STAND_CHANNEL = 'stand';
const STANDS = [HOLD, STOP, CUTOFF] as const;
const ACTION_CHANNEL = 'action';
const INJECTION_CHANNEL = 'injection';

/** What the world is made of, as it stands in the opening of its chain. */
export interface WorldConfig {
  readonly site: Site;
  readonly robots: readonly RobotPlan[];
  readonly people: number;
}

const configToJson = ({ site, robots, people }: WorldConfig): Json => ({
  site: siteToJson(site) as unknown as Json,
  robots: robots.map(({ id, body, cell }) => ({ id, body, cell })),
  people,
});

/**
 * The command as the actuator of robot `robot` understands it: in counts.
 *
 * @param holdsUs how long a drive holds from now on, microseconds, > 0
 */
export function actuatorStimulus(robot: number, command: Command, holdsUs: number): Stimulus {
  if (command.kind === 'action') {
    const { name, params, id, idempotencyKey, deadlineUs } = command;
    const data = { robot, name, params: { ...params }, id, idempotencyKey, deadlineUs };
    return { kind: 'observation', channel: ACTION_CHANNEL, data };
  }
  const { name, params } = command;
  if (name === DRIVE) {
    const holdsMs = Math.min(LONGEST_DRIVE_MS, Math.max(1, Math.ceil(holdsUs / 1000)));
    const values = Int32Array.of(robot, counts(params['speedMps']), counts(params['turnRadps']), holdsMs);
    return { kind: 'percept', channel: DRIVE_CHANNEL, values };
  }
  // A word that the actuators do not know stands still: the safe end of every misunderstanding.
  const word = Math.max(0, STANDS.indexOf(name as (typeof STANDS)[number]));
  const category = params['category'];
  return {
    kind: 'percept',
    channel: STAND_CHANNEL,
    values: Int32Array.of(robot, word, typeof category === 'number' ? category : 0),
  };
}

const counts = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? Math.round(value / DRIVE_SCALE) : 0;

export const injectionStimulus = (injection: Injection): Observation => ({
  kind: 'observation',
  channel: INJECTION_CHANNEL,
  data: { ...injection } as unknown as Json,
});

/** What the world is given for its next step. Live and on replay it is read from the same stimuli. */
function worldInputs({ layout, atUs }: World, inbox: readonly Stimulus[]): WorldInputs {
  const commands = new Array<Command | null>(layout.robots.length).fill(null);
  const injections: Injection[] = [];
  for (const stimulus of inbox) {
    if (stimulus.kind === 'percept') {
      const [robot, command] = setPointOf(stimulus);
      commands[robot] = command;
    } else if (stimulus.kind === 'observation' && stimulus.channel === ACTION_CHANNEL) {
      const { robot, ...action } = stimulus.data as unknown as Omit<Extract<Command, { kind: 'action' }>, 'kind'> & {
        readonly robot: number;
      };
      commands[robot] = { kind: 'action', ...action };
    } else if (stimulus.kind === 'observation' && stimulus.channel === INJECTION_CHANNEL) {
      injections.push(stimulus.data as unknown as Injection);
    }
  }
  return { atUs, commands, injections };
}

/** Stands hold until something else is said. */
const STANDS_US = 1_000_000;

function setPointOf({ channel, values }: Percept): readonly [number, Command] {
  const [robot = 0, first = 0, second = 0, holdsMs = 0] = values;
  if (channel === DRIVE_CHANNEL) {
    const params = { speedMps: first * DRIVE_SCALE, turnRadps: second * DRIVE_SCALE };
    return [robot, { kind: 'setpoint', name: DRIVE, params, durationUs: holdsMs * 1000 }];
  }
  const name = STANDS[first] ?? HOLD;
  return [robot, { kind: 'setpoint', name, params: name === STOP ? { category: second } : {}, durationUs: STANDS_US }];
}

/** What a step puts on the world's record. */
function worldEvents(world: World, outcomes: Outcomes, atUs: number, timeUs: number): readonly EventDraft[] {
  const name = (robot: number): string => world.layout.robots[robot]?.id ?? String(robot);
  const events: EventDraft[] = [];
  for (const { robot, with: what, other, speedMps } of outcomes.collisions) {
    const body = { robot: name(robot), with: what, other: what === 'robot' ? name(other) : other, speedMps };
    events.push(signalEvent('collision', body, atUs, timeUs));
  }
  for (const { injection, reason } of outcomes.refused) {
    events.push(signalEvent('injection_refused', { injection, reason }, atUs, timeUs));
  }
  return events;
}

export interface RecordedWorldOptions {
  readonly config: WorldConfig;
  /** uint32. */
  readonly seed: number;
  readonly chain: ChainId;
  /** Hash of the last block of the epoch before; empty in the first. */
  readonly previousEpochHash: Uint8Array;
  readonly software: string;
  readonly sha256: Sha256;
  /** Agent time at which the world begins, and the wall clock then, microseconds. */
  readonly atUs: number;
  readonly timeUs: number;
  /** A fork of another world's record: where it leaves that, and the world that it takes over. */
  readonly fork?: { readonly lineage: Lineage; readonly world: World; readonly inputSequence: number };
}

/** The world with its record: one call a step, and now and then a block to store. */
export class RecordedWorld {
  #world: World;
  readonly #sha256: Sha256;
  readonly #chain: ChainWriter;
  readonly #wire = new WireWriter(16_384);
  #wakes: Wake[] = [];
  #outcomes: EventDraft[] = [];
  #unsealed: EventDraft[];
  #inputSequence = 0;

  /** @throws WorldSetupError */
  constructor(options: RecordedWorldOptions) {
    const { config, seed, chain, previousEpochHash, software, sha256, atUs, timeUs, fork } = options;
    this.#world = fork?.world ?? createWorld({ ...config, seed });
    this.#sha256 = sha256;
    this.#chain = new ChainWriter(chain, sha256);
    const model = { model: WORLD_MODEL, modelVersion: WORLD_MODEL_VERSION, flags: [], policyText: '', policyHash: '' };
    const who = { ...chain, role: 'world', seed, config: configToJson(config), software, previousEpochHash };
    const lineage = fork === undefined ? {} : { lineage: fork.lineage };
    this.#unsealed = [openingEvent({ ...who, ...model, ...lineage, atUs, timeUs })];
    if (fork === undefined) return;
    this.#inputSequence = fork.inputSequence;
    this.#unsealed.push(this.#snapshot(atUs, timeUs));
  }

  get world(): World {
    return this.#world;
  }

  /**
   * @param atUs agent time of the step's beginning, not before the last one's
   * @param timeUs wall clock for the record
   * @param senses whose frames are wanted; everybody's when absent
   */
  step(inbox: readonly Stimulus[], atUs: number, timeUs: number, senses?: Senses): Outcomes {
    const inputs = worldInputs(this.#world, inbox);
    const { world, outcomes } =
      senses === undefined ? resolve(this.#world, inputs) : resolveSensing(this.#world, inputs, senses);
    this.#wakes.push({ atUs, inbox });
    this.#outcomes.push(...worldEvents(world, outcomes, atUs, timeUs));
    this.#world = world;
    return outcomes;
  }

  /**
   * Everything since the last block: the segment of inputs, what came of them and, where wanted, the world's whole
   * state.
   *
   * @returns null when nothing happened
   */
  seal(withState: boolean, timeUs: number): SealedBlock | null {
    const lastUs = this.#closeSegment(timeUs);
    if (withState && lastUs !== null) this.#unsealed.push(this.#snapshot(lastUs, timeUs));
    if (this.#unsealed.length === 0) return null;
    const block = this.#chain.seal(this.#unsealed);
    this.#unsealed = [];
    return block;
  }

  /** @returns time of the last step in it, or null when there was none */
  #closeSegment(timeUs: number): number | null {
    const [first] = this.#wakes;
    const last = this.#wakes.at(-1);
    if (first === undefined || last === undefined) return null;
    this.#wire.reset();
    encodeSegment(this.#wire, { firstInput: this.#inputSequence + 1, wakes: this.#wakes });
    const data = this.#wire.take();
    const segment = { type: EVENT_TYPE.stimulusSegment, subject: '', atUs: first.atUs, timeUs, traceparent: '', data };
    this.#unsealed.push(segment, ...this.#outcomes);
    for (const { inbox } of this.#wakes) this.#inputSequence += inbox.length;
    this.#wakes = [];
    this.#outcomes = [];
    return last.atUs;
  }

  #snapshot(atUs: number, timeUs: number): EventDraft {
    const state = worldState(this.#world);
    const model = { model: WORLD_MODEL, modelVersion: WORLD_MODEL_VERSION, flags: [], policyHash: '' };
    const inputSequence = this.#inputSequence;
    return snapshotEvent({ inputSequence, atUs, state, stateHash: this.#sha256(state), ...model }, timeUs);
  }
}

const worldState = (world: World): Uint8Array => new TextEncoder().encode(encodeState(snapshot(world)));

/** A step of a world whose frames are on record: what became of it, and nothing sensed. */
export const stepUnsensed = (world: World, inbox: readonly Stimulus[]): ReturnType<typeof resolveUnsensed> =>
  resolveUnsensed(world, worldInputs(world, inbox));

/** Index of the robot that an input of the world is for, or -1 for an injection. */
export function robotOf(stimulus: Stimulus): number {
  if (stimulus.kind === 'percept') return stimulus.values[0] ?? -1;
  if (stimulus.kind !== 'observation' || stimulus.channel !== ACTION_CHANNEL) return -1;
  return (stimulus.data as { readonly robot: number }).robot;
}

/** What a world's opening says of it. */
export function worldConfig({ config }: Pick<Opening, 'config'>): WorldConfig {
  const { site, robots, people } = config as unknown as Omit<WorldConfig, 'site'> & { readonly site: SiteRecord };
  return { site: siteFromJson(site), robots, people };
}

/** The world of an opening, at its beginning or as a snapshot left it. */
export function openWorld(opening: Opening, state: Uint8Array | null): World {
  const config = worldConfig(opening);
  if (state !== null) return restore(config.site, decodeState(new TextDecoder().decode(state)) as WorldSnapshot);
  return createWorld({ ...config, seed: opening.seed });
}

/** Runs a computed world again from its opening or a snapshot. */
export const worldReexecutor: Reexecutor = {
  open(opening, restored): Execution {
    if (opening.modelVersion !== WORLD_MODEL_VERSION) {
      throw new CannotReexecuteError(
        `the world was computed by version ${opening.modelVersion}, here is ${WORLD_MODEL_VERSION}`,
      );
    }
    let world = openWorld(opening, restored?.state ?? null);
    return {
      wake(atUs, inbox) {
        const next = resolveUnsensed(world, worldInputs(world, inbox));
        world = next.world;
        return worldEvents(world, next.outcomes, atUs, 0);
      },
      state: () => worldState(world),
    };
  },
};
