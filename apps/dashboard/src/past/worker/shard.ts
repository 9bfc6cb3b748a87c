import { RecordedModels, type Site } from '@sigma/fleet-model';
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

/** The recording, from outside: where a moment lies in it, and its blocks. */
export interface RecordPorts {
  locate(timeUs: number, signal: AbortSignal): Promise<Located>;
  read(source: string, epoch: number, fromSequence: number, toSequence: number): AsyncIterable<CachedBlock>;
}

/** The terrain model whose chains are computed again here. */
const MODEL = 'fleet';
/**
 * Chains that all workers together read at once. A browser opens six connections to a host; the live stream holds one,
 * and one stays free so that a stop never waits behind the past.
 */
const CONNECTIONS = 4;
/** Forward and backward, film is made in steps of this. */
const STEP_US = 5_000_000;
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
  readonly #atOnce: number;
  #covered: readonly Interval[] = [];
  #reach: Interval | undefined;
  #current = new AbortController();

  constructor(index: number, of: number, site: Site, ports: RecordPorts, tell: (news: PastNews) => void) {
    this.#index = index;
    this.#of = of;
    this.#atOnce = Math.max(1, Math.floor(CONNECTIONS / of));
    this.#ports = ports;
    this.#tell = tell;
    this.#models.know(site);
  }

  /** Reads who wrote the chains of that moment, so that the first look back need not. */
  async warm(timeUs: number): Promise<void> {
    const { signal } = this.#current;
    const { chains } = await this.#ports.locate(timeUs, signal);
    for (const chain of chains.filter((one) => this.#isMine(one))) {
      if (signal.aborted) return;
      await this.#chain(chain).open();
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
    const { signal } = current;
    try {
      await this.#cover(id, timeUs, first, false, signal);
      this.#tell({ type: 'settled', id, timeUs });
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
    let holeFreeUs = Number.NEGATIVE_INFINITY;
    let done = 0;
    const queue = [...mine];
    const work = async (): Promise<void> => {
      for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
        const { fromSequence, toSequence } = chain;
        const wanted = { fromSequence, toSequence, untilUs: timeUs, onward, signal };
        const fromUs = await this.#chain(chain).extend(wanted);
        signal.throwIfAborted();
        holeFreeUs = Math.max(holeFreeUs, fromUs);
        done++;
        if (id !== null) this.#tell({ type: 'progress', id, done, of: mine.length });
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#atOnce, mine.length) }, work));
    // What happens now is still being written: it is asked for again.
    const untilUs = Math.min(timeUs, located.toUs);
    if (holeFreeUs <= untilUs) this.#covered = addInterval(this.#covered, { fromUs: holeFreeUs, toUs: untilUs });
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
      read: (from, to) => this.#read(key, source, epoch, from, to),
      film: (piece) => this.#tell({ type: 'film', piece }),
      problem: ({ kind, words }) => this.#tell({ type: 'problem', source, kind, words }),
    });
    this.#chains.set(key, chain);
    return chain;
  }

  /** Blocks that were read before come from memory, as far as they follow each other. */
  async *#read(key: string, source: string, epoch: number, from: number, to: number): AsyncGenerator<CachedBlock> {
    let next = from;
    for (let block = this.#cache.at(key, next); block !== undefined && next <= to; block = this.#cache.at(key, next)) {
      yield block;
      next = block.lastSequence + 1;
    }
    if (next > to) return;
    for await (const block of this.#ports.read(source, epoch, next, to)) {
      this.#cache.put(key, block);
      yield block;
    }
  }
}

const chainKey = (source: string, epoch: number): string => `${source}\n${epoch}`;

/** Where a name falls among the workers: FNV-1a, so that a robot that joins moves nobody else. */
function placeOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let k = 0; k < name.length; k++) hash = Math.imul(hash ^ name.charCodeAt(k), 0x01000193);
  return hash >>> 0;
}
