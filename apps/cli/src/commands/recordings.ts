import { basename } from 'node:path';
import { type ChainHead, hexOfBytes, openingOf, type Recording, siteHead } from '@sigma/recorder';
import type { ToldEvent } from '@sigma/recorder/exports';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { A_RECORDING, each, wholeNumber } from '../arguments.ts';
import { momentIn } from '../moment-in.ts';
import { A_MOMENT, eventName, isEvent, type MomentName, momentNamed, newestEpochs, timeText } from '../moment-name.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, group, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';

/** `sigma record`: which chains there are, and what stands in them. */
export function recordCommand(shell: Shell): Command {
  return group('record', 'Look into recordings', [
    'sigma record ls .data/recordings/sim-7.sqlite',
    'sigma record show --from 1:30 --to 2:00 site.sqlite .data/recordings/imported-drive.sqlite',
  ])
    .addCommand(listCommand(shell))
    .addCommand(showCommand(shell));
}

const listCommand = (shell: Shell): Command =>
  command('ls', 'Chains of a recording, with their lengths and heads', ['sigma record ls site.sqlite --json'])
    .argument('<file>', A_RECORDING)
    .action(async (file: string, flags: { readonly json?: boolean }) => {
      const terminal = shell.terminal(flags.json === true);
      const heads = await withRecording(shell.environment, file, (recording) => recording.heads());
      const head = siteHead(heads, sha256);
      const chains = heads.map(({ hash, ...chain }) => ({ ...chain, hash: hexOfBytes(hash) }));
      terminal.result({ recording: file, head, chains }, `${chainTable(heads)}\nhead ${head}`);
    });

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

interface ShowFlags {
  readonly agents?: readonly string[];
  readonly from?: MomentName;
  readonly to?: MomentName;
  readonly subject: readonly string[];
  readonly rows: number;
  readonly json?: boolean;
}

const showCommand = (shell: Shell): Command =>
  command('show', 'Events of one recording, or of several side by side, each in a line, by their wall clocks', [
    'sigma record show --agents r17 --from 1:30 --to 1:40 site.sqlite',
    'sigma record show site.sqlite .data/recordings/imported-drive.sqlite',
  ])
    .argument('<files...>', 'recordings, forks, archives; imported ones too')
    .option('--agents <ids>', 'only these sources, with commas between them', (text: string) => text.split(','))
    .option('--from <moment>', `first moment, of the first recording: ${A_MOMENT}`, momentNamed)
    .option('--to <moment>', 'last moment, of the first recording too', momentNamed)
    .option('--subject <name>', 'only events about this: a task, or a topic of an imported file (repeatable)', each, [])
    .option('--rows <n>', 'most events that are shown', wholeNumber(1, 1_000_000), 1_000)
    .action(async (files: readonly string[], flags: ShowFlags) => {
      await withAll(shell, files, [], (recordings) => show(shell, files, recordings, flags));
    });

/** Opens all of them, hands them over and closes them again. */
async function withAll(
  shell: Shell,
  [next, ...others]: readonly string[],
  open: readonly Recording[],
  use: (recordings: readonly Recording[]) => Promise<void>,
): Promise<void> {
  if (next === undefined) return use(open);
  await withRecording(shell.environment, next, (one) => withAll(shell, others, [...open, one], use));
}

async function show(
  shell: Shell,
  files: readonly string[],
  recordings: readonly Recording[],
  flags: ShowFlags,
): Promise<void> {
  const { describeStretch, tellSideBySide } = await import('@sigma/recorder/exports');
  const terminal = shell.terminal(flags.json === true);
  const heads = await Promise.all(recordings.map((one) => one.heads()));
  const wanted = heads.map((all) => all.filter(({ source }) => flags.agents?.includes(source) ?? true));
  if (wanted.every(({ length }) => length === 0)) {
    const known = [...new Set(heads.flat().map(({ source }) => source))].join(', ');
    throw new CommandError(EXIT.usage, 'none of them is in these recordings', `They hold ${known || 'nothing'}`);
  }
  const [first, ownHeads] = [recordings[0] as Recording, heads[0] ?? []];
  const fromUs = flags.from === undefined ? 0 : await wallOf(first, ownHeads, flags.from);
  const toUs = flags.to === undefined ? Number.MAX_SAFE_INTEGER : await wallOf(first, ownHeads, flags.to);
  if (fromUs > toUs) throw new CommandError(EXIT.usage, '--to is before --from', 'Give an earlier --from');
  const events: (Omit<ToldEvent, 'recording' | 'timeUs'> & { readonly recording: string; readonly time: string })[] =
    [];
  let more = false;
  const bad = await tellSideBySide({
    timelines: recordings.map((recording, i) => ({
      ...{ recording, chains: wanted[i] ?? [], sha256, signal: shell.interrupted },
      onProgress: ({ events: read }) => terminal.progress(`${files[i]}: ${read} events`),
    })),
    ...{ fromUs, toUs },
    take: ({ recording, timeUs, ...event }) => {
      if (flags.subject.length > 0 && !flags.subject.includes(event.subject)) return true;
      more = events.length === flags.rows;
      if (more) return false;
      events.push({ recording: files[recording] ?? '', time: timeText(timeUs), ...event });
      return true;
    },
  });
  const many = files.length > 1;
  const newest = new Map(files.map((file, i) => [file, newestEpochs(heads[i] ?? [])]));
  const rows = events.map(({ recording, time, source, epoch, sequence, text }) => [
    ...[time, ...(many ? [basename(recording)] : [])],
    eventName({ source, epoch }, sequence, newest.get(recording) ?? new Map()),
    text,
  ]);
  const leftOut = bad.flatMap((stretches, i) => stretches.map((one) => `${files[i]}: ${describeStretch(one)}`));
  terminal.result(
    { recordings: files, events, cut: more, leftOut },
    rows.length === 0
      ? 'no event stands there: `sigma record ls` says up to when there are some'
      : columns([['time', ...(many ? ['recording'] : []), 'event', 'what'], ...rows]),
  );
  if (more) terminal.say(`only the first ${flags.rows} are shown; give --rows for more, or --from`);
  if (leftOut.length === 0) return;
  throw new CommandError(EXIT.failed, `left out: ${leftOut.join('; ')}`, '`sigma verify` says more of what is damaged');
}

/** Wall clock of a moment, microseconds since 1970. @throws CommandError */
async function wallOf(recording: Recording, heads: readonly ChainHead[], moment: MomentName): Promise<number> {
  if (typeof moment === 'object' && !isEvent(moment)) return moment.timeUs;
  const head =
    typeof moment === 'number'
      ? heads.at(-1)
      : heads.findLast(
          ({ source, epoch }) => source === moment.source && (moment.epoch === null || epoch === moment.epoch),
        );
  if (head === undefined) throw new CommandError(EXIT.usage, 'the first recording holds nothing', 'Name another first');
  const { timeUs, atUs } = await openingOf(recording, head);
  return (await momentIn(recording, heads, moment)) - atUs + timeUs;
}
