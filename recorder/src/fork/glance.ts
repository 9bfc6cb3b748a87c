import type { Stimulus, TerrainModel } from '@sigma/kernel';
import { decodeSegment } from '../payload/stimulus-segment.ts';
import type { FactsTerrain, StretchFacts } from './facts.ts';
import type { LivedStretch } from './lived-stretches.ts';
import type { ForeseenRule } from './weigh.ts';

/** What a glance at a stretch shows. */
export interface Glimpse<World> {
  /** Whether a changed rule may speak anywhere in it; and whether at its first evaluation. */
  readonly speaks: boolean;
  readonly early: boolean;
  /** The belief with which it ends; null where that was not followed to the end. */
  readonly world: World | null;
  /** Wakes that were followed, and agent time of the last. */
  readonly wakes: number;
  readonly lastUs: number;
}

/** A number that rules read of beliefs, and its bounds over the wakes since they were last asked. */
interface NumberSeen<World> {
  readonly name: string;
  readonly read: (world: World) => number | string;
  least: number;
  most: number;
  /** It was no number at times. */
  isBroken: boolean;
}

interface WordsSeen<World> {
  readonly name: string;
  readonly read: (world: World) => number | string;
  readonly seen: string[];
}

/**
 * Follows the belief of a life alone (SPEC R117): the kernel changes it by folding stimuli and by nothing else, so that
 * neither reflexes nor arbiter need to run for it. Where the changed rules are quiet whatever all else may be, nothing
 * differs. Rules may be evaluated at any wake (the kernel is interrupted by more than stimuli), so that every wake is
 * looked at; they are asked by the bounds over some wakes together.
 */
export class Glance<World> implements StretchFacts {
  readonly #rules: readonly ForeseenRule[];
  readonly #fold: TerrainModel<World>['fold'];
  /** Among so many wakes in a row there is an evaluation. */
  readonly #evaluatedWithin: number;
  readonly #numbers: readonly NumberSeen<World>[];
  readonly #words: readonly WordsSeen<World>[];

  private constructor(
    rules: readonly ForeseenRule[],
    { fold, rates }: TerrainModel<World>,
    numbers: readonly NumberSeen<World>[],
    words: readonly WordsSeen<World>[],
  ) {
    this.#rules = rules;
    this.#fold = fold;
    this.#evaluatedWithin = rates.situationEvery;
    this.#numbers = numbers;
    this.#words = words;
  }

  /** @returns null where a belief tells nothing of what these rules read */
  static of<World>(
    rules: readonly ForeseenRule[],
    lived: TerrainModel<World>,
    { ofBelief }: FactsTerrain<World>,
  ): Glance<World> | null {
    if (ofBelief === undefined) return null;
    const names = namesReadBy(rules);
    const numbers: NumberSeen<World>[] = [];
    const words: WordsSeen<World>[] = [];
    for (const name of names.numbers) {
      const read = ofBelief(name);
      if (read !== null) numbers.push({ name, read, least: Infinity, most: -Infinity, isBroken: false });
    }
    for (const name of names.words) {
      const read = ofBelief(name);
      if (read !== null) words.push({ name, read, seen: [] });
    }
    return numbers.length + words.length === 0 ? null : new Glance(rules, lived, numbers, words);
  }

  /**
   * Looks at a stretch from one moment, inclusive, to another, exclusive, as long as no rule may speak.
   *
   * @param world the belief with which it begins
   */
  over({ segments }: LivedStretch, world: World, fromUs: number, untilUs: number): Glimpse<World> {
    this.#forget();
    let now = world;
    let followed = 0;
    let looked = 0;
    let asked = 0;
    /** The rules are asked when so many wakes were looked at, first about those among which the first evaluation is. */
    let asksAt = this.#evaluatedWithin;
    let lastUs = 0;
    for (const segment of segments) {
      const { wakes } = decodeSegment(segment);
      for (const { atUs, inbox } of wakes) {
        for (let k = 0; k < inbox.length; k++) now = this.#fold(now, inbox[k] as Stimulus, atUs);
        if (atUs < fromUs || atUs >= untilUs) continue;
        this.#look(now);
        if (++looked < asksAt) continue;
        if (this.#maySpeak()) return { ...SPEAKS, early: looked === this.#evaluatedWithin };
        this.#forget();
        asked = looked;
        asksAt = asked + ASKED_TOGETHER * this.#evaluatedWithin;
      }
      followed += wakes.length;
      lastUs = wakes.at(-1)?.atUs ?? lastUs;
    }
    const early = looked < this.#evaluatedWithin;
    if (early || (looked > asked && this.#maySpeak())) return { ...SPEAKS, early };
    return { speaks: false, early: false, world: now, wakes: followed, lastUs };
  }

  readonly bounds = (name: string): readonly [number, number] | null => {
    const seen = this.#numbers.find((one) => one.name === name);
    return seen === undefined || seen.isBroken || seen.least > seen.most ? null : [seen.least, seen.most];
  };

  readonly words = (name: string): readonly string[] | null =>
    this.#words.find((one) => one.name === name)?.seen ?? null;

  #look(world: World): void {
    for (const number of this.#numbers) {
      const value = number.read(world) as number;
      if (value < number.least) number.least = value;
      if (value > number.most) number.most = value;
      if (Number.isNaN(value)) number.isBroken = true;
    }
    for (const { read, seen } of this.#words) {
      const word = read(world) as string;
      if (seen.at(-1) !== word && !seen.includes(word)) seen.push(word);
    }
  }

  #maySpeak(): boolean {
    return this.#rules.some(({ says }) => says(this) !== 'quiet');
  }

  #forget(): void {
    for (const number of this.#numbers) {
      number.least = Infinity;
      number.most = -Infinity;
      number.isBroken = false;
    }
    for (const { seen } of this.#words) seen.length = 0;
  }
}

/** Rules are asked about the wakes of so many evaluations at once: it takes longer to ask than to look. */
const ASKED_TOGETHER = 5;

const SPEAKS = { speaks: true, world: null, wakes: 0, lastUs: 0 } as const;

/** A rule of which nothing is known asks for everything that it reads. */
function namesReadBy(rules: readonly ForeseenRule[]) {
  const numbers = new Set<string>();
  const words = new Set<string>();
  const asking: StretchFacts = {
    bounds: (name) => {
      numbers.add(name);
      return null;
    },
    words: (name) => {
      words.add(name);
      return null;
    },
  };
  for (const { says } of rules) says(asking);
  return { numbers, words };
}
