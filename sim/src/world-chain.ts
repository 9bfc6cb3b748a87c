import { CUTOFF, DRIVE, HOLD, type Site, type SiteRecord, STOP, siteFromJson, siteToJson } from '@sigma/fleet-model';
import {
  createWorld,
  type Injection,
  type Outcomes,
  type RobotPlan,
  resolve,
  restore,
  snapshot,
  type World,
  type WorldInputs,
  type WorldSnapshot,
} from '@sigma/fleet-world';
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
  EVENT_TYPE,
  type EventDraft,
  encodeSegment,
  type Opening,
  type Sha256,
  signalEvent,
  snapshotEvent,
  type Wake,
  WireWriter,
} from '@sigma/recorder';

/**
 * The computed world's own chain. Its inputs are what reached the actuators, in whole counts, and what was injected;
 * its signals and snapshots are what the physics made of them. `verify` runs the physics again from the same inputs.
 */
export const WORLD_MODEL = 'fleet-world';
export const WORLD_MODEL_VERSION = 1;

/** Row of a percept on channel `drive`: robot index, 0.1 mm/s, 0.1 mrad/s. */
const DRIVE_CHANNEL = 'drive';
const DRIVE_SCALE = 1e-4;
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

export const worldConfigToJson = ({ site, robots, people }: WorldConfig): Json => ({
  site: siteToJson(site) as unknown as Json,
  robots: robots.map(({ id, body, cell }) => ({ id, body, cell })),
  people,
});

/** The command as the actuator of robot `robot` understands it: in counts. */
export function actuatorStimulus(robot: number, command: Command): Stimulus {
  if (command.kind === 'action') {
    const { name, params, id, idempotencyKey, deadlineUs } = command;
    const data = { robot, name, params: { ...params }, id, idempotencyKey, deadlineUs };
    return { kind: 'observation', channel: ACTION_CHANNEL, data };
  }
  if (command.name === DRIVE) {
    const values = Int32Array.of(robot, counts(command.params['speedMps']), counts(command.params['turnRadps']));
    return { kind: 'percept', channel: DRIVE_CHANNEL, values };
  }
  // A word that the actuators do not know stands still: the safe end of every misunderstanding.
  const word = Math.max(0, STANDS.indexOf(command.name as (typeof STANDS)[number]));
  const category = command.params['category'];
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

/** What the world is given for the step that begins at `atUs`. Live and on replay it is read from the same stimuli. */
function worldInputs(robots: number, inbox: readonly Stimulus[], atUs: number): WorldInputs {
  const commands: (Command | null)[] = Array.from({ length: robots }, () => null);
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

const HELD_US = 1_000_000;

function setPointOf({ channel, values }: Percept): readonly [number, Command] {
  const [robot = 0, first = 0, second = 0] = values;
  if (channel === DRIVE_CHANNEL) {
    const params = { speedMps: first * DRIVE_SCALE, turnRadps: second * DRIVE_SCALE };
    return [robot, { kind: 'setpoint', name: DRIVE, params, durationUs: HELD_US }];
  }
  const name = STANDS[first] ?? HOLD;
  return [robot, { kind: 'setpoint', name, params: name === STOP ? { category: second } : {}, durationUs: HELD_US }];
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

/** The world with its record: one call a step. */
export class RecordedWorld {
  #world: World;
  readonly #sha256: Sha256;
  readonly #wire = new WireWriter(16_384);
  #wakes: Wake[] = [];
  #events: EventDraft[] = [];
  #inputSequence = 0;

  constructor(config: WorldConfig, seed: number, sha256: Sha256) {
    this.#world = createWorld({ ...config, seed });
    this.#sha256 = sha256;
  }

  get world(): World {
    return this.#world;
  }

  /** @param timeUs wall clock for the record */
  step(inbox: readonly Stimulus[], timeUs: number): Outcomes {
    const { atUs, layout } = this.#world;
    const { world, outcomes } = resolve(this.#world, worldInputs(layout.robots.length, inbox, atUs));
    this.#wakes.push({ atUs, inbox });
    this.#events.push(...worldEvents(world, outcomes, atUs, timeUs));
    this.#world = world;
    return outcomes;
  }

  /** Everything since the last cut: the segment of inputs, then what came of them. */
  cut(timeUs: number): EventDraft[] {
    const first = this.#wakes[0];
    if (first === undefined) return [];
    this.#wire.reset();
    encodeSegment(this.#wire, { firstInput: this.#inputSequence + 1, wakes: this.#wakes });
    const data = this.#wire.take();
    const segment = { type: EVENT_TYPE.stimulusSegment, subject: '', atUs: first.atUs, timeUs, traceparent: '', data };
    const events = [segment, ...this.#events];
    for (const { inbox } of this.#wakes) this.#inputSequence += inbox.length;
    this.#wakes = [];
    this.#events = [];
    return events;
  }

  /** The world's whole state. Call it right after a cut. */
  snapshot(atUs: number, timeUs: number): EventDraft {
    const state = worldState(this.#world);
    const model = { model: WORLD_MODEL, modelVersion: WORLD_MODEL_VERSION, flags: [], policyHash: '' };
    const inputSequence = this.#inputSequence;
    return snapshotEvent({ inputSequence, atUs, state, stateHash: this.#sha256(state), ...model }, timeUs);
  }
}

const worldState = (world: World): Uint8Array => new TextEncoder().encode(encodeState(snapshot(world)));

/** The world of an opening, at its beginning or as a snapshot left it. */
export function openWorld(opening: Opening, state: Uint8Array | null): World {
  const config = opening.config as unknown as { site: SiteRecord; robots: readonly RobotPlan[]; people: number };
  const site = siteFromJson(config.site);
  if (state !== null) return restore(site, decodeState(new TextDecoder().decode(state)) as WorldSnapshot);
  return createWorld({ site, seed: opening.seed, robots: config.robots, people: config.people });
}

/** One world that is run again from its record. */
export class WorldRerun {
  #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  get world(): World {
    return this.#world;
  }

  /** @returns the signals of the step, to be compared byte for byte */
  wake(atUs: number, inbox: readonly Stimulus[]): readonly EventDraft[] {
    const { world, outcomes } = resolve(this.#world, worldInputs(this.#world.layout.robots.length, inbox, atUs));
    this.#world = world;
    return worldEvents(world, outcomes, atUs, 0);
  }

  state(): Uint8Array {
    return worldState(this.#world);
  }
}
