import type { Sha256 } from '../event.ts';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import { checkpointText, parseCheckpoint } from './checkpoint.ts';
import { type EventProof, formatProof, parseProof } from './event-proof.ts';
import { HASH_BYTES, leafHash } from './merkle.ts';
import { inclusionRoot } from './merkle-proof.ts';
import { formatSignature, NoteError, parseNote } from './note.ts';

const MAGIC = 'sigma proof ';
const VERSION = 1;
const HEAD = new TextEncoder().encode(`${MAGIC}${VERSION}\n`);
/** A path through 2^53 leaves, and room for what a checkpoint may say besides. */
const MOST_BYTES = 64 * 1024;

/** Bytes that are no proof file, or one that a newer program wrote. */
export class ProofFileError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'ProofFileError';
  }
}

/**
 * One event and its proof in a single small file (SPEC R135): the text of a tlog-proof in bytes, without the root, which
 * follows from the event and the path. Behind the event it takes less than 1 kB among ten million.
 *
 * @throws NoteError when the proof is no tlog-proof
 */
export function encodeProofFile({ envelope, proof }: EventProof): Uint8Array {
  const { index, path, note } = parseProof(proof);
  const { origin, size, root, text } = parseCheckpoint(note);
  const wire = new WireWriter(2048 + envelope.length);
  wire.bytes(1, envelope);
  wire.uint(2, index);
  wire.uint(3, size);
  wire.bytes(4, joined(path));
  wire.string(5, origin);
  wire.string(6, text.slice(checkpointText(origin, { size, root }).length));
  for (const { name, keyId, signature } of parseNote(note).signatures) {
    const mark = wire.open(7);
    wire.string(1, name === origin ? '' : name);
    wire.bytes(2, Uint8Array.of(...keyId, ...signature));
    wire.close(mark);
  }
  return joined([HEAD, wire.take()]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Reads a proof file. Nothing of it is believed yet: `checkProof` does that, with keys.
 *
 * @throws ProofFileError that says whether the file is cut short, of a newer version, or none at all
 */
export function decodeProofFile(bytes: Uint8Array, sha256: Sha256): EventProof {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 32));
  const version = /^sigma proof (\d{1,6})\n/.exec(head)?.[1];
  if (version === undefined) throw new ProofFileError('it is no proof file: `sigma prove` writes them');
  if (Number(version) !== VERSION) {
    throw new ProofFileError(`it is a proof file of version ${version}; this program reads version ${VERSION}`);
  }
  try {
    return read(new WireReader(bytes, HEAD.length), sha256);
  } catch (error) {
    if (!(error instanceof MalformedBytesError) && !(error instanceof NoteError)) throw error;
    throw new ProofFileError(`it is damaged or cut short (${error.message})`);
  }
}

function read(reader: WireReader, sha256: Sha256): EventProof {
  let envelope: Uint8Array = new Uint8Array();
  let [index, size, origin, more] = [0, 0, '', ''];
  let hashes: Uint8Array = new Uint8Array();
  const signatures: Uint8Array[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) envelope = reader.bytes();
    else if (tag === 0x10) index = reader.varint();
    else if (tag === 0x18) size = reader.varint();
    else if (tag === 0x22) hashes = reader.bytes();
    else if (tag === 0x2a) origin = reader.string();
    else if (tag === 0x32) more = reader.string();
    else if (tag === 0x3a) signatures.push(reader.bytes());
    else reader.skip(tag);
  }
  if (hashes.length % HASH_BYTES !== 0 || hashes.length > MOST_BYTES)
    throw new MalformedBytesError('a path of no hashes');
  const path = Array.from({ length: hashes.length / HASH_BYTES }, (_, n) =>
    hashes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES),
  );
  const root = inclusionRoot(leafHash(envelope, sha256), index, size, path, sha256);
  if (root === null) throw new MalformedBytesError('its path leads to no tree of that size');
  const lines = signatures.map((bytes) => signatureLine(bytes, origin));
  const note = `${checkpointText(origin, { size, root })}${more}\n${lines.join('')}`;
  return { envelope, proof: formatProof({ index, path, note }) };
}

function signatureLine(bytes: Uint8Array, origin: string): string {
  const reader = new WireReader(bytes);
  let name = '';
  let content: Uint8Array = new Uint8Array();
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) content = reader.bytes();
    else reader.skip(tag);
  }
  const [keyId, signature] = [content.subarray(0, 4), content.subarray(4)];
  return formatSignature({ name: name === '' ? origin : name, keyId, signature });
}
