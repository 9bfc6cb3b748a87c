// A thread that tries a policy on one chain after another.

import { parentPort, workerData } from 'node:worker_threads';
import { type ChainHead, type ChainTrial, tryPolicy } from '@sigma/recorder';
import { modelsOf } from '../recording.ts';
import { FleetTrials } from './fleet-trial.ts';
import { openNamed } from './named-recording.ts';
import type { PolicyFile } from './policy-file.ts';

export interface TrialTask {
  readonly recording: string;
  readonly head: ChainHead;
}

export interface TrialSetup {
  readonly policy: PolicyFile;
  readonly fromUs: number | null;
  readonly untilUs: number | null;
  /** Where the hub of this machine keeps how its database is reached. */
  readonly hubDir: string;
}

export type TrialAnswer =
  | { readonly type: 'progress'; readonly wakes: number }
  | { readonly type: 'done'; readonly trial: ChainTrial }
  | { readonly type: 'failed'; readonly name: string; readonly message: string };

const setup = workerData as TrialSetup;
const open = new Map<string, Promise<Awaited<ReturnType<typeof opened>>>>();

async function opened(named: string) {
  const { recording } = await openNamed(named, setup.hubDir);
  return { recording, trials: new FleetTrials(await modelsOf(recording), setup.policy) };
}

async function run({ recording: named, head }: TrialTask): Promise<ChainTrial> {
  let known = open.get(named);
  if (known === undefined) {
    known = opened(named);
    open.set(named, known);
  }
  const { recording, trials } = await known;
  return tryPolicy(recording, head, {
    trialOf: (opening) => trials.of(opening),
    ...(setup.fromUs === null ? {} : { fromUs: setup.fromUs }),
    ...(setup.untilUs === null ? {} : { untilUs: setup.untilUs }),
    progress: (wakes) => tell({ type: 'progress', wakes }),
  });
}

const tell = (answer: TrialAnswer): void => parentPort?.postMessage(answer);

parentPort?.on('message', (task: TrialTask) => {
  run(task).then(
    (trial) => tell({ type: 'done', trial }),
    (error: Error) => tell({ type: 'failed', name: error.name, message: error.message }),
  );
});
