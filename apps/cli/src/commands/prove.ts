import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type ChainHead,
  encodeProofFile,
  formatNoteKey,
  type LogId,
  logKey,
  logOf,
  NoSuchEventError,
  NoteError,
  openCheckpoint,
  type ProofAnchor,
  proveEvent,
  type Recording,
  StoreReadOnlyError,
  TilesDifferError,
  type Trust,
} from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { A_RECORDING, each, wholeNumber } from '../arguments.ts';
import { readText, signingKeyFrom, trustedKeys } from '../key-input.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { shelfName, withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';

interface ProveFlags {
  readonly event: number;
  readonly source: string;
  readonly epoch?: number;
  readonly tenant?: string;
  readonly output: string;
  readonly key?: string;
  readonly checkpoint?: string;
  readonly cosigned?: boolean;
  readonly trust: readonly string[];
  readonly json?: boolean;
}

/** `sigma prove FILE`: one event, for somebody who gets nothing else. */
export function proveCommand(shell: Shell): Command {
  return command('prove', 'Write a small file that proves one event to whoever trusts a key, and shows nothing else', [
    'sigma prove --event 4711 --source r17 -o stop.proof site.sqlite',
    'sigma prove --event 4711 --source r17 --checkpoint kept.note --trust trusted.keys -o stop.proof site.sqlite',
    'sigma prove --event 4711 --source r17 --cosigned --trust .data/hub/witness.pub -o stop.proof site.sqlite',
    'sigma verify --proof stop.proof --key trusted.keys',
  ])
    .argument('<file>', A_RECORDING)
    .requiredOption('--event <sequence>', 'sequence of the event in its chain', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .requiredOption('--source <id>', 'robot, hub or world that wrote it')
    .option('--epoch <n>', 'life of the writer (default: the last)', wholeNumber(0, 2 ** 32 - 1))
    .option('--tenant <id>', 'tenant, where the recording holds several with such a source')
    .requiredOption('-o, --output <file>', 'proof to write')
    .option(
      '--key <file>',
      'Ed25519 seed, 32 bytes, to sign with; made when it does not exist (default: export.key in the data folder)',
    )
    .option('--checkpoint <file>', 'prove it under this signed checkpoint instead of signing a new one')
    .option('--cosigned', 'prove it under the newest checkpoint that a witness cosigned, as kept beside the recording')
    .option(
      '--trust <key>',
      'with --checkpoint or --cosigned: key that signed it, as text or file (repeatable)',
      each,
      [],
    )
    .action(async (file: string, flags: ProveFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const proved = await withRecording(shell.environment, file, (recording) => prove(shell, recording, file, flags));
      try {
        writeFileSync(flags.output, proved.bytes);
      } catch (error) {
        throw new CommandError(
          EXIT.machine,
          `${flags.output}: ${(error as Error).message}`,
          'Name another file with -o',
        );
      }
      const { source, epoch, bytes, keys } = proved;
      const how = `sigma verify --proof ${flags.output} ${keys.map((key) => `--key '${key}'`).join(' ')}`;
      terminal.result(
        { recording: file, proof: flags.output, source, epoch, sequence: flags.event, bytes: bytes.length, keys },
        `${flags.output}: event ${flags.event} of ${source}, epoch ${epoch}, ${bytes.length} bytes\nCheck it anywhere:\n  ${how}`,
      );
    });
}

interface Proved {
  readonly source: string;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  /** Keys of which whoever checks it must trust one, as texts. */
  readonly keys: readonly string[];
}

async function prove(shell: Shell, recording: Recording, file: string, flags: ProveFlags): Promise<Proved> {
  const head = chosen(await recording.heads(), flags, file);
  const { source, epoch } = head;
  const shelf = shelfOf(shelfName(shell.environment, file));
  try {
    const { anchor, keys } = anchorOf(
      shell,
      await logOf(recording, head, sha256),
      flags,
      (await shelf?.checkpoints(head)) ?? [],
    );
    const proof = await proveEvent(recording, head, flags.event, anchor, sha256, shelf);
    return { source, epoch, bytes: encodeProofFile(proof), keys };
  } catch (error) {
    throw refusal(error, head, file, flags);
  } finally {
    await shelf?.close();
  }
}

function chosen(heads: readonly ChainHead[], flags: ProveFlags, file: string): ChainHead {
  const { source, epoch, tenant } = flags;
  const found = heads.filter(
    (head) =>
      head.source === source &&
      (epoch === undefined || head.epoch === epoch) &&
      (tenant === undefined || head.tenant === tenant),
  );
  const tenants = [...new Set(found.map((head) => head.tenant))];
  const last = found[found.length - 1];
  if (last !== undefined && tenants.length === 1) return last;
  if (last !== undefined) {
    throw new CommandError(
      EXIT.usage,
      `'${source}' is a source of ${tenants.join(' and ')}`,
      'Say which with --tenant',
    );
  }
  const held = heads.map((head) => `${head.source} ${head.epoch}`).join(', ');
  const sought = epoch === undefined ? `'${source}'` : `'${source}' epoch ${epoch}`;
  throw new CommandError(EXIT.usage, `${file} holds no chain of ${sought}`, `It holds ${held === '' ? 'none' : held}`);
}

/**
 * The signed head that the proof is under: one that exists, or one to be signed now.
 *
 * @param beside checkpoints of this chain that are kept beside the recording, the smallest tree first
 */
function anchorOf(
  shell: Shell,
  log: LogId,
  { checkpoint, cosigned, trust, key, event }: ProveFlags,
  beside: readonly string[],
): { readonly anchor: ProofAnchor; readonly keys: readonly string[] } {
  if (checkpoint === undefined && cosigned !== true) {
    const signing = signingKeyFrom(resolve(key ?? join(shell.environment.dataDir, 'export.key')));
    return { anchor: { key: signing }, keys: [formatNoteKey(logKey(log, signing.publicKey), sha256)] };
  }
  const keys = trustedKeys(trust);
  if (keys.length === 0) {
    const what = `${checkpoint === undefined ? '--cosigned' : '--checkpoint'} is believed only with the key that signed it`;
    throw new CommandError(EXIT.usage, what, 'Give that key with --trust');
  }
  const trusted = { keys, ed25519: ed25519Verify, sha256 };
  const note =
    checkpoint === undefined
      ? beside.findLast((one) => covers(one, event, trusted))
      : readText(checkpoint, '--checkpoint');
  if (note === undefined) {
    const what = `no checkpoint kept beside the recording covers event ${event} of ${log.source} and bears that key's signature`;
    const wayOut = 'A witness cosigns every ten seconds while hub and edge are linked; or prove it without --cosigned';
    throw new CommandError(EXIT.failed, what, wayOut);
  }
  return { anchor: { checkpoint: note, trust: trusted }, keys: keys.map((one) => formatNoteKey(one, sha256)) };
}

function covers(note: string, event: number, trust: Trust): boolean {
  try {
    return openCheckpoint(note, trust).size >= event;
  } catch (error) {
    if (error instanceof NoteError) return false;
    throw error;
  }
}

/** The shelf beside the recording, so that the next proof reads a handful of tiles; none where nothing may be written. */
function shelfOf(file: string): ReturnType<typeof openProofShelf> | undefined {
  try {
    return openProofShelf(file);
  } catch (error) {
    if (error instanceof StoreReadOnlyError) return undefined;
    throw error;
  }
}

function refusal(error: unknown, head: ChainHead, file: string, flags: ProveFlags): unknown {
  if (error instanceof NoSuchEventError) {
    const what = `${file} holds no event ${flags.event} of ${head.source}, epoch ${head.epoch}`;
    return new CommandError(EXIT.usage, what, `Its last is ${head.sequence}`);
  }
  if (error instanceof NoteError) {
    const what = `${flags.checkpoint ?? file}: ${error.message}`;
    return new CommandError(EXIT.failed, what, 'Give a checkpoint of this chain that covers the event, and its key');
  }
  if (error instanceof TilesDifferError) {
    const wayOut = `Run \`sigma verify\` on it; when it is whole, remove ${file}.proofs, which is built again`;
    return new CommandError(EXIT.failed, `nothing is proved: ${error.message}`, wayOut);
  }
  return error;
}
