import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  type BlocksAnswered,
  type BlocksSent,
  type ChainsHeld,
  type ChainsShown,
  type DataPortOffered,
  DataPortOfferedSchema,
  type EventsAheadAnswered,
  type EventsAhead as EventsAheadMessage,
} from '@sigma/proto';
import {
  aheadAnsweredFrame,
  aheadOf,
  type BatchTaker,
  type BlockBatch,
  type BlockStore,
  batchAnsweredFrame,
  type EventsAhead,
  type HybridClock,
  type HybridMarks,
  heldFrame,
  hexOfBytes,
  type LinkedChain,
  type RefusedBlocks,
  type SinkFinding,
  type SyncRefusal,
  SyncSink,
  sentOf,
  shownOf,
  takeAhead,
} from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Clock } from '../../clock.ts';
import type { Alerts } from '../alerts/alerts.ts';
import { HUB } from '../alerts/causes.ts';
import { type HubRecord, signal } from '../arbitration/hub-record.ts';
import type { RecordIndex } from '../chronicle/record-index.ts';
import { forgotten, isTrouble, refusedBlocks } from './sync-words.ts';

/** What the link says of an edge that has come. */
export interface SyncedEdge {
  readonly edgeId: string;
  readonly agentIds: readonly string[];
  readonly send: (frame: SyncAnswer) => void;
}

export type SyncFrame =
  | { readonly case: 'chainsShown'; readonly value: ChainsShown }
  | { readonly case: 'blocksSent'; readonly value: BlocksSent }
  | { readonly case: 'eventsAhead'; readonly value: EventsAheadMessage };

export type SyncAnswer =
  | { readonly case: 'chainsHeld'; readonly value: ChainsHeld }
  | { readonly case: 'blocksAnswered'; readonly value: BlocksAnswered }
  | { readonly case: 'eventsAheadAnswered'; readonly value: EventsAheadAnswered }
  | { readonly case: 'dataPortOffered'; readonly value: DataPortOffered };

/** Takes in what is of backlogs, packs of it also from connections of their own (R197). */
export interface Backlogs extends BatchTaker {
  onDataPort(heard: (port: number | null) => void): void;
  admit(key: string): void;
  revoke(key: string): void;
}

/** What of a chain has come to be on disk. */
export type StoredBlocks = Parameters<RecordIndex['stored']>[0] & { readonly blocks: number; readonly bytes: number };

/** The hub's end of sync on one link. */
export interface SyncLink {
  hear(frame: SyncFrame): void;
  /** A frame of the moment came, made then by the edge's clock. */
  frame(timeUs: number): void;
  close(): void;
}

export interface SyncRoleOptions {
  readonly clock: Clock;
  /** Of the machine, whatever the time of the site: backlogs are paced by it. */
  readonly realClock: Clock;
  readonly tenant: string;
  readonly record: HubRecord;
  readonly alerts: Pick<Alerts, 'say'>;
  /** Where blocks of edges go: the recording that holds the hub's own chain too. */
  readonly store: Pick<BlockStore, 'append' | 'heads' | 'blocks'>;
  /** Takes in what is of backlogs, apart from this thread; null: this thread does. */
  readonly backlogs?: Backlogs | null;
  /** Where edges reach the data port, when that is not at the address of the hub. */
  readonly dataUrl?: string;
  /** The hub's hybrid clock, and where what it says beyond the blocks is kept. */
  readonly hybrid: HybridClock;
  readonly marks: Pick<HybridMarks, 'add'>;
  /** Reads what has come home; null: nobody does. */
  readonly index?: (Pick<RecordIndex, 'shown' | 'reported'> & { stored(blocks: StoredBlocks): void }) | null;
  /** Bytes of one link that may wait. */
  readonly windowBytes?: number;
}

/**
 * Takes the recordings of edges into the hub's, and tells what it does not take: to the edge, on the hub's record and
 * before people, each once until it goes on.
 */
export class SyncRole {
  /** Of this life of the hub. */
  readonly counts = { batches: 0, blocks: 0, bytes: 0, refused: 0 };
  /** Why the store took nothing the last time, or null. */
  failure: string | null = null;
  readonly #options: SyncRoleOptions;
  readonly #sink: SyncSink;
  readonly #told = new Set<string>();
  readonly #hearing = new Set<Promise<void>>();
  readonly #links = new Set<DataLink>();
  #dataPort: number | null = null;

