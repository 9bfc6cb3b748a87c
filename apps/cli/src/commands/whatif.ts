import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { groundOf } from '@sigma/fleet-model';
import type { Command as KernelCommand } from '@sigma/kernel';
import type { ChainHead, DecisionSide } from '@sigma/recorder';
import type { PolicyFile, WhatIfReport } from '@sigma/sim';
import { type Command, InvalidArgumentError } from 'commander';
import { each, wholeNumber } from '../arguments.ts';
import { mustReach } from '../moment-in.ts';
import { eventName, isEvent, momentNamed, newestEpochs, timeText, type WallName } from '../moment-name.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';
import { timeLeft } from '../time-left.ts';
import { damaged } from '../timeline-input.ts';

interface WhatIfFlags {
  readonly rule: string;
  readonly over: readonly string[];
  readonly parent: readonly string[];
  readonly tenant?: string;
  readonly agent: readonly string[];
  readonly from?: TrialBound;
  readonly to?: TrialBound;
  readonly threads: number;
  readonly limit: number;
  readonly facts: boolean;
  readonly allFacts: boolean;
  readonly json?: boolean;
}

type Found = WhatIfReport['flips'][number];

/** `sigma whatif --rule FILE --over RECORDING…`: which decisions another policy would have changed. */
export function whatifCommand(shell: Shell): Command {
  return command(
    'whatif',
    'Try a rule or a policy on recorded history: which decisions flip, when, by which rule. Open loop: every robot is ' +
      'given what was recorded, whatever it would have done; `sigma fork` lets a simulated world run on',
    [
      'sigma whatif --rule slow-by-people.yaml --over .data/recordings/sim-7.sqlite',
      'sigma whatif --rule policy.json --over monday.sqlite tuesday.sqlite --agent r03 --json',
    ],
  )
    .requiredOption(
      '--rule <file>',
      'YAML or JSON: a whole policy (version, rules), or what changes in the recorded one (a rule, a list, without)',
    )
    .requiredOption(
      '--over <recording...>',
      'recordings: files, archives (folder or s3://…), or postgres://…?tenant=…; of a fork also what it shares with its parents',
    )
    .option('--parent <file>', 'where a parent of a fork lies now (repeatable)', each, [])
    .option('--tenant <id>', 'whose agents, where the recordings hold several tenants')
    .option('--agent <id>', 'only this agent (repeatable)', each, [])
    .option(
      '--from <moment>',
      'try from here on: seconds since each life began, minutes:seconds, or a time of the day (2026-04-01T08:00:00Z)',
      trialBound,
    )
    .option('--to <moment>', 'try up to here', trialBound)
    .option(
      '--threads <n>',
      'how many to work on (default: one for each core)',
      wholeNumber(1, 64),
      availableParallelism(),
    )
    .option('--no-facts', 'run everything again, and keep nothing beside the recordings (<recording>.facts)')
    .option(
      '--all-facts',
      'gather the facts of everything, not only where the rule may speak: slower once, then every rule takes seconds',
      false,
    )
    .option('--limit <n>', 'flips that are printed; --json holds them all', wholeNumber(0, 1_000_000), 20)
    .action(async (flags: WhatIfFlags) => run(shell, shell.terminal(flags.json === true), flags));
}

type TrialBound = number | WallName;

/** In agent time, or by the wall clock. */
interface Stretch {
  readonly fromUs: number | null;
  readonly untilUs: number | null;
  readonly fromTimeUs?: number;
  readonly untilTimeUs?: number;
}

function trialBound(text: string): TrialBound {
  const moment = momentNamed(text);
  if (!isEvent(moment)) return moment;
  throw new InvalidArgumentError('Give seconds since the recording began, such as 12.5, or a time of the day.');
}

