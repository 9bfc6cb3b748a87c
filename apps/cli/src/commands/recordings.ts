import { decodeState } from '@sigma/kernel';
import {
  type ChainHead,
  type ChainReport,
  hexOfBytes,
  type Materialised,
  type Recording,
  replayAt,
  siteHead,
  type VerifyReport,
  verify,
} from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, group, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';

/** `sigma verify FILE`: the chain from its first byte, then the kernel and the physics run again. */
export function verifyCommand(shell: Shell): Command {
  return command('verify', 'Check a recording: hashes, chains, and every decision made again from the same inputs', [
    'sigma verify .data/recordings/sim-7.sqlite',
    'sigma verify --json site.sqlite',
  ])
    .argument('<file>', 'recording')
    .action(async (file: string, flags: { readonly json?: boolean }) => {
      const terminal = shell.terminal(flags.json === true);
      const report = await withRecording(file, (recording) => runVerify(shell, terminal, recording));
      terminal.result(verifyJson(file, report), describeReport(report));
      if (report.ok) return;
      const first = report.firstFailure?.message ?? 'it failed';
      throw new CommandError(
        EXIT.failed,
        `${file} does not verify: ${first}`,
        'Everything before that event is as it was written',
      );
    });
}

async function runVerify(shell: Shell, terminal: Terminal, recording: Recording): Promise<VerifyReport> {
  const { fleetReexecutors } = await import('@sigma/sim');
  return verify(recording, {
    sha256,
    reexecutors: await fleetReexecutors(recording),
    progress: ({ chain, sequence, ofSequence }) => {
      shell.interrupted.throwIfAborted();
      terminal.progress(`${chain.source}: event ${sequence} of ${ofSequence}`);
    },
  });
}

const verifyJson = (recording: string, report: VerifyReport) => ({
  recording,
  verify: report.ok ? 'ok' : report.firstFailure?.message,
  head: report.head,
  events: report.events,
  wakes: report.wakes,
  chains: report.chains.map(
    ({ tenant, source, epoch, events, wakes, reexecuted, stretches, failures, chainOnlyBecause }) => ({
      tenant,
      source,
      epoch,
      events,
      wakes,
      reexecuted,
      stretches,
      failures,
      chainOnlyBecause,
    }),
  ),
});

