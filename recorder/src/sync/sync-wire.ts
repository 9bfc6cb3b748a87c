import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import {
  type BlocksAnswered,
  BlocksAnsweredSchema,
  type BlocksSent,
  BlocksSentSchema,
  type ChainsHeld,
  ChainsHeldSchema,
  type ChainsShown,
  ChainsShownSchema,
  type ConnectRequest,
  ConnectRequestSchema,
  type HybridTime as WireTime,
} from '@sigma/proto';
import { WireWriter } from '../wire/wire-writer.ts';
import type { HybridTime } from './hybrid-clock.ts';
import {
  type BatchAnswer,
  type BlockBatch,
  batchBytes,
  type HeldChain,
  type ShownChain,
  SYNC_REFUSALS,
  type SyncRefusal,
} from './sync-words.ts';

const timeOf = (time: WireTime | undefined): HybridTime => ({ us: Number(time?.us ?? 0n), count: time?.count ?? 0 });
const timeFrame = ({ us, count }: HybridTime) => ({ us: BigInt(us), count });

/** A refusal that this program does not know asks for patience. */
function refusalOf(text: string): SyncRefusal | null {
  if (text === '') return null;
  return SYNC_REFUSALS.find((refusal) => refusal === text) ?? 'later';
}

export const shownFrame = (chains: readonly ShownChain[], time: HybridTime): ChainsShown =>
  create(ChainsShownSchema, {
    chains: chains.map(({ source, epoch, sequence, hash, acknowledged }) => ({
      source,
      epoch,
      sequence: BigInt(sequence),
      hash,
      acknowledged: BigInt(acknowledged),
    })),
    time: timeFrame(time),
  });

export const shownOf = ({ chains, time }: ChainsShown): { chains: readonly ShownChain[]; time: HybridTime } => ({
  chains: chains.map(({ source, epoch, sequence, hash, acknowledged }) => ({
    source,
    epoch,
    sequence: Number(sequence),
    hash,
    acknowledged: Number(acknowledged),
  })),
  time: timeOf(time),
});

export const heldFrame = (
  chains: readonly HeldChain[],
  allowedBytes: number,
  time: HybridTime,
  unpacks: boolean,
): ChainsHeld =>
  create(ChainsHeldSchema, {
    chains: chains.map(({ source, epoch, sequence, hash, refusal, message }) => ({
      source,
      epoch,
      sequence: BigInt(sequence),
      hash,
      refusal: refusal ?? '',
      message,
    })),
    allowedBytes: BigInt(allowedBytes),
    time: timeFrame(time),
    unpacks,
  });

export const heldOf = ({ chains, allowedBytes, time, unpacks }: ChainsHeld) => ({
  chains: chains.map(
    ({ source, epoch, sequence, hash, refusal, message }): HeldChain => ({
      source,
      epoch,
      sequence: Number(sequence),
      hash,
      refusal: refusalOf(refusal),
      message,
    }),
  ),
  allowedBytes: Number(allowedBytes),
  time: timeOf(time),
  unpacks,
});

export const sentFrame = (batch: BlockBatch): BlocksSent =>
  create(BlocksSentSchema, {
    tenant: batch.tenant,
    source: batch.source,
    epoch: batch.epoch,
    firstSequence: BigInt(batch.firstSequence),
    previousHash: batch.previousHash,
    hash: batch.hash,
    blocks: [...batch.blocks],
    time: timeFrame(batch.time),
    packed: batch.packed?.bytes ?? NOTHING,
    unpackedBytes: BigInt((batch.packed ?? batch.outOfBand)?.unpackedBytes ?? 0),
    packNumber: batch.outOfBand?.number ?? 0,
    packBytes: batch.outOfBand?.bytes ?? 0,
  });

const NOTHING: Uint8Array = new Uint8Array();
const BLOCKS_SENT = ConnectRequestSchema.field.blocksSent.number;

