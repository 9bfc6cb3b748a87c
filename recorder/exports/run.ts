import {
  type ChainHead,
  ChainMoments,
  decodeOpening,
  eventsOf,
  MalformedBytesError,
  type Opening,
  type RecordedEvent,
  type Recording,
  type Sha256,
  zeroOf,
} from '../src/index.ts';
import { mergeByTime, type Timed } from './merge.ts';
import { type BadStretch, soundEvents } from './sound-events.ts';

/** The stretch of agent time that is wanted, microseconds, both ends inclusive. */
export interface TimeSpan {
  readonly fromUs: number;
  readonly toUs: number;
}

/** The same by the wall clock, microseconds since 1970: of chains whose agent times are several clocks (SPEC R114). */
export interface WallSpan {
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
}

export interface ExportProgress {
  /** Events read, of those that there may be. */
  readonly events: number;
  readonly ofEvents: number;
}

/** What every export is told and asked. */
export interface ExportOptions {
  readonly recording: Recording;
  /** The chains that are wanted; those of one recording. */
  readonly chains: readonly ChainHead[];
  readonly span: TimeSpan | WallSpan;
  readonly sha256: Sha256;
  readonly onProgress?: (progress: ExportProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ExportResult {
  /** Events of the recording that were read. */
  readonly events: number;
  /** Stretches that were damaged and are left out. */
  readonly bad: readonly BadStretch[];
}

const PROGRESS_EVERY = 1_000;

/** One export under way: what was read and what could not be. Stops when it is told to. */
export class ExportRun {
  readonly options: ExportOptions;
  readonly bad: BadStretch[] = [];
  readonly #ofEvents: number;
  #toldAt = 0;
  #events = 0;

  constructor(options: ExportOptions) {
    this.options = options;
    this.#ofEvents = options.chains.reduce((sum, { sequence }) => sum + sequence, 0);
  }

  get result(): ExportResult {
    return { events: this.#events, bad: this.bad };
  }

  /**
   * The sound events of a chain, a block's worth at a time, from the last snapshot before the span to its end.
   *
   * @throws StoreError, the reason of the signal
   */
  async *batches(chain: OpenedChain): AsyncGenerator<readonly RecordedEvent[]> {
    const { recording, sha256, signal, onProgress } = this.options;
    const { head } = chain;
    const { fromUs, toUs } = this.spanOf(chain);
    const place = await recording.snapshotBefore(head, fromUs);
    const onBad = (stretch: BadStretch) => this.bad.push(stretch);
    for await (const events of soundEvents(recording, head, { sha256, onBad, fromSequence: place?.sequence ?? 1 })) {
      signal?.throwIfAborted();
      if ((events[0] as RecordedEvent).atUs > toUs) return;
      this.#events += events.length;
      if (this.#events - this.#toldAt >= PROGRESS_EVERY) {
        this.#toldAt = this.#events;
        onProgress?.({ events: this.#events, ofEvents: this.#ofEvents });
      }
      yield events;
    }
  }

  /** The span in the agent time of a chain. */
  spanOf({ opening }: OpenedChain): TimeSpan {
    const { span } = this.options;
    if ('fromUs' in span) return span;
    const zeroUs = zeroOf({ opening });
    return { fromUs: Math.max(0, span.fromTimeUs - zeroUs), toUs: span.toTimeUs - zeroUs };
  }

  /** One event that says not what its type says is left out. */
  leaveOut({ tenant, source, epoch }: ChainHead, { sequence }: RecordedEvent, why: string): void {
    this.bad.push({ tenant, source, epoch, fromSequence: sequence, toSequence: sequence, why });
  }

  /** Who wrote each chain that is wanted. A chain without a readable opening is left out. */
  async openings(): Promise<readonly OpenedChain[]> {
    const opened: OpenedChain[] = [];
    for (const head of this.options.chains) {
      const opening = await openingIn(this.options.recording, head);
      if (typeof opening !== 'string') opened.push({ head, opening });
      else {
        const { tenant, source, epoch } = head;
        this.bad.push({ tenant, source, epoch, fromSequence: 1, toSequence: head.sequence, why: opening });
      }
    }
    return opened;
  }
}

export interface OpenedChain {
  readonly head: ChainHead;
  readonly opening: Opening;
}

/** The opening of a chain, or why it cannot be read. @throws StoreError */
export async function openingIn(recording: Recording, head: ChainHead): Promise<Opening | string> {
  try {
    for await (const event of eventsOf(recording, head, 1, 1)) return decodeOpening(event);
    return 'the opening is missing';
  } catch (error) {
    if (error instanceof MalformedBytesError) return `the opening cannot be read: ${error.message}`;
    throw error;
  }
}

/** An event in its chain. */
export interface ChainEvent {
  /** Wall clock of the opening, run on by agent time. */
  readonly timeUs: number;
  readonly chain: OpenedChain;
  readonly event: RecordedEvent;
}

/**
 * Hands over every event of the span, of all chains, by time, each chain's in the order of its chain. In the recording of
 * a hub that keeps moments of the hybrid clock (R128) that is their order: no effect stands before its cause.
 */
export const eachEvent = (run: ExportRun, take: (event: ChainEvent) => void | Promise<void>): Promise<void> =>
  eachEventOf([run], take);

/** As `eachEvent`, of several recordings side by side: by their wall clocks, each in its own order. */
export async function eachEventOf(
  runs: readonly ExportRun[],
  take: (event: ChainEvent, run: ExportRun) => void | Promise<void>,
): Promise<void> {
  const feeds = (await Promise.all(runs.map(feedsOf))).flat();
  await mergeByTime(feeds, ({ told, run }) => take(told, run));
}

interface Fed extends Timed {
  readonly told: ChainEvent;
  readonly run: ExportRun;
}

async function feedsOf(run: ExportRun): Promise<readonly AsyncIterable<readonly Fed[]>[]> {
  const { recording } = run.options;
  const opened = await run.openings();
  const marks = await Promise.all(opened.map(({ head }) => recording.hybridMarks?.(head) ?? []));
  const marked = marks.some(({ length }) => length > 0);
  async function* feed(chain: OpenedChain, i: number): AsyncGenerator<readonly Fed[]> {
    const moments = new ChainMoments(marks[i] ?? []);
    const zeroUs = zeroOf(chain);
    const { fromUs, toUs } = run.spanOf(chain);
    for await (const events of run.batches(chain)) {
      yield events
        .map((event) => {
          const told: ChainEvent = { timeUs: event.atUs + zeroUs, chain, event };
          if (!marked) return { timeUs: told.timeUs, count: 0, told, run };
          const { us, count } = moments.at(event.sequence, event.timeUs);
          return { timeUs: us, count, told, run };
        })
        .filter(({ told: { event } }) => event.atUs >= fromUs && event.atUs <= toUs);
    }
  }
  return opened.map(feed);
}

/** What goes into a file, piece by piece. A piece is written when the promise resolves. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
}

const LINES_BYTES = 1 << 16;

/** Lines of text, gathered into pieces. Nothing is written behind `end` that was not before. */
export class LineSink {
  readonly #sink: ByteSink;
  #text = '';

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  line(text: string): void | Promise<void> {
    this.#text += `${text}\n`;
    if (this.#text.length >= LINES_BYTES) return this.end();
  }

  async end(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text !== '') await this.#sink.write(UTF8.encode(text));
  }
}

const UTF8 = new TextEncoder();
