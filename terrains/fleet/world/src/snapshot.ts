import type { Site } from '@sigma/fleet-model';
import type { Json } from '@sigma/kernel';
import { layoutOf } from './create.ts';
import { type FinishedAction, type OngoingAction, PERSON, ROBOT, type RobotPlan, type World } from './state.ts';

/** A world as plain JSON: numbers as the hex of their IEEE 754 bytes (little-endian), so that not a bit is lost. */
export interface WorldSnapshot {
  readonly format: 'sigma.fleet-world.2';
  readonly siteDigest: string;
  readonly seed: number;
  readonly plan: readonly RobotPlan[];
  readonly walkers: number;
  readonly atUs: number;
  readonly tick: number;
  readonly robots: string;
  readonly people: string;
  readonly actions: readonly (OngoingAction | null)[];
  readonly finished: readonly (FinishedAction | null)[];
  readonly cargo: readonly (string | null)[];
  readonly frozenScans: readonly (readonly number[] | null)[];
}

/** A snapshot that does not fit the site or does not hold together. */
export class BrokenSnapshotError extends Error {
  constructor(problem: string) {
    super(`snapshot of a fleet world: ${problem}`);
    this.name = 'BrokenSnapshotError';
  }
}

export function snapshot(world: World): WorldSnapshot {
  const { layout, atUs, tick, actions, finished, cargo } = world;
  return {
    format: 'sigma.fleet-world.2',
    siteDigest: layout.site.digest,
    seed: layout.seed,
    plan: layout.robots,
    walkers: layout.people,
    atUs,
    tick,
    robots: toHex(world.robots),
    people: toHex(world.people),
    actions,
    finished,
    cargo,
    frozenScans: world.frozenScans.map((scan) => (scan === null ? null : Array.from(scan))),
  };
}

/**
 * The world that was snapped: it goes on exactly as the original would have.
 * @throws BrokenSnapshotError
 */
export function restore(site: Site, from: WorldSnapshot): World {
  if (from?.format !== 'sigma.fleet-world.2') throw new BrokenSnapshotError("expected format 'sigma.fleet-world.2'");
  if (from.siteDigest !== site.digest) {
    throw new BrokenSnapshotError(`taken on site ${from.siteDigest}, not on '${site.name}' (${site.digest})`);
  }
  const { seed, plan, walkers, atUs, tick, actions, finished, cargo } = from;
  const robots = fromHex(from.robots, 'robots');
  const people = fromHex(from.people, 'people');
  if (robots.length !== plan.length * ROBOT) throw new BrokenSnapshotError(`'robots' is not ${plan.length} rows long`);
  if (people.length % PERSON !== 0) throw new BrokenSnapshotError("'people' ends in the middle of a row");
  for (const list of [actions, finished, cargo, from.frozenScans]) {
    if (list.length !== plan.length)
      throw new BrokenSnapshotError(`a list has ${list.length} entries for ${plan.length} robots`);
  }
  const layout = layoutOf({ site, seed, robots: plan, people: walkers });
  const frozenScans = from.frozenScans.map((scan) => (scan === null ? null : Int32Array.from(scan)));
  return { layout, atUs, tick, robots, people, actions, finished, cargo, frozenScans };
}

/** 16 hex digits over the whole state: equal worlds have equal digests, and a differing bit shows. For state roots. */
export function worldDigest(world: World): string {
  const fold = new Fold();
  fold.text(world.layout.site.digest);
  fold.text(JSON.stringify(world.layout.robots));
  fold.doubles(Float64Array.of(world.layout.seed, world.layout.people, world.atUs, world.tick));
  fold.doubles(world.robots);
  fold.doubles(world.people);
  fold.text(
    canonical([
      ...world.actions.map(actionFields),
      ...world.finished.map((f) => f && [f.key, f.detail]),
      ...world.cargo,
    ]),
  );
  for (const scan of world.frozenScans) {
    fold.word(scan === null ? 0 : scan.length);
    if (scan !== null) for (const count of scan) fold.word(count);
  }
  return fold.hex();
}

const actionFields = (action: OngoingAction | null): Json =>
  action === null ? null : [action.id, action.key, action.name, action.place, action.item];

/** JSON with the keys of objects in ascending order, so that a restored object digests as the original. */
function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value as { readonly [key: string]: Json });
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}

/** Two lanes of MurmurHash3's 32-bit mixing (A. Appleby), the second fed with the first. */
class Fold {
  #a = 0x243f6a88;
  #b = 0x13198a2e;
  #length = 0;

  word(word: number): void {
    this.#a = stir(this.#a, word, 0xcc9e2d51);
    this.#b = stir(this.#b ^ this.#a, word, 0x1b873593);
    this.#length++;
  }

  doubles(values: Float64Array): void {
    this.word(values.length);
    const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
    const little = isLittleEndian;
    for (let at = 0; at < values.byteLength; at += 8) {
      this.word(view.getInt32(little ? at : at + 4, little));
      this.word(view.getInt32(little ? at + 4 : at, little));
    }
  }

  text(text: string): void {
    this.word(text.length);
    for (let k = 0; k < text.length; k++) this.word(text.charCodeAt(k));
  }

  hex(): string {
    this.word(this.#length);
    return hex8(this.#a) + hex8(this.#b);
  }
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function stir(lane: number, word: number, multiplier: number): number {
  const k = Math.imul(word, multiplier);
  const mixed = lane ^ Math.imul((k << 15) | (k >>> 17), 0x85ebca6b);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

const hex8 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function toHex(values: Float64Array): string {
  const view = new DataView(new ArrayBuffer(8));
  let hex = '';
  for (const value of values) {
    view.setFloat64(0, value, true);
    for (let k = 0; k < 8; k++) hex += HEX[view.getUint8(k)] as string;
  }
  return hex;
}

function fromHex(hex: string, field: string): Float64Array {
  if (hex.length % 16 !== 0 || !/^[0-9a-f]*$/.test(hex))
    throw new BrokenSnapshotError(`'${field}' is no hex of whole numbers`);
  const values = new Float64Array(hex.length / 16);
  const view = new DataView(new ArrayBuffer(8));
  for (let k = 0; k < values.length; k++) {
    for (let byte = 0; byte < 8; byte++)
      view.setUint8(byte, Number.parseInt(hex.slice(k * 16 + byte * 2, k * 16 + byte * 2 + 2), 16));
    values[k] = view.getFloat64(0, true);
  }
  return values;
}
