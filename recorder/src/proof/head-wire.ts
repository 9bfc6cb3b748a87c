import { create } from '@bufbuild/protobuf';
import { type HeadAnswered, HeadAnsweredSchema, type HeadOffered, HeadOfferedSchema } from '@sigma/proto';
import type { HeadAnswer } from './head-offers.ts';
import type { HeadOffer } from './witness.ts';

/** Name under which the hub of a tenant cosigns; no chain has it, since no epoch is called so. */
export const hubWitnessName = (tenant: string): string => `sigma/${encodeURIComponent(tenant)}/witness/hub`;

/** Name under which an edge cosigns. */
export const edgeWitnessName = (tenant: string, edgeId: string): string =>
  `sigma/${encodeURIComponent(tenant)}/witness/edge/${encodeURIComponent(edgeId)}`;

/** An offer as the link brought it; not yet believed, nor bounded. */
export const offerOf = ({ checkpoint, fromSize, consistency }: HeadOffered): HeadOffer => ({
  checkpoint,
  fromSize: Number(fromSize),
  consistency,
});

export const offeredFrame = ({ checkpoint, fromSize, consistency }: HeadOffer): HeadOffered =>
  create(HeadOfferedSchema, { checkpoint, fromSize: BigInt(fromSize), consistency: [...consistency] });

const KINDS = new Set<string>(['unsigned', 'stranger', 'rollback', 'fork', 'inconsistent', 'size', '']);

export const answerOf = ({ origin, size, cosignature, refusal, message, seenSize }: HeadAnswered): HeadAnswer => ({
  origin,
  size: Number(size),
  cosignature,
  // A kind that is not known is a refusal all the same.
  refusal: (KINDS.has(refusal) ? refusal : 'unsigned') as HeadAnswer['refusal'],
  message,
  seenSize: Number(seenSize),
});

export const answeredFrame = ({ size, seenSize, ...same }: HeadAnswer): HeadAnswered =>
  create(HeadAnsweredSchema, { ...same, size: BigInt(size), seenSize: BigInt(seenSize) });
