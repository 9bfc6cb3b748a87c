import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { SnapshotSchema } from '@sigma/proto';
import { EVENT_TYPE, type EventDraft, type RecordedEvent } from '../event.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';

/** Whole state of a source after its last recorded input. */
export interface Snapshot {
  readonly inputSequence: number;
  readonly atUs: number;
  readonly state: Uint8Array;
  /** SHA-256 of `state`. */
  readonly stateHash: Uint8Array;
  readonly model: string;
  readonly modelVersion: number;
  readonly flags: readonly number[];
  readonly policyHash: string;
}

export function snapshotEvent(snapshot: Snapshot, timeUs: number): EventDraft {
  const { inputSequence, atUs, flags, ...same } = snapshot;
  const message = create(SnapshotSchema, {
    ...same,
    flags: [...flags],
    inputSequence: BigInt(inputSequence),
    atUs: BigInt(atUs),
  });
  const data = toBinary(SnapshotSchema, message);
  return { type: EVENT_TYPE.snapshot, subject: '', atUs, timeUs, traceparent: '', data };
}

/** @throws MalformedBytesError */
export function decodeSnapshot(event: RecordedEvent): Snapshot {
  try {
    const { inputSequence, atUs, state, stateHash, model, modelVersion, flags, policyHash } = fromBinary(
      SnapshotSchema,
      event.data,
    );
    const times = { inputSequence: Number(inputSequence), atUs: Number(atUs) };
    return { ...times, state, stateHash, model, modelVersion, flags, policyHash };
  } catch (error) {
    throw new MalformedBytesError(`no snapshot (${(error as Error).message})`);
  }
}
