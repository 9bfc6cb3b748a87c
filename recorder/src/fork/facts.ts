import { type Command, decodeState, type Restriction, type Situation } from '@sigma/kernel';
import type { ChainId } from '../event.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';

/** What rules of the situation layer may read of a terrain, kept so that most of a recording need not be run again. */
export interface FactsTerrain<World> {
  readonly facts: readonly { readonly name: string; readonly kind: 'number' | 'word' }[];
  /** Values in the order of `facts`. */
  readonly read: (situation: Situation<World>) => readonly (number | string)[];
  /** Reads one fact of a belief, whatever else the situation is; null for a fact that takes more. Left out: all take more. */
  readonly ofBelief?: (name: string) => ((world: World) => number | string) | null;
  /**
   * Channels whose percepts bear on one fact of a belief: with those of all others left out of a life, it reads the same at
   * every wake. Null, or left out: any may.
   */
  readonly channelsOf?: (name: string) => readonly string[] | null;
  /** The same of topics of messages that bear no promise. */
  readonly topicsOf?: (name: string) => readonly string[] | null;
  /** Where it is left out, a decision that a rule would have bound is always run again. */
  readonly brief?: ClampBrief<World>;
}

/** What of a belief a clamp needs, in a few numbers. */
export interface ClampBrief<World> {
  /** How many numbers. */
  readonly width: number;
  /**
   * Numbers by which this command, under these bounds and any closer ones that forbid nothing more, is clamped just as by
   * the belief itself; null where only the belief will do.
   */
  readonly of: (command: Command, restriction: Restriction, world: World) => readonly number[] | null;
  /** A belief that clamps as the one did of which these are the numbers; it serves for nothing else. */
  readonly world: (numbers: readonly number[]) => World;
}

/** A piece of a chain from one snapshot to the next, with what can be said of it, as bytes. */
export interface KeptStretch {
  /** Sequence of the snapshot that it begins with (0: the beginning of the chain), and of the one that it ends before. */
  readonly snapshot: number;
  readonly end: number;
  /** Agent time of the snapshot at its end: no evaluation in it came later. */
  readonly untilUs: number;
  /** Last event of the block that holds the snapshot at its end, that block's hash, and the hash where the stretch before ended (empty for none). */
  readonly blockEnd: number;
  readonly blockHash: Uint8Array;
  readonly fromHash: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Facts do not agree with the recording that they stand beside. */
export class FactsDisagreeError extends Error {
  constructor({ tenant, source, epoch }: ChainId, { snapshot, end }: Pick<KeptStretch, 'snapshot' | 'end'>) {
    super(`The facts of ${tenant}/${source} epoch ${epoch} from event ${snapshot} to ${end} are not those of its life`);
    this.name = 'FactsDisagreeError';
  }
}

/** What is known of a time, of one evaluation or of a whole stretch. */
export interface StretchFacts {
  /** Least and greatest value of a number, inclusive; null where it was no number at times. */
  readonly bounds: (name: string) => readonly [number, number] | null;
  readonly words: (name: string) => readonly string[] | null;
}

/** What the arbiter came to, with its numbers taken out. */
export interface OutcomeShape {
  readonly authority: string;
  readonly source: string;
  readonly rationale: string;
  /** The command that won, before it was clamped. */
  readonly asked: Omit<Command, 'params'> & { readonly params: Readonly<Record<string, unknown>> };
  /** Parameters that are numbers: they come first among the numbers. */
  readonly params: readonly string[];
  /** Names that are bounded, their bounds next; and what is forbidden. */
  readonly atMost: readonly string[];
  readonly forbid: readonly string[];
  /** False where nobody proposed anything: the rest command, which nothing clamps. */
  readonly chosen: boolean;
}

/** Stands for an outcome that cannot be weighed, only run again. */
export const OPAQUE = 0xffff;

export const FACTS_FORMAT = 2;

/** How a column is kept. */
export const COLUMN = { whole: 0, same: 1 } as const;

/** What stands before the columns of a stretch. */
export interface StretchHead {
  readonly format: number;
  readonly rows: number;
  readonly facts: number;
  /** Columns of the numbers of outcomes and of briefs. */
  readonly outcomes: number;
  readonly briefs: number;
  readonly fromUs: number;
  readonly words: readonly string[];
  readonly shapes: readonly string[];
  /** Decisions put on record in it, by the kernel's count, with their events. */
  readonly decisions: readonly (readonly [number, number])[];
}

type Column = Uint32Array | Float64Array;

/** Where each number and each word stands among the facts. */
export interface FactPlaces {
  readonly count: number;
  readonly number: ReadonlyMap<string, number>;
  readonly word: ReadonlyMap<string, number>;
}

export function placesOf(facts: FactsTerrain<never>['facts']): FactPlaces {
  const of = (kind: 'number' | 'word'): ReadonlyMap<string, number> =>
    new Map(facts.flatMap((fact, k) => (fact.kind === kind ? [[fact.name, k] as const] : [])));
  return { count: facts.length, number: of('number'), word: of('word') };
}

/** The facts of one stretch, evaluation by evaluation. */
export class FactStretch implements StretchFacts {
  readonly rows: number;
  readonly decisions: StretchHead['decisions'];
  readonly #head: StretchHead;
  readonly #places: FactPlaces;
  readonly #bytes: Uint8Array;
  readonly #offsets: readonly number[];
  readonly #columns: (Column | undefined)[] = [];
  readonly #shapes: (OutcomeShape | undefined)[] = [];
  #times: Float64Array | null = null;

