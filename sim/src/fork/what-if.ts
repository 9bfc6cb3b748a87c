import { Worker } from 'node:worker_threads';
import type { ChainHead, ChainTrial, Flip } from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import { openNamed } from './named-recording.ts';
import { ofTenant } from './one-tenant.ts';
import type { PolicyFile } from './policy-file.ts';
import type { TrialAnswer, TrialSetup, TrialTask } from './what-if-worker.ts';

export interface WhatIfOptions {
  readonly policy: PolicyFile;
  /** Files, archives, or addresses of databases with their tenant. */
  readonly recordings: readonly string[];
  /** Whose agents; null where the recordings hold those of one tenant only. */
  readonly tenant: string | null;
  /** Only these agents; all when empty. */
  readonly agents: readonly string[];
  /** Agent time, inclusive and exclusive; all of it when null. */
  readonly fromUs: number | null;
  readonly untilUs: number | null;
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

/** What trying a policy on recordings came to: in the order of recordings, chains and time. */
export interface WhatIfReport {
  readonly chains: readonly (ChainTrial & { readonly recording: string })[];
  readonly flips: readonly (Flip & { readonly recording: string })[];
}

/** Tries a policy on everything that these recordings hold, on as many threads as are given. @throws TenantError, StoreError, Error */
export async function whatIf(options: WhatIfOptions): Promise<WhatIfReport> {
  const tasks = await tasksOf(options);
  const { policy, fromUs, untilUs, hubDir, facts, s3 = null } = options;
  const setup: TrialSetup = { policy, fromUs, untilUs, hubDir, s3, facts };
  const results = await spread(tasks, setup, options);
  const chains = results.map((trial, k) => ({ ...trial, recording: (tasks[k] as TrialTask).recording }));
  const flips = chains.flatMap(({ recording, flips: found }) => found.map((flip) => ({ ...flip, recording })));
  return { chains, flips: flips.sort((a, b) => a.atUs - b.atUs) };
}

async function tasksOf({
  recordings,
  tenant,
  agents,
  hubDir,
  s3 = null,
}: WhatIfOptions): Promise<readonly TrialTask[]> {
  const tasks: TrialTask[] = [];
  for (const named of recordings) {
    const { recording, close } = await openNamed(named, hubDir, s3);
    try {
      for (const head of ofTenant(await recording.heads(), tenant)) {
        if (agents.length === 0 || agents.includes(head.source)) tasks.push({ recording: named, head });
      }
    } finally {
      await close();
    }
  }
  return tasks;
}

/** A life is run from one short-lived state to the next: with room for them few are ever copied. */
const YOUNG = { maxYoungGenerationSizeMb: 96 };

/** Longest chains first, so that no thread is left with the last long one. @returns in the order of `tasks` */
async function spread(
  tasks: readonly TrialTask[],
  setup: TrialSetup,
  { threads, onProgress, signal }: WhatIfOptions,
): Promise<readonly ChainTrial[]> {
  const results: ChainTrial[] = [];
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
        const trial = await ask(worker, tasks[task] as TrialTask, signal, (sequence) => {
          looked[task] = sequence;
          tell();
        });
        results[task] = trial;
        flips += trial.flips.length;
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

const lengthOf = (tasks: readonly TrialTask[], k: number): number => (tasks[k] as { head: ChainHead }).head.sequence;

function ask(
  worker: Worker,
  task: TrialTask,
  signal: AbortSignal | undefined,
  progress: (sequence: number) => void,
): Promise<ChainTrial> {
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
      if (answer.type === 'done') resolve(answer.trial);
      else reject(Object.assign(new Error(answer.message), { name: answer.name }));
    };
    worker.on('message', heard);
    worker.on('error', reject);
    signal?.addEventListener('abort', aborted, { once: true });
    worker.postMessage(task);
  });
}
