import type { Sha256 } from '../event.ts';
import { type Checkpoint, cosign, openCheckpoint } from './checkpoint.ts';
import { verifyConsistency } from './merkle-proof.ts';
import { type Ed25519Verify, NoteError, type NoteKey, type SigningKey } from './note.ts';

/**
 * What a witness remembers of one log: the greatest head that it cosigned, note and all, so that it can show both sides
 * when the log contradicts itself. It is on disk before a cosignature leaves.
 */
export interface WitnessState {
  readonly log: NoteKey;
  readonly seen: Checkpoint | null;
}

export interface Witness {
  /** Name under which it cosigns, such as `sigma/acme/hub`. */
  readonly name: string;
  readonly key: SigningKey;
  readonly ed25519: Ed25519Verify;
  readonly sha256: Sha256;
}

/**
 * - `unsigned`: it is no checkpoint that the log's key signed.
 * - `stranger`: it is that of another log.
 * - `rollback`: the log is shorter than it was.
 * - `fork`: the same length, another history.
 * - `inconsistent`: longer, and not proved to go on from what was seen.
 */
export type RefusalKind = 'unsigned' | 'stranger' | 'rollback' | 'fork' | 'inconsistent';

export interface Refusal {
  readonly kind: RefusalKind;
  /** Events among which the contradiction lies, inclusive; null when nothing is known of any. */
  readonly fromSequence: number | null;
  readonly toSequence: number | null;
  readonly message: string;
  /** The head that was seen, signed by the log: with `offered`, proof that it contradicts itself. */
  readonly seen: string | null;
  readonly offered: string;
}

export type Testimony =
  | { readonly result: 'cosigned'; readonly state: WitnessState; readonly cosignature: string }
  | { readonly result: 'refused'; readonly state: WitnessState; readonly refusal: Refusal };

/**
 * Judges a log's new head against what was seen of it before, and cosigns it (c2sp.org/tlog-witness, without its HTTP).
 * Pure: the caller stores `state` before it sends the cosignature.
 *
 * @param note the checkpoint as offered, signed by the log
 * @param proof consistency proof from the size that was seen (0 when nothing was) to the size offered
 * @param timeS seconds since 1970
 */
export function witness(
  state: WitnessState,
  note: string,
  proof: readonly Uint8Array[],
  timeS: number,
  { name, key, ed25519, sha256 }: Witness,
): Testimony {
  const { log, seen } = state;
  const refuse = (
    kind: RefusalKind,
    what: string,
    from: number | null = null,
    to: number | null = null,
  ): Testimony => ({
    result: 'refused',
    state,
    refusal: {
      kind,
      fromSequence: from,
      toSequence: to,
      message: `${log.name}: ${what}`,
      seen: seen?.note ?? null,
      offered: note,
    },
  });
  let offered: Checkpoint;
  try {
    offered = openCheckpoint(note, { keys: [log], ed25519, sha256 });
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    return refuse('unsigned', error.message);
  }
  if (offered.origin !== log.name) return refuse('stranger', `this is a checkpoint of ${offered.origin}`);
  const before = seen ?? { size: 0, root: sha256(new Uint8Array()) };
  if (offered.size < before.size) {
    const what = `it ended at event ${before.size} and now ends at ${offered.size}: its end was cut off`;
    return refuse('rollback', what, offered.size + 1, before.size);
  }
  if (!verifyConsistency(before, offered, proof, sha256)) {
    if (offered.size === before.size) {
      const what = `two histories of ${before.size} events: they differ in at least one of them`;
      return refuse('fork', what, Math.min(1, before.size), before.size);
    }
    const what = `it does not go on from event ${before.size} as it was seen: its past was rewritten, or the proof is false`;
    return refuse('inconsistent', what, Math.min(1, before.size), before.size);
  }
  return { result: 'cosigned', state: { log, seen: offered }, cosignature: cosign(offered, timeS, name, key, sha256) };
}

/** A head as its log shows it to a witness. */
export interface HeadOffer {
  /** Checkpoint, signed by the log. */
  readonly checkpoint: string;
  /** Size of the tree that the witness is thought to have seen. */
  readonly fromSize: number;
  /** Consistency proof from that size to the one offered. */
  readonly consistency: readonly Uint8Array[];
}

/** Far more than a checkpoint of ours, and the longest proof between two trees of 2^53 leaves, take. */
const MOST_CHARACTERS = 4_096;
const MOST_HASHES = 64;

/** Whether an offer is of a size that is worth a look; what is greater is nobody's honest head. */
export const isBoundedOffer = ({ checkpoint, fromSize, consistency }: HeadOffer): boolean =>
  checkpoint.length <= MOST_CHARACTERS &&
  Number.isSafeInteger(fromSize) &&
  consistency.length <= MOST_HASHES &&
  consistency.every((hash) => hash.length === 32);

/**
 * Judges an offer as `witness` does. `size`: nothing speaks against it, but its proof does not begin where this witness
 * stands; it is to be proved again from `state.seen`.
 */
export function answerOffer(
  state: WitnessState,
  { checkpoint, fromSize, consistency }: HeadOffer,
  timeS: number,
  by: Witness,
): Testimony | { readonly result: 'size'; readonly state: WitnessState } {
  const stands = fromSize === (state.seen?.size ?? 0);
  const testimony = witness(state, checkpoint, stands ? consistency : [], timeS, by);
  if (stands) return testimony;
  // Of a tree of the size that was seen there is nothing to be proved: same root, or another history.
  const longer = testimony.result === 'cosigned' && testimony.state.seen?.size !== state.seen?.size;
  const unproved = testimony.result === 'refused' && testimony.refusal.kind === 'inconsistent';
  return longer || unproved ? { result: 'size', state } : testimony;
}
