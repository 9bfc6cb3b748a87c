import { decodeState } from '@sigma/kernel';
import { type ChainHead, hexOfBytes, type Materialised, type Recording, replayAt, siteHead } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, group, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';

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
