import { setTimeout as wait } from 'node:timers/promises';
import { decodeState } from '@sigma/kernel';
import {
  type ChainHead,
  chainName,
  type Materialised,
  type Moment,
  momentUs,
  NoSuchEventError,
  Playback,
  type Recording,
} from '@sigma/recorder';
import { type Command, InvalidArgumentError } from 'commander';
import { A_RECORDING } from '../arguments.ts';
import { headsOfRun, momentIn, momentOfDay } from '../moment-in.ts';
import { A_MOMENT, type EventName, isEvent, type MomentName, momentNamed } from '../moment-name.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';

/** A moment as a person names it: microseconds, or an event of a source. */
interface ReplayFlags {
  readonly at?: MomentName;
  readonly from?: MomentName;
  readonly to?: MomentName;
  readonly step: number;
  readonly speed?: number;
  readonly agent?: string;
  readonly json?: boolean;
}

/** `sigma replay FILE`: the state of everybody at a moment, or at one moment after another, recomputed. */
export function replayCommand(shell: Shell): Command {
  return command('replay', 'Materialise any moment of a recording by running the kernel again', [
    'sigma replay --at 12.5 .data/recordings/sim-7.sqlite',
    'sigma replay --at r17#812 --agent r17 --json site.sqlite',
    'sigma replay --from 1:30 --to 1:20 --step 0.5 --speed 2 --agent r17 site.sqlite',
  ])
    .argument('<file>', A_RECORDING)
    .option('--at <moment>', A_MOMENT, momentNamed)
    .option('--from <moment>', 'first moment of a stretch; later than --to plays backwards', momentNamed)
    .option('--to <moment>', 'last moment of the stretch', momentNamed)
    .option('--step <seconds>', 'between two moments of a stretch', seconds, 1)
    .option('--speed <factor>', 'pace of a stretch: 1 is as it was lived (default: as fast as it computes)', seconds)
    .option('--agent <id>', 'only this agent; with --at in full')
    .action(async (file: string, flags: ReplayFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const asked = askedFor(flags);
      await withRecording(shell.environment, file, (recording) => runReplay(shell, terminal, recording, file, asked));
    });
}

type Asked = Pick<ReplayFlags, 'agent' | 'speed' | 'step'> &
  ({ readonly at: MomentName } | { readonly from: MomentName; readonly to: MomentName });

/** @throws CommandError when it is neither one moment nor a stretch */
function askedFor({ at, from, to, ...flags }: ReplayFlags): Asked {
  if (at !== undefined && from === undefined && to === undefined) return { ...flags, at };
  if (at === undefined && from !== undefined && to !== undefined) return { ...flags, from, to };
  throw new CommandError(EXIT.usage, 'Name one moment with --at, or a stretch with --from and --to', 'See --help');
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}

async function runReplay(
  shell: Shell,
  terminal: Terminal,
  recording: Recording,
  file: string,
  asked: Asked,
): Promise<void> {
  const { fleetReexecutors } = await import('@sigma/sim/recording');
  const heads = await recording.heads();
  const first = 'at' in asked ? asked.at : asked.from;
  const of = isEvent(first) ? holderOf(heads, first) : typeof first === 'number' ? first : momentOfDay(first);
  const chosen = await headsOfRun(recording, only(heads, asked.agent), of);
  const playback = new Playback(showing(recording, chosen), await fleetReexecutors(recording));
  const when = (moment: MomentName): Promise<number> =>
    isEvent(moment) ? resolved(recording, heads, moment) : momentIn(recording, chosen, moment);
  if ('at' in asked) {
    const atUs = await when(asked.at);
    showMoment(terminal, file, atUs, await playback.at(atUs), asked.agent);
    return;
  }
  const stretch = { fromUs: await when(asked.from), toUs: await when(asked.to), stepUs: Math.round(asked.step * 1e6) };
  await play(shell, terminal, playback, stretch, asked);
}

/** What nobody asks for is not computed. @throws CommandError when nothing is recorded of that agent */
function only(heads: readonly ChainHead[], agent: string | undefined): readonly ChainHead[] {
  if (agent === undefined) return heads;
  const chosen = heads.filter(({ source }) => source === agent);
  if (chosen.length === 0) throw unknownSource(heads, agent);
  return chosen;
}