  /** @throws MalformedBytesError for what is no stretch with so many facts */
  constructor(bytes: Uint8Array, places: FactPlaces) {
    // A Buffer's `slice` would not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#places = places;
    try {
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      const head = JSON.parse(UTF8.decode(bytes.subarray(4, 4 + length))) as StretchHead;
      if (head.format !== FACTS_FORMAT || head.facts !== places.count) throw new Error('they are of another format');
      this.#head = head;
      this.#offsets = this.#place(4 + length);
    } catch (error) {
      throw new MalformedBytesError(`no facts (${(error as Error).message})`);
    }
    this.rows = this.#head.rows;
    this.decisions = this.#head.decisions;
  }

  #place(from: number): readonly number[] {
    const { rows, facts, outcomes, briefs } = this.#head;
    const offsets: number[] = [];
    let at = from;
    const columns = FIRST_FACT + facts + outcomes + briefs;
    for (let k = 0; k < columns; k++) {
      offsets.push(at);
      const size = wide(k, facts) ? 8 : 4;
      at += 1 + size * (this.#bytes[at] === COLUMN.same ? 1 : rows);
    }
    if (rows > 0 && at !== this.#bytes.length) throw new Error('they are cut short');
    return offsets;
  }

  #column(k: number): Column {
    const known = this.#columns[k];
    if (known !== undefined) return known;
    const { rows, facts } = this.#head;
    const at = this.#offsets[k] as number;
    const whole = this.#bytes[at] === COLUMN.whole;
    const doubles = wide(k, facts);
    const part = this.#bytes.slice(at + 1, at + 1 + (doubles ? 8 : 4) * (whole ? rows : 1)).buffer;
    const kept = doubles ? new Float64Array(part) : new Uint32Array(part);
    const column = whole ? kept : new (doubles ? Float64Array : Uint32Array)(rows).fill(kept[0] as number);
    this.#columns[k] = column;
    return column;
  }

