import { type Agent, createAgent, decodeState, type Json, RAD_PER_DEG, type Stimulus, step } from '@sigma/kernel';
import type { FleetBelief } from '../belief/belief.ts';
import { BODIES, type Body } from '../bodies.ts';
import { FIX, HEALTH, MOTION, NO_READING, SCAN, SCAN_RAYS } from '../channels.ts';
import { type RecordedAgent, RecordedModels } from '../recording.ts';
import { centreXM, centreYM, type Place, type Site } from '../site/site.ts';

/** What an opening of a recording says of a robot, as far as its picture needs it. */
export interface RecordedRobot extends RecordedAgent {
  readonly model: string;
  readonly modelVersion: number;
  readonly tenant: string;
  readonly source: string;
  readonly role: string;
  readonly seed: number;
  readonly epoch: number;
  readonly flags: readonly number[];
  readonly atUs: number;
}

/** What one stimulus shows, in SI units, x east and y north from the site's south-west corner. */
export type FleetShown =
  | { readonly kind: 'pose'; readonly xM: number; readonly yM: number; readonly headingRad: number }
  | { readonly kind: 'scan'; readonly startRad: number; readonly endRad: number; readonly rangesM: Float64Array }
  | { readonly kind: 'numbers'; readonly channel: string; readonly values: Float64Array };

/** Somebody whom a robot believes to see. */
export interface FleetOther {
  readonly id: string;
  readonly kind: string;
  readonly xM: number;
  readonly yM: number;
  readonly widthM: number;
}

/** Name of the model in the openings of robots. */
const MODEL = 'fleet';
const LAST_RAY_RAD = (360 - 360 / SCAN_RAYS) * RAD_PER_DEG;

const NUMBERS = [MOTION, HEALTH] as const;

/** Names of the fields of each channel of numbers. */
const CHANNEL_FIELDS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  NUMBERS.map(({ channel, fields }) => [channel, fields]),
);
const SCALES: Readonly<Record<string, readonly number[]>> = Object.fromEntries(
  NUMBERS.map(({ channel, scale }) => [channel, scale]),
);

/**
 * How recordings of a fleet look to other tools: raw counts of sensors in SI units, floors, bodies. With `reexecute` the
 * robots are run again and say where they believed themselves to be and whom they saw; without, what their beacons
 * measured places them.
 */
export class FleetScene {
  readonly #models = new RecordedModels();
  readonly #reexecute: boolean;

  constructor(options: { readonly reexecute: boolean }) {
    this.#reexecute = options.reexecute;
  }

  /**
   * The floor that an opening's configuration describes in full, or null. Every opening's configuration is handed in
   * before a robot is asked for: one of them holds the site that the others name.
   *
   * @throws BrokenSiteRecordError
   */
  floorOf(config: Json) {
    const before = this.#models.sites.size;
    this.#models.learn(config);
    if (this.#models.sites.size === before) return null;
    return floorOf([...this.#models.sites.values()].at(-1) as Site);
  }

  /** The picture of a robot; null for what is none. */
  chainOf(opening: RecordedRobot) {
    if (opening.model !== MODEL) return null;
    const body = bodyIn(opening.config);
    const again = this.#reexecute ? this.#again(opening) : null;
    const scene = {
      body: body === null ? null : { radiusM: body.radiusM, heightM: body.heightM },
      channels: CHANNEL_FIELDS,
      shown: shownBy,
    };
    return again === null ? scene : { ...scene, again };
  }

  /** Runs the robot again, or null where it was of another version and cannot be. */
  #again(opening: RecordedRobot) {
    const model = this.#models.modelOf(opening);
    if (typeof model === 'string' || model.version !== opening.modelVersion) return null;
    if (model.policy.hash !== opening.policyHash) return null;
    const { source, tenant, role, seed, epoch, flags, config, atUs } = opening;
    let agent: Agent<FleetBelief> = createAgent(model, { id: source, tenant, role, seed, epoch, flags, config, atUs });
    let tracks: FleetBelief['sight']['tracks'] = [];
    let others: readonly FleetOther[] = [];
    return {
      restore: (state: Uint8Array): boolean => {
        const restored = agentIn(state);
        if (restored === null) return false;
        agent = restored;
        return true;
      },
      wake: (wakeAtUs: number, inbox: readonly Stimulus[]) => {
        agent = step(model, agent, inbox, wakeAtUs).agent;
        const { motion, sight } = agent.world;
        if (sight.tracks !== tracks) {
          tracks = sight.tracks;
          others = tracks
            .filter(({ confirmed }) => confirmed)
            .map(({ id, kind, xM, yM, widthM }) => ({ id: String(id), kind, xM, yM, widthM }));
        }
        return { place: { xM: motion.xM, yM: motion.yM, headingRad: motion.headingRad }, others };
      },
    };
  }
}

/** The robot that a snapshot holds, or null where it holds none. */
function agentIn(state: Uint8Array): Agent<FleetBelief> | null {
  try {
    const agent = decodeState(new TextDecoder().decode(state)) as Partial<Agent<FleetBelief>> | null;
    return agent?.world?.motion === undefined ? null : (agent as Agent<FleetBelief>);
  } catch {
    return null;
  }
}

/** What a stimulus shows, or null where it has no picture: orders, messages, a frame that is not what its channel says. */
function shownBy(stimulus: Stimulus): FleetShown | null {
  if (stimulus.kind !== 'percept') return null;
  const { channel, values } = stimulus;
  if (channel === SCAN.channel) {
    if (values.length !== SCAN_RAYS) return null;
    const rangesM = new Float64Array(SCAN_RAYS);
    for (let ray = 0; ray < SCAN_RAYS; ray++) rangesM[ray] = rangeM(values[ray] as number);
    return { kind: 'scan', startRad: 0, endRad: LAST_RAY_RAD, rangesM };
  }
  if (channel === FIX.channel) {
    const [x, y, heading] = values;
    if (values.length !== FIX.fields.length || x === NO_READING || y === NO_READING || heading === NO_READING)
      return null;
    const [xScale, yScale, headingScale] = FIX.scale;
    return {
      kind: 'pose',
      xM: (x as number) * xScale,
      yM: (y as number) * yScale,
      headingRad: (heading as number) * headingScale,
    };
  }
  const scale = Object.hasOwn(SCALES, channel) ? SCALES[channel] : undefined;
  if (scale === undefined || scale.length !== values.length) return null;
  const si = new Float64Array(values.length);
  for (let k = 0; k < values.length; k++) {
    const count = values[k] as number;
    si[k] = count === NO_READING ? Number.NaN : count * (scale[k] as number);
  }
  return { kind: 'numbers', channel, values: si };
}

/** Millimetres as metres: 0 means that nothing is within range. */
function rangeM(count: number): number {
  if (count === NO_READING) return Number.NaN;
  return count === 0 ? Number.POSITIVE_INFINITY : count * 1e-3;
}

function bodyIn(config: Json): Body | null {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return null;
  const { body } = config as { readonly [name: string]: Json };
  return body === 'humanoid' || body === 'carrier' ? BODIES[body] : null;
}

function floorOf(site: Site) {
  const placed = (kind: string, places: readonly Place[]) =>
    places.map(({ id, cell }) => ({ id, kind, xM: centreXM(site, cell), yM: centreYM(site, cell) }));
  return {
    name: site.name,
    columns: site.width,
    rows: site.height,
    cellM: site.metresPerCell,
    blocked: site.blocked,
    zones: site.zones,
    places: [...placed('dock', site.docks), ...placed('charger', site.chargers), ...placed('station', site.stations)],
  };
}