/** A recording with those chains of it, as far as they have grown. */
function showing(recording: Recording, chosen: readonly ChainHead[]): Recording {
  const names = new Set(chosen.map(chainName));
  return {
    heads: async () => (await recording.heads()).filter((head) => names.has(chainName(head))),
    blocks: (...stretch) => recording.blocks(...stretch),
    snapshotBefore: (...moment) => recording.snapshotBefore(...moment),
    close: () => recording.close(),
  };
}

function unknownSource(heads: readonly ChainHead[], source: string): CommandError {
  const known = [...new Set(heads.map((head) => head.source))].join(', ');
  return new CommandError(EXIT.usage, `nothing is recorded of '${source}'`, `It holds ${known}`);
}

/** @throws CommandError when there is no such source or event */
async function resolved(recording: Recording, heads: readonly ChainHead[], moment: EventName): Promise<number> {
  const { source, sequence } = moment;
  const holder = holderOf(heads, moment);
  const { tenant, epoch: life } = holder;
  try {
    const named: Moment = { chain: { tenant, source, epoch: life }, sequence };
    return await momentUs(recording, named);
  } catch (error) {
    if (!(error instanceof NoSuchEventError)) throw error;
    throw new CommandError(EXIT.usage, error.message, `Its events are 1 to ${holder.sequence}`);
  }
}

/** The chain that an event is of. @throws CommandError when nothing is recorded of that source */
function holderOf(heads: readonly ChainHead[], { source, epoch, sequence }: EventName): ChainHead {
  const lives = heads.filter((head) => head.source === source && (epoch === null || head.epoch === epoch));
  const holder = lives.findLast((head) => head.sequence >= sequence) ?? lives.at(-1);
  if (holder === undefined) throw unknownSource(heads, source);
  return holder;
}

/** @throws CommandError when nobody was there yet */
function begun(sources: readonly Materialised[], agent: string | undefined, atUs: number): readonly Materialised[] {
  if (sources.length > 0) return sources;
  const what = agent === undefined ? 'nothing had begun' : `'${agent}' had not begun`;
  throw new CommandError(EXIT.usage, `${what} at ${atUs / 1e6} s`, 'Give a later moment');
}

function showMoment(
  terminal: Terminal,
  file: string,
  atUs: number,
  sources: readonly Materialised[],
  agent: string | undefined,
): void {
  const chosen = begun(sources, agent, atUs);
  const states = chosen.map((source) => ({
    source: source.chain.source,
    epoch: source.chain.epoch,
    model: source.opening.model,
    exact: source.exact,
    wokeUs: source.wokeUs,
    inputSequence: source.inputSequence,
    state: source.state === null ? null : decodeState(new TextDecoder().decode(source.state)),
  }));
  const text = agent === undefined ? replayTable(chosen) : JSON.stringify(states[0]?.state, plain, 2);
  terminal.result({ recording: file, atUs, sources: states }, text);
}

interface Stretch {
  readonly fromUs: number;
  readonly toUs: number;
  readonly stepUs: number;
}

/** One line for each source at each moment, forwards or backwards; with --json one object for each moment. */
async function play(
  shell: Shell,
  terminal: Terminal,
  playback: Playback,
  { fromUs, toUs, stepUs }: Stretch,
  { agent, speed }: Pick<ReplayFlags, 'agent' | 'speed'>,
): Promise<void> {
  const direction = toUs < fromUs ? -1 : 1;
  const steps = Math.floor(Math.abs(toUs - fromUs) / stepUs);
  const startedMs = performance.now();
  for (let k = 0; k <= steps; k++) {
    shell.interrupted.throwIfAborted();
    const atUs = fromUs + direction * k * stepUs;
    const chosen = begun(await playback.at(atUs), agent, atUs);
    const dueMs = speed === undefined ? 0 : startedMs + (k * stepUs) / 1000 / speed - performance.now();
    if (dueMs > 0) await wait(dueMs, undefined, { signal: shell.interrupted });
    const sources = chosen.map((source) => ({
      source: source.chain.source,
      exact: source.exact,
      wokeUs: source.wokeUs,
      what: source.state === null ? null : summary(source),
    }));
    const lines = sources.map(({ source, what }) => [`${(atUs / 1e6).toFixed(2)} s`, source, what ?? 'no state']);
    terminal.result({ atUs, sources }, columns(lines));
  }
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