  /** Agent time of every evaluation. */
  get times(): Float64Array {
    if (this.#times !== null) return this.#times;
    const steps = this.#column(0);
    const times = new Float64Array(this.rows);
    let atUs = this.#head.fromUs;
    for (let k = 0; k < this.rows; k++) {
      atUs += steps[k] as number;
      times[k] = atUs;
    }
    this.#times = times;
    return times;
  }

  /** Agent time of the first evaluation and of the last; -1 where there was none. */
  get fromUs(): number {
    return this.times[0] ?? -1;
  }

  get untilUs(): number {
    return this.times[this.rows - 1] ?? -1;
  }

  readonly bounds = (name: string): readonly [number, number] | null => {
    const place = this.#places.number.get(name);
    if (place === undefined || this.rows === 0) return null;
    const column = this.#column(FIRST_FACT + place) as Uint32Array;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    let before = -1;
    for (let k = 0; k < column.length; k++) {
      const code = column[k] as number;
      if (code === before) continue;
      before = code;
      const low = leastOf(code);
      const high = mostOf(code);
      if (!(low <= high)) return null;
      if (low < least) least = low;
      if (high > most) most = high;
    }
    return [least, most];
  };

  readonly words = (name: string): readonly string[] | null => {
    const place = this.#places.word.get(name);
    if (place === undefined || this.rows === 0) return null;
    return [...new Set(this.#column(FIRST_FACT + place))].map((id) => this.#head.words[id] as string);
  };

  /** What is known of the k-th evaluation. */
  at(k: number): StretchFacts {
    return {
      bounds: (name) => {
        const place = this.#places.number.get(name);
        if (place === undefined) return null;
        const code = this.#column(FIRST_FACT + place)[k] as number;
        const least = leastOf(code);
        const most = mostOf(code);
        return least <= most ? [least, most] : null;
      },
      words: (name) => {
        const place = this.#places.word.get(name);
        if (place === undefined) return null;
        const word = this.#head.words[this.#column(FIRST_FACT + place)[k] as number];
        return word === undefined ? null : [word];
      },
    };
  }

  /** The kernel's count of the decision in force after the k-th evaluation. */
  decision(k: number): number {
    return this.#column(1)[k] as number;
  }

  /** What the arbiter came to at the k-th evaluation; null where that can only be run again. */
  shape(k: number): OutcomeShape | null {
    const id = this.#column(2)[k] as number;
    if (id === OPAQUE) return null;
    let shape = this.#shapes[id];
    if (shape === undefined) {
      shape = decodeState(this.#head.shapes[id] as string) as OutcomeShape;
      this.#shapes[id] = shape;
    }
    return shape;
  }

  /** The j-th number of the outcome of the k-th evaluation. */
  outcome(k: number, j: number): number {
    return this.#column(FIRST_FACT + this.#head.facts + j)[k] as number;
  }

  /** Numbers of the brief of the k-th evaluation. */
  brief(k: number): readonly number[] {
    const { facts, outcomes, briefs } = this.#head;
    const first = FIRST_FACT + facts + outcomes;
    return Array.from({ length: briefs }, (_, j) => this.#column(first + j)[k] as number);
  }
}

/** True of columns of doubles: the steps of time, and what follows the facts. */
export const wide = (k: number, facts: number): boolean => k === 0 || k >= FIRST_FACT + facts;

/** Before the facts stand the steps of time, the decision in force and the shape of the outcome. */
export const FIRST_FACT = 3;

const UTF8 = new TextDecoder();
const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/**
 * A number in 32 bits: itself, where a float32 with an even mantissa is it; otherwise odd, and the bounds between which it
 * lies, two units of a float32 apart.
 */
export function packed(value: number): number {
  single[0] = value;
  const near = single[0] as number;
  const code = bits[0] as number;
  if (near !== value && !Number.isNaN(value)) return ((Math.abs(near) > Math.abs(value) ? code - 1 : code) | 1) >>> 0;
  return Number.isNaN(value) ? QUIET_NAN : code;
}

const QUIET_NAN = 0x7fc00000;

function magnitude(code: number): number {
  bits[0] = code;
  return single[0] as number;
}

const leastOf = (code: number): number =>
  code % 2 === 0 ? magnitude(code) : code < 0x80000000 ? magnitude(code - 1) : magnitude(code + 1);

const mostOf = (code: number): number =>
  code % 2 === 0 ? magnitude(code) : code < 0x80000000 ? magnitude(code + 1) : magnitude(code - 1);
