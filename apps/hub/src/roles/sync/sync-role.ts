import type { BlocksAnswered, BlocksSent, ChainsHeld, ChainsShown } from '@sigma/proto';
import {
  type BatchAnswer,
  type BatchDoor,
  type BlockBatch,
  type BlockStore,
  batchAnsweredFrame,
  batchBytes,
  type ChainHead,
  CreditLine,
  decodeBlock,
  ForeignBlockError,
  type HeldChain,
  HybridClock,
  type HybridTime,
  heldFrame,
  hexOfBytes,
  type LinkedChain,
  linkedKey,
  type ShownChain,
  type SyncRefusal,
  sameBytes,
  sentOf,
  shownOf,
  takeBatch,
} from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Clock } from '../../clock.ts';
import type { Alerts } from '../alerts/alerts.ts';
import { HUB } from '../alerts/causes.ts';
import { type HubRecord, signal } from '../arbitration/hub-record.ts';
import { forgotten, isTrouble, type RefusedBlocks, refusedBlocks } from './sync-words.ts';

/** What the link says of an edge that has come. */
export interface SyncedEdge {
  readonly edgeId: string;
  readonly agentIds: readonly string[];
  readonly send: (frame: SyncAnswer) => void;
}

export type SyncFrame =
  | { readonly case: 'chainsShown'; readonly value: ChainsShown }
  | { readonly case: 'blocksSent'; readonly value: BlocksSent };

export type SyncAnswer =
  | { readonly case: 'chainsHeld'; readonly value: ChainsHeld }
  | { readonly case: 'blocksAnswered'; readonly value: BlocksAnswered };

/** The hub's end of sync on one link. */
export interface SyncLink {
  hear(frame: SyncFrame): void;
  close(): void;
}

interface Open {
  readonly edge: SyncedEdge;
  readonly door: BatchDoor;
  credit: CreditLine;
  closed: boolean;
}

export interface SyncRoleOptions {
  readonly clock: Clock;
  readonly tenant: string;
  readonly record: HubRecord;
  readonly alerts: Pick<Alerts, 'say'>;
  /** Where blocks of edges go: the recording that holds the hub's own chain too. */
  readonly store: Pick<BlockStore, 'append' | 'heads' | 'blocks'>;
  /** Bytes that may wait at the hub: of one link at most, and of all together about. */
  readonly windowBytes?: number;
  readonly allBytes?: number;
}

const WINDOW_BYTES = 4 * 1024 * 1024;
const ALL_BYTES = 64 * 1024 * 1024;
const LEAST_WINDOW_BYTES = 64 * 1024;
/** Far more chains than an edge has. */
const MOST_CHAINS = 100_000;
const NO_HASH: Uint8Array = new Uint8Array();
const forgive = (): void => undefined;

/**
 * Takes the recordings of edges into the hub's (R120 to R124): byte for byte, whole batches, acknowledged after the
 * commit. What it refuses it names, to the edge, on record and before people.
 */
export class SyncRole {
  /** Of this life of the hub. */
  readonly counts = { batches: 0, blocks: 0, bytes: 0, refused: 0 };
  /** Why the store took nothing the last time, or null. */
  failure: string | null = null;
  readonly #options: SyncRoleOptions;
  readonly #hybrid = new HybridClock();
  readonly #open = new Set<Open>();
  /** Refusals that were told, until what they are about goes on; and edges whose clocks are ahead. */
  readonly #told = new Set<string>();
  readonly #ahead = new Set<string>();
  /** By edge, the chains that the hub has forgotten and how far it had acknowledged each. */
  readonly #forgotten = new Map<string, Map<string, number>>();
  readonly #settling = new Set<Promise<void>>();

  constructor(options: SyncRoleOptions) {
    this.#options = options;
  }

