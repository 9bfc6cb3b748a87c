// A thread that tries a policy on one chain after another.

import { parentPort, workerData } from 'node:worker_threads';
import { FACTS, type FleetBelief } from '@sigma/fleet-model';
import { type ChainHead, type ChainTrial, gatherFacts, tryPolicy } from '@sigma/recorder';
import { modelsOf } from '../recording.ts';
import { FactsFile } from './facts-file.ts';
import { FleetTrials } from './fleet-trial.ts';
import { isAddress, openNamed } from './named-recording.ts';
import type { PolicyFile } from './policy-file.ts';

export interface TrialTask {
  readonly recording: string;
  readonly head: ChainHead;
}

export interface TrialSetup {
  readonly policy: PolicyFile;
  readonly fromUs: number | null;
  readonly untilUs: number | null;
  /** Whether facts are kept beside the recordings. */
  readonly facts: boolean;
  /** Where the hub of this machine keeps how its database is reached. */
  readonly hubDir: string;
}

export type TrialAnswer =
  | { readonly type: 'progress'; readonly wakes: number }
  | { readonly type: 'done'; readonly trial: ChainTrial }
  | { readonly type: 'failed'; readonly name: string; readonly message: string };

const setup = workerData as TrialSetup;
/** So many events behind the last facts are run again each time rather than gathered. */
const WORTH_GATHERING = 1_000;
const FACT_NAMES = FACTS.map(({ name }) => name);
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
  const file = setup.facts && !isAddress(named) ? new FactsFile(named, FACT_NAMES) : null;
  return tryPolicy<FleetBelief>(recording, head, {
    trialOf: (opening) => trials.of(opening),
    ...(file === null
      ? {}
      : {
          factsOf: async (opening, { lived, facts }) => {
            const kept = await file.load(recording, head, opening);
            if (kept !== null && head.sequence - kept.blockEnd < WORTH_GATHERING) return kept.table;
            const made = await gatherFacts(recording, head, opening, lived, facts, kept);
            file.keep(head, opening, made);
            return made.table;
          },
        }),
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
