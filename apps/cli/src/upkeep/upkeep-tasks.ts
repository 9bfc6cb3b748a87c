import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { UpkeepTask } from '@sigma/hub';
import type { DailyArchive, DailyBackup, UpkeepPlan } from './upkeep-file.ts';

export interface UpkeepGround {
  /** The checkout, whose `sigma` does the work. */
  readonly root: string;
  /** What the commands are to take for SIGMA_DATA. */
  readonly dataDir: string;
  /** Recordings that are written now: archived, and in a database released. */
  readonly live: readonly string[];
  /** Recordings that are not written any more. */
  readonly closed: () => readonly string[];
}

/** Behind what the hub and its robots do. */
const LOW_PRIORITY = 10;
const MOST_WORDS = 2_000;

/** What a plan asks for, done by the same commands that a person would give, each a process of its own. */
export function upkeepTasks(plan: UpkeepPlan, ground: UpkeepGround): readonly UpkeepTask[] {
  const { archive, backup } = plan;
  return [
    ...(archive === null
      ? []
      : [{ name: 'archive', atS: archive.atS, run: (signal: AbortSignal) => archiveAll(archive, ground, signal) }]),
    ...(backup === null
      ? []
      : [{ name: 'backup', atS: backup.atS, run: (signal: AbortSignal) => backUp(backup, ground, signal) }]),
  ];
}

/** Every recording is tried; what failed of them is told together. */
async function archiveAll({ to, retention, release }: DailyArchive, ground: UpkeepGround, signal: AbortSignal) {
  const failed: string[] = [];
  let [events, recordings] = [0, 0];
  const put = async (recording: string, mayRelease: boolean): Promise<void> => {
    const kept = release && mayRelease && retention !== null ? ['--release', '--retention', retention] : [];
    try {
      const told = await sigma(ground, ['archive', recording, '--to', to, ...kept, '--json'], signal);
      events += (JSON.parse(told) as { readonly events: number }).events;
      recordings++;
    } catch (error) {
      signal.throwIfAborted();
      failed.push(`${recording}: ${(error as Error).message}`);
    }
  };
  // From a file nothing can be taken while it is written.
  for (const recording of ground.live) await put(recording, /^postgres(ql)?:/.test(recording));
  for (const recording of ground.closed()) await put(recording, true);
  if (failed.length > 0) throw new Error(failed.join('; '));
  const thinned = retention === null ? null : await thin(to, retention, ground, signal);
  return `${events} events of ${recordings} recordings to ${to}${thinned === null ? '' : `, ${thinned} objects thinned`}`;
}

async function thin(to: string, retention: string, ground: UpkeepGround, signal: AbortSignal): Promise<number> {
  const told = await sigma(ground, ['archive', '--thin', to, '--retention', retention, '--json'], signal);
  return (JSON.parse(told) as { readonly thinned: readonly unknown[] }).thinned.length;
}

async function backUp({ to }: DailyBackup, ground: UpkeepGround, signal: AbortSignal): Promise<string> {
  const told = await sigma(ground, ['backup', '--to', to, '--json'], signal);
  const { base, segments } = JSON.parse(told) as { readonly base: string; readonly segments: number };
  return `${base} and ${segments} segments of log to ${to}`;
}

/** @returns what the command wrote; throws with what it said when it failed */
function sigma({ root, dataDir }: UpkeepGround, args: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'apps/cli/bin/sigma.mjs'), ...args], {
      // The keys of a bucket come from the environment that the hub was started with.
      env: { ...process.env, SIGMA_DATA: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    let [out, error] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    child.stderr.on('data', (text: Buffer) => (error += text.toString()));
    child.once('spawn', () => {
      // It may have ended by now.
      if (child.pid !== undefined && child.exitCode === null) setPriority(child.pid, LOW_PRIORITY);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(error.trim().slice(-MOST_WORDS) || `it ended with code ${code}`));
    });
  });
}
