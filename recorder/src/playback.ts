import { decodeBlock, decodeEnvelope } from './block.ts';
import { type ChainHead, type ChainId, EVENT_TYPE, type RecordedEvent } from './event.ts';
import { decodeOpening, type Opening } from './payload/opening.ts';
import { decodeSnapshot, type Snapshot } from './payload/snapshot.ts';
import { decodeSegment, EVERYTHING, type Wake } from './payload/stimulus-segment.ts';
import { CannotReexecuteError, type Execution, type Reexecutors } from './reexecutor.ts';
import type { Recording } from './store.ts';

/** One source as it was at a moment. */
export interface Materialised {
  readonly chain: ChainId;
  readonly opening: Opening;
  /** State in the bytes of a snapshot (canonical JSON, `decodeState` reads it); null when the source has no model here and left no snapshot. */
  readonly state: Uint8Array | null;
  /** Agent time of the last wake that `state` includes. */
  readonly wokeUs: number;
  /** Inputs folded into `state`. */
  readonly inputSequence: number;
  /** True when every wake up to the moment is in `state`; false when it is only the last snapshot. */
  readonly exact: boolean;
}

/** The recording holds no such event. */
export class NoSuchEventError extends Error {
  readonly chain: ChainId;
  readonly sequence: number;

  constructor(chain: ChainId, sequence: number) {
    super(`${chain.tenant}/${chain.source} epoch ${chain.epoch} has no event ${sequence}`);
    this.name = 'NoSuchEventError';
    this.chain = chain;
    this.sequence = sequence;
  }
}

/** Events of a chain, both ends inclusive. @throws MalformedBytesError, StoreError */
export async function* eventsOf(
  recording: Recording,
  chain: ChainId,
  fromSequence = 1,
  toSequence = Number.MAX_SAFE_INTEGER,
): AsyncIterable<RecordedEvent> {
  for await (const { bytes } of recording.blocks(chain, fromSequence, toSequence)) {
    for (const envelope of decodeBlock(bytes).events) {
      const event = decodeEnvelope(envelope);
      if (event.sequence >= fromSequence && event.sequence <= toSequence) yield event;
    }
  }
}

/**
 * A whole site at one moment after another, in any direction. Going on in time runs each source's kernel on from where it
 * stands; going back, or further ahead than a snapshot, begins at the last snapshot before the moment. Of a recording that
 * is still written, what has become durable since is seen.
 */
export class Playback {
  readonly #recording: Recording;
  readonly #reexecutors: Reexecutors;
  readonly #chains = new Map<string, ChainPlayback>();

  constructor(recording: Recording, reexecutors: Reexecutors) {
    this.#recording = recording;
    this.#reexecutors = reexecutors;
  }

  /**
   * Each source with its last epoch that had begun by then, wakes at that very microsecond included. Sources that had
   * not begun are left out.
   *
   * @param atUs agent time, microseconds
   * @throws MalformedBytesError, StoreError. Does not verify: `verify` does.
   */
  async at(atUs: number): Promise<readonly Materialised[]> {
    const latest = new Map<string, ChainPlayback>();
    for (const head of await this.#recording.heads()) {
      const chain = await this.#chainOf(head);
      if (chain.opening.atUs <= atUs) latest.set(`${head.tenant}\0${head.source}`, chain);
    }
    const sources: Materialised[] = [];
    for (const chain of latest.values()) sources.push(await chain.at(atUs));
    return sources;
  }

  async #chainOf({ tenant, source, epoch }: ChainHead): Promise<ChainPlayback> {
    const key = `${tenant}\0${source}\0${epoch}`;
    let chain = this.#chains.get(key);
    if (chain === undefined) {
      const id = { tenant, source, epoch };
      chain = new ChainPlayback(this.#recording, id, await openingOf(this.#recording, id), this.#reexecutors);
      this.#chains.set(key, chain);
    }
    return chain;
  }
}

