import { sameBytes } from '../../event.ts';
import type { StoredPack } from '../../store.ts';
import { ALARMING_AHEAD_US, type HybridTime, MOST_AHEAD_US } from '../hybrid-clock.ts';
import {
  type BatchAnswer,
  type BlockBatch,
  type ChainEnd,
  type HeldChain,
  isFinal,
  type LinkedChain,
  linkedKey,
  type ShownChain,
  type SyncRefusal,
} from '../sync-words.ts';
import {
  fitting,
  isBehind,
  momentOf,
  type OutgoingBlock,
  type SendingChain,
  sendingChain,
  unlink,
  unsent,
  weightOf,
} from './sending-chain.ts';
import { type SendingBounds, SendingRoom } from './sending-room.ts';
import { SendingTurns, type SyncStep } from './sending-turns.ts';

export interface SyncSenderOptions extends SendingBounds {
  readonly tenant: string;
  /** Where the hub stood by its own word, from earlier links. */
  readonly acknowledged?: readonly (LinkedChain & ChainEnd)[];
}

/** What the edge learns, for its memory, its record, and people. */
export type SyncFinding =
  | ({ readonly type: 'acknowledged' } & LinkedChain & ChainEnd)
  | ({ readonly type: 'forgot'; readonly acknowledged: number; readonly held: number } & LinkedChain)
  /** The hub holds more of a chain than this edge has: it was restored from a backup. */
  | ({ readonly type: 'behind'; readonly own: number; readonly held: number } & LinkedChain)
  | ({
      readonly type: 'refused';
      readonly refusal: SyncRefusal;
      readonly sequence: number;
      readonly message: string;
      readonly standingHash: Uint8Array;
      readonly refusedHash: Uint8Array;
    } & LinkedChain);

/** Where one chain stands, for people. */
export interface SyncStanding extends LinkedChain {
  readonly recorded: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly stopped: SyncRefusal | null;
}

const LATER_US = 1_000_000;
const MOST_ASTRAY = 4;

/**
 * The edge's half of sync, without clock, disk or wire: what to read and send next, and what the hub's words mean.
 * The driver asks `next`, reads what it is told to, hands it to `take`, and sends the batch.
 */
export class SyncSender {
  readonly #options: SyncSenderOptions;
  readonly #chains = new Map<string, SendingChain>();
  readonly #remembered: Map<string, ChainEnd>;
  #linked = false;
  #held = false;
  readonly #room: SendingRoom;
  readonly #turns = new SendingTurns();
  #newestWallUs = 0;

