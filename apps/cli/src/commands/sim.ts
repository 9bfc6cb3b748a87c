import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { StoreError } from '@sigma/recorder';
import { removeRecording } from '@sigma/recorder/sqlite';
import type { SimProgress, SimResult } from '@sigma/sim';
import type { Command } from 'commander';
import { each, numberAbove, share, wholeNumber } from '../arguments.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { command, type Shell } from '../shell.ts';
import { loadSite } from '../site-input.ts';
import { columns, type Terminal } from '../terminal.ts';

interface SimFlags {
  readonly seed: number;
  readonly minutes: number;
  readonly robots: number;
  readonly people: number;
  readonly map?: string;
  readonly site?: string;
  readonly fault: readonly string[];
  readonly loss: number;
  readonly out?: string;
  readonly verify: boolean;
  readonly json?: boolean;
}

/** `sigma sim`: a whole fleet on a virtual clock. */
export function simCommand(shell: Shell): Command {
  return command('sim', 'Run hub, edges, network and bodies in one process on a virtual clock, and verify the record', [
    'sigma sim --seed 7 --minutes 10 --json',
    'sigma sim --seed 7 --minutes 1 --robots 12 --fault motor_overload:r03@12+5',
  ])
    .option('--seed <n>', 'everything by chance follows from it', wholeNumber(0, 0xffffffff), 1)
    .option('--minutes <n>', 'virtual time', numberAbove(0, 1440), 1)
    .option('--robots <n>', 'how many', wholeNumber(1, 1000), 40)
    .option('--people <n>', 'how many walk the site', wholeNumber(0, 10_000), 8)
    .option('--map <file>', 'MovingAI grid map (default: the warehouse)')
    .option('--site <file>', 'site file for the map (default: the one beside it, or derived)')
    .option('--fault <spec>', 'NAME:ROBOT@SECONDS[+SECONDS][=VALUE], repeatable', each, [])
    .option('--loss <share>', 'share of packets between hub and edges that are lost and sent again', share, 0)
    .option('--out <file>', 'recording (default: recordings/sim-SEED.sqlite in the data folder, replaced each time)')
    .option('--no-verify', 'do not run the recording again')
    .action(async (flags: SimFlags) => shell.ends(await run(shell, flags)));
}

async function run(shell: Shell, flags: SimFlags) {
  // Loaded here, so that the help of every other command does not wait for a whole hub.
  const { CrowdedSiteError, FaultPlanError, parseFault, runSim } = await import('@sigma/sim');
  const terminal = shell.terminal(flags.json === true);
  const { seed, minutes, robots, people, loss } = flags;
  const site = loadSite(flags, shell.environment.root);
  const recordingPath = recordingFor(flags, shell.environment.dataDir);
  try {
    const result = await runSim({
      site,
      seed,
      minutes,
      robots,
      people,
      lossShare: loss,
      faults: flags.fault.map(parseFault),
      recordingPath,
      verify: flags.verify,
      nowMs: shell.nowMs,
      onProgress: (progress) => {
        shell.interrupted.throwIfAborted();
        tellProgress(terminal, progress);
      },
    });
    terminal.result(result, describe(result));
    return conclude(result, flags);
  } catch (error) {
    if (error instanceof FaultPlanError) throw new CommandError(EXIT.usage, error.message, '');
    if (error instanceof CrowdedSiteError) throw new CommandError(EXIT.usage, error.message, '');
    if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '');
    throw error;
  }
}

/** A given path must be free; the default one belongs to this command and is replaced. */
function recordingFor({ out, seed }: SimFlags, dataDir: string): string {
  const path = out === undefined ? join(dataDir, 'recordings', `sim-${seed}.sqlite`) : resolve(out);
  if (out !== undefined && existsSync(path)) {
    throw new CommandError(
      EXIT.machine,
      `${path} exists already`,
      'Recordings are never overwritten: give another --out',
    );
  }
  try {
    mkdirSync(dirname(path), { recursive: true });
    removeRecording(path);
  } catch (error) {
    throw new CommandError(
      EXIT.machine,
      `${path} cannot be made: ${(error as Error).message}`,
      'Give a folder you may write with --out or SIGMA_DATA',
    );
  }
  return path;
}

function tellProgress(terminal: Terminal, progress: SimProgress): void {
  terminal.event({ type: 'sigma.sim.progress', ...progress });
  if (progress.stage === 'verify') {
    terminal.progress(`verify ${progress.source}: ${Math.round(progress.share * 100)} %`);
    return;
  }
  const { atUs, ofUs, missionsCompleted, decisions } = progress;
  terminal.progress(`${atUs / 1e6} of ${ofUs / 1e6} s, ${missionsCompleted} missions done, ${decisions} decisions`);
}

function conclude(result: SimResult, flags: SimFlags) {
  const { verify, breaches, seed } = result;
  if (breaches.length === 0 && (verify === 'ok' || verify === 'not asked')) return EXIT.ok;
  const first = breaches[0];
  const what =
    first === undefined
      ? `the recording does not verify: ${verify}`
      : `at ${first.atUs / 1e6} s: ${first.what}${breaches.length > 1 ? ` (and ${breaches.length - 1} more)` : ''}`;
  throw new CommandError(EXIT.failed, `seed ${seed}: ${what}`, `Run it again: ${repeat(flags)}`);
}

/** The command that repeats the run, byte for byte. */
function repeat({ seed, minutes, robots, people, map, site, fault, loss }: SimFlags): string {
  const options = [`--seed ${seed}`, `--minutes ${minutes}`, `--robots ${robots}`, `--people ${people}`];
  if (map !== undefined) options.push(`--map ${map}`);
  if (site !== undefined) options.push(`--site ${site}`);
  if (loss > 0) options.push(`--loss ${loss}`);
  return ['sigma sim', ...options, ...fault.map((spec) => `--fault ${spec}`)].join(' ');
}

function describe(result: SimResult): string {
  const { p50, p99, count } = result.decisionMs;
  const failsafe = Object.entries(result.failsafe).map(([action, times]) => `${action} ${times}`);
  return columns([
    ['simulated', `${result.simulatedSeconds} s of ${result.robots} robots, ${result.realTimeFactor} times real time`],
    ['missions', `${result.missionsCompleted} done, ${result.missionsOpen} under way, ${result.missionsFailed} failed`],
    ['decisions', `${result.decisions}; report to plan ${p50} ms at p50, ${p99} ms at p99 of ${count}`],
    ['violations', String(result.violations)],
    ['failsafe', failsafe.length === 0 ? 'none' : failsafe.join(', ')],
    ['collisions', String(result.collisions)],
    ['alerts', String(result.alerts.length)],
    ['recording', result.recording],
    ['head', result.head],
    ['verify', result.verify],
  ]);
}
