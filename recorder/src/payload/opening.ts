import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { decodeState, encodeState, type Json } from '@sigma/kernel';
import { OpeningSchema } from '@sigma/proto';
import { type ChainId, EVENT_TYPE, type EventDraft, type RecordedEvent } from '../event.ts';
import { type Lineage, lineageMessage, lineageOf } from '../fork/lineage.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';

/** First event of every chain: who writes, with what. All that re-execution needs besides the inputs. */
export interface Opening extends ChainId {
  readonly role: string;
  /** Terrain model that re-executes the chain, or empty for one that is a record and nothing else. */
  readonly model: string;
  readonly modelVersion: number;
  /** Configuration of the agent or world. */
  readonly config: Json;
  /** uint32. */
  readonly seed: number;
  /** Numbered behaviour flags in force. */
  readonly flags: readonly number[];
  readonly policyText: string;
  readonly policyHash: string;
  /** Hash of the last block of the epoch before; empty in the first. */
  readonly previousEpochHash: Uint8Array;
  /** Agent time at which the chain begins. */
  readonly atUs: number;
  /** Wall clock, microseconds since 1970. */
  readonly timeUs: number;
  /** Name and version of the program that writes. */
  readonly software: string;
  /** Where the chain leaves the one that it is a fork of; absent when it is none. */
  readonly lineage?: Lineage;
}

export function openingEvent(opening: Opening): EventDraft {
  const { config, timeUs, lineage, ...same } = opening;
  const message = create(OpeningSchema, {
    ...same,
    ...(lineage === undefined ? {} : { lineage: lineageMessage(lineage) }),
    flags: [...opening.flags],
    configJson: encodeState(config),
    timeUs: BigInt(timeUs),
  });
  return {
    type: EVENT_TYPE.opening,
    subject: '',
    atUs: opening.atUs,
    timeUs,
    traceparent: '',
    data: toBinary(OpeningSchema, message),
  };
}

/** @throws MalformedBytesError */
export function decodeOpening(event: RecordedEvent): Opening {
  try {
    const message = fromBinary(OpeningSchema, event.data);
    const { tenant, source, epoch, role, model, modelVersion, seed, flags, policyText, policyHash, software } = message;
    return {
      tenant,
      source,
      epoch,
      role,
      model,
      modelVersion,
      config: decodeState(message.configJson) as Json,
      seed,
      flags,
      policyText,
      policyHash,
      previousEpochHash: message.previousEpochHash,
      atUs: event.atUs,
      timeUs: Number(message.timeUs),
      software,
      ...(message.lineage === undefined ? {} : { lineage: lineageOf(message.lineage) }),
    };
  } catch (error) {
    throw new MalformedBytesError(`no opening (${(error as Error).message})`);
  }
}
