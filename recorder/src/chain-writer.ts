import { encodeBlock, NO_BLOCK } from './block.ts';
import { type ChainHead, type ChainId, EVENT_TYPE, type EventDraft, type Sha256 } from './event.ts';
import { WireWriter } from './wire/wire-writer.ts';

/** A block in its place in a chain, ready to be stored. */
export interface SealedBlock extends ChainId {
  /** sigma.v1.Block as it rests and travels. */
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`. */
  readonly hash: Uint8Array;
  readonly previousHash: Uint8Array;
  readonly firstSequence: number;
  /** Events, at least 1. */
  readonly count: number;
  readonly firstAtUs: number;
  readonly lastAtUs: number;
  /** Snapshots among the events, so that a store can find them. */
  readonly snapshots: readonly SnapshotMark[];
}

export interface SnapshotMark {
  readonly sequence: number;
  readonly atUs: number;
}

const NO_SNAPSHOTS: readonly SnapshotMark[] = [];

/**
 * Gives events their sequence and each block the hash of the one before. One writer for each chain; the first event it
 * seals must be the opening.
 */
export class ChainWriter {
  readonly #chain: ChainId;
  readonly #sha256: Sha256;
  readonly #wire = new WireWriter(16_384);
  #sequence: number;
  #hash: Uint8Array;
  #atUs: number;
  #blocks: number;

  /** @param head where an earlier run of the same writer ended, as the store knows it; absent for a new chain */
  constructor(chain: ChainId, sha256: Sha256, head?: ChainHead) {
    const { tenant, source, epoch } = chain;
    this.#chain = { tenant, source, epoch };
    this.#sha256 = sha256;
    if (head !== undefined && (head.tenant !== tenant || head.source !== source || head.epoch !== epoch)) {
      throw new Error(`The head of ${head.tenant}/${head.source} epoch ${head.epoch} continues no other chain`);
    }
    this.#sequence = head?.sequence ?? 0;
    this.#hash = head?.hash ?? NO_BLOCK;
    this.#atUs = head?.atUs ?? 0;
    this.#blocks = head?.blocks ?? 0;
  }

  /** The end of what has been sealed, durable or not. */
  get head(): ChainHead {
    return {
      ...this.#chain,
      sequence: this.#sequence,
      hash: this.#hash,
      atUs: this.#atUs,
      blocks: this.#blocks,
    };
  }

  /**
   * @param events at least one, in order of happening. Agent time never goes back along a chain: an event with an
   * earlier time than the one before it takes that time.
   * @throws Error when the chain would not begin with its opening, or `events` is empty
   */
  seal(events: readonly EventDraft[]): SealedBlock {
    const first = events[0];
    if (first === undefined) throw new Error('A block holds at least one event');
    if (this.#sequence === 0 && first.type !== EVENT_TYPE.opening) {
      throw new Error(`A chain begins with ${EVENT_TYPE.opening}, not with ${first.type}`);
    }
    const firstSequence = this.#sequence + 1;
    const previousHash = this.#hash;
    const ordered = this.#inOrder(events);
    this.#wire.reset();
    encodeBlock(this.#wire, this.#chain, firstSequence, previousHash, ordered);
    const bytes = this.#wire.take();
    const hash = this.#sha256(bytes);
    this.#sequence += events.length;
    this.#hash = hash;
    this.#atUs = (ordered[ordered.length - 1] as EventDraft).atUs;
    this.#blocks++;
    return {
      ...this.#chain,
      bytes,
      hash,
      previousHash,
      firstSequence,
      count: events.length,
      firstAtUs: (ordered[0] as EventDraft).atUs,
      lastAtUs: this.#atUs,
      snapshots: snapshotsAmong(ordered, firstSequence),
    };
  }

  /**
   * Seals the events of one cut of a journal (SPEC R32): segments in blocks apart from what follows them, so that a spool
   * that is full can give up inputs and keep decisions. All of them are stored together or not at all.
   *
   * @returns none for no events
   * @throws Error as `seal`
   */
  sealCut(events: readonly EventDraft[]): readonly SealedBlock[] {
    const blocks: SealedBlock[] = [];
    for (let from = 0; from < events.length; ) {
      const inputs = isInput(events[from] as EventDraft);
      let to = from + 1;
      while (to < events.length && isInput(events[to] as EventDraft) === inputs) to++;
      blocks.push(this.seal(from === 0 && to === events.length ? events : events.slice(from, to)));
      from = to;
    }
    return blocks;
  }

  #inOrder(events: readonly EventDraft[]): readonly EventDraft[] {
    let atUs = this.#atUs;
    let ordered = true;
    for (const event of events) {
      if (event.atUs < atUs) ordered = false;
      else atUs = event.atUs;
    }
    if (ordered) return events;
    atUs = this.#atUs;
    return events.map((event) => {
      if (event.atUs < atUs) return { ...event, atUs };
      atUs = event.atUs;
      return event;
    });
  }
}

const isInput = ({ type }: EventDraft): boolean => type === EVENT_TYPE.stimulusSegment;

function snapshotsAmong(events: readonly EventDraft[], firstSequence: number): readonly SnapshotMark[] {
  let found: SnapshotMark[] | null = null;
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as EventDraft;
    if (event.type !== EVENT_TYPE.snapshot) continue;
    found ??= [];
    found.push({ sequence: firstSequence + i, atUs: event.atUs });
  }
  return found ?? NO_SNAPSHOTS;
}
