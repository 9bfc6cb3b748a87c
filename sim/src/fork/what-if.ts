import { Worker } from 'node:worker_threads';
import type { ChainTrial, Flip } from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import { ofTenant } from './one-tenant.ts';
import type { PolicyFile } from './policy-file.ts';
import { eachOnce, type TriedPiece, triedPieces } from './tried-pieces.ts';
import type { TrialAnswer, TrialSetup, TrialTask, Tried } from './what-if-worker.ts';

export interface WhatIfOptions {
  readonly policy: PolicyFile;
  /** Files, archives, or addresses of databases with their tenant. */
  readonly recordings: readonly string[];
  /** Where parents of forks lie that are not where the forks say. */
  readonly parents?: readonly string[];
  /** Whose agents; null where the recordings hold those of one tenant only. */
  readonly tenant: string | null;
  /** Only these agents; all when empty. */
  readonly agents: readonly string[];
  /** Agent time, inclusive and exclusive; all of it when null. */
  readonly fromUs: number | null;
  readonly untilUs: number | null;
  /** The same by the wall clock, microseconds since 1970, of lives that have a clock each; instead of agent time. */
  readonly fromTimeUs?: number;
  readonly untilTimeUs?: number;
  /** Threads, at least 1. */
  readonly threads: number;
  readonly hubDir: string;
  /** Key of the server that archives in buckets rest on. */
  readonly s3?: S3Access | null;
  /**
   * Use facts beside the recordings, so that most of them need not be run again, and keep those that are gathered on the
   * way; `all`: gather those of everything, so that the next policies are tried by facts alone.
   */
  readonly facts: boolean | 'all';
  /** Chains done, of so many; flips found; share of all events that was looked at, 0 to 1. */
  readonly onProgress?: (done: number, of: number, flips: number, share: number) => void;
  readonly signal?: AbortSignal;
}

type Origin = Pick<TriedPiece, 'named' | 'recording' | 'zeroUs'>;

/** What trying a policy on recordings came to: in the order of recordings, chains and time. */
export interface WhatIfReport {
  readonly chains: readonly (ChainTrial & Pick<Tried, 'unfit'> & Origin)[];
  readonly flips: readonly (Flip & Origin)[];
  /** Forks of which only what they hold themselves was tried, and why. */
  readonly unreached: readonly { readonly recording: string; readonly why: string }[];
}

/**
 * Tries a policy on everything that these recordings hold, and of a fork on what it shares with its parents, on as many
 * threads as are given.
 *
 * @throws TenantError, StoreError, PolicyFileError when it fits no chain, Error
 */
export async function whatIf(options: WhatIfOptions): Promise<WhatIfReport> {
  const { tasks, unreached } = await tasksOf(options);
  const { policy, hubDir, facts, s3 = null } = options;
  const setup: TrialSetup = { policy, hubDir, s3, facts };
  const results = await spread(tasks, setup, options);
  const chains = results.map(({ trial, unfit }, k) => {
    const { named, recording, zeroUs } = tasks[k] as TrialTask;
    return { ...trial, unfit, named, recording, zeroUs };
  });
  const misfit = chains.find(({ unfit }) => unfit)?.leftOutBecause;
  if (misfit !== undefined && misfit !== null && chains.every(({ leftOutBecause }) => leftOutBecause !== null))
    throw Object.assign(new Error(misfit), { name: 'PolicyFileError' });
  const flips = chains.flatMap(({ named, recording, zeroUs, flips: found }) =>
    found.map((flip) => ({ ...flip, named, recording, zeroUs })),
  );
  return { chains, flips: flips.sort((a, b) => a.zeroUs + a.atUs - (b.zeroUs + b.atUs)), unreached };
}

