import { parse } from '@bufbuild/cel';
import type { Situation } from '@sigma/kernel';
import type { FleetBelief } from '../belief/belief.ts';
import { POSE_TOPIC } from '../belief/fold.ts';
import { FIX, HEALTH, MOTION, SCAN } from '../channels.ts';
import { fencedGround, type Ground } from '../ground.ts';
import { CONTEXT } from './context.ts';

type Expr = NonNullable<ReturnType<typeof parse>['expr']>;

/** A name that rules may read, and whether it is kept by its bounds or by the words that it was. */
export interface Fact {
  readonly name: string;
  readonly kind: 'number' | 'word';
}

/** Every name of the context. */
export const FACTS: readonly Fact[] = Object.entries(CONTEXT).map(([name, { type }]) => ({
  name,
  kind: type === 'double' ? 'number' : 'word',
}));

const READERS = Object.values(CONTEXT).map(({ read }) => read);

/** Lists of ids as JSON; a site has one list for each kind of cell. */
const told = new WeakMap<readonly string[], string>();

/** What every name says of a situation, in the order of `FACTS`; a truth or a list of ids as JSON. */
export function readFacts(situation: Situation<FleetBelief>, ground: Ground): readonly (number | string)[] {
  const here = fencedGround(ground, situation.world.fences);
  return READERS.map((read) => factOf(read(situation, here)));
}

function factOf(value: ReturnType<(typeof READERS)[number]>): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  let text = told.get(value);
  if (text === undefined) {
    text = JSON.stringify(value);
    told.set(value, text);
  }
  return text;
}

/** Names of what is read of the belief alone. */
const OF_BELIEF = /^(robot|person|path|zone)\./;

/** Reads what one name says, as `readFacts` does, of a belief; null for a name that takes more of a situation than that. */
export function beliefReader(name: string, ground: Ground): ((world: FleetBelief) => number | string) | null {
  const entry = OF_BELIEF.test(name) && Object.hasOwn(CONTEXT, name) ? CONTEXT[name] : undefined;
  if (entry === undefined) return null;
  const { read } = entry;
  return (world) => factOf(read({ world } as Situation<FleetBelief>, fencedGround(ground, world.fences)));
}

/** Dead reckoning, and what the lidar shows: tracks lie where the robot believes to be. */
const MOVES = [MOTION.channel, FIX.channel];
const SEES = [...MOVES, SCAN.channel];
const FEELS = [HEALTH.channel];

const BEARING: Readonly<Record<string, readonly string[]>> = {
  ...{ 'robot.name': [], 'robot.body': [], 'robot.loaded': [], 'robot.cargo': [], 'robot.payload_kg': [] },
  ...{ 'robot.speed_mps': MOVES, 'robot.turn_radps': MOVES, 'robot.tilt_rad': MOVES },
  ...{ 'robot.position_sigma_m': MOVES, 'zone.ids': MOVES, 'zone.work': MOVES, 'zone.restricted': MOVES },
  ...{ 'robot.battery': FEELS, 'robot.battery_v': FEELS, 'robot.motor_c': FEELS, 'robot.board_c': FEELS },
  ...{ 'person.distance_m': SEES, 'person.count': SEES, 'path.free_m': SEES, 'robot.docked': SEES },
};

/** Channels whose percepts bear on what a belief tells of a name: with all others left out it tells the same. Null: any may. */
export const channelsOf = (name: string): readonly string[] | null =>
  Object.hasOwn(BEARING, name) ? (BEARING[name] ?? null) : null;

/** What the lidar shows is a person where no robot says that it stands there; of nothing else robots tell each other. */
const HEARS = new Set(['person.distance_m', 'person.count']);

/** The same of topics of messages. */
export const topicsOf = (name: string): readonly string[] | null =>
  Object.hasOwn(BEARING, name) ? (HEARS.has(name) ? [POSE_TOPIC] : []) : null;

/** What is known of the names over a stretch of time. */
export interface KnownFacts {
  /** Least and greatest value of a number, both inclusive; null where nothing is known, or it was no number at times. */
  readonly bounds: (name: string) => readonly [least: number, most: number] | null;
  /** Every word that it was; null where nobody counted. */
  readonly words: (name: string) => readonly string[] | null;
}

/** What a condition says over a whole stretch of time. */
export type Foreseen = 'fires' | 'quiet' | 'either';

