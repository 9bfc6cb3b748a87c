import { availableParallelism } from 'node:os';
import {
  type ChainReport,
  chainOfOrigin,
  type Failure,
  hexOfBytes,
  type LineageReport,
  NoteError,
  type NoteKey,
  openCheckpoint,
  parseCheckpoint,
  type Recording,
  type VerifyReport,
  verifyLineage,
} from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { isArchive } from '../archive-input.ts';
import { A_RECORDING, each, wholeNumber } from '../arguments.ts';
import { readText, trustedKeys } from '../key-input.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { shelfName, withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';
import { withTimeline } from '../timeline-input.ts';
import { verifyInThreads } from '../verifying/verify-in-threads.ts';
import { shelfBeside } from '../verifying/verify-share.ts';
import { verifyProof } from './verify-proof.ts';

interface VerifyFlags {
  readonly proof?: string;
  readonly checkpoint: readonly string[];
  readonly key: readonly string[];
  readonly parent: readonly string[];
  readonly threads: number;
  readonly json?: boolean;
}

/** `sigma verify FILE`: the chain from its first byte, then the kernel and the physics run again. */
export function verifyCommand(shell: Shell): Command {
  return command(
    'verify',
    'Check a recording: hashes, chains, signed checkpoints, and every decision made again from the same inputs; or ' +
      'check the proof of one event',
    [
      'sigma verify .data/recordings/sim-7.sqlite',
      'sigma verify --json site.sqlite',
      'sigma verify --checkpoint kept.note --key trusted.keys site.sqlite',
      'sigma verify --key .data/hub/witness.pub site.sqlite   # against what the hub cosigned',
      'sigma verify --proof stop.proof --key trusted.keys',
      'sigma verify fork.sqlite   # and against the recording that it is a fork of',
    ],
  )
    .argument('[file]', A_RECORDING)
    .option('--proof <file>', 'check the proof of one event that `sigma prove` wrote; needs no recording')
    .option(
      '--checkpoint <file>',
      'a signed checkpoint kept from an earlier look: the recording must still meet it (repeatable)',
      each,
      [],
    )
    .option('--key <key>', 'key you trust, as text or a file with one on each line (repeatable)', each, [])
    .option(
      '--threads <n>',
      'how many work side by side (default: one for each core)',
      wholeNumber(1, 64),
      availableParallelism(),
    )
    .option('--parent <file>', 'where a parent of a fork lies now (repeatable)', each, [])
    .action(async (file: string | undefined, flags: VerifyFlags) => {
      const terminal = shell.terminal(flags.json === true);
      if (flags.proof !== undefined) {
        if (file !== undefined || flags.checkpoint.length > 0) throw proofAlone();
        verifyProof(terminal, flags.proof, trusted(flags.key, '--proof'));
      } else if (file !== undefined) await verifyRecording(shell, terminal, file, flags);
      else {
        const wayOut =
          'Name a recording (sigma verify site.sqlite) or a proof (sigma verify --proof stop.proof --key …)';
        throw new CommandError(EXIT.usage, 'nothing to verify was named', wayOut);
      }
    });
}

const proofAlone = (): CommandError =>
  new CommandError(
    EXIT.usage,
    '--proof is checked with keys and nothing else',
    'Leave the recording and --checkpoint out, or leave --proof out',
  );

function trusted(texts: readonly string[], why: string): readonly NoteKey[] {
  if (texts.length > 0) return trustedKeys(texts);
  const wayOut = 'Give the key you trust with --key, as `sigma export` or `sigma prove` printed it to its owner';
  throw new CommandError(EXIT.usage, `${why} proves nothing without a key`, wayOut);
}

async function verifyRecording(shell: Shell, terminal: Terminal, file: string, flags: VerifyFlags): Promise<void> {
  if (flags.checkpoint.length > 0) trusted(flags.key, '--checkpoint');
  const keys = trustedKeys(flags.key);
  const notes = flags.checkpoint.map((path) => checkpointIn(path));
  const report = await withRecording(shell.environment, file, (recording) =>
    runVerify(shell, terminal, recording, file, notes, keys, flags.threads),
  );
  const lineage = report.ok ? await proveLineage(shell, file, flags.parent) : [];
  const text = [describeReport(report), ...lineage.map(lineageText)].join('\n');
  terminal.result({ ...verifyJson(file, report), lineage }, text);
  if (report.ok) return;
  const first = report.firstFailure;
  const failures = failuresOf(report);
  if (isArchive(file) && failures.every(({ kind }) => kind === 'unreadable')) {
    const [what, more] = [`${file} cannot be read whole: ${first?.message}`, failures.length - 1];
    const wayOut =
      'Put the files back from a copy of the archive; what was thinned is proved by the tree and nothing else. ' +
      'All else is as it was written';
    throw new CommandError(EXIT.machine, more === 0 ? what : `${what}, and ${more} more stretches (above)`, wayOut);
  }
  throw new CommandError(
    EXIT.failed,
    `${file} does not verify: ${first?.message ?? 'it failed'}`,
    first?.kind === 'signature'
      ? 'Check where the checkpoint and the key come from: the recording itself was not found to be altered'
      : 'Everything before that event is as it was written',
  );
}