/** Who wrote a chain, and with what. @throws NoSuchEventError when the chain is not there */
export async function openingOf(recording: Recording, chain: ChainId): Promise<Opening> {
  for await (const event of eventsOf(recording, chain, 1, 1)) return decodeOpening(event);
  throw new NoSuchEventError(chain, 1);
}

/** One chain, standing where it was last asked for. */
class ChainPlayback {
  readonly opening: Opening;
  readonly #recording: Recording;
  readonly #chain: ChainId;
  readonly #reexecutors: Reexecutors;
  #execution: Execution | null = null;
  #restored: Snapshot | null = null;
  #askedUs = Number.POSITIVE_INFINITY;
  #wokeUs = 0;
  #inputSequence = 0;
  #nextSequence = 1;
  /** Wakes of the last segment that lie behind the moment. */
  #ahead: readonly Wake[] = [];

  constructor(recording: Recording, chain: ChainId, opening: Opening, reexecutors: Reexecutors) {
    this.#recording = recording;
    this.#chain = chain;
    this.opening = opening;
    this.#reexecutors = reexecutors;
  }

  async at(atUs: number): Promise<Materialised> {
    const place = await this.#recording.snapshotBefore(this.#chain, atUs);
    if (atUs < this.#askedUs || (place !== null && place.atUs > this.#wokeUs)) {
      await this.#restart(place?.sequence ?? null, atUs);
    }
    this.#askedUs = atUs;
    if (this.#execution !== null) await this.#runUntil(atUs, this.#execution);
    const { opening } = this;
    const at = { chain: this.#chain, opening, wokeUs: this.#wokeUs, inputSequence: this.#inputSequence };
    if (this.#execution !== null) return { ...at, state: this.#execution.state(), exact: true };
    return { ...at, state: this.#restored?.state ?? null, exact: false };
  }

  async #restart(snapshotSequence: number | null, atUs: number): Promise<void> {
    this.#restored = null;
    if (snapshotSequence !== null) {
      for await (const event of eventsOf(this.#recording, this.#chain, snapshotSequence, snapshotSequence)) {
        const snapshot = decodeSnapshot(event);
        // Where snapshots stand is derived and proves nothing: one of a later moment is no place to begin.
        if (snapshot.atUs <= atUs) this.#restored = snapshot;
      }
    }
    this.#wokeUs = this.#restored?.atUs ?? this.opening.atUs;
    this.#inputSequence = this.#restored?.inputSequence ?? 0;
    this.#nextSequence = (this.#restored === null ? 1 : (snapshotSequence as number)) + 1;
    this.#ahead = [];
    this.#execution = this.#begin();
  }

  #begin(): Execution | null {
    const { opening } = this;
    if (!Object.hasOwn(this.#reexecutors, opening.model)) return null;
    try {
      return this.#reexecutors[opening.model]?.(opening).open(opening, this.#restored ?? undefined) ?? null;
    } catch (error) {
      if (error instanceof CannotReexecuteError) return null;
      throw error;
    }
  }

  async #runUntil(atUs: number, execution: Execution): Promise<void> {
    this.#ahead = this.#run(execution, this.#ahead, atUs);
    if (this.#ahead.length > 0) return;
    for await (const event of eventsOf(this.#recording, this.#chain, this.#nextSequence)) {
      if (event.atUs > atUs) return;
      this.#nextSequence = event.sequence + 1;
      if (event.type !== EVENT_TYPE.stimulusSegment) continue;
      this.#ahead = this.#run(execution, decodeSegment(event.data, EVERYTHING).wakes, atUs);
      if (this.#ahead.length > 0) return;
    }
  }

  /** @returns the wakes after the moment */
  #run(execution: Execution, wakes: readonly Wake[], atUs: number): readonly Wake[] {
    for (let k = 0; k < wakes.length; k++) {
      const wake = wakes[k] as Wake;
      if (wake.atUs > atUs) return wakes.slice(k);
      execution.wake(wake.atUs, wake.inbox);
      this.#wokeUs = wake.atUs;
      this.#inputSequence += wake.inbox.length;
    }
    return [];
  }
}