  constructor(options: SyncRoleOptions) {
    this.#options = options;
    const { clock, realClock, tenant, store, hybrid, marks, windowBytes, backlogs = null } = options;
    this.#sink = new SyncSink({
      tenant,
      store,
      sha256,
      packing: zstandard,
      wallUs: () => clock.nowUs(),
      clock: hybrid,
      keep: (mark) => marks.add(mark),
      paceTime: { nowUs: () => realClock.nowUs(), after: (us, run) => void realClock.after(us, run) },
      found: (finding) => this.#found(finding),
      ...(backlogs !== null && { backlogs }),
      ...(windowBytes === undefined ? {} : { windowBytes }),
    });
    backlogs?.onDataPort((port) => {
      this.#dataPort = port;
      for (const link of this.#links) this.#offer(link);
    });
  }

  /** Bytes that were taken from links and are not yet on disk. */
  get waitingBytes(): number {
    return this.#sink.waitingBytes;
  }

  linked({ edgeId, agentIds, send }: SyncedEdge): SyncLink {
    const sources = new Set([...agentIds, `world-${edgeId}`].filter((source) => source !== HUB));
    for (const refusal of ['tenant', 'stranger'] as const) this.#clear(aboutEdge({ edgeId, refusal }));
    const link = this.#sink.linked({
      edgeId,
      sources,
      say: (word) =>
        send(
          word.type === 'held'
            ? { case: 'chainsHeld', value: heldFrame(word.chains, word.allowedBytes, word.time, word.unpacks) }
            : { case: 'blocksAnswered', value: batchAnsweredFrame(word.answer) },
        ),
    });
    const ahead = { underWay: false };
    const data: DataLink = { send, key: '' };
    this.#links.add(data);
    this.#offer(data);
    return {
      frame: (timeUs) => link.frame(timeUs),
      hear: (frame) => {
        if (frame.case === 'eventsAhead')
          return this.#hearAhead(ahead, aheadOf(frame.value), { edgeId, sources, send });
        if (frame.case === 'blocksSent') return link.hear({ type: 'sent', batch: batchOf(frame.value, data.key) });
        const shown = shownOf(frame.value);
        this.#options.index?.shown(shown.chains.filter(({ source }) => sources.has(source)));
        link.hear({ type: 'shown', ...shown });
      },
      close: () => {
        this.#links.delete(data);
        if (data.key !== '') this.#options.backlogs?.revoke(data.key);
        link.close();
      },
    };
  }

  /** Tells an edge where its packs may come in beside the link. Of a thread that is gone nobody needs to hear. */
  #offer(link: DataLink): void {
    const { backlogs, dataUrl: url = '' } = this.#options;
    if (this.#dataPort === null || backlogs == null) return;
    const key = randomBytes(KEY_BYTES);
    link.key = key.toString('hex');
    backlogs.admit(link.key);
    link.send({ case: 'dataPortOffered', value: create(DataPortOfferedSchema, { port: this.#dataPort, url, key }) });
  }

  /** Resolves when everything that was taken is committed or refused. */
  async settled(): Promise<void> {
    while (this.#hearing.size > 0) await Promise.all(this.#hearing);
    await this.#sink.settled();
  }

  /** One message of a link after the other; what comes meanwhile was not asked for. */
  #hearAhead(link: { underWay: boolean }, told: EventsAhead, edge: AheadEdge): void {
    const { hybrid, clock } = this.#options;
    hybrid.hear(told.time, clock.nowUs());
    if (link.underWay) {
      this.#answerAhead(told, edge, 'credit', 'one such message after the other', 0);
      return;
    }
    link.underWay = true;
    const hearing = this.#takeAhead(told, edge)
      .catch(({ message }: Error) => this.#answerAhead(told, edge, 'later', message, 0))
      .finally(() => {
        link.underWay = false;
        this.#hearing.delete(hearing);
      });
    this.#hearing.add(hearing);
  }

  async #takeAhead(told: EventsAhead, edge: AheadEdge): Promise<void> {
    const { tenant, index = null } = this.#options;
    const taken = takeAhead(told, { tenant, sources: edge.sources });
    if ('refusal' in taken) {
      this.#answerAhead(told, edge, taken.refusal, taken.message, 0);
      return;
    }
    const lastSequence = taken.events.at(-1)?.sequence ?? 0;
    const wrong = (await index?.reported(told, taken.events)) ?? null;
    if (wrong === null) this.#answerAhead(told, edge, null, '', lastSequence);
    else this.#answerAhead(told, edge, 'damaged', wrong, lastSequence);
  }

  #answerAhead(
    { source, epoch }: EventsAhead,
    { edgeId, send }: AheadEdge,
    refusal: SyncRefusal | null,
    message: string,
    lastSequence: number,
  ): void {
    if (refusal !== null) {
      this.counts.refused++;
      const none = { standingHash: new Uint8Array(), refusedHash: new Uint8Array() };
      const refused = { edgeId, source, epoch, refusal, sequence: lastSequence, message, ...none };
      if (isTrouble(refusal)) this.#tell(refused);
    }
    const { hybrid, clock } = this.#options;
    const time = hybrid.tick(clock.nowUs());
    const answer = { source: source.slice(0, 63), epoch, lastSequence, refusal, message, time };
    send({ case: 'eventsAheadAnswered', value: aheadAnsweredFrame(answer) });
  }

  #found(finding: SinkFinding): void {
    const { alerts } = this.#options;
    const { edgeId } = finding;
    switch (finding.type) {
      case 'stored':
        this.failure = null;
        this.counts.batches++;
        this.counts.blocks += finding.blocks;
        this.counts.bytes += finding.bytes;
        this.#options.index?.stored({ ...finding, stored: finding.stored() });
        this.#clear(aboutChain(finding));
        return;
      case 'refused':
        this.counts.refused++;
        if (isTrouble(finding.refusal)) this.#tell(finding);
        return;
      case 'forgot':
        for (const { source, ...chain } of finding.chains) this.#note('hub.sync_forgot', source, { edgeId, ...chain });
        alerts.say(HUB, `sync:forgot:${edgeId}`, forgotten(edgeId, finding.chains.length));
        return;
      case 'mended':
        this.#note('hub.sync_mended', edgeId, {});
        alerts.say(HUB, `sync:forgot:${edgeId}`, null);
        return;
      case 'clock_ahead':
        this.#note('hub.edge_clock_ahead', edgeId, { aheadUs: finding.aheadUs });
        return;
      case 'failed':
        this.failure = finding.error.message;
    }
  }

  /** Puts a refusal on the hub's record and before people; each once, until the chain goes on. */
  #tell(refused: RefusedBlocks & { readonly edgeId: string }): void {
    const { edgeId, source, epoch, refusal, sequence, message, standingHash, refusedHash } = refused;
    const [agentId, cause] = isForeign(refusal) ? aboutEdge(refused) : aboutChain(refused);
    const key = `${agentId} ${cause}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const hashes = { standing: hexOfBytes(standingHash), refused: hexOfBytes(refusedHash) };
    this.#note('hub.blocks_refused', source.slice(0, 63), { edgeId, epoch, refusal, sequence, message, ...hashes });
    this.#options.alerts.say(agentId, cause, refusedBlocks(refused));
  }

  #clear([agentId, cause]: About): void {
    if (this.#told.delete(`${agentId} ${cause}`)) this.#options.alerts.say(agentId, cause, null);
  }

  #note(name: `hub.${string}`, subject: string, body: Parameters<typeof signal>[2]): void {
    void this.#options.record.append(signal(name, subject, body)).catch(() => undefined);
  }
}

const KEY_BYTES = 32;

/** One link, as the data port knows it. */
interface DataLink {
  readonly send: (frame: SyncAnswer) => void;
  /** What its edge shows there; empty: nothing was offered. */
  key: string;
}

function batchOf(sent: BlocksSent, connection: string): BlockBatch {
  const { outOfBand, ...batch } = sentOf(sent);
  return outOfBand === undefined ? batch : { ...batch, outOfBand: { ...outOfBand, connection } };
}

/** Who tells something ahead of its blocks. */
interface AheadEdge {
  readonly edgeId: string;
  readonly sources: ReadonlySet<string>;
  readonly send: (frame: SyncAnswer) => void;
}

/** Whose alert it is, and its cause. */
type About = readonly [agentId: string, cause: string];

/** Refusals that are about the edge: what it names is nobody's. */
const isForeign = (refusal: SyncRefusal): boolean => refusal === 'tenant' || refusal === 'stranger';
const aboutEdge = ({ edgeId, refusal }: { readonly edgeId: string; readonly refusal: SyncRefusal }): About => [
  HUB,
  `sync:${refusal}:${edgeId}`,
];
const aboutChain = ({ source, epoch }: LinkedChain): About =>
  source.startsWith('world-') ? [HUB, `sync:${source}/${epoch}`] : [source, `sync:epoch/${epoch}`];
