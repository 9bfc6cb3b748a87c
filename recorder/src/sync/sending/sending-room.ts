import type { StoredPack } from '../../store.ts';
import { BacklogWindow } from './backlog-window.ts';
import { isBehind, type SendingChain, type SentBatch } from './sending-chain.ts';
import { TokenBucket } from './token-bucket.ts';

export interface SendingBounds {
  /** Bound of what is sent; Infinity: the link's own. */
  readonly bytesPerS: number;
  /** About so many bytes go in one batch: what is urgent waits for no more than that. */
  readonly batchBytes: number;
  /** So many bytes of a backlog go in one batch that is packed; twice `batchBytes` unless told. */
  readonly packBytes?: number;
}

/** Batches of a backlog grow from here with its window. */
const LEAST_BATCH = 16 * 1024;
/** Packed, so many times what else goes in a batch takes no longer on the wire. */
const PACKED_TIMES = 2;
/** So much longer may be what lies packed than the batch that would be made. */
const MOST_TIMES = 8;
/** The beginning of a chain goes by itself (R195): what is behind it is packed. */
const BEGINNING = 1;

/**
 * How much may be sent: by the hub's word (R124), by the bound of bytes a second (R126), and of backlogs by how what is
 * live fares beside them (R125).
 */
export class SendingRoom {
  readonly #bounds: SendingBounds;
  readonly #bucket: TokenBucket;
  readonly #window = new BacklogWindow();
  #unpacks = false;
  #sentBytes = 0;
  #allowedBytes = 0;
  #flyingBytes = 0;
  /** Of these, what is of backlogs. */
  #behindBytes = 0;

  constructor(bounds: SendingBounds) {
    this.#bounds = bounds;
    const { bytesPerS, batchBytes } = bounds;
    this.#bucket = new TokenBucket(bytesPerS, Math.max(batchBytes, Math.min(bytesPerS / 4, 64 * batchBytes)));
  }

  /** Sent and not answered. */
  get flyingBytes(): number {
    return this.#flyingBytes;
  }

  /** What the hub still allows on this link; less than nothing behind a batch that went alone. */
  get allowedBytes(): number {
    return this.#allowedBytes - this.#sentBytes;
  }

  /** Room for more by the hub's word; a batch that is greater than that goes alone. */
  get mayGrow(): boolean {
    return this.allowedBytes > 0 || this.#flyingBytes === 0;
  }

  /** The hub takes packed blocks. */
  get unpacks(): boolean {
    return this.#unpacks;
  }

  /** The link is gone, and whatever was under way with it. */
  end(): void {
    this.#unpacks = false;
    this.#sentBytes = 0;
    this.#allowedBytes = 0;
    this.#flyingBytes = 0;
    this.#behindBytes = 0;
  }

  /** The hub has said where it stands. */
  begin(allowedBytes: number, unpacks: boolean): void {
    this.#unpacks = unpacks;
    this.allow(allowedBytes);
  }

  /** @param bytes since the link began; what is less than was allowed before changes nothing */
  allow(bytes: number): void {
    this.#allowedBytes = Math.max(this.#allowedBytes, bytes);
  }

  /** Small while a backlog has to give way: what is live waits for no more than one of them. */
  batchBytes(chain: SendingChain): number {
    const { batchBytes, packBytes = PACKED_TIMES * batchBytes } = this.#bounds;
    if (!isBehind(chain)) return batchBytes;
    if (this.#unpacks && chain.next === 1) return BEGINNING;
    const most = this.#unpacks ? packBytes : batchBytes;
    return Math.min(most, Math.max(LEAST_BATCH, this.#window.bytes / 4));
  }

  /** Whether the window of backlogs has room for the next batch of a chain. */
  admits(chain: SendingChain): boolean {
    return !isBehind(chain) || this.#window.admits(this.#behindBytes, this.batchBytes(chain));
  }

  /**
   * Whether a chain is sent as it lies packed in the recording. Where bytes a second are bounded it is not: what is live
   * would wait behind a pack.
   */
  takesPacks(chain: SendingChain): boolean {
    return this.#unpacks && this.#bounds.packBytes !== undefined && isBehind(chain);
  }

  /** What is longer than a batch may be in a narrow link, or while a backlog gives way, is read and sent in parts. */
  mayPass(chain: SendingChain, { firstSequence, count, unpackedBytes }: StoredPack): boolean {
    const whole = firstSequence === chain.next && firstSequence + count - 1 <= chain.end.sequence;
    if (!whole || chain.stopped !== null) return false;
    return unpackedBytes <= MOST_TIMES * this.batchBytes(chain);
  }

  /** Whether a pack waits until the hub allows so much. To send a part of it now it would be unpacked, and packed anew. */
  keepsBack(chain: SendingChain): boolean {
    if (chain.next !== chain.waits.from || this.#flyingBytes === 0) return false;
    // A safety event stands in it meanwhile: up to there it goes at once, in parts.
    if (!isBehind(chain)) return false;
    return chain.waits.bytes > this.allowedBytes;
  }

  /** Microseconds until the bound of bytes a second lets something leave. */
  waitUs(nowUs: number): number {
    return this.#bucket.waitUs(nowUs);
  }

  /** The same of what is urgent: it leaves on credit. */
  urgentWaitUs(nowUs: number): number {
    return this.#bucket.waitUs(nowUs, this.#bucket.most);
  }

  /** A batch leaves. */
  sent({ bytes, behind }: SentBatch, nowUs: number): void {
    this.#sentBytes += bytes;
    this.#flyingBytes += bytes;
    if (behind) this.#behindBytes += bytes;
    this.#bucket.take(bytes, nowUs);
  }

  /** So many bytes less than those of its blocks go onto the wire. */
  saved(bytes: number): void {
    this.#bucket.giveBack(bytes);
  }

  /** A batch was answered, whatever the answer. */
  landed({ bytes, behind }: SentBatch): void {
    this.#flyingBytes -= bytes;
    if (behind) this.#behindBytes -= bytes;
  }

  /** A batch was acknowledged. @param tookUs that the hub took for it */
  acknowledged({ bytes, behind, madeUs }: SentBatch, tookUs: number, nowUs: number): void {
    if (behind) this.#window.behind(bytes, nowUs);
    else this.#window.live(Math.max(0, nowUs - madeUs - tookUs), this.#bounds.batchBytes, nowUs);
  }

  /** A batch was more than the hub had allowed: to the hub it was never sent. */
  notCounted({ bytes }: SentBatch): void {
    this.#sentBytes -= bytes;
  }
}
