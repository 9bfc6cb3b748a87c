import type { ChainId, Sha256 } from '../event.ts';
import { base64Of, bytesOfBase64 } from './base64.ts';
import type { TreeHead } from './merkle-proof.ts';
import {
  checkSignatures,
  cosignText,
  type Ed25519Verify,
  formatSignature,
  NoteError,
  type NoteKey,
  parseNote,
  type SignedBy,
  type SigningKey,
  signText,
} from './note.ts';

/** The head of one chain's tree, as c2sp.org/tlog-checkpoint writes it; not yet believed. */
export interface Checkpoint extends TreeHead {
  readonly origin: string;
  /** The signed lines, the last newline included. */
  readonly text: string;
  /** The whole note, signatures included. */
  readonly note: string;
}

/** A checkpoint whose signatures were checked: at least one known key signed it. */
export interface SignedCheckpoint extends Checkpoint {
  readonly signers: readonly SignedBy[];
}

/** A chain as a log of its own; of a fork with what tells it from its parent (`logOf`). */
export interface LogId extends ChainId {
  /** 32 hex digits. */
  readonly fork?: string;
}

/**
 * Name of a chain among logs: `sigma/<tenant>/<source>/<epoch>`, each part percent-encoded as encodeURIComponent does,
 * so that no slash, space, plus or newline of a name is taken for one of the format. Behind that of a fork stands
 * `/fork/<32 hex digits>`: it is another log than its parent, and no key of the one speaks for the other.
 */
export const originOf = ({ tenant, source, epoch, fork }: LogId): string =>
  `sigma/${encodeURIComponent(tenant)}/${encodeURIComponent(source)}/${epoch}${fork === undefined ? '' : `/fork/${fork}`}`;

/** @returns null for the origin of some other log, such as a fork */
export function chainOfOrigin(origin: string): ChainId | null {
  const [, tenant, source, epoch] = /^sigma\/([^/]+)\/([^/]+)\/(0|[1-9]\d{0,9})$/.exec(origin) ?? [];
  if (tenant === undefined || source === undefined || epoch === undefined) return null;
  try {
    const chain = { tenant: decodeURIComponent(tenant), source: decodeURIComponent(source), epoch: Number(epoch) };
    return originOf(chain) === origin ? chain : null;
  } catch {
    return null;
  }
}

export const checkpointText = (origin: string, { size, root }: TreeHead): string =>
  `${origin}\n${size}\n${base64Of(root)}\n`;

/** The head of a chain's tree, signed by its writer under the name of its origin. */
export function signCheckpoint(chain: LogId, head: TreeHead, key: SigningKey, sha256: Sha256): string {
  const origin = originOf(chain);
  const text = checkpointText(origin, head);
  return `${text}\n${formatSignature(signText(text, origin, key, sha256))}`;
}

/** Key under which a chain's own checkpoints are verified. */
export const logKey = (chain: LogId, publicKey: Uint8Array): NoteKey => ({
  name: originOf(chain),
  role: 'log',
  publicKey,
});

/** @returns the signature line of a witness, to be put behind the others */
export const cosign = ({ text }: Checkpoint, timeS: number, name: string, key: SigningKey, sha256: Sha256): string =>
  formatSignature(cosignText(text, timeS, name, key, sha256));

/** Reads a checkpoint without believing it. @throws NoteError */
export function parseCheckpoint(note: string): Checkpoint {
  const { text } = parseNote(note);
  const [origin, size, encoded, ...more] = text.split('\n');
  if (origin === undefined || size === undefined || encoded === undefined || more.length === 0 || origin === '') {
    throw new NoteError('a checkpoint has at least three lines: origin, size, root');
  }
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new NoteError(`'${size}' is no tree size`);
  }
  if (more.slice(0, -1).some((line) => line === '')) throw new NoteError('a line of the checkpoint is empty');
  const root = bytesOfBase64(encoded);
  if (root?.length !== 32) throw new NoteError('the root is not 32 bytes in base64');
  return { origin, size: Number(size), root, text, note };
}

/** How checkpoints are judged: the keys somebody trusts, and the means. */
export interface Trust {
  readonly keys: readonly NoteKey[];
  readonly ed25519: Ed25519Verify;
  readonly sha256: Sha256;
}

/**
 * Reads a checkpoint and checks its signatures.
 *
 * @throws NoteError when it is malformed, when a known key's signature is false, or when no known key signed it
 */
export function openCheckpoint(note: string, { keys, ed25519, sha256 }: Trust): SignedCheckpoint {
  const checkpoint = parseCheckpoint(note);
  const signers = checkSignatures(parseNote(note), keys, ed25519, sha256);
  if (signers.length === 0) throw new NoteError(`no known key signed the checkpoint of ${checkpoint.origin}`);
  return { ...checkpoint, signers };
}
