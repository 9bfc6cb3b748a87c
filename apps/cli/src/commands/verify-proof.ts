import {
  chainName,
  chainOfOrigin,
  checkProof,
  decodeEnvelope,
  decodeProofFile,
  type EventProof,
  hexOfBytes,
  MalformedBytesError,
  NoteError,
  type NoteKey,
  ProofFileError,
  type ProvedEvent,
  type RecordedEvent,
  readablePayload,
} from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { sha256 } from '@sigma/recorder/sqlite';
import { readBytes } from '../key-input.ts';
import { CommandError, EXIT } from '../outcome.ts';
import type { Terminal } from '../terminal.ts';

/** Checks the proof of one event with nothing but keys, and shows what it proves. @throws CommandError */
export function verifyProof(terminal: Terminal, path: string, keys: readonly NoteKey[]): void {
  const proof = readProof(path);
  const { sequence, checkpoint } = judged(path, proof, keys);
  const chain = chainOfOrigin(checkpoint.origin);
  const event = decodeEnvelope(proof.envelope);
  if (event.sequence !== sequence) {
    const what = `${path} proves number ${sequence} of its log, and the event calls itself ${event.sequence}`;
    throw new CommandError(EXIT.failed, what, 'Ask for the proof again: this one was not made by `sigma prove`');
  }
  const place = chain === null ? checkpoint.origin : chainName(chain);
  const signers = checkpoint.signers.map(({ key, timeS }) => ({ name: key.name, role: key.role, timeS }));
  const said = payloadOf(event);
  const tree = { size: checkpoint.size, root: hexOfBytes(checkpoint.root) };
  const { type, subject, atUs, timeUs } = event;
  const json = { origin: checkpoint.origin, ...chain, sequence, type, subject, atUs, timeUs, payload: said };
  const lines = [
    `event ${sequence} of ${place}`,
    `  ${type} at ${(atUs / 1e6).toFixed(3)} s${subject === '' ? '' : `, about ${subject}`}, ${new Date(timeUs / 1000).toISOString()}`,
    `  ${said.length > 400 ? `${said.slice(0, 400)} ...` : said}`,
    `stands in the tree of ${tree.size} events with root ${tree.root}`,
    ...signers.map(({ name, timeS }) =>
      timeS === null ? `signed by ${name}` : `cosigned by ${name}, ${new Date(timeS * 1000).toISOString()}`,
    ),
    'verify ok',
  ];
  terminal.result({ proof: path, verify: 'ok', ...json, tree, signers, tlogProof: proof.proof }, lines.join('\n'));
}

function readProof(path: string): EventProof {
  try {
    return decodeProofFile(readBytes(path, '--proof'), sha256);
  } catch (error) {
    if (!(error instanceof ProofFileError)) throw error;
    const wayOut = 'Ask for the file again, or make it with `sigma prove`; a recording is verified without --proof';
    throw new CommandError(EXIT.failed, `${path}: ${error.message}`, wayOut);
  }
}

function judged(path: string, { envelope, proof }: EventProof, keys: readonly NoteKey[]): ProvedEvent {
  try {
    return checkProof(envelope, proof, { keys, ed25519: ed25519Verify, sha256 });
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    const wayOut = error.message.startsWith('no known key')
      ? 'Ask its owner for the key and give it with --key; if you have it, the proof is not theirs'
      : 'The event, its place or the checkpoint was altered: believe nothing of it';
    throw new CommandError(EXIT.failed, `${path} does not verify: ${error.message}`, wayOut);
  }
}

function payloadOf(event: RecordedEvent): string {
  try {
    return readablePayload(event);
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    return `${event.data.length} bytes that this program cannot read`;
  }
}
