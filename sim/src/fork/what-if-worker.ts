// A thread that tries a policy on one chain after another.

import { parentPort, workerData } from 'node:worker_threads';
import type { FleetBelief } from '@sigma/fleet-model';
import {
  type ChainHead,
  type ChainTrial,
  FactsDisagreeError,
  type KeptStretch,
  type Opening,
  type Recording,
  type TrialOptions,
  tryPolicy,
} from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import { FactsFile } from '@sigma/recorder/facts';
import { modelsOf } from '../recording.ts';
import { FACT_NAMES, FleetTrials } from './fleet-trial.ts';
import { factsName, openNamed } from './named-recording.ts';
import { type PolicyFile, PolicyFileError } from './policy-file.ts';
import type { TriedPiece } from './tried-pieces.ts';

export interface TrialTask extends TriedPiece {
  /** Agent time from which on it is tried; null: all of it. */
  readonly fromUs: number | null;
}

export interface TrialSetup {
  readonly policy: PolicyFile;
  /** Whether facts are kept beside the recordings; `all`: and gathered of everything, whatever the policy reads. */
  readonly facts: boolean | 'all';
  /** Where the hub of this machine keeps how its database is reached. */
  readonly hubDir: string;
  /** Key of the server that archives in buckets rest on. */
  readonly s3: S3Access | null;
}

export interface Tried {
  readonly trial: ChainTrial;
  /** It was left out since it was recorded under a policy that the file does not change: there is not in it what is to go. */
  readonly unfit: boolean;
}

export type TrialAnswer =
  | { readonly type: 'progress'; readonly sequence: number }
  | ({ readonly type: 'done' } & Tried)
  | { readonly type: 'failed'; readonly name: string; readonly message: string };

const setup = workerData as TrialSetup;
/** Facts that were gathered are kept in bunches, so that who is interrupted loses a second of them at most. */
const KEPT_TOGETHER = 32;
const KEPT_WITHIN_MS = 1_000;
const open = new Map<string, Promise<Awaited<ReturnType<typeof opened>>>>();

async function opened(named: string) {
  const { recording } = await openNamed(named, setup.hubDir, setup.s3);
  const beside = setup.facts === false ? null : factsName(named, setup.hubDir);
  const file = beside === null ? null : new FactsFile(beside, FACT_NAMES);
  return { recording, file, trials: new FleetTrials(await modelsOf(recording), setup.policy) };
}

async function run({ recording: named, head, fromUs, untilUs }: TrialTask): Promise<Tried> {
  let unfit = false;
  let known = open.get(named);
  if (known === undefined) {
    known = opened(named);
    open.set(named, known);
  }
  const { recording, trials, file } = await known;
  const trialOf: TrialOptions<FleetBelief>['trialOf'] = (opening) => {
    try {
      return trials.of(opening);
    } catch (error) {
      if (!(error instanceof PolicyFileError)) throw error;
      unfit = true;
      return error.message;
    }
  };
  const attempt = async (gathersAll: boolean): Promise<ChainTrial> => {
    const shelf = file === null ? null : new FactsShelf(file, head, fromUs ?? 0);
    try {
      return await tryPolicy<FleetBelief>(recording, head, {
        trialOf,
        ...(shelf === null ? {} : { factsOf: async (opening) => shelf.load(recording, opening) }),
        ...(shelf === null ? {} : { keep: (opening, stretch) => shelf.put(opening, stretch), gathersAll }),
        ...(fromUs === null ? {} : { fromUs }),
        ...(untilUs === null ? {} : { untilUs }),
        progress: (sequence) => tell({ type: 'progress', sequence }),
      });
    } finally {
      shelf?.keep();
    }
  };
  try {
    return { trial: await attempt(setup.facts === 'all'), unfit };
  } catch (error) {
    if (!(error instanceof FactsDisagreeError) || file === null) throw error;
    // They lied: they are thrown away, gathered from the life itself, and held against it once more.
    file.forget(head);
    return { trial: await attempt(true), unfit };
  }
}

/** The facts of one chain in their file. */
class FactsShelf {
  readonly #file: FactsFile;
  readonly #head: ChainHead;
  readonly #fromUs: number;
  #basis: Opening | null = null;
  #made: KeptStretch[] = [];
  #keptMs = performance.now();

  constructor(file: FactsFile, head: ChainHead, fromUs: number) {
    this.#file = file;
    this.#head = head;
    this.#fromUs = fromUs;
  }

  async load(recording: Recording, opening: Opening): Promise<AsyncIterable<KeptStretch> | null> {
    return (await this.#file.load(recording, this.#head, opening))?.stretches(this.#fromUs) ?? null;
  }

  put(opening: Opening, stretch: KeptStretch): void {
    this.#basis = opening;
    this.#made.push(stretch);
    if (this.#made.length >= KEPT_TOGETHER || performance.now() - this.#keptMs > KEPT_WITHIN_MS) this.keep();
  }

  keep(): void {
    if (this.#made.length > 0 && this.#basis !== null)
      this.#file.keep([{ chain: this.#head, basis: this.#basis, stretches: this.#made }]);
    this.#made = [];
    this.#keptMs = performance.now();
  }
}

const tell = (answer: TrialAnswer): void => parentPort?.postMessage(answer);

parentPort?.on('message', (task: TrialTask) => {
  run(task).then(
    (tried) => tell({ type: 'done', ...tried }),
    (error: Error) => tell({ type: 'failed', name: error.name, message: error.message }),
  );
});
