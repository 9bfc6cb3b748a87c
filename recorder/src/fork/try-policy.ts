import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainHead, type ChainId, EVENT_TYPE, sameBytes } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { decodeSegment } from '../payload/stimulus-segment.ts';
import { eventsOf, openingOf } from '../playback.ts';
import type { Recording } from '../store.ts';
import { DecisionEvents, decisionNumber } from './decision-events.ts';
import { FactStretch, type KeptStretch, placesOf } from './facts.ts';
import { gatherFacts } from './gather-facts.ts';
import { judge } from './weigh.ts';
import { type Flip, type Trial, type TrialCount, TrialRun } from './what-if.ts';

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
   * stretch on that the time asked for begins in. All of it is run where there are none.
   */
  readonly factsOf?: (opening: Opening, trial: Trial<World>) => Promise<AsyncIterable<KeptStretch> | null>;
  /** True to end at the first cycle at which the outcome of a rule differs. */
  readonly onlyFirst?: boolean;
  /** Called with the last event looked at, now and then. */
  readonly progress?: (sequence: number) => void;
}

export interface ChainTrial extends ChainId, Readonly<TrialCount> {
  readonly flips: readonly Flip[];
  /** Stretches whose facts were held against the life itself. */
  readonly sampled: number;
  /** Why nothing could be tried, or null. */
  readonly leftOutBecause: string | null;
}

/** Facts do not agree with the recording that they stand beside. */
export class FactsDisagreeError extends Error {
  constructor({ tenant, source, epoch }: ChainId, { snapshot, end }: KeptStretch) {
    super(`The facts of ${tenant}/${source} epoch ${epoch} from event ${snapshot} to ${end} are not those of its life`);
    this.name = 'FactsDisagreeError';
  }
}

/** So many blocks, or stretches, pass between two words of progress. */
const PROGRESS_EVERY = 64;
/** One of so many stretches is run again to hold its facts against it. */
const SAMPLED_OF = 512;
/** And one among the first so many. */
const SAMPLED_AMONG_FIRST = 2;

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
    return { ...chain, ...nothing, flips: [], sampled: 0, leftOutBecause: trial };
  }
  const life = new ChainRun(recording, head, opening, trial, options);
  const sampled = await life.run();
  const flips = await life.flips();
  return { ...chain, ...life.count, flips, sampled, leftOutBecause: null };
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

  /** @returns how many stretches were sampled */
  async run(): Promise<number> {
    const { foreseen } = this.#trial;
    const facts = foreseen === null ? null : ((await this.#options.factsOf?.(this.#opening, this.#trial)) ?? null);
    const first = this.#opening.lineage === undefined ? 0 : 2;
    let covered = first;
    let sampled = 0;
    let looked = 0;
    if (facts !== null && foreseen !== null) {
      const places = placesOf(this.#trial.facts.facts);
      for await (const kept of facts) {
        const stretch = new FactStretch(kept.bytes, places);
        if (stretch.rows > 0 && stretch.fromUs >= this.#untilUs) break;
        if (this.#isSampled(looked)) {
          await this.#sample(kept);
          sampled++;
        }
        await this.#look(kept, stretch, foreseen);
        if (this.#isFound()) break;
        covered = kept.end;
        if (++looked % PROGRESS_EVERY === 0) this.#options.progress?.(covered);
      }
    }
    if (this.#head.sequence > covered && !this.#isFound()) await this.#rest(covered, looked > 0);
    this.#run.end();
    return sampled;
  }

  #isFound(): boolean {
    return this.#options.onlyFirst === true && this.#run.count.firstUs !== null;
  }

  async #rest(covered: number, goesOn: boolean): Promise<void> {
    const { lineage, atUs } = this.#opening;
    const place =
      goesOn || this.#fromUs <= atUs ? null : await this.#recording.snapshotBefore(this.#head, this.#fromUs);
    const first = lineage === undefined ? 0 : 2;
    const snapshot = place === null ? covered : Math.max(first, place.sequence);
    await this.#again({ snapshot, last: this.#head.sequence }, this.#untilUs);
  }

  async #look(kept: KeptStretch, stretch: FactStretch, foreseen: NonNullable<Trial<World>['foreseen']>): Promise<void> {
    for (const [number, event] of stretch.decisions) this.#decisions.add(number, event);
    const canWeigh = this.#trial.facts.brief !== undefined;
    const judgement = judge(stretch, foreseen, canWeigh, this.#fromUs, this.#untilUs);
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

  /** Holds the facts of a stretch against what is gathered from its life. */
  async #sample(kept: KeptStretch): Promise<void> {
    const { lived, facts } = this.#trial;
    const first = this.#opening.lineage === undefined ? 0 : 2;
    const after = kept.snapshot === first ? null : { ...kept, end: kept.snapshot };
    const upTo = { ...this.#head, sequence: kept.end };
    for await (const again of gatherFacts(this.#recording, upTo, this.#opening, lived, facts, after)) {
      if (again.snapshot === kept.snapshot && again.end === kept.end && sameBytes(again.bytes, kept.bytes)) return;
      break;
    }
    throw new FactsDisagreeError(this.#head, kept);
  }

  /** Runs a stretch of the life again, up to a moment, exclusive. */
  async #again({ snapshot, last }: TrialStretch, untilUs: number): Promise<void> {
    const run = this.#run;
    let begun = snapshot === 0;
    if (begun) run.begin(null);
    let blocks = 0;
    for await (const { bytes } of this.#recording.blocks(this.#head, Math.max(1, snapshot), last)) {
      for (const envelope of decodeBlock(bytes).events) {
        const event = decodeEnvelope(envelope);
        if (event.sequence < snapshot || event.sequence > last) continue;
        if (event.type === EVENT_TYPE.decision) this.#decisions.add(decisionNumber(event.data), event.sequence);
        if (event.type === EVENT_TYPE.snapshot && event.sequence === snapshot) {
          run.begin(decodeSnapshot(event));
          begun = true;
        }
        if (event.type !== EVENT_TYPE.stimulusSegment || !begun) continue;
        for (const { atUs, inbox } of decodeSegment(event.data).wakes) {
          if (atUs >= untilUs || this.#isFound()) return;
          run.wake(atUs, inbox);
        }
      }
      if (++blocks % PROGRESS_EVERY === 0) this.#options.progress?.(last);
    }
  }
}

const LOOK_BACK = 512;

/** @returns sequence of the event, or 0 when the chain does not hold it */
async function eventOfDecision(recording: Recording, chain: ChainId, decision: number, atUs: number): Promise<number> {
  const place = await recording.snapshotBefore(chain, atUs);
  const from = place?.sequence ?? 1;
  for await (const event of eventsOf(recording, chain, from)) {
    if (event.atUs > atUs) break;
    if (event.type === EVENT_TYPE.decision && decisionNumber(event.data) === decision) return event.sequence;
  }
  for (let last = from - 1; last > 0; last -= LOOK_BACK) {
    for await (const event of eventsOf(recording, chain, Math.max(1, last - LOOK_BACK + 1), last)) {
      if (event.type === EVENT_TYPE.decision && decisionNumber(event.data) === decision) return event.sequence;
    }
  }
  return 0;
}
