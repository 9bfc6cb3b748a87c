import { type ChainId, hexOfBytes } from '../../event.ts';
import type { RunRecording } from '../../store.ts';
import { WireWriter } from '../../wire/wire-writer.ts';
import type { Gap } from '../gap.ts';
import { lookInto, outgoingBlock } from '../outgoing.ts';
import { PACK_BYTES, type Packing, packBlocks } from '../packed-blocks.ts';
import { type BlockBatch, type ChainEnd, type LinkedChain, linkedKey } from '../sync-words.ts';
import type { SinkWord, SourceWord } from '../taking/sync-sink.ts';
import type { AheadAnswer } from '../taking/take-ahead.ts';
import type { AheadSource } from './ahead-source.ts';
import { ChainReading } from './chain-reading.ts';
import type { Departures } from './departures.ts';
import type { OutgoingBlock } from './sending-chain.ts';
import type { ReadStep } from './sending-turns.ts';
import { type SyncFinding, SyncSender, type SyncStanding } from './sync-sender.ts';

/** What a source remembers of sync beside its recordings. Losing the newest of it loses no event: the hub tells where it stands. */
export interface SyncMemory {
  /** The hub that acknowledged something last; null: none ever did. */
  lastHub(): string | null;
  /** How far a hub has acknowledged. @param hub names it: another hub acknowledges for itself */
  acknowledged(hub: string): readonly (LinkedChain & ChainEnd)[];
  acknowledge(hub: string, chains: readonly (LinkedChain & ChainEnd)[]): void;
  /** The last safety event of each chain that had one. */
  urgent(): readonly (LinkedChain & { readonly sequence: number })[];
  remindOf(chain: LinkedChain, sequence: number): void;
}

/** What belongs on this edge's own record. */
export type SyncNote =
  | 'edge.hub_forgot'
  | 'edge.sync_behind'
  | 'edge.blocks_refused'
  | 'edge.hub_clock_ahead'
  | 'edge.data_connection_failed'
  | 'edge.sync_failed'
  | 'edge.sync_recording_gone'
  | 'edge.recording_full';

export interface SyncSourceOptions {
  readonly tenant: string;
  /** Writers of this edge. */
  readonly sources: ReadonlySet<string>;
  /** Chains that grow while this program runs. */
  readonly growing: readonly LinkedChain[];
  /** The recording that grows, then older ones. */
  readonly recordings: readonly { readonly path: string; readonly recording: RunRecording }[];
  readonly memory: SyncMemory;
  /** Told of what leaves, before it does. */
  readonly departures?: Departures;
  /** Tells safety events before their blocks (R193); absent: they come with these. */
  readonly ahead?: AheadSource;
  /** Infinity: no limit. */
  readonly bytesPerS: number;
  readonly say: (word: SourceWord) => void;
  readonly note: (name: SyncNote, body: unknown) => void;
  /** A gap is on disk: what it accounts for may go now. */
  readonly gapFound?: (source: string, gap: Gap) => void;
  /** Monotonic, microseconds. */
  readonly nowUs: () => number;
  /** The site's time, since 1970. */
  readonly wallUs: () => number;
  /** Lets whatever else is due on this thread come first: a recording is read without a pause. */
  readonly breathe?: () => Promise<void>;
  /** How blocks of a backlog are packed for a hub that takes them so; absent: they are not. */
  readonly packing?: Packing;
  /** Calls back once; only the newest call counts. */
  readonly after: (us: number, run: () => void) => void;
}

/** A chain of this edge: where it stands, where it ends, and how far it was read for the sender. */
interface OwnChain {
  readonly chain: LinkedChain;
  readonly recording: RunRecording;
  end: ChainEnd;
  reading: ChainReading | null;
}

/** A batch keeps the link busy for about so long where bytes are bounded: what is live waits no longer behind it. */
const BATCH_S = 0.05;
const LEAST_BATCH = 16 * 1024;
const MOST_BATCH = 60 * 1024;
/** Batches made and not yet on the wire: enough to keep it busy, few enough that a safety event comes next. */
const MOST_READY = 8;
/** Acknowledgements that are written together. */
const REMEMBER_EVERY = 64;
const MOST_NOTES = 256;
/** Blocks of one chain that a look keeps until they are sent. */
const MOST_FOUND = 8;

/**
 * Sends what this edge recorded to its hub. Reads the recording beside whoever writes it; knows nothing of threads and
 * wires. Whatever fails here is put on record and touches no body.
 */
export class SyncSource {
  readonly #options: SyncSourceOptions;
  readonly #ends = new Map<string, OwnChain>();
  readonly #noted = new Set<string>();
  readonly #wire = new WireWriter();
  #sender: SyncSender | null = null;
  #hub = '';
  #linked = false;
  #ready = 0;
  #pumping: Promise<void> | null = null;
  #again = false;
  #fresh = new Map<string, LinkedChain & ChainEnd>();
  #settled: (() => void)[] = [];

