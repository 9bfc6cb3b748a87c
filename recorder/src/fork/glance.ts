import { encodeState, type Stimulus, type TerrainModel } from '@sigma/kernel';
import { decodeSegment } from '../payload/stimulus-segment.ts';
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

/** What is followed of a belief: percepts of other channels change nothing of these names. */
interface Following<World> {
  /** Null: percepts of all channels. */
  readonly channels: ReadonlySet<string> | null;
  readonly names: readonly NameSeen<World>[];
}

/** What rules read of beliefs under one name, wake by wake since they were last asked. */
interface NameSeen<World> {
  readonly name: string;
  readonly kind: 'number' | 'word';
  readonly channels: readonly string[] | null;
  readonly read: (world: World) => number | string;
  readonly numbers: Float64Array;
  readonly words: string[];
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
    names: readonly NameSeen<World>[],
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
    { ofBelief, channelsOf }: FactsTerrain<World>,
  ): Glance<World> | null {
    if (ofBelief === undefined) return null;
    const rows = (1 + ASKED_TOGETHER) * lived.rates.situationEvery;
    const names: NameSeen<World>[] = [];
    for (const [name, kind] of namesReadBy(rules)) {
      const read = ofBelief(name);
      if (read === null) continue;
      const channels = channelsOf?.(name) ?? null;
      names.push({ name, kind, channels, read, numbers: new Float64Array(kind === 'number' ? rows : 0), words: [] });
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
    const { channels, names } = this.#following[closeness];
    const little = closeness === 'all' && this.hasLittle ? this.#following.little.names : null;
    const fold = this.#fold;
    let littleDoes = little !== null;
    let now = world;
    let followed = 0;
    let looked = 0;
    /** Wakes since the rules were last asked; they are asked first about those among which the first evaluation is. */
    let rows = 0;
    let asksAt = this.#evaluatedWithin;
    let lastUs = 0;
    for (const segment of segments) {
      const { wakes } = decodeSegment(segment, channels);
      for (const { atUs, inbox } of wakes) {
        for (let k = 0; k < inbox.length; k++) now = fold(now, inbox[k] as Stimulus, atUs);
        if (atUs < fromUs || atUs >= untilUs) continue;
        for (const { read, numbers, words, kind } of names) {
          if (kind === 'number') numbers[rows] = read(now) as number;
          else words[rows] = read(now) as string;
        }
        looked++;
        if (++rows < asksAt) continue;
        if (littleDoes) littleDoes = this.#spokenRow(little ?? names, rows) === QUIET;
        const spoken = littleDoes ? QUIET : this.#spokenRow(names, rows);
        if (spoken !== QUIET) return { ...SPEAKS, early: looked - rows + spoken < this.#evaluatedWithin };
        rows = 0;
        asksAt = ASKED_TOGETHER * this.#evaluatedWithin;
      }
      followed += wakes.length;
      lastUs = wakes.at(-1)?.atUs ?? lastUs;
    }
    // Of so few wakes none may have been evaluated.
    if (looked < this.#evaluatedWithin) return { ...SPEAKS, early: true };
    if (this.#spokenRow(names, rows) !== QUIET) return { ...SPEAKS, early: false };
    return { speaks: false, early: false, world: now, wakes: followed, lastUs, littleDoes };
  }

  /** Whether two beliefs are the same, as far as they are followed. */
  agree(one: World, other: World, closeness: Closeness): boolean {
    const { channels, names } = this.#following[closeness];
    if (channels === null) return encodeState(one) === encodeState(other);
    return names.every(({ read }) => Object.is(read(one), read(other)));
  }

  /** The first of so many rows at which a rule may speak. */
  #spokenRow(names: readonly NameSeen<World>[], rows: number): number {
    if (this.#areQuiet(seenOver(names, 0, rows))) return QUIET;
    for (let row = 0; row < rows; row++) if (!this.#areQuiet(seenOver(names, row, row + 1))) return row;
    return QUIET;
  }

  #areQuiet(facts: StretchFacts): boolean {
    for (const { says } of this.#rules) if (says(facts) !== 'quiet') return false;
    return true;
  }
}

/** Rules are asked about the wakes of so many evaluations at once: it takes longer to ask than to look. */
const ASKED_TOGETHER = 5;
const QUIET = -1;
const SPEAKS = { speaks: true, world: null, wakes: 0, lastUs: 0, littleDoes: false } as const;

/** What was seen under these names from one row, inclusive, to another, exclusive. */
function seenOver<World>(names: readonly NameSeen<World>[], from: number, to: number): StretchFacts {
  return {
    bounds: (wanted) => {
      for (const { name, kind, numbers } of names)
        if (name === wanted && kind === 'number') return boundsOf(numbers, from, to);
      return null;
    },
    words: (wanted) => {
      for (const { name, kind, words } of names)
        if (name === wanted && kind === 'word') return [...new Set(words.slice(from, to))];
      return null;
    },
  };
}

/** @returns null where one is no number, and of none */
function boundsOf(numbers: Float64Array, from: number, to: number): readonly [number, number] | null {
  let least = Infinity;
  let most = -Infinity;
  for (let row = from; row < to; row++) {
    const number = numbers[row] as number;
    if (Number.isNaN(number)) return null;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  return least > most ? null : [least, most];
}

/** Names of fewest channels first, as many as take less than all of them together. */
function cheaper<World>(names: readonly NameSeen<World>[]): readonly NameSeen<World>[] {
  const all = unionOf(names);
  const sizeOf = ({ channels }: NameSeen<World>): number => channels?.length ?? Infinity;
  const found: NameSeen<World>[] = [];
  for (const name of [...names].sort((a, b) => sizeOf(a) - sizeOf(b))) {
    const union = unionOf([...found, name]);
    if (union === null || union.size === all?.size) break;
    found.push(name);
  }
  return found;
}

const following = <World>(names: readonly NameSeen<World>[]): Following<World> => ({ channels: unionOf(names), names });

/** Null: all channels. */
function unionOf<World>(names: readonly NameSeen<World>[]): ReadonlySet<string> | null {
  const union = new Set<string>();
  for (const { channels } of names) {
    if (channels === null) return null;
    for (const channel of channels) union.add(channel);
  }
  return union;
}

/** A rule of which nothing is known asks for everything that it reads. */
function namesReadBy(rules: readonly ForeseenRule[]): ReadonlyMap<string, 'number' | 'word'> {
  const names = new Map<string, 'number' | 'word'>();
  const asking: StretchFacts = {
    bounds: (name) => {
      names.set(name, 'number');
      return null;
    },
    words: (name) => {
      names.set(name, 'word');
      return null;
    },
  };
  for (const { says } of rules) says(asking);
  return names;
}
