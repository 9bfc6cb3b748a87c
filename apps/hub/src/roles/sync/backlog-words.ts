import type { BlockBatch, HybridMark, LinkedChain, PackedBlocks, SealedBlock, SyncRefusal } from '@sigma/recorder';
import type { ReadFrom, ReadStretch } from '../chronicle/read-stretch.ts';
import type { DataPortOptions } from './data-port.ts';

export interface BacklogThreadData {
  /** Of the login role, with its password. */
  readonly url: string;
  readonly tenant: string;
  /** Of a mailbox (`@sigma/bus/mailbox`) that the thread writes: whoever hears robots waits for no lock of it. */
  readonly told: SharedArrayBuffer;
  /** Where packs come in on connections of their own; null: they come on the links. */
  readonly dataPort: DataPortOptions | null;
}

export type ToBacklogs =
  | {
      readonly type: 'take';
      readonly id: number;
      readonly batch: SentBatch;
      readonly ownSource: boolean;
      /** Where the chain is read from; null: nobody looks into it. */
      readonly from: ReadFrom | null;
    }
  /** The moment of a batch is kept, or why it is not. */
  | { readonly type: 'kept'; readonly mark: number; readonly error: string | null }
  /** A link that may bring packs on a data connection, and one that may no more. */
  | { readonly type: 'admit'; readonly key: string }
  | { readonly type: 'revoke'; readonly key: string }
  | { readonly type: 'end' };

export type FromBacklogs =
  | {
      readonly type: 'stored';
      readonly id: number;
      readonly sequence: number;
      readonly blocks: number;
      /** What was found in it; null: it was not read. */
      readonly read: ReadStretch | null;
    }
  /** Something in what was stored before (R192). */
  | {
      readonly type: 'found';
      readonly chain: LinkedChain;
      readonly read: ReadStretch;
      /** Reported events that were looked for. */
      readonly asked: readonly number[];
    }
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly refusal: SyncRefusal;
      readonly message: string;
      /** The pack that did not come, where it is refused for that. */
      readonly missedPack?: number;
    }
  | {
      readonly type: 'foreign';
      readonly id: number;
      readonly sequence: number;
      readonly what: string;
      readonly block: Pick<SealedBlock, 'hash' | 'previousHash'> | null;
    }
  /** The store takes no more: it is to be opened anew. */
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'keep'; readonly mark: number; readonly of: HybridMark }
  /** Packs may come here; or why they may not. */
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'deaf'; readonly message: string };

/** Several pieces of bytes in one that changes hands. */
interface Joined {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
}

/** A batch whose bytes belong to nothing else: of a view into what came from the wire all of that would be copied. */
export type SentBatch = Omit<BlockBatch, 'blocks' | 'packed' | 'previousHash' | 'hash'> & {
  /** The hash before it, its own, and its blocks where it is not packed. */
  readonly content: Joined;
  readonly packed: PackedBlocks | null;
};

/** What a pack lies in changes hands with it where that is nobody else's: it is gone then. */
export function sentBatch({ blocks, packed, previousHash, hash, ...batch }: BlockBatch): SentBatch {
  const content = joined([previousHash, hash, ...blocks]);
  return { ...batch, content, packed: packed === undefined ? null : { ...packed, bytes: ownBytes(packed.bytes) } };
}

export function batchIn({ content, packed, ...batch }: SentBatch): BlockBatch {
  const [previousHash = NOTHING, hash = NOTHING, ...blocks] = parted(content);
  return { ...batch, previousHash, hash, blocks, ...(packed !== null && { packed }) };
}

const NOTHING: Uint8Array = new Uint8Array();

/** What of a batch changes hands. */
export const handedOver = ({ content: { bytes, ends }, packed }: SentBatch): readonly ArrayBuffer[] =>
  buffersOf(packed === null ? [bytes, ends] : [bytes, ends, packed.bytes]);

const buffersOf = (views: readonly ArrayBufferView[]): readonly ArrayBuffer[] =>
  views.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);

/** Of more memory than that for their bytes others may have the rest. */
const MOST_AROUND = 1.25;

/** Bytes that share their memory with others would take all of it along. */
const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength <= MOST_AROUND * bytes.length ? bytes : bytes.slice();

function joined(parts: readonly Uint8Array[]): Joined {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  const ends = new Uint32Array(parts.length);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    bytes.set(part, at);
    at += part.length;
    ends[i] = at;
  }
  return { bytes, ends };
}

function parted({ bytes, ends }: Joined): readonly Uint8Array[] {
  return Array.from(ends, (end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}
