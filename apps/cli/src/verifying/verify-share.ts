import { existsSync } from 'node:fs';
import {
  type ChainHead,
  type ChainId,
  chainOfOrigin,
  parseCheckpoint,
  type Recording,
  type Reexecutors,
  StoreCorruptError,
  StoreReadOnlyError,
  type VerifyOptions,
  type VerifyReport,
  verify,
} from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { openProofShelf, type ProofShelf } from '@sigma/recorder/proof-shelf';
import { sha256 } from '@sigma/recorder/sqlite';
import { fleetReexecutors } from '@sigma/sim/recording';
import { shelfName } from '../recording-input.ts';
import type { VerifyTask } from './verify-words.ts';

/**
 * Verifies these chains of a recording, and of the checkpoints those that are of these chains.
 *
 * @throws StoreError
 */
export async function verifyShare(
  task: Pick<VerifyTask, 'place' | 'named' | 'notes' | 'keys'>,
  recording: Recording,
  reexecutors: Reexecutors,
  heads: readonly ChainHead[],
  progress: NonNullable<VerifyOptions['progress']>,
): Promise<VerifyReport> {
  const options: VerifyOptions = { sha256, reexecutors, heads, progress };
  if (task.keys.length === 0) return verify(recording, options);
  const notes = task.notes.filter((note) => heads.some((head) => sameChain(head, chainOf(note))));
  const checkpoints = { notes, trust: { keys: task.keys, ed25519: ed25519Verify } };
  const shelf = shelfBeside(shelfName(task.place, task.named));
  try {
    return await verify(recording, shelf === null ? { ...options, checkpoints } : { ...options, checkpoints, shelf });
  } finally {
    await shelf?.close();
  }
}

/**
 * Re-executors for what a recording holds and can still give: a chain whose beginning cannot be read teaches nothing of
 * the others, and is for the report to name.
 */
export const reexecutorsOf = (recording: Recording): Promise<Reexecutors> =>
  fleetReexecutors({
    heads: () => recording.heads(),
    snapshotBefore: (...moment) => recording.snapshotBefore(...moment),
    close: () => recording.close(),
    async *blocks(...range) {
      try {
        yield* recording.blocks(...range);
      } catch (error) {
        if (!(error instanceof StoreCorruptError)) throw error;
      }
    },
  });

/** What is signed of chains that are not here at all. */
export const strayNotes = (notes: readonly string[], heads: readonly ChainHead[]): readonly string[] =>
  notes.filter((note) => !heads.some((head) => sameChain(head, chainOf(note))));

const chainOf = (note: string): ChainId | null => chainOfOrigin(parseCheckpoint(note).origin);

const sameChain = (head: ChainId, chain: ChainId | null): boolean =>
  chain !== null && head.tenant === chain.tenant && head.source === chain.source && head.epoch === chain.epoch;

/** Tiles and checkpoints kept beside the recording; none where they cannot be opened, for they follow from it. */
export function shelfBeside(file: string): ProofShelf | null {
  if (!existsSync(`${file}.proofs`)) return null;
  try {
    return openProofShelf(file);
  } catch (error) {
    if (error instanceof StoreReadOnlyError) return null;
    throw error;
  }
}
