import { createAgent } from '@sigma/kernel';
import type { ChainHead } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import type { Recording } from '../store.ts';
import { FactsDisagreeError, type KeptStretch } from './facts.ts';
import { FactGatherer, stateOf } from './gather-facts.ts';
import { type Closeness, Glance, type Glimpse } from './glance.ts';
import { lastEvaluation } from './last-evaluation.ts';
import { type LivedStretch, livedStretches } from './lived-stretches.ts';
import type { ForeseenRule } from './weigh.ts';
import type { Trial } from './what-if.ts';

/** What can be said of a part of a chain of which there are no facts. */
export type Told =
  /** Its belief tells that no changed rule speaks. The last wake, or the last evaluation where that is asked for. */
  | { readonly type: 'quiet'; readonly stretch: LivedStretch; readonly lastUs: number }
  /** Its facts, gathered; and whether its belief told before that no changed rule speaks. */
  | { readonly type: 'gathered'; readonly kept: KeptStretch; readonly wasQuiet: boolean }
  /** It can only be run again: events were dropped, or no snapshot ends it. From a snapshot up to an event, inclusive. */
  | { readonly type: 'untold'; readonly snapshot: number; readonly last: number };

/** Where rules may speak in so many of the last stretches, a glance costs more than it spares: the next ones go without. */
const GLANCES = 16;
const MOST_SPEAK = 14;
const WITHOUT = 48;

/** Goes through what no facts tell of: a glance at each stretch, and its facts where that does not do. */
export class UnknownLife<World> {
  /** Cycles of which the belief alone was followed. */
  followed = 0;
  /** Stretches of which the belief was held against the record. */
  sampled = 0;
  readonly #recording: Recording;
  readonly #head: ChainHead;
  readonly #opening: Opening;
  readonly #lived: Trial<World>['lived'];
  readonly #glance: Glance<World> | null;
  readonly #gatherer: FactGatherer<World>;
  readonly #isSampled: (stretches: number) => boolean;
  /** The belief at the end of what was looked at last, as far as it was followed; null where it was not followed so far. */
  #world: World | null = null;
  #place = -1;
  /** How closely it was followed, and how closely the next stretch is to be at first. */
  #followed: Closeness = 'all';
  #next: Closeness;
  /** A quiet stretch that was not told yet: when it was last evaluated is asked for where the next one speaks at once. */
  #held: (Extract<Told, { type: 'quiet' }> & { readonly wakes: number }) | null = null;
  #stretches = 0;
  #spoke: boolean[] = [];
  #without = 0;

  /** Cycles run again. */
  get gathered(): number {
    return this.#gatherer.wakes;
  }

  /** @param rules null to gather facts of everything */
  constructor(
    recording: Recording,
    head: ChainHead,
    opening: Opening,
    { lived, facts }: Trial<World>,
    rules: readonly ForeseenRule[] | null,
    isSampled: (stretches: number) => boolean,
  ) {
    this.#recording = recording;
    this.#head = head;
    this.#opening = opening;
    this.#lived = lived;
    this.#glance = rules === null ? null : Glance.of(rules, lived, facts);
    this.#next = this.#glance?.hasLittle === true ? 'little' : 'all';
    this.#gatherer = new FactGatherer(opening, lived, facts);
    this.#isSampled = isSampled;
  }

