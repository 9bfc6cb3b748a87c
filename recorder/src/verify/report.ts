import type { ChainHead, ChainId } from '../event.ts';
import type { TreeHead } from '../proof/merkle-proof.ts';

/**
 * `chain-only`: the bytes are as they were written; nobody ran them again. `dropped`: they are gone for want of room, and
 * the chain itself says so and keeps their hashes.
 */
export type StretchResult = 're-executed' | 'chain-only' | 'failed' | 'dropped';

/** Events of a chain with one result, both ends inclusive. */
export interface Stretch {
  readonly fromSequence: number;
  readonly toSequence: number;
  readonly result: StretchResult;
}

/**
 * - `bytes`: the block does not have the hash that is stored beside it.
 * - `link`: the block does not carry the hash of the one before it.
 * - `missing`: events between two blocks are gone.
 * - `unreadable`: the store is damaged where they stand and cannot give them.
 * - `order`: a block stands where it does not belong, or time runs backwards in it.
 * - `foreign`: the block says it belongs to another chain.
 * - `format`: it cannot be read, or only by a newer program.
 * - `opening`: the chain does not begin as every chain must.
 * - `cut_short`: events that a known head covers are not there, or the end of a segment's events is missing.
 * - `head`: at a known head the chain has another hash: two histories.
 * - `tree`: at a signed checkpoint the tree over the events has another root: two histories, or an altered past.
 * - `signature`: a checkpoint handed in bears a false signature, or none by a known key.
 * - `re-execution`: the kernel, given the same inputs, says something else.
 * - `snapshot`: the state on record is not the state that the inputs lead to.
 */
export type FailureKind =
  | 'bytes'
  | 'link'
  | 'missing'
  | 'unreadable'
  | 'order'
  | 'foreign'
  | 'format'
  | 'opening'
  | 'cut_short'
  | 'head'
  | 'tree'
  | 'signature'
  | 're-execution'
  | 'snapshot';

/** The two sides of a difference, where there are two: what the recording says, and what it should say. */
export interface Sides {
  readonly recorded: string | null;
  readonly expected: string | null;
}

export interface Failure extends Sides {
  readonly kind: FailureKind;
  readonly fromSequence: number;
  readonly toSequence: number;
  /** One sentence that names chain, sequence and what is wrong. */
  readonly message: string;
}

export interface ChainReport extends ChainId {
  readonly role: string;
  readonly model: string;
  /** End of what could be read. */
  readonly head: ChainHead;
  /** Head of the Merkle tree over all its events; null behind damage, where nobody knows the leaves. */
  readonly tree: TreeHead | null;
  /** Signed checkpoints that it met. */
  readonly checkpointsMet: number;
  readonly events: number;
  readonly wakes: number;
  /** Recorded decisions, signals, messages and snapshots that re-execution gave again. */
  readonly reexecuted: number;
  readonly stretches: readonly Stretch[];
  readonly failures: readonly Failure[];
  /** Why nothing of it was re-executed, or null. */
  readonly chainOnlyBecause: string | null;
}

export interface VerifyReport {
  /** True when nothing failed. */
  readonly ok: boolean;
  /** Site head, 64 hex digits. */
  readonly head: string;
  readonly chains: readonly ChainReport[];
  readonly events: number;
  readonly wakes: number;
  /** First failure of the first chain that has one. */
  readonly firstFailure: Failure | null;
}

/** Grows stretches event by event. */
export class Stretches {
  readonly #done: { fromSequence: number; toSequence: number; result: StretchResult }[] = [];

  add(fromSequence: number, toSequence: number, result: StretchResult): void {
    const last = this.#done[this.#done.length - 1];
    if (last !== undefined && last.result === result && last.toSequence + 1 === fromSequence) {
      last.toSequence = toSequence;
    } else this.#done.push({ fromSequence, toSequence, result });
  }

  /** Gives the event that was added last another result. */
  reopen(sequence: number, result: StretchResult): void {
    const last = this.#done.pop();
    if (last === undefined || last.toSequence !== sequence) throw new Error(`Event ${sequence} was not added last`);
    if (last.fromSequence < sequence) this.#done.push({ ...last, toSequence: sequence - 1 });
    this.add(sequence, sequence, result);
  }

  get all(): readonly Stretch[] {
    return this.#done;
  }
}