  constructor(options: SyncSourceOptions) {
    this.#options = options;
  }

  /** Reads what there is. @throws StoreError when the growing recording cannot be read */
  async open(): Promise<void> {
    const { recordings, sources, tenant } = this.#options;
    for (const { recording } of recordings) {
      for (const head of await recording.heads()) {
        if (head.tenant !== tenant || !sources.has(head.source)) continue;
        const { source, epoch, sequence, hash } = head;
        const key = linkedKey(head);
        if (this.#ends.has(key)) continue;
        this.#ends.set(key, { chain: { source, epoch }, recording, end: { sequence, hash }, reading: null });
      }
    }
    await this.#lookBehind();
    const hub = this.#options.memory.lastHub();
    // Where it stands is known before the hub is met again: what that has may go first where there is no room (R127).
    if (hub !== null) this.#sender = this.#senderFor(hub);
  }

  /** What an earlier life recorded at its very end, it had no time to look into; what this one did before, nobody has. */
  async #lookBehind(): Promise<void> {
    const { ahead, growing } = this.#options;
    const looked = ahead?.looked ?? [];
    const known = new Set(looked.map(linkedKey));
    for (const { source, epoch, sequence, openedUs } of looked) {
      await this.#lookFrom({ source, epoch }, sequence + 1, openedUs);
    }
    for (const chain of growing) if (!known.has(linkedKey(chain))) await this.#lookFrom(chain, 1);
  }