/** What is tried, by agent time or by the wall clock. @throws CommandError for one of each, and where nothing lies between */
function stretchOf({ from, to }: WhatIfFlags): Stretch {
  const clocks = new Set([from, to].flatMap((bound) => (bound === undefined ? [] : [typeof bound])));
  if (clocks.size > 1)
    throw new CommandError(
      EXIT.usage,
      '--from and --to are of two clocks',
      'Give both in seconds, or both as a time of the day',
    );
  const [fromUs, untilUs] = [from, to].map((bound) => (typeof bound === 'object' ? bound.timeUs : bound));
  if (fromUs !== undefined && untilUs !== undefined && fromUs >= untilUs)
    throw new CommandError(
      EXIT.usage,
      'between --from and --to lies nothing',
      'Give an earlier --from, or a later --to',
    );
  if (!clocks.has('object')) return { fromUs: fromUs ?? null, untilUs: untilUs ?? null };
  return {
    fromUs: null,
    untilUs: null,
    fromTimeUs: fromUs ?? 0,
    ...(untilUs !== undefined && { untilTimeUs: untilUs }),
  };
}

async function run(shell: Shell, terminal: Terminal, flags: WhatIfFlags): Promise<void> {
  const { whatIf } = await import('@sigma/sim');
  const { dataDir, s3 } = shell.environment;
  await mustBeOnRecord(shell, flags);
  const policy = await readPolicy(shell, flags.rule, flags.over[0] as string);
  const startedMs = shell.nowMs();
  const report = await trying(() =>
    whatIf({
      policy,
      recordings: flags.over,
      parents: flags.parent,
      tenant: flags.tenant ?? null,
      agents: flags.agent,
      ...stretchOf(flags),
      threads: flags.threads,
      hubDir: join(dataDir, 'hub'),
      s3,
      facts: flags.facts && flags.allFacts ? 'all' : flags.facts,
      signal: shell.interrupted,
      onProgress: (done, of, flips, share) =>
        terminal.progress(
          `${done} of ${of} chains, ${flips} flips${timeLeft(share, (shell.nowMs() - startedMs) / 1000)}`,
        ),
    }),
  );
  const tookS = (shell.nowMs() - startedMs) / 1000;
  const tried = report.chains.filter(({ leftOutBecause }) => leftOutBecause === null);
  if (tried.length === 0) {
    const why = report.chains.map(({ source, leftOutBecause }) => `${source}: ${leftOutBecause}`).join('; ');
    throw new CommandError(EXIT.failed, `nothing could be tried (${why})`, 'Give recordings made by this version');
  }
  terminal.result(asJson(policy, report, tookS), describe(policy, report, flags.limit, tookS));
}

/**
 * That nothing flips where nothing was lived says nothing of a rule.
 *
 * @throws CommandError when a recording is not there, holds nothing of an agent that was named, or ends before the stretch
 */
async function mustBeOnRecord(shell: Shell, flags: WhatIfFlags): Promise<void> {
  const { over, parent: parents, agent: agents } = flags;
  const stretch = stretchOf(flags);
  const { triedPieces } = await import('@sigma/sim');
  const { dataDir, s3 } = shell.environment;
  const all: ChainHead[] = [];
  const lived: { readonly fromTimeUs: number; readonly untilTimeUs: number }[] = [];
  for (const named of over) {
    // Whether it can be opened at all, and else what to do.
    await withRecording(shell.environment, named, async () => undefined);
    const { pieces } = await trying(() => triedPieces(named, { hubDir: join(dataDir, 'hub'), s3, parents }));
    const known = [...new Set(pieces.map(({ head }) => head.source))];
    const absent = agents.find((agent) => !known.includes(agent));
    if (absent !== undefined)
      throw new CommandError(EXIT.usage, `${named} holds nothing of '${absent}'`, `It holds ${known.join(', ')}`);
    for (const { head, untilUs, zeroUs, beganUs } of pieces) {
      const endUs = Math.min(head.atUs, untilUs ?? head.atUs);
      all.push({ ...head, atUs: endUs });
      lived.push({ fromTimeUs: zeroUs + beganUs, untilTimeUs: zeroUs + endUs });
    }
  }
  if (stretch.fromTimeUs === undefined) return mustReach(over.join(', '), all, stretch.fromUs ?? 0);
  const { fromTimeUs, untilTimeUs = Number.POSITIVE_INFINITY } = stretch;
  if (lived.some((life) => life.untilTimeUs >= fromTimeUs && life.fromTimeUs < untilTimeUs)) return;
  const first = Math.min(...lived.map((life) => life.fromTimeUs));
  const last = Math.max(...lived.map((life) => life.untilTimeUs));
  throw new CommandError(
    EXIT.usage,
    `nobody lived then in ${over.join(', ')}`,
    lived.length === 0 ? 'Name another recording' : `It holds something from ${timeText(first)} to ${timeText(last)}`,
  );
}

