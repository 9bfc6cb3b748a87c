import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainHead, type ChainId, EVENT_TYPE, sameBytes } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { decodeSegment, EVERYTHING } from '../payload/stimulus-segment.ts';
import { openingOf } from '../playback.ts';
import type { Recording } from '../store.ts';
import { DecisionEvents, decisionNumber } from './decision-events.ts';
import { type FactPlaces, FactStretch, FactsDisagreeError, type KeptStretch, placesOf } from './facts.ts';
import { gatherFacts } from './gather-facts.ts';
import { type DroppedStretch, droppedIn, isDropped, keptEvents } from './kept-life.ts';
import { type Told, UnknownLife } from './unknown-life.ts';
import { type ForeseenRule, type Judgement, judge } from './weigh.ts';
import { type Flip, type Trial, type TrialCount, type TrialGap, TrialRun } from './what-if.ts';

/** A part of a chain that is run again: from the state of a snapshot, or from the beginning, up to an event. */
export interface TrialStretch {
  /** Sequence of the snapshot to begin at; 0 for the beginning of the chain. */
  readonly snapshot: number;
  /** Last event that is looked at, inclusive. */
  readonly last: number;
}

export interface TrialOptions<World> {
  /** What to try on the chain of this opening, or a sentence that says why nothing can be. */
  readonly trialOf: (opening: Opening) => Trial<World> | string;
  /** Agent time from which wakes are tried, inclusive, and up to which, exclusive; the whole chain when absent. */
  readonly fromUs?: number;
  readonly untilUs?: number;
  /**
   * Facts of the chain, stretch by stretch, by which most of it need not be run again: from its beginning on, or from the
   * stretch on that the time asked for begins in. Where there are none of a stretch, its belief is followed, and facts of
   * it are gathered where a changed rule may speak. Left out: all of it is run again.
   */
  readonly factsOf?: (opening: Opening) => Promise<AsyncIterable<KeptStretch> | null>;
  /** Takes facts that were gathered on the way. */
  readonly keep?: (opening: Opening, stretch: KeptStretch) => void;
  /** True to gather the facts of every stretch, so that other rules can be tried by facts alone. */
  readonly gathersAll?: boolean;
  /** True to end at the first cycle at which the outcome of a rule differs. */
  readonly onlyFirst?: boolean;
  /** Called with the last event looked at, now and then. */
  readonly progress?: (sequence: number) => void;
}

export interface ChainTrial extends ChainId, Readonly<TrialCount> {
  readonly flips: readonly Flip[];
  /** Stretches whose facts, or what the belief alone told of them, were held against the life itself. */
  readonly sampled: number;
  /** Cycles of which the belief alone was followed, and those that were run again to gather their facts. */
  readonly followed: number;
  readonly gathered: number;
  /** Where nothing could be weighed, because events were dropped. */
  readonly gaps: readonly TrialGap[];
  /** Why nothing could be tried, or null. */
  readonly leftOutBecause: string | null;
}

/** So many blocks, or stretches, pass between two words of progress. */
const PROGRESS_EVERY = 64;
/** One of so many stretches is run again to hold its facts against it. */
const SAMPLED_OF = 512;
/** And one among the first so many. */
const SAMPLED_AMONG_FIRST = 2;

const NO_FACTS: readonly KeptStretch[] = [];

/**
 * Tries a policy on one recorded life (SPEC R116). Does not verify: `verify` does.
 *
 * @throws FactsDisagreeError, MalformedBytesError, StoreError
 */
export async function tryPolicy<World>(
  recording: Recording,
  head: ChainHead,
  options: TrialOptions<World>,
): Promise<ChainTrial> {
  const { tenant, source, epoch } = head;
  const chain = { tenant, source, epoch };
  const opening = await openingOf(recording, chain);
  const trial = options.trialOf(opening);
  if (typeof trial === 'string') {
    const nothing = { wakes: 0, evaluations: 0, differing: 0, withoutEffect: 0, firstUs: null };
    const none = { sampled: 0, followed: 0, gathered: 0, gaps: [] };
    return { ...chain, ...nothing, ...none, flips: [], leftOutBecause: trial };
  }
  const life = new ChainRun(recording, head, opening, trial, options);
  await life.run();
  const { count, effort, gaps } = life;
  const flips = await life.flips();
  return { ...chain, ...count, ...effort, flips, gaps, leftOutBecause: null };
}

