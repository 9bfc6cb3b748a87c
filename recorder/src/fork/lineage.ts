import { create } from '@bufbuild/protobuf';
import { decodeState, encodeState, type Json } from '@sigma/kernel';
import { type Lineage as LineageMessage, LineageSchema } from '@sigma/proto';
import { type Change, changeFromJson, changeToJson } from './change.ts';

/** Where a forked chain leaves its parent (SPEC R110). Tenant, source and epoch are those of the chain itself. */
export interface Lineage {
  /** Name of the parent recording, as it was given. */
  readonly recording: string;
  /** Site head of the parent when the fork was made, 32 bytes. */
  readonly siteHead: Uint8Array;
  /** Last event of the shared beginning in the parent's chain. */
  readonly sequence: number;
  /** Hash of the parent's block that ends with it, 32 bytes. */
  readonly blockHash: Uint8Array;
  /** Wakes before this agent time are the parent's. */
  readonly atUs: number;
  readonly change: Change;
}

export function lineageMessage({ recording, siteHead, sequence, blockHash, atUs, change }: Lineage): LineageMessage {
  return create(LineageSchema, {
    recording,
    siteHead,
    sequence: BigInt(sequence),
    blockHash,
    atUs: BigInt(atUs),
    changeJson: encodeState(changeToJson(change)),
  });
}

/** @throws MalformedBytesError, SyntaxError when it says no change */
export function lineageOf(message: LineageMessage): Lineage {
  const { recording, siteHead, sequence, blockHash, atUs, changeJson } = message;
  const change = changeFromJson(decodeState(changeJson) as Json);
  return { recording, siteHead, sequence: Number(sequence), blockHash, atUs: Number(atUs), change };
}
