import {
  type Command,
  type Decision,
  encodeState,
  type Restriction,
  type Rule,
  type Situation,
  sameCommand,
  type TerrainModel,
} from '@sigma/kernel';
import {
  COLUMN,
  FACTS_FORMAT,
  type FactsTerrain,
  FIRST_FACT,
  OPAQUE,
  type OutcomeShape,
  packed,
  type StretchHead,
  wide,
} from './facts.ts';

/** What a wake came to. */
export interface Concluded {
  readonly command: Command;
  readonly restriction: Restriction;
  /** The decision in force. */
  readonly decision: Decision | null;
}

/** Beyond this many shapes of outcomes in a stretch, further ones are not told apart. */
const MOST_SHAPES = 1_000;

/**
 * Collects facts beside a life, as it is lived or run again: `model` lives just as the given one does, and is looked at
 * when it evaluates the rules of a situation. Nothing that goes wrong here reaches the life.
 */
export class FactCollector<World> {
  readonly model: TerrainModel<World>;
  readonly #lived: TerrainModel<World>;
  readonly #terrain: FactsTerrain<World>;
  #situation: Situation<World> | null = null;
  #asked: Command | null = null;
  #binding: Restriction | null = null;
  #world: World | null = null;
  readonly #stretch: Stretch;

  constructor(lived: TerrainModel<World>, terrain: FactsTerrain<World>) {
    this.#lived = lived;
    this.#terrain = terrain;
    this.#stretch = new Stretch(terrain.facts.length, terrain.brief?.width ?? 0);
    const looker: Rule<Situation<World>> = {
      id: 'facts',
      hash: '',
      rate: 'situation',
      rationale: '',
      effect: { type: 'restrict', restriction: { atMost: {}, forbid: [] } },
      evaluate: (situation) => {
        this.#situation = situation;
        return 'quiet';
      },
    };
    this.model = {
      ...lived,
      policy: { ...lived.policy, rules: [...lived.policy.rules, looker] },
      clamp: (command, restriction, world) => {
        this.#asked = command;
        this.#binding = restriction;
        this.#world = world;
        return lived.clamp(command, restriction, world);
      },
    };
  }

  /** After every step of `model`: what it came to. */
  concluded(outcome: Concluded): void {
    const situation = this.#situation;
    if (situation !== null) {
      this.#situation = null;
      this.#stretch.add(situation.atUs, this.#terrain.read(situation), outcome.decision?.sequence ?? 0);
      this.#shape(outcome);
    }
    this.#asked = null;
  }

  /** A decision was put on record. */
  decided(number: number, event: number): void {
    this.#stretch.decisions.push([number, event]);
  }

  /** Ends the stretch. @returns it as bytes */
  take(): Uint8Array {
    return this.#stretch.take();
  }

  #shape({ command, restriction, decision }: Concluded): void {
    const stretch = this.#stretch;
    const [asked, binding, world] = [this.#asked, this.#binding, this.#world];
    if (asked === null || binding === null || world === null) {
      stretch.shape(decision, command, restriction, false);
      return;
    }
    const { brief } = this.#terrain;
    // Bounds of a lower authority than the winner's bind him not; that is seldom, and nobody needs it weighed.
    if (brief === undefined || (binding !== restriction && encodeState(binding) !== encodeState(restriction))) return;
    const numbers = brief.of(asked, binding, world);
    if (numbers === null) return;
    const again = this.#lived.clamp(asked, binding, brief.world(numbers));
    // A brief that does not lead to what really went out is none.
    if (again.command === null || !sameCommand(again.command, command)) return;
    stretch.shape(decision, asked, restriction, true);
    stretch.brief(numbers);
  }
}

/** Evaluations of one stretch, gathered column by column; the columns serve again for the next. */
class Stretch {
  decisions: [number, number][] = [];
  readonly #facts: number;
  readonly #briefs: number;
  /** Steps of time, decision, shape and facts; behind them the numbers of outcomes, and those of briefs. */
  readonly #columns: Column[];
  readonly #outcomes: Column[] = [];
  readonly #briefColumns: Column[];
  /** The word that stands last in each column, with its number. */
  readonly #lastWords: (string | undefined)[] = [];
  readonly #lastIds: number[] = [];
  #words = new Map<string, number>();
  #shapes = new Map<string, number>();
  #outcomesInUse = 0;
  #rows = 0;
  #fromUs = -1;
  #untilUs = -1;
  #last: { readonly id: number } & LastShape = { ...NO_SHAPE, id: OPAQUE };