/** One chain under a trial. */
class ChainRun<World> {
  readonly #recording: Recording;
  readonly #head: ChainHead;
  readonly #opening: Opening;
  readonly #trial: Trial<World>;
  readonly #options: TrialOptions<World>;
  readonly #fromUs: number;
  readonly #untilUs: number;
  readonly #run: TrialRun<World>;
  readonly #decisions = new DecisionEvents();
  readonly #places: FactPlaces;
  readonly gaps: TrialGap[] = [];
  readonly effort = { sampled: 0, followed: 0, gathered: 0 };

  constructor(
    recording: Recording,
    head: ChainHead,
    opening: Opening,
    trial: Trial<World>,
    options: TrialOptions<World>,
  ) {
    const { fromUs = 0, untilUs = Number.POSITIVE_INFINITY } = options;
    this.#recording = recording;
    this.#head = head;
    this.#opening = opening;
    this.#trial = trial;
    this.#options = options;
    this.#fromUs = fromUs;
    this.#untilUs = untilUs;
    this.#run = new TrialRun(opening, trial, fromUs);
    this.#places = placesOf(trial.facts.facts);
  }

  get count(): Readonly<TrialCount> {
    return this.#run.count;
  }

  /** Every flip, with the event of the decision that it concerns. */
  async flips(): Promise<readonly Flip[]> {
    const found: Flip[] = [];
    for (const flip of this.#run.take()) {
      const { decision, atUs } = flip;
      const known = this.#decisions.of(decision);
      const event =
        known > 0 || decision === 0 ? known : await eventOfDecision(this.#recording, this.#head, decision, atUs);
      found.push({ ...flip, event });
    }
    return found;
  }

  async run(): Promise<void> {
    const { foreseen } = this.#trial;
    const { factsOf } = this.#options;
    const first = await this.#start(this.#opening.lineage === undefined ? 0 : 2);
    const { sequence: last } = this.#head;
    if (factsOf !== undefined && foreseen !== null) await this.#byFacts(first, foreseen, await factsOf(this.#opening));
    else await this.#again({ snapshot: first, last }, this.#untilUs);
    this.#run.end();
  }

  async #byFacts(
    first: number,
    foreseen: readonly ForeseenRule[],
    facts: AsyncIterable<KeptStretch> | null,
  ): Promise<void> {
    const rules = this.#options.gathersAll === true ? null : foreseen;
    const isSampled = (stretches: number): boolean => this.#isSampled(stretches);
    const unknown = new UnknownLife(this.#recording, this.#head, this.#opening, this.#trial, rules, isSampled);
    const { effort } = this;
    const { sequence: last } = this.#head;
    let covered = first;
    let looked = 0;
    let owesSample = false;
    for await (const kept of facts ?? NO_FACTS) {
      const stretch = new FactStretch(kept.bytes, this.#places);
      if (stretch.rows > 0 && stretch.fromUs >= this.#untilUs) break;
      if (kept.snapshot > covered) await this.#explore(unknown, covered, kept.snapshot, foreseen);
      if (this.#isFound()) break;
      owesSample ||= this.#isSampled(looked);
      if (owesSample && (await this.#sample(kept))) {
        owesSample = false;
        effort.sampled++;
      }
      const judgement = this.#judge(stretch, foreseen);
      for (const told of unknown.release(judgement.type !== 'quiet')) await this.#hear(told, foreseen);
      await this.#look(kept, stretch, judgement);
      covered = kept.end;
      if (this.#isFound()) break;
      if (++looked % PROGRESS_EVERY === 0) this.#options.progress?.(covered);
    }
    if (last > covered && !this.#isFound()) await this.#explore(unknown, covered, last, foreseen);
    for (const told of unknown.release(false)) await this.#hear(told, foreseen);
    effort.sampled += unknown.sampled;
    effort.followed = unknown.followed;
    effort.gathered = unknown.gathered;
  }

  /** Looks at what no facts tell of, from a snapshot up to an event. */
  async #explore(
    unknown: UnknownLife<World>,
    from: number,
    to: number,
    foreseen: readonly ForeseenRule[],
  ): Promise<void> {
    let looked = 0;
    for await (const told of unknown.explore(from, to, this.#fromUs, this.#untilUs)) {
      await this.#hear(told, foreseen);
      if (this.#isFound()) return;
      if (told.type !== 'untold' && ++looked % PROGRESS_EVERY === 0)
        this.#options.progress?.(told.type === 'quiet' ? told.stretch.end : told.kept.end);
    }
  }

  async #hear(told: Told, foreseen: readonly ForeseenRule[]): Promise<void> {
    if (told.type === 'untold') return this.#again(told, this.#untilUs);
    if (told.type === 'quiet') {
      for (const [number, event] of told.stretch.decisions) this.#decisions.add(number, event);
      this.#run.passed(Math.min(told.lastUs, this.#untilUs));
      return;
    }
    const { kept, wasQuiet } = told;
    this.#options.keep?.(this.#opening, kept);
    const stretch = new FactStretch(kept.bytes, this.#places);
    const judgement = this.#judge(stretch, foreseen);
    if (wasQuiet && judgement.type !== 'quiet') throw new FactsDisagreeError(this.#head, kept);
    await this.#look(kept, stretch, judgement);
  }

  #judge(stretch: FactStretch, foreseen: readonly ForeseenRule[]): Judgement {
    return judge(stretch, foreseen, this.#trial.facts.brief !== undefined, this.#fromUs, this.#untilUs);
  }

  #isFound(): boolean {
    return this.#options.onlyFirst === true && this.#run.count.firstUs !== null;
  }

  /** Where the time begins that was asked for: the last snapshot before it. */
  async #start(first: number): Promise<number> {
    if (this.#fromUs <= this.#opening.atUs) return first;
    return Math.max(first, (await this.#recording.snapshotBefore(this.#head, this.#fromUs))?.sequence ?? first);
  }

  async #look(kept: KeptStretch, stretch: FactStretch, judgement: Judgement): Promise<void> {
    for (const [number, event] of stretch.decisions) this.#decisions.add(number, event);
    if (judgement.type === 'weighed') {
      for (let k = 0; k < stretch.rows; k++) {
        if ((stretch.times[k] as number) >= this.#untilUs) break;
        this.#run.weighed(stretch, k, judgement.fired[k] ?? null);
      }
      return;
    }
    if (judgement.type === 'open') {
      const { snapshot, end } = kept;
      // What follows the last evaluation at which anything may differ need not be run.
      await this.#again({ snapshot, last: end }, Math.min(judgement.untilUs + 1, this.#untilUs));
      if (judgement.untilUs === stretch.untilUs) return;
    }
    this.#run.passed(Math.min(stretch.untilUs, this.#untilUs));
  }

  #isSampled(k: number): boolean {
    const [first = 0, second = 0] = this.#head.hash;
    return (
      k === first % SAMPLED_AMONG_FIRST ||
      k % SAMPLED_OF === SAMPLED_AMONG_FIRST + (second % (SAMPLED_OF - SAMPLED_AMONG_FIRST))
    );
  }

  /** Holds the facts of a stretch against what is gathered from its life. @returns false where events of it were dropped */
  async #sample(kept: KeptStretch): Promise<boolean> {
    const { lived, facts } = this.#trial;
    const upTo = { ...this.#head, sequence: kept.end };
    for await (const again of gatherFacts(this.#recording, upTo, this.#opening, lived, facts, kept.snapshot)) {
      if (again.snapshot === kept.snapshot && again.end === kept.end && sameBytes(again.bytes, kept.bytes)) return true;
      break;
    }
    if (await isDropped(this.#recording, this.#head, Math.max(1, kept.snapshot), kept.end)) return false;
    throw new FactsDisagreeError(this.#head, kept);
  }

  /** Runs a stretch of the life again, up to a moment, exclusive. */
  async #again({ snapshot, last }: TrialStretch, untilUs: number): Promise<void> {
    const run = this.#run;
    let begun = snapshot === 0;
    if (begun) run.begin(null);
    let gap: LostLife | null = null;
    let knownUs = this.#opening.atUs;
    let blocks = 0;
    for await (const block of this.#recording.blocks(this.#head, Math.max(1, snapshot), last)) {
      const dropped = droppedIn(block);
      if (dropped !== null) {
        run.lose();
        begun = false;
        gap = lost(gap, dropped, knownUs);
        continue;
      }
      const { events, firstSequence } = decodeBlock(block.bytes);
      for (const envelope of events) {
        const event = decodeEnvelope(envelope);
        if (event.sequence < snapshot || event.sequence > last) continue;
        if (event.type === EVENT_TYPE.decision) this.#decisions.add(decisionNumber(event.data), event.sequence);
        if (event.type === EVENT_TYPE.snapshot && (event.sequence === snapshot || gap !== null)) {
          run.begin(decodeSnapshot(event));
          begun = true;
          if (gap !== null) this.#resume(gap, event.sequence, event.atUs, untilUs);
          gap = null;
        }
        if (gap !== null && event.atUs >= untilUs) return this.#resume(gap, 0, untilUs, untilUs);
        knownUs = Math.max(knownUs, event.atUs);
        if (event.type !== EVENT_TYPE.stimulusSegment || !begun) continue;
        for (const { atUs, inbox } of decodeSegment(event.data, EVERYTHING).wakes) {
          if (atUs >= untilUs || this.#isFound()) return;
          run.wake(atUs, inbox);
          knownUs = atUs;
        }
      }
      if (++blocks % PROGRESS_EVERY === 0) this.#options.progress?.(Math.min(last, firstSequence + events.length - 1));
    }
    if (gap !== null) this.#resume(gap, 0, null, untilUs);
  }

  /** The life is known again, or is not to be: what lies between cannot be weighed, and is named where it was asked for. */
  #resume({ fromUs, ...dropped }: LostLife, resumedAt: number, atUs: number | null, untilUs: number): void {
    const [from, until] = [Math.max(fromUs, this.#fromUs), Math.min(atUs ?? untilUs, untilUs)];
    if (from >= until) return;
    this.gaps.push({ ...dropped, fromUs: from, untilUs: Number.isFinite(until) ? until : null, resumedAt });
    if (atUs !== null) this.#run.passed(until);
  }
}

/** A life of which the state is not known since some moment. */
type LostLife = Pick<TrialGap, 'firstSequence' | 'lastSequence' | 'fromUs'>;

/** With more that was dropped before a snapshot came. */
const lost = (before: LostLife | null, { firstSequence, lastSequence }: DroppedStretch, knownUs: number): LostLife =>
  before === null ? { firstSequence, lastSequence, fromUs: knownUs } : { ...before, lastSequence };

const LOOK_BACK = 512;

/** @returns sequence of the event, or 0 when the chain does not hold it */
async function eventOfDecision(recording: Recording, chain: ChainId, decision: number, atUs: number): Promise<number> {
  const place = await recording.snapshotBefore(chain, atUs);
  const from = place?.sequence ?? 1;
  for await (const event of keptEvents(recording, chain, from)) {
    if (event.atUs > atUs) break;
    if (event.type === EVENT_TYPE.decision && decisionNumber(event.data) === decision) return event.sequence;
  }
  for (let last = from - 1; last > 0; last -= LOOK_BACK) {
    for await (const event of keptEvents(recording, chain, Math.max(1, last - LOOK_BACK + 1), last)) {
      if (event.type === EVENT_TYPE.decision && decisionNumber(event.data) === decision) return event.sequence;
    }
  }
  return 0;
}
