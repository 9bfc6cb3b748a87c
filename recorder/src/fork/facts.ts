import type { Rule, Situation, TerrainModel } from '@sigma/kernel';
import { MalformedBytesError } from '../wire/wire-reader.ts';

/** What rules of the situation layer may read of a terrain, kept so that most of a recording need not be run again. */
export interface FactsTerrain<World> {
  readonly facts: readonly { readonly name: string; readonly kind: 'number' | 'word' }[];
  /** Values in the order of `facts`. */
  readonly read: (situation: Situation<World>) => readonly (number | string)[];
}

/** The facts of consecutive stretches of a chain, column by column. */
export interface FactTable {
  /** For each stretch the snapshot that it begins with (0: the beginning of the chain) and the one that it ends before. */
  readonly snapshots: Float64Array;
  readonly ends: Float64Array;
  /** Agent time of its first evaluation and of its last. */
  readonly fromUs: Float64Array;
  readonly untilUs: Float64Array;
  /** By the order of the facts: bounds of a number, rounded outwards; NaN where it was no number at times. */
  readonly least: readonly Float32Array[];
  readonly most: readonly Float32Array[];
  /** By the order of the facts: number of a set in `sets`. */
  readonly words: readonly Uint32Array[];
  /** Words that a fact was; null for more than were counted. */
  readonly sets: readonly (readonly string[] | null)[];
}

/** What is known of one stretch. */
export interface StretchFacts {
  readonly bounds: (name: string) => readonly [number, number] | null;
  readonly words: (name: string) => readonly string[] | null;
}

/** More words than these of one fact in one stretch are not counted. */
const MOST_WORDS = 8;

/** Gathers facts while a life is run again: `model` lives as the recorded one did. */
export class FactGatherer<World> {
  readonly model: TerrainModel<World>;
  readonly #terrain: FactsTerrain<World>;
  #least: number[] = [];
  #most: number[] = [];
  #words: (Set<string> | null)[] = [];
  #fromUs = -1;
  #untilUs = -1;
  readonly #rows: {
    readonly snapshot: number;
    readonly end: number;
    readonly fromUs: number;
    readonly untilUs: number;
    readonly least: readonly number[];
    readonly most: readonly number[];
    readonly words: readonly (Set<string> | null)[];
  }[] = [];

  constructor(lived: TerrainModel<World>, terrain: FactsTerrain<World>) {
    this.#terrain = terrain;
    const looker: Rule<Situation<World>> = {
      id: 'facts',
      hash: '',
      rate: 'situation',
      rationale: '',
      effect: { type: 'restrict', restriction: { atMost: {}, forbid: [] } },
      evaluate: (situation) => {
        this.#note(situation);
        return 'quiet';
      },
    };
    this.model = { ...lived, policy: { ...lived.policy, rules: [...lived.policy.rules, looker] } };
    this.#clear();
  }

  #clear(): void {
    const { facts } = this.#terrain;
    this.#least = facts.map(() => Number.POSITIVE_INFINITY);
    this.#most = facts.map(() => Number.NEGATIVE_INFINITY);
    this.#words = facts.map(() => new Set<string>());
    this.#fromUs = -1;
  }

  #note(situation: Situation<World>): void {
    const values = this.#terrain.read(situation);
    for (let k = 0; k < values.length; k++) {
      const value = values[k] as number | string;
      if (typeof value === 'number') {
        // Math.min hands NaN on: a fact that was no number once has no bounds.
        this.#least[k] = Math.min(this.#least[k] as number, value);
        this.#most[k] = Math.max(this.#most[k] as number, value);
        continue;
      }
      const words = this.#words[k];
      if (words == null || words.has(value)) continue;
      if (words.size < MOST_WORDS) words.add(value);
      else this.#words[k] = null;
    }
    if (this.#fromUs < 0) this.#fromUs = situation.atUs;
    this.#untilUs = situation.atUs;
  }

  /** Ends a stretch, at the snapshot that the next one begins with. */
  end(snapshot: number, end: number): void {
    const times = { fromUs: this.#fromUs, untilUs: this.#fromUs < 0 ? -1 : this.#untilUs };
    this.#rows.push({ snapshot, end, ...times, least: this.#least, most: this.#most, words: this.#words });
    this.#clear();
  }

  /** Everything gathered, as columns. */
  table(): FactTable {
    const rows = this.#rows;
    const sets: (readonly string[] | null)[] = [];
    const numberOf = new Map<string, number>();
    const setOf = (words: Set<string> | null): number => {
      const set = words === null ? null : [...words].sort();
      const key = JSON.stringify(set);
      let number = numberOf.get(key);
      if (number === undefined) {
        number = sets.push(set) - 1;
        numberOf.set(key, number);
      }
      return number;
    };
    const column = (of: (row: (typeof rows)[number]) => number): Float64Array => Float64Array.from(rows, of);
    const { facts } = this.#terrain;
    return {
      snapshots: column(({ snapshot }) => snapshot),
      ends: column(({ end }) => end),
      fromUs: column(({ fromUs }) => fromUs),
      untilUs: column(({ untilUs }) => untilUs),
      least: facts.map((_, k) => Float32Array.from(rows, ({ least }) => below(least[k] as number))),
      most: facts.map((_, k) => Float32Array.from(rows, ({ most }) => above(most[k] as number))),
      words: facts.map((_, k) => Uint32Array.from(rows, ({ words }) => setOf(words[k] ?? null))),
      sets,
    };
  }
}