function describeReport(report: VerifyReport): string {
  const rows = report.chains.map((chain) => [
    `${chain.source} ${chain.epoch}`,
    String(chain.events),
    String(chain.wakes),
    resultOf(chain),
  ]);
  const failures = report.chains.flatMap(({ failures: of }) => of);
  const sides = failures
    .slice(0, 3)
    .flatMap(({ message, recorded, expected }) => [
      message,
      ...(recorded === null ? [] : [`  recorded: ${recorded.slice(0, 300)}`]),
      ...(expected === null ? [] : [`  expected: ${expected.slice(0, 300)}`]),
    ]);
  return [
    columns([['chain', 'events', 'wakes', 'result'], ...rows]),
    `head ${report.head}`,
    ...sides,
    failures.length > 3 ? `... and ${failures.length - 3} more failures` : '',
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

/** `sigma record ls FILE`: which chains there are. */
export function recordCommand(shell: Shell): Command {
  const record = group('record', 'Look into recordings', ['sigma record ls .data/recordings/sim-7.sqlite']);
  const list = command('ls', 'Chains of a recording, with their lengths and heads', [
    'sigma record ls site.sqlite --json',
  ])
    .argument('<file>', 'recording')
    .action(async (file: string, flags: { readonly json?: boolean }) => {
      const terminal = shell.terminal(flags.json === true);
      const heads = await withRecording(file, (recording) => recording.heads());
      const head = siteHead(heads, sha256);
      const chains = heads.map(({ hash, ...chain }) => ({ ...chain, hash: hexOfBytes(hash) }));
      terminal.result({ recording: file, head, chains }, `${chainTable(heads)}\nhead ${head}`);
    });
  return record.addCommand(list);
}

const chainTable = (heads: readonly ChainHead[]): string =>
  columns([
    ['tenant', 'source', 'epoch', 'events', 'blocks', 'until', 'hash'],
    ...heads.map(({ tenant, source, epoch, sequence, blocks, atUs, hash }) => [
      tenant,
      source,
      String(epoch),
      String(sequence),
      String(blocks),
      `${(atUs / 1e6).toFixed(2)} s`,
      hexOfBytes(hash).slice(0, 16),
    ]),
  ]);

/** `12`, `12.5`, `12.5s`, `1:30`: seconds since the recording began, as microseconds. */
function momentUs(text: string): number {
  const match = /^(?:(\d+):)?(\d+(?:\.\d+)?)s?$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError('Give seconds since the recording began (12.5) or minutes and seconds (1:30).');
  return Math.round((Number(match[1] ?? 0) * 60 + Number(match[2])) * 1e6);
}

interface ReplayFlags {
  readonly at: number;
  readonly agent?: string;
  readonly json?: boolean;
}

/** `sigma replay --at TIME FILE`: the state of everybody at a moment, recomputed. */
export function replayCommand(shell: Shell): Command {
  return command('replay', 'Materialise any moment of a recording by running the kernel again', [
    'sigma replay --at 12.5 .data/recordings/sim-7.sqlite',
    'sigma replay --at 1:30 --agent r17 --json site.sqlite',
  ])
    .argument('<file>', 'recording')
    .requiredOption('--at <time>', 'seconds since the recording began, or minutes:seconds', momentUs)
    .option('--agent <id>', 'only this agent, in full')
    .action(async (file: string, flags: ReplayFlags) => {
      const terminal = shell.terminal(flags.json === true);
      await withRecording(file, (recording) => runReplay(terminal, recording, file, flags));
    });
}

async function runReplay(terminal: Terminal, recording: Recording, file: string, flags: ReplayFlags): Promise<void> {
  const { fleetReexecutors } = await import('@sigma/sim');
  const sources = await replayAt(recording, flags.at, await fleetReexecutors(recording));
  const chosen = sources.filter(({ chain }) => flags.agent === undefined || chain.source === flags.agent);
  if (chosen.length === 0) {
    const known = sources.map(({ chain }) => chain.source).join(', ');
    const what =
      flags.agent === undefined
        ? `nothing had begun at ${flags.at / 1e6} s`
        : `${file} holds no '${flags.agent}' at that moment`;
    throw new CommandError(EXIT.usage, what, known === '' ? 'Give a later --at' : `It holds ${known}`);
  }
  const states = chosen.map((source) => ({
    source: source.chain.source,
    epoch: source.chain.epoch,
    model: source.opening.model,
    exact: source.exact,
    wokeUs: source.wokeUs,
    inputSequence: source.inputSequence,
    state: source.state === null ? null : decodeState(new TextDecoder().decode(source.state)),
  }));
  const text = flags.agent === undefined ? replayTable(chosen) : JSON.stringify(states[0]?.state, plain, 2);
  terminal.result({ recording: file, atUs: flags.at, sources: states }, text);
}

/** Typed arrays as lists, so that a person can read them. */
const plain = (_key: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;

function replayTable(sources: readonly Materialised[]): string {
  const rows = sources.map((source) => {
    const { chain, state, exact, wokeUs } = source;
    const kind = exact ? 'recomputed' : state === null ? 'no model' : 'last snapshot';
    return [chain.source, kind, `${(wokeUs / 1e6).toFixed(2)} s`, state === null ? '' : summary(source)];
  });
  return columns([['source', 'state', 'at', 'what'], ...rows]);
}

/** A robot in a line: where it is, what it does and why. */
function summary({ state, opening }: Materialised): string {
  if (opening.model !== 'fleet' || state === null) return `${state?.length ?? 0} bytes of state`;
  const agent = decodeState(new TextDecoder().decode(state)) as {
    readonly world: { readonly motion: { readonly xM: number; readonly yM: number; readonly speedMps: number } };
    readonly command: { readonly name: string };
    readonly decision: { readonly rationale: string; readonly authority: string } | null;
  };
  const { xM, yM, speedMps } = agent.world.motion;
  const why = agent.decision === null ? '' : `, ${agent.decision.authority}: ${agent.decision.rationale}`;
  return `(${xM.toFixed(2)}, ${yM.toFixed(2)}) m, ${speedMps.toFixed(2)} m/s, ${agent.command.name}${why}`;
}
