import { resolve } from 'node:path';
import { type ChainHead, LineageError, openingOf, type Timeline, timelineEnd, zeroOf } from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import { isAddress, openNamed } from './named-recording.ts';
import { openWithParents } from './parents.ts';

/** A part of a life that a policy is tried on. */
export interface TriedPiece {
  /** What was asked for, and the recording that this stands in: the same, or a parent of that fork. */
  readonly named: string;
  readonly recording: string;
  readonly head: ChainHead;
  /** Up to this agent time, exclusive, it belongs to what is tried; null: to its end. */
  readonly untilUs: number | null;
  /** Wall clock at which its agent time was 0, microseconds since 1970. */
  readonly zeroUs: number;
  /** Agent time at which it was opened. */
  readonly beganUs: number;
}

export interface TriedPieces {
  readonly pieces: readonly TriedPiece[];
  /** Why only what the fork itself holds is there; null when all is. */
  readonly unreached: string | null;
}

export interface PiecesOptions {
  readonly hubDir: string;
  /** Key of the server that archives in buckets rest on. */
  readonly s3?: S3Access | null;
  /** Where parents of forks lie that are not where the forks say. */
  readonly parents?: readonly string[];
}

/**
 * What was lived on a recording's timeline: of a fork also the beginning that it shares with its parents, and whom it
 * reused of them (SPEC R115).
 *
 * @throws StoreError, MalformedBytesError
 */
export async function triedPieces(
  named: string,
  { hubDir, s3 = null, parents = [] }: PiecesOptions,
): Promise<TriedPieces> {
  try {
    const { timeline, close } = await openWithParents(named, hubDir, { instead: parents, s3 });
    await close();
    return { pieces: piecesOf(timeline), unreached: null };
  } catch (error) {
    if (!(error instanceof LineageError)) throw error;
    const { recording, close } = await openNamed(named, hubDir, s3);
    try {
      const pieces: TriedPiece[] = [];
      for (const head of await recording.heads()) {
        const opening = await openingOf(recording, head);
        pieces.push({
          named,
          recording: named,
          head,
          untilUs: null,
          zeroUs: zeroOf({ opening }),
          beganUs: opening.atUs,
        });
      }
      return { pieces, unreached: error.message };
    } finally {
      await close();
    }
  }
}

function piecesOf(timeline: Timeline): readonly TriedPiece[] {
  const { name: named, parent, lives } = timeline;
  const endUs = parent === null ? Number.POSITIVE_INFINITY : timelineEnd(timeline) + 1;
  return lives.flatMap(({ pieces }) =>
    pieces.map(({ name: recording, head, opening, untilUs }) => {
      const most = Math.min(untilUs, recording === named ? Number.POSITIVE_INFINITY : endUs);
      const untilOrEndUs = Number.isFinite(most) ? most : null;
      return { named, recording, head, untilUs: untilOrEndUs, zeroUs: zeroOf({ opening }), beganUs: opening.atUs };
    }),
  );
}

/** Of each chain the longest piece, where several recordings share some of it: a parent that was named itself is whole. */
export function eachOnce(pieces: readonly TriedPiece[]): readonly TriedPiece[] {
  const longest = new Map<string, TriedPiece>();
  for (const piece of pieces) {
    const { recording, head } = piece;
    const place = isAddress(recording) ? recording : resolve(recording);
    const chain = JSON.stringify([place, head.tenant, head.source, head.epoch]);
    const known = longest.get(chain);
    if (known === undefined || endOf(piece) > endOf(known)) longest.set(chain, piece);
  }
  return [...longest.values()];
}

const endOf = ({ untilUs }: TriedPiece): number => untilUs ?? Number.POSITIVE_INFINITY;
