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
  #stretch: Stretch;

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
    const bytes = this.#stretch.encode();
    this.#stretch = new Stretch(this.#terrain.facts.length, this.#terrain.brief?.width ?? 0);
    return bytes;
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

/** Evaluations of one stretch, gathered column by column. */
class Stretch {
  readonly decisions: [number, number][] = [];
  readonly #facts: number;
  readonly #times: number[] = [];
  readonly #decision: number[] = [];
  readonly #shape: number[] = [];
  readonly #columns: number[][];
  readonly #outcomes: number[][] = [];
  readonly #briefs: number[][];
  readonly #words = new Map<string, number>();
  readonly #shapes = new Map<string, number>();
  #last: { readonly id: number } & LastShape = { ...NO_SHAPE, id: OPAQUE };

  constructor(facts: number, briefs: number) {
    this.#facts = facts;
    this.#columns = Array.from({ length: facts }, () => []);
    this.#briefs = Array.from({ length: briefs }, () => []);
  }

  add(atUs: number, values: readonly (number | string)[], decision: number): void {
    this.#times.push(atUs);
    this.#decision.push(decision);
    this.#shape.push(OPAQUE);
    for (const column of this.#outcomes) column.push(0);
    for (const column of this.#briefs) column.push(0);
    for (let k = 0; k < values.length; k++) {
      const value = values[k] as number | string;
      (this.#columns[k] as number[]).push(typeof value === 'number' ? packed(value) : this.#word(value));
    }
  }

  #word(word: string): number {
    let id = this.#words.get(word);
    if (id === undefined) {
      id = this.#words.size;
      this.#words.set(word, id);
    }
    return id;
  }

  /** Of the evaluation that was added last. */
  shape(decision: Decision | null, asked: Command, { atMost, forbid }: Restriction, chosen: boolean): void {
    const { params } = asked;
    const row = this.#times.length - 1;
    const id = this.#shapeId(decision, asked, atMost, forbid, chosen);
    if (id === OPAQUE) return;
    this.#shape[row] = id;
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
    let column = this.#outcomes[j];
    if (column === undefined) {
      column = new Array<number>(this.#times.length).fill(0);
      this.#outcomes[j] = column;
    }
    column[row] = value;
  }

  /** Of the evaluation that was added last. */
  brief(numbers: readonly number[]): void {
    const row = this.#times.length - 1;
    for (let j = 0; j < numbers.length; j++) (this.#briefs[j] as number[])[row] = numbers[j] as number;
  }

  encode(): Uint8Array {
    const rows = this.#times.length;
    const head: StretchHead = {
      ...{ format: FACTS_FORMAT, rows, facts: this.#facts },
      ...{ outcomes: this.#outcomes.length, briefs: this.#briefs.length, fromUs: this.#times[0] ?? -1 },
      ...{ words: [...this.#words.keys()], shapes: [...this.#shapes.keys()], decisions: this.decisions },
    };
    const steps = this.#times.map((atUs, k) => atUs - (this.#times[Math.max(0, k - 1)] as number));
    const columns = [steps, this.#decision, this.#shape, ...this.#columns, ...this.#outcomes, ...this.#briefs];
    const parts = columns.map((column, k) =>
      columnOf(wide(k, this.#facts) ? Float64Array.from(column) : Uint32Array.from(column)),
    );
    const text = new TextEncoder().encode(JSON.stringify(head));
    const bytes = new Uint8Array(4 + text.length + parts.reduce((sum, { length }) => sum + 1 + length, 0));
    new DataView(bytes.buffer).setUint32(0, text.length, true);
    bytes.set(text, 4);
    let at = 4 + text.length;
    for (const { kind, of } of parts) {
      bytes[at] = kind;
      bytes.set(of, at + 1);
      at += 1 + of.length;
    }
    return bytes;
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

function columnOf(values: Uint32Array | Float64Array): {
  readonly kind: number;
  readonly of: Uint8Array;
  readonly length: number;
} {
  const same = values.length > 0 && values.every((value) => Object.is(value, values[0]));
  const kept = same ? values.subarray(0, 1) : values;
  const of = new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength);
  return { kind: same ? COLUMN.same : COLUMN.whole, of, length: of.length };
}
