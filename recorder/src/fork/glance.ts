import { encodeState, type Stimulus, type TerrainModel } from '@sigma/kernel';
import { decodeSegment, type Heeded } from '../payload/stimulus-segment.ts';
import type { FactsTerrain, StretchFacts } from './facts.ts';
import type { LivedStretch } from './lived-stretches.ts';
import type { ForeseenRule } from './weigh.ts';

/** What a glance at a stretch shows. */
export interface Glimpse<World> {
  /** Whether a changed rule may speak anywhere in it; and whether at its first evaluation. */
  readonly speaks: boolean;
  readonly early: boolean;
  /** The belief with which it ends, as far as it was followed; null where it was not followed to the end. */
  readonly world: World | null;
  /** Wakes that were followed, and agent time of the last. */
  readonly wakes: number;
  readonly lastUs: number;
  /** Whether following `little` would have shown the same. */
  readonly littleDoes: boolean;
}

/** How much of a belief is followed: `little` where that tells of some of the names at less cost. */
export type Closeness = 'little' | 'all';

/** What is followed of a belief: percepts of other channels and messages on other topics change nothing of these names. */
interface Following<World> {
  /** Null: all of them. */
  readonly heeded: Heeded | null;
  readonly names: readonly BeliefName<World>[];
}

/** What rules read of beliefs under one name. */
interface BeliefName<World> {
  readonly name: string;
  readonly channels: readonly string[] | null;
  readonly topics: readonly string[] | null;
  readonly read: (world: World) => number | string;
}

/**
 * Follows the belief of a life alone (SPEC R117): the kernel changes it by folding stimuli and by nothing else, so that
 * neither reflexes nor arbiter need to run for it. Where the changed rules are quiet whatever all else may be, nothing
 * differs. Rules may be evaluated at any wake (the kernel is interrupted by more than stimuli), so that every wake is
 * looked at; they are asked by the bounds over some wakes together, and of each of these where that does not do. Only
 * percepts that bear on what the rules read are folded, and at first only those that cost less: a robot that stands is
 * not too fast for anybody, whoever its lidar shows.
 */
export class Glance<World> {
  /** Whether there is less to follow than all that the rules read. */
  readonly hasLittle: boolean;
  readonly #rules: readonly ForeseenRule[];
  readonly #fold: TerrainModel<World>['fold'];
  /** Among so many wakes in a row there is an evaluation. */
  readonly #evaluatedWithin: number;
  readonly #following: Readonly<Record<Closeness, Following<World>>>;

  private constructor(
    rules: readonly ForeseenRule[],
    { fold, rates }: TerrainModel<World>,
    names: readonly BeliefName<World>[],
  ) {
    this.#rules = rules;
    this.#fold = fold;
    this.#evaluatedWithin = rates.situationEvery;
    const little = cheaper(names);
    this.hasLittle = little.length > 0;
    this.#following = { little: following(little), all: following(names) };
  }

  /** @returns null where a belief tells nothing of what these rules read */
  static of<World>(
    rules: readonly ForeseenRule[],
    lived: TerrainModel<World>,
    { ofBelief, channelsOf, topicsOf }: FactsTerrain<World>,
  ): Glance<World> | null {
    if (ofBelief === undefined) return null;
    const names: BeliefName<World>[] = [];
    for (const name of namesReadBy(rules)) {
      const read = ofBelief(name);
      if (read === null) continue;
      names.push({ name, channels: channelsOf?.(name) ?? null, topics: topicsOf?.(name) ?? null, read });
    }
    return names.length === 0 ? null : new Glance(rules, lived, names);
  }