/** A fork proves its beginning against its parent, and that one against its own; nothing for what is no fork. */
async function proveLineage(shell: Shell, file: string, parents: readonly string[]): Promise<readonly LineageReport[]> {
  const { timelineReexecutors } = await import('@sigma/sim/recording');
  return withTimeline(shell, file, parents, (timeline) => verifyLineage(timeline, timelineReexecutors));
}

const lineageText = ({ parent, proved, blockOnly }: LineageReport): string =>
  [
    `a fork of ${parent}: ${proved} chains begin where its inputs lead`,
    ...blockOnly.map(({ chain, because }) => `  of ${chain} only the block was checked: ${because}`),
  ].join('\n');

function checkpointIn(path: string): string {
  const note = readText(path, '--checkpoint');
  try {
    const { origin } = parseCheckpoint(note);
    if (chainOfOrigin(origin) === null) throw new NoteError(`${origin} is no chain of a recording`);
    return note;
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    const wayOut = 'Give the file named checkpoint of an export, or one that a witness kept';
    throw new CommandError(EXIT.usage, `${path} is no checkpoint: ${error.message}`, wayOut);
  }
}

async function runVerify(
  shell: Shell,
  terminal: Terminal,
  recording: Recording,
  file: string,
  given: readonly string[],
  keys: readonly NoteKey[],
  threads: number,
): Promise<VerifyReport> {
  const notes = keys.length === 0 ? [] : [...given, ...(await notesBeside(shell, recording, file, keys))];
  const { dataDir, s3 } = shell.environment;
  const task = { place: { dataDir, s3 }, named: file, notes, keys };
  return verifyInThreads(task, recording, threads, ({ chain, sequence, ofSequence }) => {
    shell.interrupted.throwIfAborted();
    terminal.progress(`${chain.source}: event ${sequence} of ${ofSequence}`);
  });
}

/** Checkpoints kept beside the recording that one of these keys signed. */
async function notesBeside(
  shell: Shell,
  recording: Recording,
  file: string,
  keys: readonly NoteKey[],
): Promise<readonly string[]> {
  const shelf = shelfBeside(shelfName(shell.environment, file));
  if (shelf === null) return [];
  try {
    const notes: string[] = [];
    for (const head of await recording.heads()) notes.push(...(await shelf.checkpoints(head)));
    return notes.filter((note) => isOurs(note, keys));
  } finally {
    await shelf.close();
  }
}

/** Of what is kept beside a recording those count that a trusted key signed: others are for those who know theirs. */
function isOurs(note: string, keys: readonly NoteKey[]): boolean {
  try {
    openCheckpoint(note, { keys, ed25519: ed25519Verify, sha256 });
    return true;
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    return !error.message.startsWith('no known key');
  }
}

const failuresOf = ({ chains }: VerifyReport): readonly Failure[] => chains.flatMap(({ failures }) => failures);

const verifyJson = (recording: string, report: VerifyReport) => ({
  recording,
  verify: report.ok ? 'ok' : report.firstFailure?.message,
  head: report.head,
  events: report.events,
  wakes: report.wakes,
  chains: report.chains.map(({ tree, ...chain }) => ({
    tenant: chain.tenant,
    source: chain.source,
    epoch: chain.epoch,
    events: chain.events,
    wakes: chain.wakes,
    reexecuted: chain.reexecuted,
    stretches: chain.stretches,
    failures: chain.failures,
    chainOnlyBecause: chain.chainOnlyBecause,
    checkpointsMet: chain.checkpointsMet,
    tree: tree === null ? null : { size: tree.size, root: hexOfBytes(tree.root) },
  })),
});

function describeReport(report: VerifyReport): string {
  const rows = report.chains.map((chain) => [
    `${chain.source} ${chain.epoch}`,
    String(chain.events),
    String(chain.wakes),
    resultOf(chain),
  ]);
  const failures = failuresOf(report);
  const others = failures.filter(({ kind }) => kind !== 'unreadable');
  const unreadable = failures.filter(({ kind }) => kind === 'unreadable').map(({ message }) => message);
  const sides = others
    .slice(0, 3)
    .flatMap(({ message, recorded, expected }) => [
      message,
      ...(recorded === null ? [] : [`  recorded: ${recorded.slice(0, 300)}`]),
      ...(expected === null ? [] : [`  expected: ${expected.slice(0, 300)}`]),
    ]);
  return [
    columns([['chain', 'events', 'wakes', 'result'], ...rows]),
    `head ${report.head}`,
    ...unreadable,
    ...sides,
    others.length > 3 ? `... and ${others.length - 3} more failures` : '',
    `verify ${report.ok ? 'ok' : 'FAILED'}`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function resultOf({ failures, stretches, chainOnlyBecause }: ChainReport): string {
  if (failures.length > 0) return `FAILED, ${failures.length} times`;
  if (chainOnlyBecause !== null) return `chain only: ${chainOnlyBecause}`;
  return [...new Set(stretches.map(({ result }) => result))].join(', ');
}
