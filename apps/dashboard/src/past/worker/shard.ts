import { RecordedModels, type Site } from '@sigma/fleet-model';
import { decodeBlock, decodeEnvelope, MalformedBytesError, NewerFormatError } from '@sigma/recorder';
import type { FilmPiece } from '../film/film-piece.ts';
import type { PastAsk, PastNews } from '../past-words.ts';
import { BlockCache, type CachedBlock } from './block-cache.ts';
import { ChainFilm } from './chain-film.ts';
import { addInterval, covers, type Interval } from './intervals.ts';

/** A chain of the recording at a moment, as the hub locates it. Times in microseconds since 1970. */
export interface LocatedChain {
  readonly source: string;
  readonly epoch: number;
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly epochTimeUs: number;
  readonly model: string;
}

export interface Located {
  readonly chains: readonly LocatedChain[];
  readonly fromUs: number;
  readonly toUs: number;
}

/** What to read of one chain, both ends included. */
export interface WantedStretch {
  readonly source: string;
  readonly epoch: number;
  readonly fromSequence: number;
  readonly toSequence: number;
  /** The chain's own time: the first block that begins after it is the last one wanted. */
  readonly untilAtUs?: number;
}

/** Stored blocks of one chain that follow each other, as they came. */
export interface ReadBlocks {
  readonly source: string;
  readonly epoch: number;
  readonly blocks: readonly Uint8Array[];
}

/** The recording, from outside: where a moment lies in it, and its blocks. */
export interface RecordPorts {
  locate(timeUs: number, signal: AbortSignal): Promise<Located>;
  /** Stretches in the order asked for, in as many parts as it takes. */
  read(stretches: readonly WantedStretch[], signal?: AbortSignal): AsyncIterable<ReadBlocks>;
  /** Resolves so much later, when whatever else came in the meantime was heard. */
  pause(ms: number): Promise<void>;
  /** Milliseconds of a clock that never runs backwards. */
  nowMs(): number;
}

/** The terrain model whose chains are computed again here. */
const MODEL = 'fleet';
/** Forward and backward, film is made in steps of this. */
const STEP_US = 5_000_000;
/** A moment that was asked for is painted before what lies around it takes the processor. */
const PAINT_MS = 150;
/** So many runs of a stretch are practice enough: the kernel's code is compiled then. */
const PRACTISED = 240;
/**
 * They are run on so many stretches. What the compiler has not seen yet it compiles anew when a person waits: on twenty
 * stretches, sixty functions at the first press, on eighty, three. More would cost the line of a page only opened too much.
 */
const PRACTISE_ON = 80;
/** So long: in most of them a robot's state stands once, and it is run from there. */
const PRACTISE_US = 4_000_000;
/** The present of so many robots is filmed, for the way that film goes to the page. */
const FILMED_BEFORE = 4;
/** Between two of them the processor is left to the page. */
const REST_MS = 10;
/** A moment that takes longer than this is handed over in parts: a message for each robot would cost as much as its film. */
const PART_MS = 300;
const CACHE_BYTES = 48 * 2 ** 20;

type Show = Extract<PastAsk, { type: 'show' }>;

/** Films the chains that fall to it: the moment asked for first, then what lies around it. */
export class Shard {
  readonly #ports: RecordPorts;
  readonly #tell: (news: PastNews) => void;
  readonly #models = new RecordedModels();
  readonly #cache = new BlockCache(CACHE_BYTES);
  readonly #chains = new Map<string, ChainFilm>();
  readonly #index: number;
  readonly #of: number;
  #covered: readonly Interval[] = [];
  #reach: Interval | undefined;
  #current = new AbortController();
  /** Film that the page has not got yet. */
  #pieces: FilmPiece[] = [];
  #handedMs = Number.NEGATIVE_INFINITY;

  constructor(index: number, of: number, site: Site, ports: RecordPorts, tell: (news: PastNews) => void) {
    this.#index = index;
    this.#of = of;
    this.#ports = ports;
    this.#tell = tell;
    this.#models.know(site);
  }

