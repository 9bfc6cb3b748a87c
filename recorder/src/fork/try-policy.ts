import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainHead, type ChainId, EVENT_TYPE, type RecordedEvent } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { decodeSegment } from '../payload/stimulus-segment.ts';
import { eventsOf, openingOf } from '../playback.ts';
import type { Recording } from '../store.ts';
import { WireReader } from '../wire/wire-reader.ts';
import type { FactTable } from './facts.ts';
import { stretchesToTry } from './gather-facts.ts';
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
  /** Facts of the chain, by which most of it need not be run again; all of it is run where there are none. */
  readonly factsOf?: (opening: Opening, trial: Trial<World>) => Promise<FactTable | null>;
  /** Called after every 64 blocks. */
  readonly progress?: (sequence: number) => void;
}

export interface ChainTrial extends ChainId, Readonly<TrialCount> {
  readonly flips: readonly Flip[];
  /** Why nothing could be tried, or null. */
  readonly leftOutBecause: string | null;
}

const PROGRESS_BLOCKS = 64;

/**
 * Tries a policy on one recorded life (SPEC R116). Does not verify: `verify` does.
 *
 * @throws MalformedBytesError, StoreError
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
    return { ...chain, ...nothing, flips: [], leftOutBecause: trial };
  }
  const run = new TrialRun(opening, trial);
  const stretches = await stretchesOf(recording, head, options, opening, trial);
  const flips: Flip[] = [];
  let end = 0;
  for (const stretch of stretches) {
    // Where one stretch goes on at the snapshot that ends the one before, so does the life.
    const goesOn = end > 0 && stretch.snapshot === end;
    flips.push(...(await new StretchRun(recording, chain, run, options, !goesOn).run(stretch)));
    end = stretch.last;
  }
  run.end();
  flips.push(...run.take());
  return { ...chain, ...run.count, flips: await withEvents(recording, chain, flips), leftOutBecause: null };
}

async function stretchesOf<World>(
  recording: Recording,
  head: ChainHead,
  options: TrialOptions<World>,
  opening: Opening,
  trial: Trial<World>,
): Promise<readonly TrialStretch[]> {
  const { fromUs = 0, untilUs = Number.POSITIVE_INFINITY, factsOf } = options;
  const { mayDiffer } = trial;
  const table = mayDiffer === null || factsOf === undefined ? null : await factsOf(opening, trial);
  if (table === null || mayDiffer === null) return [await wholeOf(recording, head, options, opening)];
  const first = opening.lineage === undefined ? 0 : 2;
  return stretchesToTry(table, trial.facts, mayDiffer, head, { fromUs, untilUs, first });
}

async function wholeOf(
  recording: Recording,
  head: ChainHead,
  { fromUs }: Pick<TrialOptions<never>, 'fromUs'>,
  opening: Opening,
): Promise<TrialStretch> {
  const place = fromUs === undefined || fromUs <= opening.atUs ? null : await recording.snapshotBefore(head, fromUs);
  // A fork has no beginning of its own but the state that it took over.
  const first = opening.lineage === undefined ? 0 : 2;
  return { snapshot: place?.sequence ?? first, last: head.sequence };
}

/** One stretch of a chain under a trial. */
class StretchRun<World> {
  readonly #recording: Recording;
  readonly #chain: ChainId;
  readonly #run: TrialRun<World>;
  readonly #options: TrialOptions<World>;
  readonly #flips: Flip[] = [];
  /** Decisions of the last segment, by the kernel's count, with their events. */
  readonly #events = new Map<number, number>();
  #begins: boolean;

  constructor(
    recording: Recording,
    chain: ChainId,
    run: TrialRun<World>,
    options: TrialOptions<World>,
    begins: boolean,
  ) {
    this.#recording = recording;
    this.#chain = chain;
    this.#run = run;
    this.#options = options;
    this.#begins = begins;
  }

  async run({ snapshot, last }: TrialStretch): Promise<readonly Flip[]> {
    if (snapshot === 0 && this.#begins) this.#begin(null);
    let blocks = 0;
    for await (const { bytes } of this.#recording.blocks(this.#chain, Math.max(1, snapshot), last)) {
      for (const envelope of decodeBlock(bytes).events) {
        const event = decodeEnvelope(envelope);
        if (event.sequence < snapshot || event.sequence > last) continue;
        if (!this.#follow(event, snapshot)) return this.#flips;
      }
      if (++blocks % PROGRESS_BLOCKS === 0) this.#options.progress?.(last);
    }
    this.#takeFlips();
    return this.#flips;
  }

  #begin(state: Parameters<TrialRun<World>['begin']>[0]): void {
    this.#run.begin(state);
    this.#begins = false;
  }

  /** @returns false when the time to look at is over */
  #follow(event: RecordedEvent, snapshot: number): boolean {
    const { fromUs = 0, untilUs = Number.POSITIVE_INFINITY } = this.#options;
    if (event.type === EVENT_TYPE.snapshot && event.sequence === snapshot && this.#begins) {
      this.#begin(decodeSnapshot(event));
    } else if (event.type === EVENT_TYPE.decision) this.#events.set(decisionNumber(event.data), event.sequence);
    if (event.type !== EVENT_TYPE.stimulusSegment || this.#begins) return true;
    this.#takeFlips();
    this.#forget();
    for (const { atUs, inbox } of decodeSegment(event.data).wakes) {
      if (atUs >= untilUs) {
        this.#takeFlips();
        return false;
      }
      this.#run.wake(atUs, inbox, atUs >= fromUs);
    }
    return true;
  }

  /** Flips of the segment before bear the events that followed it. */
  #takeFlips(): void {
    for (const flip of this.#run.take()) this.#flips.push({ ...flip, event: this.#events.get(flip.decision) ?? 0 });
  }

  /** Only the decision in force may be named again. */
  #forget(): void {
    if (this.#events.size < 64) return;
    const { decision } = this.#run;
    const oldest = Math.min(decision, this.#run.openDecision);
    for (const number of this.#events.keys()) if (number < oldest) this.#events.delete(number);
  }
}

/** Field 1 of sigma.v1.Decision. */
function decisionNumber(data: Uint8Array): number {
  const reader = new WireReader(data);
  return !reader.done && reader.varint() === 0x08 ? reader.varint() : 0;
}

const LOOK_BACK = 512;

/** Looks up the events of decisions that were made before the stretch in which they flip. */
async function withEvents(recording: Recording, chain: ChainId, flips: readonly Flip[]): Promise<readonly Flip[]> {
  const found: Flip[] = [];
  for (const flip of flips) {
    if (flip.event !== 0 || flip.decision === 0) {
      found.push(flip);
      continue;
    }
    found.push({ ...flip, event: await eventOfDecision(recording, chain, flip.decision, flip.atUs) });
  }
  return found;
}

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