/**
 * A batch as the content of the field `blocks_sent` of a frame of the link, its length before it: what protobuf-es makes
 * of `sentFrame`. Each block is copied once, into a buffer that belongs to nothing else and may change hands.
 */
export function encodeSent(batch: BlockBatch): Uint8Array<ArrayBuffer> {
  const { tenant, source, epoch, firstSequence, previousHash, hash, blocks, packed, outOfBand, time } = batch;
  const around = 512 + 3 * (tenant.length + source.length) + 8 * blocks.length;
  const wire = new WireWriter((outOfBand === undefined ? (packed?.bytes.length ?? batchBytes(batch)) : 0) + around);
  const sent = wire.open(BLOCKS_SENT);
  wire.string(1, tenant);
  wire.string(2, source);
  wire.uint(3, epoch);
  wire.uint(4, firstSequence);
  wire.bytes(5, previousHash);
  wire.bytes(6, hash);
  for (const block of blocks) wire.bytesPresent(7, block);
  const when = wire.open(8);
  wire.uint(1, time.us);
  wire.uint(2, time.count);
  wire.close(when);
  if (packed !== undefined) {
    wire.bytesPresent(9, packed.bytes);
    wire.uint(10, packed.unpackedBytes);
  }
  if (outOfBand !== undefined) {
    wire.uint(10, outOfBand.unpackedBytes);
    wire.uint(11, outOfBand.number);
    wire.uint(12, outOfBand.bytes);
  }
  wire.close(sent);
  return wire.view(sent - 1);
}

/** A frame of the link with what `encodeSent` made: a field that is passed on as it is, and not read on the way. */
export function passedOn(sent: Uint8Array): ConnectRequest {
  const frame = create(ConnectRequestSchema);
  frame.$unknown = [{ no: BLOCKS_SENT, wireType: WireType.LengthDelimited, data: sent }];
  return frame;
}

export const sentOf = (sent: BlocksSent): BlockBatch => ({
  tenant: sent.tenant,
  source: sent.source,
  epoch: sent.epoch,
  firstSequence: Number(sent.firstSequence),
  previousHash: sent.previousHash,
  hash: sent.hash,
  blocks: sent.blocks,
  time: timeOf(sent.time),
  ...(sent.packed.length > 0 && { packed: { bytes: sent.packed, unpackedBytes: Number(sent.unpackedBytes) } }),
  ...(sent.packNumber > 0 && {
    outOfBand: {
      connection: '',
      number: sent.packNumber,
      bytes: sent.packBytes,
      unpackedBytes: Number(sent.unpackedBytes),
    },
  }),
});

export const batchAnsweredFrame = (answer: BatchAnswer): BlocksAnswered =>
  create(BlocksAnsweredSchema, {
    source: answer.source,
    epoch: answer.epoch,
    firstSequence: BigInt(answer.firstSequence),
    refusal: answer.refusal ?? '',
    message: answer.message,
    heldSequence: BigInt(answer.held.sequence),
    heldHash: answer.held.hash,
    standingHash: answer.standingHash,
    refusedHash: answer.refusedHash,
    allowedBytes: BigInt(answer.allowedBytes),
    time: timeFrame(answer.time),
    tookUs: BigInt(answer.tookUs),
    missedPack: answer.missedPack,
  });

export const batchAnswerOf = (answered: BlocksAnswered): BatchAnswer => ({
  source: answered.source,
  epoch: answered.epoch,
  firstSequence: Number(answered.firstSequence),
  refusal: refusalOf(answered.refusal),
  message: answered.message,
  held: { sequence: Number(answered.heldSequence), hash: answered.heldHash },
  standingHash: answered.standingHash,
  refusedHash: answered.refusedHash,
  allowedBytes: Number(answered.allowedBytes),
  time: timeOf(answered.time),
  tookUs: Number(answered.tookUs),
  missedPack: answered.missedPack,
});