  /**
   * From a snapshot up to an event, inclusive. A quiet stretch at its end is held back: ask for it by `release`.
   *
   * @param fromUs agent time from which evaluations count, inclusive, and up to which, exclusive
   * @throws FactsDisagreeError, MalformedBytesError, StoreError
   */
  async *explore(from: number, to: number, fromUs: number, untilUs: number): AsyncIterable<Told> {
    let covered = from;
    for await (const stretch of livedStretches(this.#recording, this.#head, from, to)) {
      if (stretch.snapshot > covered) {
        yield* this.release(true);
        yield { type: 'untold', snapshot: covered, last: stretch.snapshot };
      }
      if ((stretch.state?.atUs ?? 0) >= untilUs) return;
      covered = stretch.end;
      const sampled = this.#isSampled(this.#stretches++);
      if (sampled) this.#compare(stretch);
      const glimpse = this.#glimpseOf(stretch, fromUs, untilUs);
      yield* this.release(glimpse.early);
      if (!glimpse.speaks && !sampled)
        this.#held = { type: 'quiet', stretch, lastUs: glimpse.lastUs, wakes: glimpse.wakes };
      else yield this.#gather(stretch, !glimpse.speaks);
      if (glimpse.speaks) {
        this.#world = this.#gatherer.world;
        this.#followed = 'all';
      } else this.#world = glimpse.world;
      this.#place = covered;
    }
    if (to === covered) return;
    yield* this.release(true);
    yield { type: 'untold', snapshot: covered, last: to };
  }

  /**
   * What was held back.
   *
   * @param isNextEarly whether a rule may speak at the first evaluation behind it: the time since the one before counts then
   */
  *release(isNextEarly: boolean): Iterable<Told> {
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    if (!isNextEarly) yield held;
    else {
      const { stretch, wakes } = held;
      const lastUs = lastEvaluation(stretch, wakes, this.#wakesBefore(stretch), this.#lived.rates);
      yield lastUs === null ? this.#gather(stretch, true) : { type: 'quiet', stretch, lastUs };
    }
  }

  #wakesBefore({ state }: LivedStretch): number {
    return state === null ? 0 : stateOf<World>(state).wakes;
  }

  #glimpseOf(stretch: LivedStretch, fromUs: number, untilUs: number): Glimpse<World> {
    const glance = this.#glance;
    if (glance === null || this.#without > 0) {
      this.#without--;
      return UNSEEN;
    }
    let glimpse = this.#look(glance, stretch, fromUs, untilUs, this.#next);
    if (this.#next === 'all') this.#next = glimpse.littleDoes ? 'little' : 'all';
    else if (glimpse.speaks) {
      this.#next = 'all';
      glimpse = this.#look(glance, stretch, fromUs, untilUs, 'all');
    }
    this.#spoke.push(glimpse.speaks);
    if (this.#spoke.length >= GLANCES) {
      if (this.#spoke.filter((speaks) => speaks).length >= MOST_SPEAK) this.#without = WITHOUT;
      this.#spoke = [];
    }
    this.followed += glimpse.wakes;
    return glimpse;
  }

  #look(
    glance: Glance<World>,
    stretch: LivedStretch,
    fromUs: number,
    untilUs: number,
    closeness: Closeness,
  ): Glimpse<World> {
    const isKnown = this.#place === stretch.snapshot && (this.#followed === 'all' || closeness === 'little');
    const world = (isKnown ? this.#world : null) ?? this.#beliefAt(stretch);
    this.#followed = closeness;
    return glance.over(stretch, world, fromUs, untilUs, closeness);
  }

  #beliefAt({ state }: LivedStretch): World {
    if (state !== null) return stateOf<World>(state).world;
    const { source: id, tenant, role, seed, epoch, flags, config, atUs } = this.#opening;
    return createAgent(this.#lived, { id, tenant, role, seed, epoch, flags, config, atUs }).world;
  }

  /** Holds the belief that was followed against the snapshot that it came to. */
  #compare(stretch: LivedStretch): void {
    const [glance, world] = [this.#glance, this.#world];
    if (stretch.state === null || glance === null || world === null || this.#place !== stretch.snapshot) return;
    if (!glance.agree(world, this.#beliefAt(stretch), this.#followed))
      throw new FactsDisagreeError(this.#head, stretch);
    this.sampled++;
  }

  #gather(stretch: LivedStretch, wasQuiet: boolean): Told {
    return { type: 'gathered', kept: this.#gatherer.gather(stretch), wasQuiet };
  }
}

const UNSEEN = { speaks: true, early: true, world: null, wakes: 0, lastUs: 0, littleDoes: false } as const;
