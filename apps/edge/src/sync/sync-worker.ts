import { create } from '@bufbuild/protobuf';
import {
  type BlocksAnswered,
  type ChainsHeld,
  type ConnectRequest,
  ConnectRequestSchema,
  type DataPortOffered,
  type EventsAheadAnswered,
} from '@sigma/proto';
import {
  type AheadAnswer,
  aheadAnswerOf,
  aheadFrame,
  batchAnswerOf,
  type EventsAhead,
  type Gap,
  heldOf,
  type LinkedChain,
  passedOn,
  type SealedBlock,
  type SinkWord,
  type SourceWord,
  type SyncNote,
  type SyncStanding,
  shownFrame,
} from '@sigma/recorder';
import { BackThread } from '../live/back-thread.ts';
import type { DataPortOffer } from './data-connection.ts';

export interface SyncThreadData {
  readonly tenant: string;
  /** Where the edge keeps what it remembers. */
  readonly folder: string;
  readonly recordingPath: string;
  /** Writers of this edge's chains, and those chains of them that grow now. */
  readonly sources: readonly string[];
  readonly growing: readonly LinkedChain[];
  /** Infinity: no limit. */
  readonly bytesPerS: number;
  /** Bytes that the recording may take; Infinity: as many as the disk has. */
  readonly recordingMostBytes: number;
  /** Memory of the `AgentClock`, and the site's time at which agent time was 0. */
  readonly clock: SharedArrayBuffer;
  readonly epochTimeUs: number;
  /** Absent: packs go on the link alone. */
  readonly hubUrl?: string;
}

export type ToSync =
  | { readonly type: 'linked'; readonly orderKey: Uint8Array }
  | { readonly type: 'lost' }
  | { readonly type: 'word'; readonly word: SinkWord }
  | { readonly type: 'ahead'; readonly answer: AheadAnswer }
  | { readonly type: 'offered'; readonly offer: DataPortOffer }
  /** A batch has left for the wire. */
  | { readonly type: 'left' };

export type FromSync =
  | { readonly type: 'shown'; readonly link: number; readonly word: Extract<SourceWord, { type: 'shown' }> }
  /** Safety events, before their blocks. */
  | { readonly type: 'ahead'; readonly link: number; readonly events: EventsAhead }
  /** A batch as `encodeSent` makes it: the thread that speaks on the link only passes it on. */
  | { readonly type: 'sent'; readonly link: number; readonly sent: Uint8Array }
  | { readonly type: 'note'; readonly name: SyncNote; readonly body: unknown }
  /** Put this on record at the end of the chain; and, when that is on disk, these in the place of what it names. */
  | { readonly type: 'gap'; readonly source: string; readonly gap: Gap }
  | { readonly type: 'drop'; readonly stubs: readonly SealedBlock[] }
  | { readonly type: 'standings'; readonly standings: readonly SyncStanding[] };

/** What the program does for the thread. */
export interface SyncCalls {
  /** `next` has something to give. */
  readonly wake: () => void;
  readonly note: (name: SyncNote, body: unknown) => void;
  readonly gap: (source: string, gap: Gap) => void;
  readonly drop: (stubs: readonly SealedBlock[]) => void;
}

/** What is recorded waits so long at most between the thread and the link. */
const LOOK_MS = 4;

/** The thread of sync, as the program holds it; it begins with the first link, or at once where it keeps a bound. */
export class SyncWorker {
  readonly #thread: BackThread<ToSync, FromSync>;
  /** Counts links, so that what was made for an earlier one does not leave. */
  #link = 0;
  #ready: Extract<FromSync, { readonly link: number }>[] = [];
  #standings: readonly SyncStanding[] = [];

  constructor(data: SyncThreadData, calls: SyncCalls) {
    const { wake, note, gap, drop } = calls;
    this.#thread = new BackThread({
      module: new URL('./sync-thread.ts', import.meta.url),
      data,
      lookMs: LOOK_MS,
      heard: (message) => {
        if (message.type === 'shown' || message.type === 'sent' || message.type === 'ahead') {
          if (message.link !== this.#link) return;
          this.#ready.push(message);
          wake();
        } else if (message.type === 'note') note(message.name, message.body);
        else if (message.type === 'gap') gap(message.source, message.gap);
        else if (message.type === 'drop') drop(message.stubs);
        else this.#standings = message.standings;
      },
      failed: (error) => note('edge.sync_failed', { message: error.message }),
    });
    if (Number.isFinite(data.recordingMostBytes)) this.#thread.begin();
  }

  /** Where each chain stands, as of lately. */
  get standings(): readonly SyncStanding[] {
    return this.#standings;
  }

  /** The next frame of sync for the link, made into one as late as can be. */
  next(): ConnectRequest | undefined {
    const said = this.#ready.shift();
    if (said === undefined) return undefined;
    if (said.type === 'shown') {
      const value = shownFrame(said.word.chains, said.word.time);
      return create(ConnectRequestSchema, { frame: { case: 'chainsShown', value } });
    }
    if (said.type === 'ahead') {
      return create(ConnectRequestSchema, { frame: { case: 'eventsAhead', value: aheadFrame(said.events) } });
    }
    this.#thread.tell({ type: 'left' });
    return passedOn(said.sent);
  }

  linked(orderKey: Uint8Array): void {
    this.#link++;
    this.#ready = [];
    this.#thread.begin();
    this.#thread.tell({ type: 'linked', orderKey });
  }

  lost(): void {
    this.#ready = [];
    this.#thread.tell({ type: 'lost' });
  }

  held(frame: ChainsHeld): void {
    this.#thread.tell({ type: 'word', word: { type: 'held', ...heldOf(frame) } });
  }

  answered(frame: BlocksAnswered): void {
    this.#thread.tell({ type: 'word', word: { type: 'answered', answer: batchAnswerOf(frame) } });
  }

  aheadAnswered(frame: EventsAheadAnswered): void {
    this.#thread.tell({ type: 'ahead', answer: aheadAnswerOf(frame) });
  }

  offered({ port, url, key }: DataPortOffered): void {
    this.#thread.tell({ type: 'offered', offer: { port, url, key } });
  }

  /** Everything is on disk: the last blocks are sent. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