/** @throws CommandError with file and line */
export async function readPolicy(shell: Shell, file: string, recording: string): Promise<PolicyFile> {
  const { checkPolicyFile, parsePolicyFile, sitesOf } = await import('@sigma/sim');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.machine, `${file} cannot be read: ${(error as Error).message}`, 'Check the path');
  }
  return trying(async () => {
    const policy = parsePolicyFile(file, text);
    const sites = await withRecording(shell.environment, recording, sitesOf);
    for (const site of sites.values()) checkPolicyFile(policy, groundOf(site));
    return policy;
  });
}

async function trying<Result>(use: () => Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    const { name } = error as Error;
    if (name === 'MalformedBytesError') throw damaged('a recording', error as Error);
    if (/^(Store\w*|ObjectStore|ArchiveDamage)Error$/.test(name))
      throw new CommandError(EXIT.machine, (error as Error).message, '', { cause: error });
    if (name === 'TenantError')
      throw new CommandError(EXIT.usage, (error as Error).message, 'Add --tenant', { cause: error });
    if (name !== 'PolicyFileError') throw error;
    const wayOut = 'Correct the rule and try again; a condition that reads an unknown name lists those that there are';
    throw new CommandError(EXIT.usage, (error as Error).message, wayOut, { cause: error });
  }
}

const placeOf = ({ file, lines }: PolicyFile, rule: string): string | null =>
  lines[rule] === undefined ? null : `${file}:${lines[rule]}`;

const asJson = (policy: PolicyFile, { chains, flips, unreached }: WhatIfReport, tookS: number) => ({
  rule: policy.file,
  loop: 'open',
  unreached,
  chains: chains.map(({ flips: found, ...chain }) => ({ ...chain, flips: found.length })),
  flips: flips.map((flip) => ({
    ...flip,
    rules: flip.rules.map((rule) => ({ ...rule, place: placeOf(policy, rule.rule) })),
  })),
  tookS: Math.round(tookS * 100) / 100,
});