const ULP = 2 ** -23;

/** The nearest float32 that is not above, or not far below. */
function below(value: number): number {
  const near = Math.fround(value);
  return near <= value || Number.isNaN(near) ? near : Math.fround(near - Math.max(Math.abs(near) * ULP, 1e-44));
}

function above(value: number): number {
  return -below(-value);
}

/** A table with the stretches that follow it. */
export function joinedTables(one: FactTable, next: FactTable): FactTable {
  const doubles = (a: Float64Array, b: Float64Array): Float64Array =>
    joined(new Float64Array(a.length + b.length), a, b);
  const singles = (a: readonly Float32Array[], b: readonly Float32Array[]): readonly Float32Array[] =>
    a.map((column, k) => {
      const more = b[k] as Float32Array;
      return joined(new Float32Array(column.length + more.length), column, more);
    });
  const { length } = one.sets;
  return {
    snapshots: doubles(one.snapshots, next.snapshots),
    ends: doubles(one.ends, next.ends),
    fromUs: doubles(one.fromUs, next.fromUs),
    untilUs: doubles(one.untilUs, next.untilUs),
    least: singles(one.least, next.least),
    most: singles(one.most, next.most),
    words: one.words.map((column, k) => {
      const more = (next.words[k] as Uint32Array).map((set) => set + length);
      return joined(new Uint32Array(column.length + more.length), column, more);
    }),
    sets: [...one.sets, ...next.sets],
  };
}

function joined<Column extends Float64Array | Float32Array | Uint32Array>(into: Column, a: Column, b: Column): Column {
  into.set(a);
  into.set(b, a.length);
  return into;
}

/** What a table knows of its k-th stretch. */
export function factsOfStretch<World>(
  terrain: Pick<FactsTerrain<World>, 'facts'>,
  table: FactTable,
  k: number,
): StretchFacts {
  const place = (name: string): number => terrain.facts.findIndex((fact) => fact.name === name);
  return {
    bounds: (name) => {
      const at = place(name);
      const least = table.least[at]?.[k] ?? Number.NaN;
      const most = table.most[at]?.[k] ?? Number.NaN;
      return least <= most ? [least, most] : null;
    },
    words: (name) => {
      const number = table.words[place(name)]?.[k];
      return number === undefined ? null : (table.sets[number] ?? null);
    },
  };
}

const FORMAT = 1;

/** A table as bytes: the length of a JSON head, the head, and the columns behind each other, little-endian. */
export function encodeFacts(table: FactTable): Uint8Array {
  const { snapshots, ends, fromUs, untilUs, least, most, words, sets } = table;
  const head = new TextEncoder().encode(
    JSON.stringify({ format: FORMAT, rows: snapshots.length, facts: least.length, sets }),
  );
  const columns = [snapshots, ends, fromUs, untilUs, ...least, ...most, ...words];
  const bytes = new Uint8Array(4 + head.length + columns.reduce((sum, { byteLength }) => sum + byteLength, 0));
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  let at = 4 + head.length;
  for (const { buffer, byteOffset, byteLength } of columns) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}

/** @throws MalformedBytesError for what is no table of this format with so many facts */
export function decodeFacts(bytes: Uint8Array, facts: number): FactTable {
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as {
      readonly format: number;
      readonly rows: number;
      readonly facts: number;
      readonly sets: FactTable['sets'];
    };
    if (head.format !== FORMAT || head.facts !== facts) throw new Error('it is of another format');
    let at = 4 + length;
    const take = (size: number): ArrayBuffer => {
      const part = bytes.slice(at, at + size * head.rows);
      if (part.length !== size * head.rows) throw new Error('it is cut short');
      at += part.length;
      return part.buffer;
    };
    const [snapshots, ends, fromUs, untilUs] = [8, 8, 8, 8].map((size) => new Float64Array(take(size)));
    const many = <Column>(make: () => Column): Column[] => Array.from({ length: facts }, make);
    const least = many(() => new Float32Array(take(4)));
    const most = many(() => new Float32Array(take(4)));
    const words = many(() => new Uint32Array(take(4)));
    const times = { snapshots, ends, fromUs, untilUs } as Pick<FactTable, 'snapshots' | 'ends' | 'fromUs' | 'untilUs'>;
    return { ...times, least, most, words, sets: head.sets };
  } catch (error) {
    throw new MalformedBytesError(`no facts (${(error as Error).message})`);
  }
}
