import type { ChainId } from '../event.ts';
import type { HybridTime } from './hybrid-clock.ts';
import type { PackedBlocks } from './packed-blocks.ts';

/** Why a hub does not take a batch (R123). */
export const SYNC_REFUSALS = ['tenant', 'stranger', 'damaged', 'missing', 'credit', 'later', 'fork'] as const;
export type SyncRefusal = (typeof SYNC_REFUSALS)[number];

/** Refusals after which a chain is not sent any more on the same link. */
export const isFinal = (refusal: SyncRefusal): boolean =>
  refusal === 'tenant' || refusal === 'stranger' || refusal === 'damaged' || refusal === 'fork';

/** A chain of one tenant, as both ends of a link name it. */
export type LinkedChain = Pick<ChainId, 'source' | 'epoch'>;

export const linkedKey = ({ source, epoch }: LinkedChain): string => `${source}\0${epoch}`;

/** Where a chain ends. */
export interface ChainEnd {
  /** Of the last event; 0: there is none. */
  readonly sequence: number;
  /** Of the last block; empty when there is none. */
  readonly hash: Uint8Array;
}

export interface ShownChain extends LinkedChain, ChainEnd {
  /** The last event that the hub has acknowledged; 0: none. */
  readonly acknowledged: number;
}

export interface HeldChain extends LinkedChain, ChainEnd {
  readonly refusal: SyncRefusal | null;
  readonly message: string;
}

/** Consecutive blocks of one chain, as they are stored (R120). */
export interface BlockBatch extends ChainId {
  readonly firstSequence: number;
  readonly previousHash: Uint8Array;
  /** Of the last block. */
  readonly hash: Uint8Array;
  /** None of a batch that is packed. */
  readonly blocks: readonly Uint8Array[];
  readonly packed?: PackedBlocks;
  /** In the place of `packed`: it comes on the data connection of its link (R197). */
  readonly outOfBand?: OutOfBandPack;
  readonly time: HybridTime;
}

/** A pack that travels apart from the batch that it belongs to. */
export interface OutOfBandPack {
  /** Names the data connection where it is taken in; empty on the way. */
  readonly connection: string;
  /** From 1 on. */
  readonly number: number;
  readonly bytes: number;
  readonly unpackedBytes: number;
}

export interface BatchAnswer extends LinkedChain {
  readonly firstSequence: number;
  /** Null: all of it is on the hub's disk. */
  readonly refusal: SyncRefusal | null;
  readonly message: string;
  /** Where the chain ends at the hub. */
  readonly held: ChainEnd;
  /** Of a fork: what stands where the refused block was to go; else empty. */
  readonly standingHash: Uint8Array;
  readonly refusedHash: Uint8Array;
  readonly allowedBytes: number;
  readonly time: HybridTime;
  /** From hearing the batch to this answer: no delay of the link. 0: not told. */
  readonly tookUs: number;
  /** Of `later`: the pack of that number has not come on the data connection; 0: it is not about that. */
  readonly missedPack: number;
}

/** Bytes of its blocks, unpacked. */
export const batchBytes = ({
  blocks,
  packed,
  outOfBand,
}: Pick<BlockBatch, 'blocks' | 'packed' | 'outOfBand'>): number =>
  (packed ?? outOfBand)?.unpackedBytes ?? blocks.reduce((sum, block) => sum + block.length, 0);