  /**
   * Looks at a stretch from one moment, inclusive, to another, exclusive, as long as no rule may speak.
   *
   * @param world the belief with which it begins, of which at least what is followed stands as it was lived
   */
  over(
    { segments }: LivedStretch,
    world: World,
    fromUs: number,
    untilUs: number,
    closeness: Closeness = 'all',
  ): Glimpse<World> {
    const { heeded, names } = this.#following[closeness];
    const little = closeness === 'all' && this.hasLittle ? this.#following.little.names : null;
    const fold = this.#fold;
    let littleDoes = little !== null;
    const ask = (): number => {
      if (little !== null && this.#areQuiet(toldBy(little, seen))) return QUIET;
      littleDoes = false;
      return this.#speaksAt(names, seen);
    };
    let now = world;
    let followed = 0;
    let looked = 0;
    /** Beliefs since the rules were last asked; they are asked first about those among which the first evaluation is. */
    const seen: World[] = [];
    let asksAt = this.#evaluatedWithin;
    let lastUs = 0;
    for (const segment of segments) {
      const { wakes } = decodeSegment(segment, heeded);
      for (const { atUs, inbox } of wakes) {
        for (let k = 0; k < inbox.length; k++) now = fold(now, inbox[k] as Stimulus, atUs);
        if (atUs < fromUs || atUs >= untilUs) continue;
        looked++;
        if (seen.push(now) < asksAt) continue;
        const spoken = ask();
        if (spoken !== QUIET) return { ...SPEAKS, early: looked - seen.length + spoken < this.#evaluatedWithin };
        seen.length = 0;
        asksAt = ASKED_TOGETHER * this.#evaluatedWithin;
      }
      followed += wakes.length;
      lastUs = wakes.at(-1)?.atUs ?? lastUs;
    }
    // Of so few wakes none may have been evaluated.
    if (looked < this.#evaluatedWithin) return { ...SPEAKS, early: true };
    if (seen.length > 0 && ask() !== QUIET) return { ...SPEAKS, early: false };
    return { speaks: false, early: false, world: now, wakes: followed, lastUs, littleDoes };
  }

  /** Whether two beliefs are the same, as far as they are followed. */
  agree(one: World, other: World, closeness: Closeness): boolean {
    const { heeded, names } = this.#following[closeness];
    if (heeded === null) return encodeState(one) === encodeState(other);
    return names.every(({ read }) => Object.is(read(one), read(other)));
  }

  /** The first of these beliefs by which a rule may speak. */
  #speaksAt(names: readonly BeliefName<World>[], beliefs: readonly World[]): number {
    if (this.#areQuiet(toldBy(names, beliefs))) return QUIET;
    return beliefs.findIndex((belief) => !this.#areQuiet(toldBy(names, [belief])));
  }

  #areQuiet(facts: StretchFacts): boolean {
    for (const { says } of this.#rules) if (says(facts) !== 'quiet') return false;
    return true;
  }
}

/** Rules are asked about the wakes of so many evaluations at once: it takes longer to ask than to look. */
const ASKED_TOGETHER = 5;
/** No belief: also what `findIndex` says of none. */
const QUIET = -1;
const SPEAKS = { speaks: true, world: null, wakes: 0, lastUs: 0, littleDoes: false } as const;

/** What these beliefs tell under these names; what no rule asks for is not read. */
function toldBy<World>(names: readonly BeliefName<World>[], beliefs: readonly World[]): StretchFacts {
  return {
    bounds: (wanted) => {
      const known = names.find(({ name }) => name === wanted);
      return known === undefined ? null : boundsOf(known.read as (world: World) => number, beliefs);
    },
    words: (wanted) => {
      const known = names.find(({ name }) => name === wanted);
      return known === undefined ? null : [...new Set(beliefs.map(known.read as (world: World) => string))];
    },
  };
}

/** @returns null where one is no number */
function boundsOf<World>(read: (world: World) => number, beliefs: readonly World[]): readonly [number, number] | null {
  let least = Infinity;
  let most = -Infinity;
  for (const belief of beliefs) {
    const number = read(belief);
    if (Number.isNaN(number)) return null;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  return [least, most];
}

/** Names of fewest channels first, as many as take less than all of them together. */
function cheaper<World>(names: readonly BeliefName<World>[]): readonly BeliefName<World>[] {
  const all = channelsOfAll(names);
  const sizeOf = ({ channels }: BeliefName<World>): number => channels?.length ?? Infinity;
  const found: BeliefName<World>[] = [];
  for (const name of [...names].sort((a, b) => sizeOf(a) - sizeOf(b))) {
    const union = channelsOfAll([...found, name]);
    if (union === null || union.size === all?.size) break;
    found.push(name);
  }
  return found;
}

function following<World>(names: readonly BeliefName<World>[]): Following<World> {
  const channels = channelsOfAll(names);
  return { heeded: channels === null ? null : { channels, topics: unionOf(names.map(({ topics }) => topics)) }, names };
}

const channelsOfAll = <World>(names: readonly BeliefName<World>[]): ReadonlySet<string> | null =>
  unionOf(names.map(({ channels }) => channels));

/** Null, which stands for all, where any of them is. */
function unionOf(lists: readonly (readonly string[] | null)[]): ReadonlySet<string> | null {
  const union = new Set<string>();
  for (const list of lists) {
    if (list === null) return null;
    for (const one of list) union.add(one);
  }
  return union;
}

/** A rule of which nothing is known asks for everything that it reads. */
function namesReadBy(rules: readonly ForeseenRule[]): ReadonlySet<string> {
  const names = new Set<string>();
  const noting = (name: string): null => {
    names.add(name);
    return null;
  };
  for (const { says } of rules) says({ bounds: noting, words: noting });
  return names;
}