  constructor(facts: number, briefs: number) {
    this.#facts = facts;
    this.#briefs = briefs;
    this.#columns = Array.from({ length: FIRST_FACT + facts }, (_, k) => new Column(wide(k, facts)));
    this.#briefColumns = Array.from({ length: briefs }, () => new Column(true));
  }

  add(atUs: number, values: readonly (number | string)[], decision: number): void {
    const row = this.#rows++;
    const columns = this.#columns;
    (columns[0] as Column).put(row, row === 0 ? 0 : atUs - this.#untilUs);
    (columns[1] as Column).put(row, decision);
    (columns[2] as Column).put(row, OPAQUE);
    if (row === 0) this.#fromUs = atUs;
    this.#untilUs = atUs;
    for (let k = 0; k < values.length; k++) {
      const value = values[k] as number | string;
      (columns[FIRST_FACT + k] as Column).put(row, typeof value === 'number' ? packed(value) : this.#word(k, value));
    }
    for (let j = 0; j < this.#outcomesInUse; j++) (this.#outcomes[j] as Column).put(row, 0);
    for (const column of this.#briefColumns) column.put(row, 0);
  }

  #word(k: number, word: string): number {
    if (this.#lastWords[k] === word) return this.#lastIds[k] as number;
    let id = this.#words.get(word);
    if (id === undefined) {
      id = this.#words.size;
      this.#words.set(word, id);
    }
    this.#lastWords[k] = word;
    this.#lastIds[k] = id;
    return id;
  }

  /** Of the evaluation that was added last. */
  shape(decision: Decision | null, asked: Command, { atMost, forbid }: Restriction, chosen: boolean): void {
    const { params } = asked;
    const row = this.#rows - 1;
    const id = this.#shapeId(decision, asked, atMost, forbid, chosen);
    if (id === OPAQUE) return;
    (this.#columns[2] as Column).replace(row, id);
    const { numbers, bounds } = this.#last;
    for (let j = 0; j < numbers.length; j++) this.#number(j, row, params[numbers[j] as string] as number);
    for (let j = 0; j < bounds.length; j++)
      this.#number(numbers.length + j, row, atMost[bounds[j] as string] as number);
  }

  #shapeId(
    decision: Decision | null,
    asked: Command,
    atMost: Restriction['atMost'],
    forbid: Restriction['forbid'],
    chosen: boolean,
  ): number {
    const last = this.#last;
    const same =
      decision === last.decision &&
      chosen === last.chosen &&
      sameWords(asked, last.asked) &&
      sameKeys(atMost, last.atMost) &&
      sameList(forbid, last.forbid);
    if (same) return last.id;
    // A state that was read back has its keys in another order than one that was lived on: names are sorted.
    const numbers = Object.keys(asked.params)
      .filter((name) => typeof asked.params[name] === 'number')
      .sort();
    const bounds = Object.keys(atMost).sort();
    const shape = shapeOf(decision, asked);
    const text = encodeState({ ...shape, params: numbers, atMost: bounds, forbid, chosen });
    let id = this.#shapes.get(text);
    if (id === undefined) {
      if (this.#shapes.size >= MOST_SHAPES) return OPAQUE;
      id = this.#shapes.size;
      this.#shapes.set(text, id);
    }
    this.#last = { decision, asked, atMost, forbid, chosen, numbers, bounds, id };
    return id;
  }

  #number(j: number, row: number, value: number): void {
    while (j >= this.#outcomesInUse) {
      this.#outcomes[this.#outcomesInUse] ??= new Column(true);
      const column = this.#outcomes[this.#outcomesInUse++] as Column;
      for (let k = 0; k <= row; k++) column.put(k, 0);
    }
    (this.#outcomes[j] as Column).replace(row, value);
  }

  /** Of the evaluation that was added last. */
  brief(numbers: readonly number[]): void {
    const row = this.#rows - 1;
    for (let j = 0; j < numbers.length; j++) (this.#briefColumns[j] as Column).replace(row, numbers[j] as number);
  }

  /** The stretch as bytes; what is added from now on belongs to the next. */
  take(): Uint8Array {
    const rows = this.#rows;
    const head: StretchHead = {
      ...{ format: FACTS_FORMAT, rows, facts: this.#facts },
      ...{ outcomes: this.#outcomesInUse, briefs: this.#briefs, fromUs: this.#fromUs },
      ...{ words: [...this.#words.keys()], shapes: [...this.#shapes.keys()], decisions: this.decisions },
    };
    const text = UTF8.encode(JSON.stringify(head));
    const columns = [...this.#columns, ...this.#outcomes.slice(0, this.#outcomesInUse), ...this.#briefColumns];
    let length = 4 + text.length;
    for (const column of columns) length += 1 + column.length(rows);
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(0, text.length, true);
    bytes.set(text, 4);
    let at = 4 + text.length;
    for (const column of columns) at = column.write(bytes, at, rows);
    this.#clear();
    return bytes;
  }

  #clear(): void {
    this.decisions = [];
    this.#words = new Map();
    this.#shapes = new Map();
    this.#lastWords.length = 0;
    this.#outcomesInUse = 0;
    this.#rows = 0;
    this.#fromUs = -1;
    this.#last = { ...NO_SHAPE, id: OPAQUE };
  }
}

const UTF8 = new TextEncoder();
const FIRST_ROWS = 64;

/** Numbers that are put one behind the other, and mostly are the same. */
class Column {
  #values: Uint32Array | Float64Array;
  /** The first row that holds another number than row 0. */
  #othersFrom = Number.POSITIVE_INFINITY;

  constructor(doubles: boolean) {
    this.#values = doubles ? new Float64Array(FIRST_ROWS) : new Uint32Array(FIRST_ROWS);
  }

  /** @param row right behind the last one; 0 begins anew */
  put(row: number, value: number): void {
    if (row >= this.#values.length) this.#grow();
    if (row === 0) this.#othersFrom = Number.POSITIVE_INFINITY;
    this.#values[row] = value;
    if (row < this.#othersFrom && !Object.is(value, this.#values[0])) this.#othersFrom = row;
  }

  /** Puts another number into the last row. */
  replace(row: number, value: number): void {
    this.#values[row] = value;
    if (row <= this.#othersFrom) this.#othersFrom = Object.is(value, this.#values[0]) ? Number.POSITIVE_INFINITY : row;
  }

  #grow(): void {
    const before = this.#values;
    this.#values =
      before instanceof Float64Array ? new Float64Array(2 * before.length) : new Uint32Array(2 * before.length);
    this.#values.set(before);
  }

  #kept(rows: number): Uint8Array {
    const { buffer, BYTES_PER_ELEMENT: size } = this.#values;
    return new Uint8Array(buffer, 0, size * (this.#isSame(rows) ? 1 : rows));
  }

  #isSame(rows: number): boolean {
    return rows > 0 && this.#othersFrom >= rows;
  }

  /** Bytes that so many rows take. */
  length(rows: number): number {
    return this.#values.BYTES_PER_ELEMENT * (this.#isSame(rows) ? 1 : rows);
  }

  /** @returns the place behind it */
  write(into: Uint8Array, at: number, rows: number): number {
    const kept = this.#kept(rows);
    into[at] = this.#isSame(rows) ? COLUMN.same : COLUMN.whole;
    into.set(kept, at + 1);
    return at + 1 + kept.length;
  }
}

interface LastShape {
  readonly decision: Decision | null | undefined;
  readonly asked: Command | null;
  readonly atMost: Restriction['atMost'];
  readonly forbid: Restriction['forbid'];
  readonly chosen: boolean;
  /** Names of its numbers, sorted. */
  readonly numbers: readonly string[];
  readonly bounds: readonly string[];
}

const NO_SHAPE: LastShape = {
  ...{ decision: undefined, asked: null, atMost: {}, forbid: [], chosen: false, numbers: [], bounds: [] },
};

/** Whatever of an `OutcomeShape` the decision and the command say, without the numbers. */
function shapeOf(
  decision: Decision | null,
  asked: Command,
): Omit<OutcomeShape, 'params' | 'atMost' | 'forbid' | 'chosen'> {
  const words = Object.entries(asked.params).map(([name, value]) => [name, wordsOnly(value)] as const);
  return {
    authority: decision?.authority ?? 'rest',
    source: decision?.chosen?.source ?? '',
    rationale: decision?.rationale ?? '',
    asked: { ...asked, params: Object.fromEntries(words) },
  };
}

const wordsOnly = (value: unknown): unknown => (typeof value === 'number' ? 0 : value);

function sameWords(a: Command, b: Command | null): boolean {
  if (b === null || a.kind !== b.kind || a.name !== b.name) return false;
  if (a.kind === 'action' || b.kind === 'action') return a === b;
  if (a.durationUs !== b.durationUs) return false;
  if (!sameKeys(a.params, b.params)) return false;
  for (const name in a.params) {
    const [one, other] = [a.params[name], b.params[name]];
    if (typeof one !== typeof other || (typeof one !== 'number' && one !== other)) return false;
  }
  return true;
}

function sameKeys(a: object, b: object): boolean {
  if (a === b) return true;
  const keys = Object.keys(b);
  let k = 0;
  for (const name in a) if (keys[k++] !== name) return false;
  return k === keys.length;
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((one, k) => one === b[k]));