  async #lookFrom(chain: LinkedChain, fromSequence: number, openedUs?: number): Promise<void> {
    const { ahead, tenant, breathe, memory } = this.#options;
    const place = this.#ends.get(linkedKey(chain));
    if (place === undefined || place.end.sequence < fromSequence) return;
    try {
      for await (const block of place.recording.blocks({ tenant, ...chain }, fromSequence, place.end.sequence)) {
        ahead?.look(chain, block.bytes, block.firstSequence + outgoingBlock(block).count - 1, openedUs);
        const { safety } = lookInto(block.bytes);
        if (safety > 0) memory.remindOf(chain, safety);
        await breathe?.();
      }
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** A hub has welcomed this edge. @param orderKey names the hub */
  linked(orderKey: Uint8Array): void {
    const hub = hexOfBytes(orderKey);
    if (this.#sender === null || hub !== this.#hub) this.#sender = this.#senderFor(hub);
    this.#linked = true;
    this.#ready = 0;
    const time = { us: this.#options.wallUs(), count: 0 };
    this.#options.ahead?.linked(hub);
    this.#options.say({ type: 'shown', chains: this.#sender.linked(), time });
  }

  lost(): void {
    this.#linked = false;
    this.#ready = 0;
    this.#sender?.lost();
    for (const place of this.#ends.values()) place.reading = null;
    this.#remember();
    this.#tellSettled();
  }

  hear(word: SinkWord): void {
    const sender = this.#sender;
    if (sender === null || !this.#linked) return;
    const time = word.type === 'held' ? word.time : word.answer.time;
    const wallUs = this.#options.wallUs();
    if (!sender.heard(time, wallUs)) {
      this.#noteOnce('edge.hub_clock_ahead', this.#hub, { aheadUs: time.us - wallUs });
    }
    const findings =
      word.type === 'held'
        ? sender.held(word.chains, word.allowedBytes, word.unpacks)
        : sender.answered(word.answer, this.#options.nowUs());
    for (const finding of findings) this.#found(finding);
    if (word.type === 'held') this.#ahead((ahead) => ahead.held(word.chains));
    if (this.#fresh.size >= REMEMBER_EVERY) this.#remember();
    this.#pump();
    this.#tellSettled();
  }

  /** The hub has heard of safety events ahead of their blocks. */
  hearAhead(answer: AheadAnswer): void {
    if (!this.#linked) return;
    this.#sender?.heard(answer.time, this.#options.wallUs());
    this.#ahead((ahead) => ahead.answered(answer));
  }

  /** Whatever fails of it keeps no block back. */
  #ahead(work: (ahead: AheadSource) => void): void {
    const { ahead } = this.#options;
    if (ahead === undefined) return;
    try {
      work(ahead);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** A batch has left for the wire. */
  left(): void {
    this.#ready = Math.max(0, this.#ready - 1);
    this.#pump();
  }

  /** Looks for what was recorded since. @param lateUs after the moment at which it was to look */
  async look(lateUs = 0): Promise<void> {
    const { growing, tenant, recordings, memory, gapFound } = this.#options;
    const recording = recordings[0]?.recording;
    if (recording === undefined) return;
    const dueUs = this.#options.nowUs() - lateUs;
    try {
      for (const chain of growing) {
        const known = this.#ends.get(linkedKey(chain))?.end ?? { sequence: 0, hash: new Uint8Array() };
        let end = known;
        let safety = 0;
        const found: OutgoingBlock[] = [];
        for await (const block of recording.blocks({ tenant, ...chain }, known.sequence + 1, Number.MAX_SAFE_INTEGER)) {
          const { firstSequence, hash, bytes } = block;
          const outgoing = outgoingBlock(block);
          end = { sequence: firstSequence + outgoing.count - 1, hash };
          if (found.length < MOST_FOUND) found.push(outgoing);
          const seen = lookInto(bytes);
          safety = Math.max(safety, seen.safety);
          for (const gap of seen.gaps) gapFound?.(chain.source, gap);
          const { sequence } = end;
          this.#ahead((ahead) => ahead.look(chain, bytes, sequence));
        }
        if (end.sequence > known.sequence) this.#grown(chain, recording, end, dueUs);
        this.#foundOf(chain, found);
        if (safety === 0) continue;
        memory.remindOf(chain, safety);
        this.#sender?.urgent(chain, safety);
      }
    } catch (error) {
      this.#failed(error as Error);
    }
    this.#remember();
    this.#pump();
  }

  standings(): readonly SyncStanding[] {
    return this.#sender?.standings() ?? [];
  }

  /** Resolves when the hub has acknowledged everything that it will take, or the link is gone. */
  whenSettled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve);
      this.#tellSettled();
    });
  }

  /** Older recordings of which this hub has everything. */
  finished(): readonly string[] {
    if (!this.#linked) return [];
    const standings = new Map(this.standings().map((standing) => [linkedKey(standing), standing]));
    return this.#options.recordings.slice(1).flatMap(({ path, recording }) => {
      const open = [...this.#ends].some(([key, { recording: of, end }]) => {
        return of === recording && (standings.get(key)?.acknowledged ?? 0) < end.sequence;
      });
      return open ? [] : [path];
    });
  }

  #senderFor(hub: string): SyncSender {
    this.#hub = hub;
    const { tenant, bytesPerS, memory } = this.#options;
    const batchBytes = Math.round(Math.max(LEAST_BATCH, Math.min(MOST_BATCH, bytesPerS * BATCH_S)));
    const sender = new SyncSender({
      ...{ tenant, bytesPerS, batchBytes, acknowledged: memory.acknowledged(hub) },
      ...(bytesPerS === Number.POSITIVE_INFINITY && { packBytes: PACK_BYTES }),
    });
    for (const { chain, end } of this.#ends.values()) sender.grown(chain, end);
    for (const { sequence, ...chain } of memory.urgent()) sender.urgent(chain, sequence);
    return sender;
  }

  #grown(chain: LinkedChain, recording: RunRecording, end: ChainEnd, dueUs: number): void {
    const known = this.#ends.get(linkedKey(chain));
    if (known === undefined) this.#ends.set(linkedKey(chain), { chain, recording, end, reading: null });
    else known.end = end;
    this.#sender?.grown(chain, end, dueUs);
  }

  /** What a look has read need not be read again, where all before it was sent: on this link, as whatever is kept. */
  #foundOf(chain: LinkedChain, blocks: readonly OutgoingBlock[]): void {
    const [first] = blocks;
    if (!this.#linked || first === undefined || this.#sender?.sentTo(chain) !== first.firstSequence - 1) return;
    const place = this.#ends.get(linkedKey(chain));
    if (place !== undefined) this.#readingOf(place).found(blocks);
  }

  #readingOf(place: OwnChain): ChainReading {
    place.reading ??= new ChainReading(place.recording, { tenant: this.#options.tenant, ...place.chain });
    return place.reading;
  }

  /** Sends for as long as there is something to send and room for it. One at a time. */
  #pump(): void {
    if (this.#pumping !== null) {
      this.#again = true;
      return;
    }
    this.#pumping = this.#run()
      .catch((error: Error) => this.#failed(error))
      .finally(() => {
        this.#pumping = null;
        if (!this.#again) return;
        this.#again = false;
        this.#pump();
      });
  }

  async #run(): Promise<void> {
    const { nowUs, after, say, breathe, departures } = this.#options;
    for (;;) {
      const sender = this.#sender;
      if (sender === null || !this.#linked || this.#ready >= MOST_READY) return;
      const step = sender.next(nowUs());
      if (step.type === 'rest') return;
      if (step.type === 'wait') {
        after(step.us, () => this.#pump());
        return;
      }
      departures?.leaves(step.chain);
      const stored = await this.#stored(sender, step);
      if (stored === null && sender.waits(step.chain)) {
        await breathe?.();
        continue;
      }
      const batch = stored ?? (await this.#made(sender, step));
      if (batch === null) return;
      this.#ready++;
      departures?.left(step.chain, sender.sentTo(step.chain));
      say({ type: 'sent', batch });
      await breathe?.();
    }
  }

  /** The next batch as it lies packed in the recording; null where it is to be made. */
  async #stored(sender: SyncSender, { chain, fromSequence }: ReadStep): Promise<BlockBatch | null> {
    const place = this.#ends.get(linkedKey(chain));
    if (place === undefined || !sender.takesPacks(chain)) return null;
    const reading = this.#readingOf(place);
    const pack = await reading.pack(fromSequence);
    const batch = pack !== null && this.#sends(sender) ? sender.takePack(chain, pack, this.#options.nowUs()) : null;
    if (batch !== null) reading.passed();
    return batch;
  }

  /** @returns null where nothing is to be sent any more */
  async #made(sender: SyncSender, { chain, fromSequence, mostBytes }: ReadStep): Promise<BlockBatch | null> {
    const blocks = await this.#read(chain, fromSequence, mostBytes);
    // The link may have gone meanwhile: then the sender says that nothing of it is to be sent.
    const batch = this.#sends(sender) ? sender.take(chain, blocks, this.#options.nowUs()) : null;
    if (batch !== null) return this.#packed(batch, sender);
    if (blocks.length > 0) return null;
    throw new Error(`the recording does not give event ${fromSequence} of ${chain.source}`);
  }

  /** The link may have gone while something was read. */
  #sends(sender: SyncSender): boolean {
    return sender === this.#sender && this.#linked;
  }

  #packed(batch: BlockBatch, sender: SyncSender): BlockBatch {
    const { packing } = this.#options;
    if (packing === undefined || !sender.packs(batch)) return batch;
    const packed = packBlocks(batch.blocks, packing, this.#wire);
    const saved = packed.unpackedBytes - packed.bytes.length;
    if (saved <= 0) return batch;
    sender.saved(saved);
    this.#ends.get(linkedKey(batch))?.reading?.done(batch.blocks.length);
    return { ...batch, blocks: [], packed };
  }

  async #read(chain: ChainId, fromSequence: number, mostBytes: number): Promise<readonly OutgoingBlock[]> {
    const place = this.#ends.get(linkedKey(chain));
    if (place === undefined) return [];
    return this.#readingOf(place).read(fromSequence, place.end.sequence, mostBytes);
  }

  #found(finding: SyncFinding): void {
    const { type, source, epoch } = finding;
    const name = `${source}/${epoch}`;
    switch (type) {
      case 'acknowledged': {
        const { sequence, hash } = finding;
        this.#fresh.set(name, { source, epoch, sequence, hash });
        this.#ahead((ahead) => ahead.arrived({ source, epoch }, sequence));
        return;
      }
      case 'forgot':
        this.#note('edge.hub_forgot', { source, epoch, acknowledged: finding.acknowledged, held: finding.held });
        return;
      case 'behind':
        this.#noteOnce('edge.sync_behind', name, { source, epoch, own: finding.own, held: finding.held });
        return;
      case 'refused': {
        const { refusal, sequence, message, standingHash, refusedHash } = finding;
        const hashes = { standing: hexOfBytes(standingHash), refused: hexOfBytes(refusedHash) };
        this.#noteOnce('edge.blocks_refused', `${name} ${refusal}`, {
          source,
          epoch,
          refusal,
          sequence,
          message,
          ...hashes,
        });
      }
    }
  }

  #remember(): void {
    if (this.#fresh.size === 0) return;
    const fresh = [...this.#fresh.values()];
    this.#fresh = new Map();
    try {
      this.#options.memory.acknowledge(this.#hub, fresh);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #tellSettled(): void {
    const open = (standing: SyncStanding): boolean =>
      standing.stopped === null && standing.acknowledged < standing.recorded;
    if (this.#settled.length === 0 || (this.#linked && this.standings().some(open))) return;
    for (const settled of this.#settled.splice(0)) settled();
  }

  #failed(error: Error): void {
    this.#noteOnce('edge.sync_failed', error.message, { message: error.message });
  }

  #noteOnce(name: SyncNote, what: string, body: unknown): void {
    const key = `${name} ${what}`;
    if (this.#noted.has(key)) return;
    this.#noted.add(key);
    this.#note(name, body);
  }

  #note(name: SyncNote, body: unknown): void {
    if (this.#notes++ < MOST_NOTES) this.#options.note(name, body);
  }

  #notes = 0;
}