async function tasksOf(options: WhatIfOptions): Promise<{
  readonly tasks: readonly TrialTask[];
  readonly unreached: WhatIfReport['unreached'];
}> {
  const { recordings, tenant, agents, fromTimeUs, untilTimeUs } = options;
  const found: TriedPiece[] = [];
  const unreached: { readonly recording: string; readonly why: string }[] = [];
  for (const recording of recordings) {
    const { pieces, unreached: why } = await triedPieces(recording, options);
    // A parent may hold others as well, of whom the fork took nothing.
    const own = pieces.filter((piece) => piece.recording === recording).map(({ head }) => head);
    const whose = new Set(ofTenant(own, tenant).map((head) => head.tenant));
    found.push(...pieces.filter(({ head }) => whose.has(head.tenant)));
    if (why !== null) unreached.push({ recording, why });
  }
  const tasks = eachOnce(found)
    .filter(({ head }) => agents.length === 0 || agents.includes(head.source))
    .map((piece): TrialTask => {
      const fromUs = fromTimeUs === undefined ? options.fromUs : fromTimeUs - piece.zeroUs;
      const untilUs = untilTimeUs === undefined ? options.untilUs : untilTimeUs - piece.zeroUs;
      return { ...piece, fromUs, untilUs: earlier(piece.untilUs, untilUs) };
    })
    .filter(({ fromUs, untilUs }) => untilUs === null || untilUs > Math.max(0, fromUs ?? 0))
    // Who lived at another time of the day has nothing to be tried on.
    .filter(({ head, beganUs, fromUs, untilUs }) =>
      fromTimeUs === undefined && untilTimeUs === undefined
        ? true
        : head.atUs >= (fromUs ?? 0) && beganUs < (untilUs ?? Number.POSITIVE_INFINITY),
    );
  return { tasks, unreached };
}

const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

/** A life is run from one short-lived state to the next: with room for them few are ever copied. */
const YOUNG = { maxYoungGenerationSizeMb: 96 };

/** Longest chains first, so that no thread is left with the last long one. @returns in the order of `tasks` */
async function spread(
  tasks: readonly TrialTask[],
  setup: TrialSetup,
  { threads, onProgress, signal }: WhatIfOptions,
): Promise<readonly Tried[]> {
  const results: Tried[] = [];
  const waiting = tasks.map((_, k) => k).sort((a, b) => lengthOf(tasks, b) - lengthOf(tasks, a));
  const all = tasks.reduce((sum, _, k) => sum + lengthOf(tasks, k), 0);
  /** Events behind each task that is under way or done. */
  const looked = tasks.map(() => 0);
  let done = 0;
  let flips = 0;
  const tell = (): void => onProgress?.(done, tasks.length, flips, looked.reduce((sum, one) => sum + one, 0) / all);
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./what-if-worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: YOUNG,
    });
    try {
      for (let k = waiting.shift(); k !== undefined; k = waiting.shift()) {
        signal?.throwIfAborted();
        const task = k;
        const tried = await ask(worker, tasks[task] as TrialTask, signal, (sequence) => {
          looked[task] = sequence;
          tell();
        });
        results[task] = tried;
        flips += tried.trial.flips.length;
        looked[task] = lengthOf(tasks, task);
        done++;
        tell();
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, work));
  return results;
}

const lengthOf = (tasks: readonly TrialTask[], k: number): number => (tasks[k] as TrialTask).head.sequence;

function ask(
  worker: Worker,
  task: TrialTask,
  signal: AbortSignal | undefined,
  progress: (sequence: number) => void,
): Promise<Tried> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', heard);
      worker.off('error', reject);
      signal?.removeEventListener('abort', aborted);
    };
    const aborted = (): void => {
      settle();
      reject(signal?.reason);
    };
    const heard = (answer: TrialAnswer): void => {
      if (answer.type === 'progress') {
        progress(answer.sequence);
        return;
      }
      settle();
      if (answer.type === 'done') resolve(answer);
      else reject(Object.assign(new Error(answer.message), { name: answer.name }));
    };
    worker.on('message', heard);
    worker.on('error', reject);
    signal?.addEventListener('abort', aborted, { once: true });
    worker.postMessage(task);
  });
}
