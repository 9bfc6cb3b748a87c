import { type ChainId, formatNoteKey, type NoteKey, type Refusal, type RefusalKind } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Trouble } from '../alerts/alerts.ts';

const CRITICAL = 4;

/** A witness's key as text, as it is handed to those who verify. */
export const witnessKeyText = (name: string, publicKey: Uint8Array): string =>
  formatNoteKey({ name, role: 'witness', publicKey } satisfies NoteKey, sha256);

/** Refusals that show a log to contradict itself; the others say only that nothing was believed. */
export const isContradiction = (kind: RefusalKind): boolean =>
  kind === 'rollback' || kind === 'fork' || kind === 'inconsistent';

/** What people are told of a chain that contradicts what was seen of it. */
export function contradiction(
  { source, epoch }: ChainId,
  { kind, fromSequence, toSequence, message }: Pick<Refusal, 'kind' | 'fromSequence' | 'toSequence' | 'message'>,
  seenBy: string,
): Trouble {
  const where = fromSequence === null ? '' : `, events ${fromSequence} to ${toSequence}`;
  const text = `the recording of ${source}, epoch ${epoch}${where}, is not the one that ${seenBy} saw (${kind}): ${message}`;
  const advice =
    'Copy the recording and the .proofs beside it before anything else, then run sigma verify on the copy with the ' +
    "witness's key. If a backup was restored on purpose, acknowledge this: what is gone stays named here";
  return { level: CRITICAL, text, advice };
}

/** What people are told when an edge shows a key that is not the one it is known by. */
export function changedKey(edgeId: string, shown: string | null, acceptIn: string): Trouble {
  const text =
    shown === null
      ? `edge ${edgeId} shows no key any more, though it is known by one: nobody witnesses its recordings`
      : `edge ${edgeId} shows another key than the one it is known by: nobody witnesses its recordings`;
  const advice =
    shown === null
      ? 'Run the program on it that it ran before; its work goes on meanwhile'
      : `If its computer or data folder was replaced, add the line ${shown} to ${acceptIn} on the hub's machine, then ` +
        'link it again; if not, somebody else poses as it: take it off the network. Its work goes on meanwhile';
  return { level: CRITICAL, text, advice };
}