function describe(policy: PolicyFile, report: WhatIfReport, limit: number, tookS: number): string {
  const { chains, flips, unreached } = report;
  const tried = chains.filter(({ leftOutBecause }) => leftOutBecause === null);
  const sum = (of: (chain: (typeof tried)[number]) => number): number =>
    tried.reduce((all, chain) => all + of(chain), 0);
  const shown = flips.slice(0, limit);
  const newest = newestEpochs(chains);
  // A life on a fork's timeline may stand in several recordings.
  const lives = new Set(tried.map(({ named, source, epoch }) => JSON.stringify([named, source, epoch]))).size;
  const affected = new Set(flips.map(({ named, source }) => JSON.stringify([named, source]))).size;
  const lost = flips.reduce((all, flip) => all + Math.max(0, flip.did - flip.wouldHaveDone), 0);
  const lines = [
    `${policy.file} on ${lives} lives: ${flips.length} decisions flip, of ${affected} agents`,
    `${sum(({ wakes, gathered }) => wakes + gathered)} cycles run again, ${sum(({ followed }) => followed)} more followed by what the robot believed (facts tell of the rest; ${sum(({ sampled }) => sampled)} samples held against the record), ${sum(({ evaluations }) => evaluations)} evaluations of the changed rules, ${sum(({ differing }) => differing)} with another outcome, ${sum(({ withoutEffect }) => withoutEffect)} times without effect; ${tookS.toFixed(1)} s`,
    'Open loop: each decision was tried in the situation that was recorded; what the robot would then have met is not in this.',
  ];
  if (tookS > LONG_S && tried.some(({ followed }) => followed > 0))
    lines.push(
      'More rules to try on the same? --all-facts gathers all facts once, and every rule after it takes seconds.',
    );
  for (const { recording, why } of unreached)
    lines.push(`Of ${recording} only what it holds itself was tried (${why})`);
  const unfit = chains.find((chain) => chain.unfit);
  if (unfit !== undefined) {
    const whose = [...new Set(chains.filter((chain) => chain.unfit).map(({ source }) => source))].join(', ');
    lines.push(`Not tried, for they lived under another policy: ${whose} (${unfit.leftOutBecause})`);
  }
  lines.push(...gapLines(chains));
  if (flips.length === 0) return lines.join('\n');
  const rows = shown.map((flip) => [
    eventName(flip, flip.event, newest),
    `${(flip.atUs / 1e6).toFixed(2)} s`,
    `${((flip.untilUs - flip.atUs) / 1e6).toFixed(2)} s`,
    sideText(flip.was),
    sideText(flip.would),
    rulesText(policy, flip),
  ]);
  lines.push(columns([['decision', 'at', 'for', 'was', 'would be', 'because of'], ...rows]));
  if (flips.length > shown.length) lines.push(`... and ${flips.length - shown.length} more (--limit, --json)`);
  const first = flips[0] as Found;
  if (lost > 0) lines.push(`By its own commands the fleet would have gone ${lost.toFixed(1)} m less in that time.`);
  lines.push(
    `What would have followed, in a simulated world: sigma fork ${first.named} --at ${momentText(first, report)} --policy ${policy.file} --for 30 --out fork.sqlite`,
  );
  return lines.join('\n');
}

/** Of a recording with one run its seconds say when; in others they are of another run, perhaps. */
function momentText(first: Found, { chains }: WhatIfReport): string {
  const own = chains.filter(({ named }) => named === first.named);
  if (new Set(own.map(({ zeroUs }) => zeroUs)).size === 1) return (first.atUs / 1e6).toFixed(2);
  return eventName(first, first.event, newestEpochs(own));
}

/** Who waited longer hears how not to the next time. */
const LONG_S = 30;

const SHOWN_GAPS = 10;

/** What could not be weighed, and why. */
function gapLines(chains: WhatIfReport['chains']): readonly string[] {
  const all = chains.flatMap(({ source, gaps }) => gaps.map((gap) => ({ source, ...gap })));
  const lines = all.slice(0, SHOWN_GAPS).map(({ source, firstSequence, lastSequence, fromUs, untilUs }) => {
    const until = untilUs === null ? 'the end' : `${(untilUs / 1e6).toFixed(2)} s`;
    const events = `events ${firstSequence} to ${lastSequence} were dropped for want of room`;
    return `Not weighed: ${source} from ${(fromUs / 1e6).toFixed(2)} s to ${until} (${events})`;
  });
  return all.length <= SHOWN_GAPS ? lines : [...lines, `... and ${all.length - SHOWN_GAPS} more such gaps (--json)`];
}

function sideText({ command: goes, authority }: DecisionSide): string {
  return `${authority}: ${commandText(goes)}`;
}

function commandText({ name, params }: KernelCommand): string {
  const speed = params['speedMps'];
  return typeof speed === 'number' ? `${name} ${speed.toFixed(2)} m/s` : name;
}

const rulesText = (policy: PolicyFile, { rules }: Found): string =>
  rules
    .map(({ rule, change, verdict }) => {
      const how = verdict === 'error' ? ', cannot be evaluated' : '';
      return `${change === 'added' ? '' : 'without '}${rule} (${placeOf(policy, rule) ?? 'recorded policy'}${how})`;
    })
    .join(', ');
