import { hexOfBytes, type Sha256, sameBytes } from '../event.ts';
import { base64Of, bytesOfBase64 } from './base64.ts';

/** Whether `signature` (64 bytes) is that of `publicKey` (32 bytes) over `message` (RFC 8032). Never throws. */
export type Ed25519Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** A private key that stays where it is. */
export interface SigningKey {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** @returns 64 bytes; the same for the same message */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** What a signature says: `log`, the note's own text; `witness`, that its holder saw the log grow, at a time. */
export type KeyRole = 'log' | 'witness';

/** A name and a public key that somebody trusts, in one role. */
export interface NoteKey {
  readonly name: string;
  readonly role: KeyRole;
  readonly publicKey: Uint8Array;
}

/** Signature types of c2sp.org/signed-note and c2sp.org/tlog-cosignature. */
const TYPE: Readonly<Record<KeyRole, number>> = { log: 0x01, witness: 0x04 };

/** Text that is no signed note, or none of the kind it was taken for. */
export class NoteError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'NoteError';
  }
}

/** A signed note (c2sp.org/signed-note), taken apart and not yet believed. */
export interface Note {
  /** What is signed, its last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  readonly name: string;
  /** First four bytes of the key's hash. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

const UTF8 = new TextEncoder();
/** A note of ours has three lines; witnesses add one each. */
const MOST_CHARACTERS = 65_536;
const MOST_SIGNATURES = 64;

/** SHA-256(name, newline, type, key), the first four bytes. */
function keyId({ name, role, publicKey }: NoteKey, sha256: Sha256): Uint8Array {
  const named = UTF8.encode(`${name}\n`);
  const input = new Uint8Array(named.length + 1 + publicKey.length);
  input.set(named);
  input[named.length] = TYPE[role];
  input.set(publicKey, named.length + 1);
  return sha256(input).subarray(0, 4);
}

/** A key as text, `name+hex id+base64 key`: what is handed to those who verify. */
export function formatNoteKey(key: NoteKey, sha256: Sha256): string {
  const content = Uint8Array.of(TYPE[key.role], ...key.publicKey);
  return `${key.name}+${hexOfBytes(keyId(key, sha256))}+${base64Of(content)}`;
}

/** @throws NoteError */
export function parseNoteKey(text: string, sha256: Sha256): NoteKey {
  // The base64 part may hold a plus too; a name may not.
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? [];
  const content = encoded === undefined ? null : bytesOfBase64(encoded);
  const role = content?.[0] === TYPE.log ? 'log' : content?.[0] === TYPE.witness ? 'witness' : null;
  if (name === undefined || content === null || role === null || content.length !== 33) {
    throw new NoteError('a key is written name+8 hex digits+base64 of an Ed25519 key (type 1 or 4)');
  }
  const key = { name, role, publicKey: content.slice(1) } as const;
  if (hexOfBytes(keyId(key, sha256)) !== id) throw new NoteError(`the key of ${name} does not have the id ${id}`);
  return key;
}

/** @throws NoteError */
export function parseNote(note: string): Note {
  if (note.length > MOST_CHARACTERS) throw new NoteError(`it is longer than ${MOST_CHARACTERS} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the format forbids
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new NoteError('it holds control characters');
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0 || !note.endsWith('\n')) throw new NoteError('no blank line stands between text and signatures');
  const lines = note.slice(blank + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) throw new NoteError(`it has more than ${MOST_SIGNATURES} signatures`);
  return { text: note.slice(0, blank + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) ?? [];
  const content = encoded === undefined ? null : bytesOfBase64(encoded);
  if (name === undefined || content === null || content.length < 5)
    throw new NoteError('a signature line is malformed');
  return { name, keyId: content.subarray(0, 4), signature: content.subarray(4) };
}

export function formatSignature({ name, keyId: id, signature }: NoteSignature): string {
  return `\u2014 ${name} ${base64Of(Uint8Array.of(...id, ...signature))}\n`;
}

/** Signs a text that ends in a newline. @throws NoteError for a name that no note can carry */
export function signText(text: string, name: string, key: SigningKey, sha256: Sha256): NoteSignature {
  if (!/^[^\s+]+$/.test(name)) throw new NoteError(`'${name}' holds a space or a plus`);
  const id = keyId({ name, role: 'log', publicKey: key.publicKey }, sha256);
  return { name, keyId: id, signature: key.sign(UTF8.encode(text)) };
}

/** Signs as a witness does: time in front of the text, and in the signature (c2sp.org/tlog-cosignature, v1). */
export function cosignText(text: string, timeS: number, name: string, key: SigningKey, sha256: Sha256): NoteSignature {
  if (!/^[^\s+]+$/.test(name)) throw new NoteError(`'${name}' holds a space or a plus`);
  if (!Number.isSafeInteger(timeS) || timeS < 0) throw new NoteError(`${timeS} is no time in whole seconds`);
  const signature = new Uint8Array(72);
  new DataView(signature.buffer).setBigUint64(0, BigInt(timeS));
  signature.set(key.sign(cosigned(text, timeS)), 8);
  return { name, keyId: keyId({ name, role: 'witness', publicKey: key.publicKey }, sha256), signature };
}

const cosigned = (text: string, timeS: number | bigint): Uint8Array =>
  UTF8.encode(`cosignature/v1\ntime ${timeS}\n${text}`);

/** Who signed a note, as far as the keys given can tell. */
export interface SignedBy {
  readonly key: NoteKey;
  /** When a witness says it signed, seconds since 1970; null for the log itself. */
  readonly timeS: number | null;
}

/**
 * Checks every signature that bears the name and id of a known key; others are passed over, as the format asks.
 *
 * @throws NoteError when a known key's signature is false: then nothing of the note is to be believed
 */
export function checkSignatures(
  note: Note,
  keys: readonly NoteKey[],
  verify: Ed25519Verify,
  sha256: Sha256,
): readonly SignedBy[] {
  const signers: SignedBy[] = [];
  for (const key of keys) {
    const id = keyId(key, sha256);
    for (const { name, keyId: claimed, signature } of note.signatures) {
      if (name !== key.name || !sameBytes(claimed, id)) continue;
      if (key.role === 'log') {
        if (signature.length !== 64 || !verify(key.publicKey, UTF8.encode(note.text), signature))
          throw falseSignature(name);
        signers.push({ key, timeS: null });
        continue;
      }
      if (signature.length !== 72) throw falseSignature(name);
      const timeS = new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0);
      if (timeS > BigInt(Number.MAX_SAFE_INTEGER)) throw falseSignature(name);
      if (!verify(key.publicKey, cosigned(note.text, timeS), signature.subarray(8))) throw falseSignature(name);
      signers.push({ key, timeS: Number(timeS) });
    }
  }
  return signers;
}

const falseSignature = (name: string): NoteError => new NoteError(`the signature of ${name} is false`);