  constructor(options: SyncSenderOptions) {
    this.#options = options;
    this.#room = new SendingRoom(options);
    this.#remembered = new Map(
      (options.acknowledged ?? []).map((chain) => [linkedKey(chain), { sequence: chain.sequence, hash: chain.hash }]),
    );
  }

  get flyingBytes(): number {
    return this.#room.flyingBytes;
  }

  standings(): readonly SyncStanding[] {
    return [...this.#chains.values()].map(({ id, end, next, acknowledged, stopped }) => ({
      source: id.source,
      epoch: id.epoch,
      recorded: end.sequence,
      sent: next === null ? acknowledged.sequence : next - 1,
      acknowledged: acknowledged.sequence,
      stopped,
    }));
  }

  /** The last event of a chain that was sent on this link. */
  sentTo(chain: LinkedChain): number {
    const next = this.#chains.get(linkedKey(chain))?.next ?? null;
    return next === null ? 0 : next - 1;
  }

  /**
   * What the recording holds of a chain; ends only grow.
   *
   * @param dueUs when it was to be looked at, monotonic: a look that came late delays what is live as a queue does
   */
  grown({ source, epoch }: LinkedChain, end: ChainEnd, dueUs: number | null = null): void {
    const key = linkedKey({ source, epoch });
    const known = this.#chains.get(key);
    if (known !== undefined) {
      const idle = unsent(known) === 0;
      if (end.sequence > known.end.sequence) known.end = end;
      known.dueUs ??= dueUs;
      if (idle) this.#turns.joins(known);
      return;
    }
    const id = { tenant: this.#options.tenant, source, epoch };
    const chain = sendingChain(id, end, this.#remembered.get(key), this.#held);
    this.#turns.begins(chain);
    chain.dueUs = dueUs;
    this.#chains.set(key, chain);
  }

  /** A safety event stands at that place of a chain. */
  urgent(chain: LinkedChain, sequence: number): void {
    const known = this.#chains.get(linkedKey(chain));
    if (known !== undefined && sequence > known.urgentTo) known.urgentTo = sequence;
  }

  /**
   * The hub told its time (R128). Noted where it is not before this wall clock: what is recorded from now on is after it.
   * The clock of a chain's life is agent time run on from its beginning, and is never set back within it.
   *
   * @returns false when it is more than a minute ahead; by more than a month it is not followed
   */
  heard(time: HybridTime, wallUs: number): boolean {
    this.#newestWallUs = Math.max(this.#newestWallUs, wallUs);
    if (time.us - wallUs > MOST_AHEAD_US) return false;
    const certain = time.us < wallUs && wallUs >= this.#newestWallUs;
    for (const chain of certain ? [] : this.#chains.values()) {
      const from = chain.end.sequence + 1;
      if (chain.heard.at(-1)?.from === from) chain.heard.pop();
      chain.heard.push({ from, time });
    }
    return time.us - wallUs <= ALARMING_AHEAD_US;
  }

  /** A link began. @returns what to show the hub */
  linked(): readonly ShownChain[] {
    this.lost();
    this.#linked = true;
    return [...this.#chains.values()].map(({ id: { source, epoch }, end, acknowledged }) => ({
      source,
      epoch,
      ...end,
      acknowledged: acknowledged.sequence,
    }));
  }

  /** The link is gone, and whatever was under way with it. */
  lost(): void {
    this.#linked = false;
    this.#held = false;
    this.#room.end();
    for (const chain of this.#chains.values()) unlink(chain);
  }

  /** The hub has said where it stands. @param unpacks it takes packed blocks, and may be sent such */
  held(chains: readonly HeldChain[], allowedBytes: number, unpacks = false): readonly SyncFinding[] {
    if (!this.#linked) return [];
    const findings: SyncFinding[] = [];
    const told = new Map(chains.map((chain) => [linkedKey(chain), chain]));
    this.#held = true;
    this.#room.begin(allowedBytes, unpacks);
    for (const [key, chain] of this.#chains) {
      const held = told.get(key);
      if (chain.next !== null) continue;
      if (held === undefined) {
        // Found after the chains were shown.
        chain.next = 1;
        chain.live = true;
      } else findings.push(...this.#begin(chain, held));
      this.#turns.begins(chain);
    }
    return findings;
  }

  #begin(chain: SendingChain, held: HeldChain): readonly SyncFinding[] {
    const { source, epoch } = chain.id;
    if (held.refusal !== null) {
      chain.stopped = held.refusal;
      chain.next = chain.end.sequence + 1;
      const { refusal, message, hash: standingHash } = held;
      const sequence = chain.end.sequence;
      return [
        { type: 'refused', source, epoch, refusal, sequence, message, standingHash, refusedHash: chain.end.hash },
      ];
    }
    const { acknowledged, end } = chain;
    if (held.sequence === end.sequence && !sameBytes(held.hash, end.hash)) {
      const message = 'the hub holds other content at the end of this chain: two histories of one source';
      return this.#begin(chain, { ...held, refusal: 'fork', message });
    }
    const findings: SyncFinding[] = [];
    if (held.sequence < acknowledged.sequence) {
      findings.push({ type: 'forgot', source, epoch, acknowledged: acknowledged.sequence, held: held.sequence });
    }
    if (held.sequence > chain.end.sequence) {
      findings.push({ type: 'behind', source, epoch, own: chain.end.sequence, held: held.sequence });
    }
    // Behind what the hub has, nothing is sent until this edge writes on: then the hub compares.
    chain.next = Math.min(held.sequence, chain.end.sequence) + 1;
    chain.live = unsent(chain) === 0;
    const reached = held.sequence >= end.sequence ? end : held;
    if (reached.sequence !== acknowledged.sequence) findings.push(this.#acknowledge(chain, reached));
    return findings;
  }

  #acknowledge(chain: SendingChain, { sequence, hash }: ChainEnd): SyncFinding {
    chain.acknowledged = { sequence, hash };
    this.#remembered.set(linkedKey(chain.id), chain.acknowledged);
    const { source, epoch } = chain.id;
    return { type: 'acknowledged', source, epoch, sequence, hash };
  }

  /** @param nowUs monotonic */
  next(nowUs: number): SyncStep {
    if (!this.#held) return { type: 'rest' };
    return this.#turns.next(this.#chains, this.#room, nowUs);
  }

  /**
   * Makes a batch of what was read, and counts it as sent. Takes as many blocks as fit, one at least when nothing is
   * under way.
   *
   * @param blocks from the place that `next` named on, in order
   * @returns null when there is nothing to send of them now
   */
  take(chainId: LinkedChain, blocks: readonly OutgoingBlock[], nowUs: number): BlockBatch | null {
    const chain = this.#chains.get(linkedKey(chainId));
    const first = blocks[0];
    if (chain === undefined || first === undefined || chain.next === null || chain.stopped !== null) return null;
    const room = this.#room;
    const mostBytes = Math.min(room.allowedBytes, Math.max(room.batchBytes(chain), first.bytes.length));
    const chosen = fitting(blocks, mostBytes, room.flyingBytes === 0);
    const last = chosen.at(-1);
    if (last === undefined) return null;
    const time = momentOf(chain, last);
    const lastSequence = last.firstSequence + last.count - 1;
    const bytes = chosen.reduce((sum, block) => sum + block.bytes.length, 0);
    const { firstSequence, previousHash } = first;
    this.#sent(chain, { firstSequence, count: lastSequence + 1 - firstSequence, hash: last.hash }, bytes, nowUs);
    return {
      ...chain.id,
      firstSequence,
      previousHash,
      hash: last.hash,
      blocks: chosen.map((block) => block.bytes),
      time,
    };
  }

  /** Counts what goes on a chain as sent. @param bytes unpacked */
  #sent(
    chain: SendingChain,
    { firstSequence, count, hash }: Pick<OutgoingBlock, 'firstSequence' | 'count' | 'hash'>,
    bytes: number,
    nowUs: number,
  ): void {
    const lastSequence = firstSequence + count - 1;
    const weight = weightOf(chain);
    const behind = isBehind(chain);
    const madeUs = Math.min(nowUs, chain.dueUs ?? nowUs);
    const batch = { firstSequence, lastSequence, hash, bytes, madeUs, behind };
    chain.flying.push(batch);
    chain.next = lastSequence + 1;
    this.#room.sent(batch, nowUs);
    this.#turns.served(chain, bytes, weight);
    if (unsent(chain) === 0) {
      chain.live = true;
      chain.dueUs = null;
    }
  }

  /** Whether a chain is sent as it lies packed in the recording. */
  takesPacks(chainId: LinkedChain): boolean {
    const chain = this.#chains.get(linkedKey(chainId));
    return chain !== undefined && this.#room.takesPacks(chain);
  }

  /**
   * The same of blocks that lie packed in the recording, from the place that `next` named on: they are sent as they lie.
   *
   * @returns null where they are not to be sent so, or not yet: see `waits`
   */
  takePack(chainId: LinkedChain, pack: StoredPack, nowUs: number): BlockBatch | null {
    const chain = this.#chains.get(linkedKey(chainId));
    if (chain === undefined || !this.#room.mayPass(chain, pack)) return null;
    chain.waits = { from: pack.firstSequence, bytes: pack.unpackedBytes };
    if (this.waits(chainId)) return null;
    const time = momentOf(chain, pack);
    this.#sent(chain, pack, pack.unpackedBytes, nowUs);
    this.#room.saved(pack.unpackedBytes - pack.bytes.length);
    const { firstSequence, previousHash, hash, bytes, unpackedBytes } = pack;
    return { ...chain.id, firstSequence, previousHash, hash, blocks: [], packed: { bytes, unpackedBytes }, time };
  }

  /** Whether a pack that `takePack` was handed is to go when the hub allows it: so much is soon. */
  waits(chainId: LinkedChain): boolean {
    const chain = this.#chains.get(linkedKey(chainId));
    return chain !== undefined && this.#room.keepsBack(chain);
  }

  /**
   * Whether a batch is sent packed: one of a backlog, but for the beginning of a chain, which is looked up by itself.
   */
  packs({ firstSequence, source, epoch, blocks }: BlockBatch): boolean {
    const flying = this.#chains.get(linkedKey({ source, epoch }))?.flying.at(-1);
    const behind = flying?.firstSequence === firstSequence && flying.behind;
    return this.#room.unpacks && behind && firstSequence > 1 && blocks.length > 1;
  }

  /** So many bytes less than those of its blocks go onto the wire. */
  saved(bytes: number): void {
    this.#room.saved(bytes);
  }

  /** The hub has answered a batch. An answer to a batch that is not under way is passed over. */
  answered(answer: BatchAnswer, nowUs: number): readonly SyncFinding[] {
    const chain = this.#chains.get(linkedKey(answer));
    if (!this.#held || chain === undefined) return [];
    this.#room.allow(answer.allowedBytes);
    const place = chain.flying.findIndex(({ firstSequence }) => firstSequence === answer.firstSequence);
    const batch = chain.flying[place];
    if (batch === undefined) return [];
    chain.flying.splice(place, 1);
    this.#room.landed(batch);
    const { refusal, held } = answer;
    if (refusal === null) {
      this.#room.acknowledged(batch, answer.tookUs, nowUs);
      chain.astray = { at: 0, times: 0 };
      if (batch.lastSequence <= chain.acknowledged.sequence) return [];
      return [this.#acknowledge(chain, { sequence: batch.lastSequence, hash: batch.hash })];
    }
    if (refusal === 'credit') this.#room.notCounted(batch);
    if (isFinal(refusal)) return this.#stop(chain, refusal, answer);
    // Of all that was under way together the first counts.
    const times = chain.astray.at === held.sequence ? chain.astray.times + 1 : 1;
    if (chain.again === null) chain.astray = { at: held.sequence, times };
    if (refusal === 'missing' && chain.astray.times > MOST_ASTRAY) return this.#stop(chain, refusal, answer);
    const notBeforeUs = refusal === 'later' ? nowUs + LATER_US : (chain.again?.notBeforeUs ?? nowUs);
    chain.again = { from: Math.min(held.sequence, chain.end.sequence) + 1, notBeforeUs };
    if (held.sequence >= chain.acknowledged.sequence) return [];
    const { source, epoch } = chain.id;
    const forgot = { source, epoch, acknowledged: chain.acknowledged.sequence, held: held.sequence } as const;
    return [{ type: 'forgot', ...forgot }, this.#acknowledge(chain, held)];
  }

  #stop(chain: SendingChain, refusal: SyncRefusal, answer: BatchAnswer): readonly SyncFinding[] {
    if (chain.stopped !== null) return [];
    chain.stopped = refusal;
    const { source, epoch } = chain.id;
    const { firstSequence: sequence, message, standingHash, refusedHash } = answer;
    return [{ type: 'refused', source, epoch, refusal, sequence, message, standingHash, refusedHash }];
  }
}