  /** Bytes that were taken from links and are not yet on disk. */
  get waitingBytes(): number {
    return [...this.#open].reduce((sum, { credit }) => sum + credit.waitingBytes, 0);
  }

  linked(edge: SyncedEdge): SyncLink {
    const sources = new Set([...edge.agentIds, `world-${edge.edgeId}`].filter((source) => source !== HUB));
    const door = { tenant: this.#options.tenant, sources };
    const open: Open = { edge, door, credit: new CreditLine(0), closed: false };
    this.#open.add(open);
    open.credit = new CreditLine(this.#window());
    for (const refusal of ['tenant', 'stranger'] as const) this.#clear(aboutEdge({ edgeId: edge.edgeId, refusal }));
    return {
      hear: (frame) => {
        if (frame.case === 'chainsShown') this.#settle(this.#shown(open, frame.value));
        else this.#settle(this.#sent(open, sentOf(frame.value)));
      },
      close: () => {
        open.closed = true;
        this.#open.delete(open);
      },
    };
  }

  /** Resolves when everything that was taken is committed or refused. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  #settle(work: Promise<void>): void {
    const settled = work.finally(() => this.#settling.delete(settled));
    this.#settling.add(settled);
  }

  /** What one link may have waiting, by the number of links. */
  #window(): number {
    const { windowBytes = WINDOW_BYTES, allBytes = ALL_BYTES } = this.#options;
    return Math.max(
      Math.min(LEAST_WINDOW_BYTES, windowBytes),
      Math.min(windowBytes, allBytes / Math.max(1, this.#open.size)),
    );
  }

  async #shown(open: Open, frame: ChainsShown): Promise<void> {
    const { chains, time } = shownOf(frame);
    this.#hear(open, time);
    const { tenant, store } = this.#options;
    try {
      const heads = new Map(
        (await store.heads()).flatMap((head) => (head.tenant === tenant ? [[linkedKey(head), head]] : [])),
      );
      const held: HeldChain[] = [];
      for (const chain of chains.slice(0, MOST_CHAINS))
        held.push(await this.#heldOf(open, chain, heads.get(linkedKey(chain))));
      this.#remindOf(open.edge.edgeId, chains, held);
      this.#say(open, { case: 'chainsHeld', value: heldFrame(held, open.credit.allowedBytes, this.#now()) });
    } catch (error) {
      // Without an answer the edge sends nothing; it asks again with its next link.
      this.failure = (error as Error).message;
    }
  }

  async #heldOf({ edge, door }: Open, shown: ShownChain, head: ChainHead | undefined): Promise<HeldChain> {
    const { source, epoch, sequence } = shown;
    const held = { source, epoch, sequence: head?.sequence ?? 0, hash: head?.hash ?? NO_HASH };
    if (!door.sources.has(source)) {
      const message = `'${source.slice(0, 63)}' is no source that this edge said hello for`;
      return { ...held, sequence: 0, hash: NO_HASH, refusal: 'stranger', message };
    }
    const sound = { ...held, refusal: null, message: '' };
    if (head === undefined || sequence === 0 || sequence > head.sequence) return sound;
    const standing = sequence === head.sequence ? head.hash : await this.#standing({ ...shown, sequence });
    if (sameBytes(standing, shown.hash)) return sound;
    const message = `at event ${sequence} the recording holds other content: two histories of one source`;
    const { edgeId } = edge;
    this.#tell({
      edgeId,
      source,
      epoch,
      refusal: 'fork',
      sequence,
      message,
      standingHash: standing,
      refusedHash: shown.hash,
    });
    return { ...held, hash: standing, refusal: 'fork', message };
  }

  /** Hash of the stored block that holds an event; none where there is none. */
  async #standing({
    source,
    epoch,
    sequence,
  }: {
    source: string;
    epoch: number;
    sequence: number;
  }): Promise<Uint8Array> {
    const { tenant, store } = this.#options;
    for await (const { hash } of store.blocks({ tenant, source, epoch }, sequence, sequence)) return hash;
    return NO_HASH;
  }

  /** Chains of which the hub holds less than it has acknowledged (R122). */
  #remindOf(edgeId: string, shown: readonly ShownChain[], held: readonly HeldChain[]): void {
    const { record, alerts } = this.#options;
    const lacking = new Map<string, number>();
    for (const [i, { source, epoch, acknowledged }] of shown.entries()) {
      const stands = held[i];
      if (stands === undefined || stands.refusal !== null || stands.sequence >= acknowledged) continue;
      lacking.set(linkedKey(stands), acknowledged);
      void record
        .append(signal('hub.sync_forgot', source, { edgeId, epoch, acknowledged, held: stands.sequence }))
        .catch(forgive);
    }
    if (lacking.size === 0) return;
    this.#forgotten.set(edgeId, lacking);
    alerts.say(HUB, `sync:forgot:${edgeId}`, forgotten(edgeId, lacking.size));
  }

  async #sent(open: Open, batch: BlockBatch): Promise<void> {
    this.#hear(open, batch.time);
    const bytes = batchBytes(batch);
    if (!open.credit.take(bytes)) {
      const message = `more than the ${open.credit.allowedBytes} bytes that were allowed`;
      await this.#refuse(open, batch, 'credit', message);
      return;
    }
    try {
      const taken = takeBatch(batch, open.door, sha256);
      if ('refusal' in taken) {
        open.credit.settle(bytes, this.#window());
        await this.#refuse(open, batch, taken.refusal, taken.message);
        return;
      }
      await this.#options.store.append(taken.blocks);
      this.failure = null;
      open.credit.settle(bytes, this.#window());
      const last = taken.blocks.at(-1);
      this.#stored(open, batch, last === undefined ? 0 : last.firstSequence + last.count - 1);
      this.counts.blocks += taken.blocks.length;
      this.counts.bytes += bytes;
    } catch (error) {
      open.credit.settle(bytes, this.#window());
      await this.#notTaken(open, batch, error as Error);
    }
  }

  #stored(open: Open, batch: BlockBatch, sequence: number): void {
    this.counts.batches++;
    this.#clear(aboutChain(batch));
    this.#mended(open.edge.edgeId, linkedKey(batch), sequence);
    this.#answer(open, batch, null, '', { sequence, hash: batch.hash });
  }

  /** A chain that the hub had forgotten reaches again to where it was acknowledged. */
  #mended(edgeId: string, key: string, sequence: number): void {
    const lacking = this.#forgotten.get(edgeId);
    const acknowledged = lacking?.get(key);
    if (lacking === undefined || acknowledged === undefined || sequence < acknowledged) return;
    lacking.delete(key);
    if (lacking.size > 0) return;
    this.#forgotten.delete(edgeId);
    this.#options.alerts.say(HUB, `sync:forgot:${edgeId}`, null);
    void this.#options.record.append(signal('hub.sync_mended', edgeId, {})).catch(forgive);
  }

  async #notTaken(open: Open, batch: BlockBatch, error: Error): Promise<void> {
    if (!(error instanceof ForeignBlockError)) {
      this.failure = error.message;
      await this.#refuse(open, batch, 'later', error.message);
      return;
    }
    await this.#refuse(open, batch, 'fork', error.what, error.sequence);
  }

  /** @param at the event of the batch that was refused */
  async #refuse(
    open: Open,
    batch: BlockBatch,
    refusal: SyncRefusal,
    message: string,
    at = batch.firstSequence,
  ): Promise<void> {
    this.counts.refused++;
    const { edgeId } = open.edge;
    const held = await this.#end(batch);
    if (refusal === 'fork' && at > held.sequence + 1) {
      this.#answer(open, batch, 'missing', message, held);
      return;
    }
    const { source, epoch } = batch;
    const standingHash =
      refusal === 'fork' ? await this.#standingAt(batch, Math.min(at, held.sequence), held) : NO_HASH;
    const refusedHash = refusal === 'fork' ? refusedIn(batch, at, held.sequence) : NO_HASH;
    this.#answer(open, batch, refusal, message, held, standingHash, refusedHash);
    if (isTrouble(refusal))
      this.#tell({ edgeId, source, epoch, refusal, sequence: at, message, standingHash, refusedHash });
  }

  /** Where the chain of a batch ends in the recording. */
  async #end({ tenant, source, epoch, firstSequence, previousHash }: BlockBatch) {
    const nowhere = { sequence: 0, hash: NO_HASH };
    if (tenant !== this.#options.tenant) return nowhere;
    try {
      const heads = await this.#options.store.heads();
      return heads.find((head) => head.tenant === tenant && head.source === source && head.epoch === epoch) ?? nowhere;
    } catch {
      return { sequence: Math.max(0, firstSequence - 1), hash: previousHash };
    }
  }

  async #standingAt(batch: BlockBatch, sequence: number, held: { hash: Uint8Array }): Promise<Uint8Array> {
    if (sequence === 0) return NO_HASH;
    const found = await this.#standing({ ...batch, sequence }).catch(() => NO_HASH);
    return found.length === 0 ? held.hash : found;
  }

  #answer(
    open: Open,
    { source, epoch, firstSequence }: BlockBatch,
    refusal: SyncRefusal | null,
    message: string,
    { sequence, hash }: BatchAnswer['held'],
    standingHash: Uint8Array = NO_HASH,
    refusedHash: Uint8Array = NO_HASH,
  ): void {
    const { allowedBytes } = open.credit;
    const held = { sequence, hash };
    const answer = { source, epoch, firstSequence, refusal, message, held, standingHash, refusedHash, allowedBytes };
    this.#say(open, { case: 'blocksAnswered', value: batchAnsweredFrame({ ...answer, time: this.#now() }) });
  }

  #say(open: Open, frame: SyncAnswer): void {
    if (!open.closed) open.edge.send(frame);
  }

  /** Puts a refusal on the hub's record and before people; each once, until the chain goes on. */
  #tell(refused: RefusedBlocks): void {
    const [agentId, cause] = isForeign(refused.refusal) ? aboutEdge(refused) : aboutChain(refused);
    const key = `${agentId} ${cause}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const { record, alerts } = this.#options;
    const { source, standingHash, refusedHash, ...facts } = refused;
    const hashes = { standing: hexOfBytes(standingHash), refused: hexOfBytes(refusedHash) };
    void record.append(signal('hub.blocks_refused', source.slice(0, 63), { ...facts, ...hashes })).catch(forgive);
    alerts.say(agentId, cause, refusedBlocks(refused));
  }

  #clear([agentId, cause]: About): void {
    if (this.#told.delete(`${agentId} ${cause}`)) this.#options.alerts.say(agentId, cause, null);
  }

  #hear({ edge: { edgeId } }: Open, time: HybridTime): void {
    const nowUs = this.#options.clock.nowUs();
    if (this.#hybrid.hear(time, nowUs)) return;
    if (this.#ahead.has(edgeId)) return;
    this.#ahead.add(edgeId);
    void this.#options.record
      .append(signal('hub.edge_clock_ahead', edgeId, { aheadUs: time.us - nowUs }))
      .catch(forgive);
  }

  #now(): HybridTime {
    return this.#hybrid.tick(this.#options.clock.nowUs());
  }
}

/** Whose alert it is, and its cause. */
type About = readonly [agentId: string, cause: string];

/** Refusals that are about the edge: what it names is nobody's. */
const isForeign = (refusal: SyncRefusal): boolean => refusal === 'tenant' || refusal === 'stranger';
const aboutEdge = ({ edgeId, refusal }: Pick<RefusedBlocks, 'edgeId' | 'refusal'>): About => [
  HUB,
  `sync:${refusal}:${edgeId}`,
];
const aboutChain = ({ source, epoch }: LinkedChain): About =>
  source === HUB || source.startsWith('world-') ? [HUB, `sync:${source}/${epoch}`] : [source, `sync:epoch/${epoch}`];

/** Hash of what was to stand there: that which the batch goes on from, where it is the link that does not hold. */
function refusedIn(batch: BlockBatch, at: number, held: number): Uint8Array {
  if (at > held) return batch.previousHash;
  let next = batch.firstSequence;
  for (const bytes of batch.blocks) {
    if (next === at) return sha256(bytes);
    next += decodeBlock(bytes).events.length;
  }
  return batch.hash;
}
