// A thread that tries a policy on one chain after another.

import { parentPort, workerData } from 'node:worker_threads';
import type { FleetBelief } from '@sigma/fleet-model';
import {
  type ChainHead,
  type ChainTrial,
  FactsDisagreeError,
  gatherFacts,
  type KeptStretch,
  type Opening,
  type Recording,
  type Trial,
  tryPolicy,
} from '@sigma/recorder';
import { FactsFile } from '@sigma/recorder/facts';
import { modelsOf } from '../recording.ts';
import { FACT_NAMES, FleetTrials } from './fleet-trial.ts';
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
  | { readonly type: 'progress'; readonly sequence: number }
  | { readonly type: 'done'; readonly trial: ChainTrial }
  | { readonly type: 'failed'; readonly name: string; readonly message: string };

const setup = workerData as TrialSetup;
/** So many events behind the last facts are run again each time rather than gathered. */
const WORTH_GATHERING = 1_000;
/** Stretches that are gathered are kept in bunches. */
const KEPT_TOGETHER = 32;
const open = new Map<string, Promise<Awaited<ReturnType<typeof opened>>>>();

async function opened(named: string) {
  const { recording } = await openNamed(named, setup.hubDir);
  const file = setup.facts && !isAddress(named) ? new FactsFile(named, FACT_NAMES) : null;
  return { recording, file, trials: new FleetTrials(await modelsOf(recording), setup.policy) };
}

async function run({ recording: named, head }: TrialTask): Promise<ChainTrial> {
  let known = open.get(named);
  if (known === undefined) {
    known = opened(named);
    open.set(named, known);
  }
  const { recording, trials, file } = await known;
  const attempt = (): Promise<ChainTrial> =>
    tryPolicy<FleetBelief>(recording, head, {
      trialOf: (opening) => trials.of(opening),
      ...(file === null ? {} : { factsOf: async (opening, trial) => factsOf(recording, head, file, opening, trial) }),
      ...(setup.fromUs === null ? {} : { fromUs: setup.fromUs }),
      ...(setup.untilUs === null ? {} : { untilUs: setup.untilUs }),
      progress: (sequence) => tell({ type: 'progress', sequence }),
    });
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof FactsDisagreeError) || file === null) throw error;
    // They lied: they are thrown away, gathered from the life itself, and held against it once more.
    file.forget(head);
    return attempt();
  }
}

/** Facts that are kept, and those that are still to be gathered. */
async function* factsOf(
  recording: Recording,
  head: ChainHead,
  file: FactsFile,
  opening: Opening,
  { lived, facts }: Trial<FleetBelief>,
): AsyncIterable<KeptStretch> {
  const kept = await file.load(recording, head, opening);
  if (kept !== null) yield* kept.stretches(setup.fromUs ?? 0);
  if (kept !== null && head.sequence - kept.last.blockEnd < WORTH_GATHERING) return;
  let made: KeptStretch[] = [];
  const keep = (): void => {
    if (made.length > 0) file.keep([{ chain: head, basis: opening, stretches: made }]);
    made = [];
  };
  for await (const stretch of gatherFacts(recording, head, opening, lived, facts, kept?.last ?? null)) {
    made.push(stretch);
    if (made.length >= KEPT_TOGETHER) keep();
    yield stretch;
  }
  keep();
}

const tell = (answer: TrialAnswer): void => parentPort?.postMessage(answer);

parentPort?.on('message', (task: TrialTask) => {
  run(task).then(
    (trial) => tell({ type: 'done', trial }),
    (error: Error) => tell({ type: 'failed', name: error.name, message: error.message }),
  );
});
