import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type ChainHead, exportTlog, formatNoteKey, logKey, type Recording } from '@sigma/recorder';
import type { ExportOptions, ExportResult, WallSpan } from '@sigma/recorder/exports';
import { sha256 } from '@sigma/recorder/sqlite';
import { type Command, Option } from 'commander';
import { A_RECORDING } from '../arguments.ts';
import { signingKeyFrom } from '../key-input.ts';
import { chainNamed, headsBetween, headsOfRun, momentIn, momentOfDay, mustReach } from '../moment-in.ts';
import { A_MOMENT, isEvent, isWall, type MomentName, momentNamed, type WallName } from '../moment-name.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { type OutputFile, writeWholeFile } from '../output-file.ts';
import { withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';

type FileFormat = 'mcap' | 'cloudevents' | 'parquet' | 'otel' | 'prov';
type Format = FileFormat | 'tlog';

interface ExportFlags {
  readonly format: Format;
  readonly out: string;
  readonly source?: readonly string[];
  readonly from?: MomentName;
  readonly to?: MomentName;
  readonly reexecute?: boolean;
  readonly exact?: boolean;
  readonly force?: boolean;
  readonly key?: string;
  readonly json?: boolean;
}

/** `sigma export FILE`: a recording in the words of others. */
export function exportCommand(shell: Shell): Command {
  return command('export', 'Write a recording in a form that others read or check', [
    'sigma export --format mcap --out drive.mcap .data/recordings/sim-7.sqlite',
    'sigma export --format mcap --agents r03,r07 --from 1:30 --to 2:00 --re-execute --out near-miss.mcap site.sqlite',
    'sigma export --format otel --out http://127.0.0.1:4318/v1/traces site.sqlite',
    'sigma export --format tlog --out proof --agents r17 --key site.key site.sqlite',
  ])
    .argument('<file>', A_RECORDING)
    .addOption(
      new Option('--format <format>', FORMATS_HELP)
        .choices(['mcap', 'cloudevents', 'parquet', 'otel', 'prov', 'tlog'])
        .default('tlog'),
    )
    .requiredOption(
      '--out <path>',
      'file to write; of tlog a folder for the chains, of otel also the address of a collector',
    )
    .option('--agents <ids>', 'only these robots, hubs or worlds, with commas between them', list)
    .option('--source <id>', 'only this one; the same as --agents', list)
    .option(
      '--from <moment>',
      `first moment: ${A_MOMENT}; of an edge that was started anew seconds are those of its last start, a time of the day is that of all`,
      momentNamed,
    )
    .option('--to <moment>', 'last moment', momentNamed)
    .option('--re-execute', 'mcap: run the robots again, and show where they believed to be and whom they saw')
    .option('--exact', 'cloudevents: every payload as the bytes that were recorded')
    .option('--force', 'replace the file when it exists')
    .option(
      '--key <file>',
      'tlog: Ed25519 seed, 32 bytes; made when it does not exist (default: export.key in the data folder)',
    )
    .action(async (file: string, given: ExportFlags & { readonly agents?: readonly string[]; reExecute?: boolean }) => {
      const { agents, reExecute, ...rest } = given;
      const source = agents ?? rest.source;
      const flags = { ...rest, ...(source === undefined ? {} : { source }), reexecute: reExecute === true };
      const terminal = shell.terminal(flags.json === true);
      await withRecording(shell.environment, file, (recording) =>
        flags.format === 'tlog'
          ? runTlog(shell, terminal, recording, file, flags)
          : runFile(shell, terminal, recording, file, { ...flags, format: flags.format }),
      );
    });
}

const FORMATS_HELP = [
  'mcap: for Foxglove and ROS tools',
  'cloudevents: CloudEvents 1.0, a JSON line for each event',
  'parquet: a table of events for DuckDB, Spark and pandas',
  'otel: missions, tasks and decisions as OpenTelemetry spans, to a file or a collector',
  'prov: who did what on what ground, W3C PROV-JSON',
  'tlog: a signed C2SP tiled log for each chain',
].join('; ');

const list = (text: string): readonly string[] => text.split(',').filter((one) => one !== '');

interface FileFlags extends Omit<ExportFlags, 'format'> {
  readonly format: FileFormat;
}

/** What a format tells beside what all tell. */
interface Told {
  readonly result: ExportResult;
  readonly facts: object;
  readonly text: string;
}

/** What is asked for: whose chains, and of what stretch. */
type Asked = Pick<ExportOptions, 'chains' | 'span'>;

/** A stretch by the time of the day is of all who lived then; one of seconds, or from an event, of a run of an edge alone. */
async function asked(recording: Recording, name: string, flags: FileFlags): Promise<Asked> {
  const { from, to, source } = flags;
  const all = await recording.heads();
  const wall = wallSpan(from, to);
  if (wall !== null) {
    mustFollow(wall.fromTimeUs, wall.toTimeUs);
    return { chains: await headsBetween(recording, chosen(all, source, name), wall), span: wall };
  }
  const heads = await headsOfStretch(recording, all, flags);
  const fromUs = await momentIn(recording, heads, from ?? 0);
  const toUs = await momentIn(recording, heads, to ?? Number.MAX_SAFE_INTEGER);
  mustFollow(fromUs, toUs);
  mustReach(name, heads, fromUs);
  return { chains: chosen(heads, source, name), span: { fromUs, toUs } };
}

/** From a time of the day to another, or to the end; null where something else is named. */
function wallSpan(from: MomentName | undefined, to: MomentName | undefined): WallSpan | null {
  const named = [from, to].filter((moment) => moment !== undefined);
  if (named.length === 0 || !named.every(isWall)) return null;
  const [fromTimeUs, toTimeUs] = [from, to].map((moment) => (moment as WallName | undefined)?.timeUs);
  return { fromTimeUs: fromTimeUs ?? 0, toTimeUs: toTimeUs ?? Number.MAX_SAFE_INTEGER };
}

function mustFollow(from: number, to: number): void {
  if (from > to) throw new CommandError(EXIT.usage, '--to is before --from', 'Give an earlier --from');
}

/** The chains whose clock `--from` and `--to` are of; all of them where neither is given. */
async function headsOfStretch(
  recording: Recording,
  all: readonly ChainHead[],
  { from, to, source }: FileFlags,
): Promise<readonly ChainHead[]> {
  const moment = from ?? to;
  if (moment === undefined) return all;
  if (isEvent(moment)) return headsOfRun(recording, all, chainNamed(all, moment));
  if (typeof moment === 'number') return headsOfRun(recording, all, moment);
  return headsOfRun(recording, all, momentOfDay(moment), source);
}

async function runFile(
  shell: Shell,
  terminal: Terminal,
  recording: Recording,
  name: string,
  flags: FileFlags,
): Promise<void> {
  const { format, out } = flags;
  const options: ExportOptions = {
    recording,
    ...(await asked(recording, name, flags)),
    sha256,
    signal: shell.interrupted,
    onProgress: ({ events, ofEvents }) => {
      terminal.event({ type: 'sigma.export.progress', out, events, ofEvents });
      terminal.progress(`${out}: ${events} of ${ofEvents} events`);
    },
  };
  const startedMs = shell.nowMs();
  const { told, bytes } = /^https?:\/\//.test(out)
    ? await sentTo(collector(format, out), options)
    : await writeWholeFile(out, flags.force === true, async (file) => ({
        told: await writers[format](file, options, name, flags),
        bytes: file.bytes,
      }));
  const { events, bad } = told.result;
  const seconds = (shell.nowMs() - startedMs) / 1000;
  const value = { recording: name, format, out, bytes, events, seconds, ...told.facts, leftOut: bad };
  const text = [
    `${out}: ${told.text}, ${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s`,
    ...(await stretches(bad)),
  ];
  terminal.result(value, text.join('\n'));
  if (bad.some(({ dropped }) => dropped !== true)) shell.ends(EXIT.failed);
}

/** @throws CommandError for a format that no collector takes */
function collector(format: FileFormat, url: string): string {
  if (format === 'otel' && URL.canParse(url)) return url;
  throw new CommandError(EXIT.usage, `${format} cannot be sent to ${url}`, 'Only --format otel goes to a collector');
}

async function stretches(bad: ExportResult['bad']): Promise<readonly string[]> {
  if (bad.length === 0) return [];
  const { describeStretch } = await import('@sigma/recorder/exports');
  return [...bad.map(describeStretch), '`sigma verify` says more of what is damaged'];
}

type FileWriter = (file: OutputFile, options: ExportOptions, name: string, flags: FileFlags) => Promise<Told>;

const writers: Readonly<Record<FileFormat, FileWriter>> = {
  async mcap(file, options, name, { reexecute }) {
    const { exportMcap } = await import('@sigma/recorder/exports');
    const { RecordedScene } = await import('../recorded-scene.ts');
    const places = reexecute === true ? 're-executed' : 'measured';
    const terrain = new RecordedScene(reexecute === true);
    const result = await exportMcap({ ...options, writable: file, name: basename(name), places, terrain });
    const { messages, topics, unshown, events } = result;
    const left = [...unshown].map(([what, count]) => `${count} ${what}`);
    return {
      result,
      facts: { messages, topics, places, unshown: Object.fromEntries(unshown) },
      text: [
        `${messages} messages in ${topics.length} topics from ${events} events, places ${places}`,
        ...(left.length === 0 ? [] : [`without a picture: ${left.join(', ')}`]),
      ].join('; '),
    };
  },
  async cloudevents(file, options, _name, { exact }) {
    const { exportCloudEvents } = await import('@sigma/recorder/exports');
    const result = await exportCloudEvents({ ...options, sink: file, exact: exact === true });
    return { result, facts: {}, text: eventsText(result) };
  },
  async parquet(file, options) {
    const { exportParquet } = await import('@sigma/recorder/exports');
    const result = await exportParquet({ ...options, sink: file });
    return { result, facts: {}, text: eventsText(result) };
  },
  otel: (file, options) => spans(options, (request) => file.write(new TextEncoder().encode(`${request}\n`))),
  async prov(file, options) {
    const { exportProv } = await import('@sigma/recorder/exports');
    const result = await exportProv({ ...options, sink: file });
    return { result, facts: {}, text: eventsText(result) };
  },
};

async function spans(options: ExportOptions, send: (request: string) => Promise<void>): Promise<Told> {
  const { exportSpans } = await import('@sigma/recorder/exports');
  const result = await exportSpans({ ...options, send });
  return { result, facts: { spans: result.spans }, text: `${result.spans} spans from ${result.events} events` };
}

/** Hands requests to a collector (OTLP/HTTP, JSON). @throws CommandError when it cannot be reached or takes them not */
async function sentTo(url: string, options: ExportOptions): Promise<{ readonly told: Told; readonly bytes: number }> {
  let bytes = 0;
  const told = await spans(options, async (request) => {
    const headers = { 'content-type': 'application/json' };
    const signal = options.signal ?? null;
    const answer = await fetch(url, { method: 'POST', headers, body: request, signal }).catch((error: Error) => {
      options.signal?.throwIfAborted();
      throw new CommandError(EXIT.unreachable, `${url} cannot be reached: ${reasonOf(error)}`, 'Start the collector');
    });
    const text = await answer.text();
    if (!answer.ok) {
      throw new CommandError(EXIT.refused, `${url} answers ${answer.status}: ${text.slice(0, 200)}`, 'See its own log');
    }
    const rejected = rejectedIn(text);
    if (rejected !== null) throw new CommandError(EXIT.refused, `${url} rejects spans: ${rejected}`, 'See its own log');
    bytes += request.length;
  });
  return { told, bytes };
}

const reasonOf = (error: Error): string => (error.cause instanceof Error ? error.cause.message : error.message);

/** What an ExportTraceServiceResponse says was not taken, or null. */
function rejectedIn(text: string): string | null {
  try {
    const { partialSuccess } = JSON.parse(text) as {
      readonly partialSuccess?: { readonly rejectedSpans?: string | number; readonly errorMessage?: string };
    };
    const count = Number(partialSuccess?.rejectedSpans ?? 0);
    return count === 0 ? null : `${count} of them (${partialSuccess?.errorMessage ?? 'it does not say why'})`;
  } catch {
    return null;
  }
}

const eventsText = ({ events }: ExportResult): string => `${events} events`;

async function runTlog(
  shell: Shell,
  terminal: Terminal,
  recording: Recording,
  file: string,
  flags: ExportFlags,
): Promise<void> {
  if (flags.from !== undefined || flags.to !== undefined) {
    throw new CommandError(EXIT.usage, 'a tiled log holds a chain from its beginning', 'Leave out --from and --to');
  }
  const key = signingKeyFrom(resolve(flags.key ?? join(shell.environment.dataDir, 'export.key')));
  const logs = [];
  for (const head of chosen(await recording.heads(), flags.source, file)) {
    shell.interrupted.throwIfAborted();
    const folder = join(flags.out, head.source, String(head.epoch));
    const log = await exportTlog(recording, head, (path, bytes) => keep(join(folder, path), bytes), sha256, { key });
    terminal.progress(`${head.source}: ${log.size} events`);
    logs.push({
      source: head.source,
      epoch: head.epoch,
      folder,
      origin: log.origin,
      events: log.size,
      wideEvents: log.wideEvents,
      publicKey: formatNoteKey(logKey(log.log, key.publicKey), sha256),
    });
  }
  const rows = logs.map(({ folder, events, publicKey }) => [folder, String(events), publicKey]);
  terminal.result({ recording: file, format: flags.format, logs }, columns([['folder', 'events', 'key'], ...rows]));
}

function chosen(
  heads: readonly ChainHead[],
  sources: readonly string[] | undefined,
  file: string,
): readonly ChainHead[] {
  if (sources === undefined) {
    if (heads.length > 0) return heads;
    throw new CommandError(EXIT.failed, `${file} holds nothing`, 'Give another recording');
  }
  const known = [...new Set(heads.map((head) => head.source))];
  const missing = sources.find((source) => !known.includes(source));
  if (missing !== undefined || sources.length === 0) {
    throw new CommandError(EXIT.usage, `${file} holds no chain of '${missing ?? ''}'`, `It holds ${known.join(', ')}`);
  }
  return heads.filter((head) => sources.includes(head.source));
}

function keep(path: string, bytes: Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  } catch (error) {
    throw new CommandError(EXIT.machine, `${path}: ${(error as Error).message}`, 'Name another folder with --out');
  }
}
