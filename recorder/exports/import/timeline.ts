import type { Json } from '@sigma/kernel';
import {
  type BlockStore,
  ChainWriter,
  END_OF_TIME_US,
  type EventDraft,
  type Opening,
  openingEvent,
  type SealedBlock,
  type Sha256,
} from '../../src/index.ts';

/** What somebody else recorded, on its way to be a recording of ours. */
export interface ImportOptions {
  readonly store: BlockStore;
  /** Whose recording it becomes. */
  readonly tenant: string;
  /** Name of the file, as it stands in every opening. */
  readonly file: string;
  /** Wall clock of the import, microseconds since 1970. */
  readonly importedUs: number;
  readonly sha256: Sha256;
  readonly onProgress?: (progress: { readonly events: number }) => void;
  readonly signal?: AbortSignal;
}

export interface ImportResult {
  readonly chains: number;
  /** Events of the file; openings are not counted. */
  readonly events: number;
  /** Parts of the file that could not be taken: where, and why. */
  readonly bad: readonly { readonly where: string; readonly why: string }[];
}

/** Bytes in one block, and blocks in one transaction. */
const BLOCK_BYTES = 128 * 1024;
const BLOCK_EVENTS = 1_000;
const GROUP_BLOCKS = 16;
const PROGRESS_EVERY = 1_000;
/** Bad parts that are told one by one. */
const MOST_BAD = 100;

/** Name of every source that was imported, so that nobody takes it for one that this program recorded. */
const importedSource = (name: string): string => `imported.${name}`;

/**
 * Writes chains that nobody here lived: without a model, so that `verify` checks them as chains and runs nothing again,
 * and with `imported` in the opening's configuration and in the name of every source.
 */
export class ImportedTimeline {
  readonly bad: { where: string; why: string }[] = [];
  readonly #options: ImportOptions;
  readonly #format: string;
  readonly #chains = new Map<string, ImportedChain>();
  #sealed: SealedBlock[] = [];
  #events = 0;
  #untold = 0;
  #toldAt = 0;

  constructor(options: ImportOptions, format: string) {
    this.#options = options;
    this.#format = format;
  }

  get result(): ImportResult {
    const more = this.#untold === 0 ? [] : [{ where: 'and', why: `${this.#untold} more` }];
    return { chains: this.#chains.size, events: this.#events, bad: [...this.bad, ...more] };
  }

  leaveOut(where: string, why: string): void {
    if (this.bad.length < MOST_BAD) this.bad.push({ where, why });
    else this.#untold++;
  }

  /**
   * Begins a chain, at the wall clock of its first event.
   *
   * @param facts what the file says of it, for the opening
   */
  chain(name: string, timeUs: number, facts: Readonly<Record<string, Json>>): ImportedChain {
    let chain = this.#chains.get(name);
    if (chain === undefined) {
      const { tenant, file, importedUs, sha256 } = this.#options;
      const source = importedSource(name);
      const imported: Json = { file, format: this.#format, importedUs, ...facts };
      chain = new ImportedChain(openingOf(tenant, source, timeUs, { imported }), sha256);
      this.#chains.set(name, chain);
    }
    return chain;
  }

  /**
   * @param where it stands in the file, should it have to be left out
   * @throws StoreError, the signal's reason
   */
  async add(chain: ImportedChain, event: EventDraft, where: string): Promise<void> {
    if (!(event.atUs < END_OF_TIME_US)) {
      this.leaveOut(where, 'it is said to be 142 years or more after the first of its source');
      return;
    }
    this.#events++;
    const block = chain.add(event);
    if (block === null) return;
    this.#sealed.push(block);
    this.#options.signal?.throwIfAborted();
    if (this.#events - this.#toldAt >= PROGRESS_EVERY) {
      this.#toldAt = this.#events;
      this.#options.onProgress?.({ events: this.#events });
    }
    if (this.#sealed.length >= GROUP_BLOCKS) await this.#append();
  }

  async end(): Promise<void> {
    for (const chain of this.#chains.values()) {
      const block = chain.seal();
      if (block !== null) this.#sealed.push(block);
    }
    await this.#append();
  }

  async #append(): Promise<void> {
    const sealed = this.#sealed;
    this.#sealed = [];
    if (sealed.length > 0) await this.#options.store.append(sealed);
  }
}

export class ImportedChain {
  readonly #writer: ChainWriter;
  #events: EventDraft[];
  #bytes = 0;

  constructor(opening: Opening, sha256: Sha256) {
    this.#writer = new ChainWriter(opening, sha256);
    this.#events = [openingEvent(opening)];
  }

  /** @returns a block when there is enough for one */
  add(event: EventDraft): SealedBlock | null {
    this.#events.push(event);
    this.#bytes += event.data.length;
    return this.#bytes >= BLOCK_BYTES || this.#events.length >= BLOCK_EVENTS ? this.seal() : null;
  }

  /** @returns what is left, or null */
  seal(): SealedBlock | null {
    if (this.#events.length === 0) return null;
    const block = this.#writer.seal(this.#events);
    this.#events = [];
    this.#bytes = 0;
    return block;
  }
}

const openingOf = (tenant: string, source: string, timeUs: number, config: Json): Opening => ({
  tenant,
  source,
  epoch: 0,
  role: 'imported',
  model: '',
  modelVersion: 0,
  config,
  seed: 0,
  flags: [],
  policyText: '',
  policyHash: '',
  previousEpochHash: new Uint8Array(),
  atUs: 0,
  timeUs,
  software: 'sigma import',
});