  /**
   * Reads who wrote the chains of that moment and stretches from all over them, films some and runs these again and
   * again, unhurriedly and without asking the hub for more: so the first look back is as quick as the others. Code that
   * was compiled for robots in one situation is compiled anew for another: the stretches lie as far apart as they can.
   * Ends where a person asks for a moment.
   */
  async warm(timeUs: number): Promise<void> {
    const { signal } = this.#current;
    try {
      const { chains } = await this.#ports.locate(timeUs, signal);
      const mine = chains.filter((one) => this.#isMine(one));
      await this.#open(mine, signal);
      const filmed = mine.slice(0, FILMED_BEFORE);
      const practice = mine.length === 0 ? [] : practiceOn(mine, timeUs);
      const missing = filmed.flatMap((chain) => this.#missing(chain, timeUs, false) ?? []);
      await this.#fetch([...practice, ...missing], [], signal, async () => undefined);
      await this.#film(filmed, timeUs, false, signal).finally(() => this.#handOver());
      for (let run = 0; practice.length > 0 && run < PRACTISED; run++) {
        const { source, epoch, fromSequence, toSequence } = practice[run % practice.length] as WantedStretch;
        const key = chainKey(source, epoch);
        this.#chains.get(key)?.rehearse(this.#cached(key, fromSequence, toSequence));
        await this.#ports.pause(REST_MS);
        signal.throwIfAborted();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #isMine({ model, source }: LocatedChain): boolean {
    return model === MODEL && placeOf(source) % this.#of === this.#index;
  }

  /** Films the moment and then around it, until that is done or something else is asked for. */
  async show({ id, timeUs, first, aheadUs, behindUs }: Show): Promise<void> {
    this.#current.abort();
    const current = new AbortController();
    this.#current = current;
    this.#handedMs = this.#ports.nowMs();
    const { signal } = current;
    try {
      await this.#cover(id, timeUs, first, false, signal);
      this.#tell({ type: 'settled', id, timeUs });
      if (behindUs > 0) await this.#ports.pause(PAINT_MS);
      for (let at = timeUs + STEP_US; at <= timeUs + aheadUs; at += STEP_US) {
        await this.#cover(null, at, first, true, signal);
        this.#tell({ type: 'filmed', id, untilUs: at });
      }
      for (let at = timeUs - STEP_US; at >= timeUs - behindUs; at -= STEP_US)
        await this.#cover(null, at, first, false, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }

  async scan(source: string, timeUs: number): Promise<void> {
    const key = [...this.#chains.keys()].findLast((one) => one.startsWith(`${source}\n`));
    const chain = key === undefined ? undefined : this.#chains.get(key);
    const scan = (await chain?.scanAt(timeUs)) ?? null;
    this.#tell({ type: 'scan', source, timeUs, scan });
  }

  forget(source: string, epoch: number, sequence: number): void {
    this.#handOver();
    this.#covered = [];
    this.#chains.get(chainKey(source, epoch))?.forget(sequence);
  }

  /** With an `id` the page waits for it and hears of its progress. */
  async #cover(
    id: number | null,
    wantedUs: number,
    first: string | null,
    onward: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const reach = this.#reach;
    const timeUs = reach === undefined ? wantedUs : Math.max(reach.fromUs, wantedUs);
    if (covers(this.#covered, timeUs)) return;
    const located = await this.#ports.locate(timeUs, signal);
    signal.throwIfAborted();
    this.#reach = { fromUs: located.fromUs, toUs: located.toUs };
    if (id !== null) {
      const sources = located.chains.filter((chain) => chain.model === MODEL).map(({ source }) => source);
      this.#tell({ type: 'located', id, sources, fromUs: located.fromUs, toUs: located.toUs });
    }
    const mine = located.chains
      .filter((chain) => this.#isMine(chain))
      .sort((a, b) => Number(b.source === first) - Number(a.source === first));
    let done = 0;
    await this.#open(mine, signal);
    const holeFreeUs = await this.#film(mine, timeUs, onward, signal, async () => {
      done++;
      if (id === null) {
        // Nobody waits for it: what a person asks in the meantime is heard between two chains.
        await this.#ports.pause(0);
      } else if (this.#ports.nowMs() - this.#handedMs >= PART_MS) {
        this.#handOver();
        this.#tell({ type: 'progress', id, done, of: mine.length });
      }
    }).finally(() => this.#handOver());
    // What happens now is still being written: it is asked for again.
    const untilUs = Math.min(timeUs, located.toUs);
    if (holeFreeUs <= untilUs) this.#covered = addInterval(this.#covered, { fromUs: holeFreeUs, toUs: untilUs });
  }

  /**
   * Films open chains up to a moment; `filmed` follows each.
   *
   * @returns from when on no film has a hole up to the moment, microseconds since 1970
   */
  async #film(
    chains: readonly LocatedChain[],
    untilUs: number,
    onward: boolean,
    signal: AbortSignal,
    filmed?: () => void | Promise<void>,
  ): Promise<number> {
    let holeFreeUs = Number.NEGATIVE_INFINITY;
    const missing = chains.flatMap((chain) => this.#missing(chain, untilUs, onward) ?? []);
    await this.#fetch(missing, chains, signal, async (chain) => {
      const { fromSequence, toSequence } = chain;
      const fromUs = await this.#chain(chain).extend({ fromSequence, toSequence, untilUs, onward, signal });
      signal.throwIfAborted();
      holeFreeUs = Math.max(holeFreeUs, fromUs);
      await filmed?.();
    });
    return holeFreeUs;
  }

  #handOver(): void {
    this.#handedMs = this.#ports.nowMs();
    if (this.#pieces.length > 0) this.#tell({ type: 'film', pieces: this.#pieces });
    this.#pieces = [];
  }

  /** Reads who wrote these chains, where that is not known yet. */
  async #open(chains: readonly LocatedChain[], signal: AbortSignal): Promise<void> {
    const closed = chains.filter((chain) => !this.#chain(chain).isOpen);
    const openings = closed.map(({ source, epoch }) => ({ source, epoch, fromSequence: 1, toSequence: 1 }));
    await this.#fetch(openings, closed, signal, (chain) => this.#chain(chain).open());
  }

  /** What must be asked of the hub so that the chain is on film up to the moment; null when it is here. */
  #missing(chain: LocatedChain, untilUs: number, onward: boolean): WantedStretch | null {
    const { source, epoch, epochTimeUs, fromSequence, toSequence } = chain;
    const start = this.#chain(chain).readingFrom({ fromSequence, toSequence, untilUs, onward });
    if (start === null) return null;
    const untilAtUs = Math.max(0, Math.ceil(untilUs - epochTimeUs));
    let next = start;
    let last: CachedBlock | undefined;
    for (const block of this.#cached(chainKey(source, epoch), start, toSequence)) {
      next = block.lastSequence + 1;
      last = block;
    }
    const here = next > toSequence || (last !== undefined && beginsAfter(last, untilAtUs));
    return here ? null : { source, epoch, fromSequence: next, toSequence, untilAtUs };
  }

  /** Brings stretches into memory with one question, and hands over each chain, in order, as soon as it is there. */
  async #fetch(
    stretches: readonly WantedStretch[],
    chains: readonly LocatedChain[],
    signal: AbortSignal,
    ready: (chain: LocatedChain) => Promise<void>,
  ): Promise<void> {
    const rest = [...chains];
    if (stretches.length > 0) {
      for await (const { source, epoch, blocks } of this.#ports.read(stretches, signal)) {
        signal.throwIfAborted();
        const at = rest.findIndex((chain) => chain.source === source && chain.epoch === epoch);
        for (const chain of rest.splice(0, Math.max(0, at))) await ready(chain);
        for (const bytes of blocks) {
          const block = readable(bytes);
          // The chain's own reading meets it again and says what is wrong with it.
          if (block === null) break;
          this.#cache.put(chainKey(source, epoch), block);
        }
      }
    }
    signal.throwIfAborted();
    for (const chain of rest) await ready(chain);
  }

  #chain(located: LocatedChain): ChainFilm {
    const { source, epoch, epochTimeUs } = located;
    const key = chainKey(source, epoch);
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const chain = new ChainFilm({
      source,
      epoch,
      epochTimeUs,
      models: this.#models,
      read: (from, to) => this.#read(source, epoch, from, to),
      film: (piece) => this.#pieces.push(piece),
      problem: ({ kind, words }) => this.#tell({ type: 'problem', source, kind, words }),
    });
    this.#chains.set(key, chain);
    return chain;
  }

  /** Blocks that were read before come from memory, as far as they follow each other. */
  async *#read(source: string, epoch: number, from: number, to: number): AsyncGenerator<CachedBlock> {
    const key = chainKey(source, epoch);
    let next = from;
    for (const block of this.#cached(key, from, to)) {
      yield block;
      next = block.lastSequence + 1;
    }
    if (next > to) return;
    for await (const { blocks } of this.#ports.read([{ source, epoch, fromSequence: next, toSequence: to }])) {
      for (const bytes of blocks) {
        const block = cachedBlock(bytes);
        this.#cache.put(key, block);
        yield block;
      }
    }
  }

  *#cached(key: string, from: number, to: number): Generator<CachedBlock> {
    let next = from;
    for (let block = this.#cache.at(key, next); block !== undefined && next <= to; block = this.#cache.at(key, next)) {
      yield block;
      next = block.lastSequence + 1;
    }
  }
}

/** @throws MalformedBytesError, NewerFormatError */
function cachedBlock(bytes: Uint8Array): CachedBlock {
  const { firstSequence, events } = decodeBlock(bytes);
  return { firstSequence, lastSequence: firstSequence + events.length - 1, bytes, events };
}

function readable(bytes: Uint8Array): CachedBlock | null {
  try {
    return cachedBlock(bytes);
  } catch (error) {
    if (error instanceof MalformedBytesError || error instanceof NewerFormatError) return null;
    throw error;
  }
}

function beginsAfter({ events: [first] }: CachedBlock, atUs: number): boolean {
  try {
    return first !== undefined && decodeEnvelope(first).atUs > atUs;
  } catch (error) {
    if (error instanceof MalformedBytesError) return false;
    throw error;
  }
}

/** Stretches to practise on: each of another robot, if there are as many, and of another part of its life. */
function practiceOn(chains: readonly LocatedChain[], timeUs: number): readonly WantedStretch[] {
  return Array.from({ length: PRACTISE_ON }, (_, k) => {
    const { source, epoch, toSequence, epochTimeUs } = chains[k % chains.length] as LocatedChain;
    const wide = Math.ceil(toSequence * Math.min(1, PRACTISE_US / Math.max(1, timeUs - epochTimeUs)));
    const fromSequence = 1 + Math.floor(((toSequence - wide) * (k + 1)) / PRACTISE_ON);
    return { source, epoch, fromSequence, toSequence: fromSequence + wide - 1 };
  });
}

const chainKey = (source: string, epoch: number): string => `${source}\n${epoch}`;

/** Where a name falls among the workers: FNV-1a, so that a robot that joins moves nobody else. */
function placeOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let k = 0; k < name.length; k++) hash = Math.imul(hash ^ name.charCodeAt(k), 0x01000193);
  return hash >>> 0;
}