/** What an expression may be. `anything`: an error too. */
type Range =
  | { readonly kind: 'number'; readonly least: number; readonly most: number }
  | { readonly kind: 'truth'; readonly mayBe: readonly boolean[] }
  | { readonly kind: 'words'; readonly are: readonly string[] }
  | { readonly kind: 'lists'; readonly are: readonly (readonly string[])[] }
  | { readonly kind: 'anything' };

const ANYTHING: Range = { kind: 'anything' };
const BOTH: Range = { kind: 'truth', mayBe: [false, true] };
const SURE: Range = { kind: 'truth', mayBe: [true] };
const NEVER: Range = { kind: 'truth', mayBe: [false] };

/**
 * What a condition says of any situation within these facts, by interval arithmetic: `either` wherever it cannot be told.
 * A rounded sum or product grows with its parts, so that the bounds of the result are the results of the bounds.
 *
 * @param when a condition that compiles
 */
export function foresee(when: string): (facts: KnownFacts) => Foreseen {
  const { expr } = parse(when);
  if (expr === undefined) return () => 'either';
  const rangeIn = reckoned(expr);
  return (facts) => {
    const range = rangeIn(facts);
    if (range.kind !== 'truth' || range.mayBe.length !== 1) return 'either';
    return range.mayBe[0] === true ? 'fires' : 'quiet';
  };
}

/** What an expression may be within facts: put together once, asked at every few wakes of a recording. */
type Reckoning = (facts: KnownFacts) => Range;

function reckoned(expr: Expr): Reckoning {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'constExpr': {
      const range = constant(exprKind.value.constantKind);
      return () => range;
    }
    case 'identExpr':
    case 'selectExpr':
      return named(expr);
    case 'listExpr': {
      const elements = exprKind.value.elements.map(reckoned);
      return (facts) => list(elements.map((element) => element(facts)));
    }
    case 'callExpr': {
      const { function: name, target, args } = exprKind.value;
      const parts = (target === undefined ? args : [target, ...args]).map(reckoned);
      return (facts) =>
        call(
          name,
          parts.map((part) => part(facts)),
        );
    }
    default:
      return () => ANYTHING;
  }
}

function constant({ case: kind, value }: { readonly case: string | undefined; readonly value?: unknown }): Range {
  if (kind === 'boolValue') return { kind: 'truth', mayBe: [value as boolean] };
  if (kind === 'stringValue') return { kind: 'words', are: [value as string] };
  if (kind !== 'doubleValue' && kind !== 'int64Value') return ANYTHING;
  const number = Number(value);
  return Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER
    ? { kind: 'number', least: number, most: number }
    : ANYTHING;
}

function named(expr: Expr): Reckoning {
  const name = dotted(expr);
  const type = Object.hasOwn(CONTEXT, name) ? CONTEXT[name]?.type : undefined;
  if (type === undefined) return () => ANYTHING;
  if (type === 'double') {
    return ({ bounds: boundsOf }) => {
      const bounds = boundsOf(name);
      return bounds === null ? ANYTHING : { kind: 'number', least: bounds[0], most: bounds[1] };
    };
  }
  return (facts) => {
    const words = facts.words(name);
    if (words === null) return ANYTHING;
    if (type === 'string') return { kind: 'words', are: words };
    if (type === 'bool') return { kind: 'truth', mayBe: words.map((word) => word === 'true') };
    return { kind: 'lists', are: words.map((word) => JSON.parse(word) as string[]) };
  };
}

function dotted({ exprKind }: Expr): string {
  if (exprKind.case === 'identExpr') return exprKind.value.name;
  if (exprKind.case !== 'selectExpr' || exprKind.value.operand === undefined) return '';
  return `${dotted(exprKind.value.operand)}.${exprKind.value.field}`;
}

/** A list of constants: of words, or of numbers, which then stand as words too. */
function list(elements: readonly Range[]): Range {
  const words = elements.map((element) =>
    element.kind === 'words' && element.are.length === 1 ? element.are[0] : undefined,
  );
  return words.every((word) => word !== undefined) ? { kind: 'lists', are: [words as string[]] } : ANYTHING;
}

function call(name: string, args: readonly Range[]): Range {
  const [a = ANYTHING, b = ANYTHING, c = ANYTHING] = args;
  if (name === '_&&_') return both(a, b, false);
  if (name === '_||_') return both(a, b, true);
  if (name === '!_') return a.kind === 'truth' ? { kind: 'truth', mayBe: a.mayBe.map((one) => !one) } : ANYTHING;
  if (name === '_?_:_') return choice(a, b, c);
  if (a.kind === 'number' && args.length === 1 && name === '-_')
    return { kind: 'number', least: -a.most, most: -a.least };
  if (a.kind === 'number' && b.kind === 'number') return numbers(name, a, b);
  if (name === '@in' && a.kind === 'words' && b.kind === 'lists') {
    return truths(a.are.flatMap((word) => b.are.map((one) => one.includes(word))));
  }
  if (name === 'size' && (a.kind === 'words' || a.kind === 'lists')) return sizes(a);
  if (a.kind === 'truth' && b.kind === 'truth') return equality(name, a.mayBe, b.mayBe);
  if (a.kind === 'words' && b.kind === 'words') return words(name, a.are, b.are);
  return ANYTHING;
}

/** `&&` where `ends` is false, `||` where it is true: one side that says `ends` decides, an error on the other or not. */
function both(a: Range, b: Range, ends: boolean): Range {
  const only = (range: Range, value: boolean): boolean =>
    range.kind === 'truth' && range.mayBe.every((one) => one === value);
  if (only(a, ends) || only(b, ends)) return ends ? SURE : NEVER;
  if (only(a, !ends)) return b;
  if (only(b, !ends)) return a;
  return a.kind === 'truth' && b.kind === 'truth' ? BOTH : ANYTHING;
}

function choice(condition: Range, yes: Range, no: Range): Range {
  if (condition.kind !== 'truth' || condition.mayBe.length !== 1) return ANYTHING;
  return condition.mayBe[0] === true ? yes : no;
}

function numbers(name: string, a: Range & { kind: 'number' }, b: Range & { kind: 'number' }): Range {
  switch (name) {
    case '_<_':
      return decided(a.most < b.least, a.least >= b.most);
    case '_<=_':
      return decided(a.most <= b.least, a.least > b.most);
    case '_>_':
      return decided(a.least > b.most, a.most <= b.least);
    case '_>=_':
      return decided(a.least >= b.most, a.most < b.least);
    case '_==_':
      return decided(same(a, b), a.most < b.least || a.least > b.most);
    case '_!=_':
      return decided(a.most < b.least || a.least > b.most, same(a, b));
    case '_+_':
      return span([a.least + b.least, a.most + b.most]);
    case '_-_':
      return span([a.least - b.most, a.most - b.least]);
    case '_*_':
      return span([a.least * b.least, a.least * b.most, a.most * b.least, a.most * b.most]);
    default:
      // Whole numbers divide otherwise than others, and neither by nothing: nobody needs that foreseen.
      return ANYTHING;
  }
}

const same = (a: Range & { kind: 'number' }, b: Range & { kind: 'number' }): boolean =>
  a.least === a.most && b.least === b.most && a.least === b.least;

const decided = (yes: boolean, no: boolean): Range => (yes ? SURE : no ? NEVER : BOTH);

function span(ends: readonly number[]): Range {
  const most = Math.max(...ends);
  // Whole numbers beyond what a double holds are an error in CEL.
  if (!ends.every((end) => Math.abs(end) <= Number.MAX_SAFE_INTEGER)) return ANYTHING;
  return { kind: 'number', least: Math.min(...ends), most };
}

const truths = (all: readonly boolean[]): Range =>
  all.length === 0 ? ANYTHING : !all.includes(false) ? SURE : !all.includes(true) ? NEVER : BOTH;

function sizes(of: Range & { kind: 'words' | 'lists' }): Range {
  const lengths = of.are.map((one) => (typeof one === 'string' ? [...one].length : one.length));
  return lengths.length === 0 ? ANYTHING : span(lengths);
}

function equality(name: string, a: readonly boolean[], b: readonly boolean[]): Range {
  const pairs = a.flatMap((one) => b.map((other) => one === other));
  if (name === '_==_') return truths(pairs);
  return name === '_!=_' ? truths(pairs.map((one) => !one)) : ANYTHING;
}

const ON_WORDS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '_==_': (a, b) => a === b,
  '_!=_': (a, b) => a !== b,
  startsWith: (a, b) => a.startsWith(b),
  endsWith: (a, b) => a.endsWith(b),
  contains: (a, b) => a.includes(b),
};

function words(name: string, a: readonly string[], b: readonly string[]): Range {
  const says = Object.hasOwn(ON_WORDS, name) ? ON_WORDS[name] : undefined;
  return says === undefined ? ANYTHING : truths(a.flatMap((one) => b.map((other) => says(one, other))));
}
