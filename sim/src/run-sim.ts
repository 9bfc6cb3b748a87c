import type { Site } from '@sigma/fleet-model';
import { type BlockStore, siteHead, verify } from '@sigma/recorder';
import { FactsFile } from '@sigma/recorder/facts';
import { openSqliteRecorder, openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import type { Percentiles } from './decision-times.ts';
import type { PlannedFault } from './fault-plan.ts';
import { FACT_NAMES } from './fork/fleet-trial.ts';
import type { SimAlert } from './hub/virtual-hub.ts';
import type { Breach } from './invariants.ts';
import { fleetReexecutors } from './recording.ts';
import { Simulation } from './simulation.ts';

/** Virtual time between two transactions of the recording. */
const COMMIT_US = 1_000_000;

export interface SimOptions {
  readonly site: Site;
  /** uint32. */
  readonly seed: number;
  readonly robots: number;
  readonly people: number;
  /** Virtual minutes, > 0; parts of a minute are rounded to whole 10 ms. */
  readonly minutes: number;
  readonly workload?: 'mixed' | 'none';
  readonly faults?: readonly PlannedFault[];
  /** Share of packets between hub and edges that are lost and sent again, 0 to 1. */
  readonly lossShare?: number;
  /** A file that does not exist yet. */
  readonly recordingPath: string;
  /** Bytes of blocks that are packed together as it grows, as a living robot's are (recorder SPEC R196). Absent: none are. */
  readonly packBytes?: number;
  /** False leaves the recording unverified; `verify` of the result is then `not asked`. */
  readonly verify?: boolean;
  readonly onProgress?: (progress: SimProgress) => void;
  /** Called after every virtual second; may look, must not touch. */
  readonly onSecond?: (simulation: Simulation) => void;
  /** Monotonic clock, milliseconds; only for `realTimeFactor`. */
  readonly nowMs: () => number;
}

export type SimProgress =
  | {
      readonly stage: 'run';
      readonly atUs: number;
      readonly ofUs: number;
      readonly missionsCompleted: number;
      readonly decisions: number;
    }
  | { readonly stage: 'verify'; readonly source: string; readonly share: number };

export interface SimResult {
  readonly robots: number;
  readonly missionsCompleted: number;
  readonly decisions: number;
  readonly violations: number;
  /** Failsafe activations by action. */
  readonly failsafe: Readonly<Record<string, number>>;
  /** Virtual time from a report leaving a robot to the plan that names it arriving there. */
  readonly decisionMs: Percentiles;
  readonly recording: string;
  readonly head: string;
  /** `ok`, or the first failure in a sentence. */
  readonly verify: string;
  readonly seed: number;
  readonly people: number;
  readonly simulatedSeconds: number;
  /** Virtual seconds for each second of the wall clock, recording included, verification not. */
  readonly realTimeFactor: number;
  readonly missionsFailed: number;
  readonly missionsOpen: number;
  readonly deliveries: number;
  readonly collisions: number;
  readonly ordersRefused: number;
  /** Frames that the hub's ingest turned away, by reason. */
  readonly framesRefused: Readonly<Record<string, number>>;
  readonly alerts: readonly SimAlert[];
  readonly refusedFaults: readonly string[];
  /** What must never happen and did. Empty in a sound run. */
  readonly breaches: readonly Breach[];
}

/**
 * Runs a whole fleet with its hub on a virtual clock, records it, and verifies the recording by running it again. The
 * same options give the same `head`.
 *
 * @throws StoreError, CrowdedSiteError, WorldSetupError
 */
export async function runSim(options: SimOptions): Promise<SimResult> {
  const { site, seed, robots, people, minutes, recordingPath, onProgress, nowMs } = options;
  const { workload = 'mixed', faults = [], lossShare = 0, packBytes } = options;
  const simulation = await Simulation.open({ site, seed, robots, people, workload, faults, lossShare }, sha256);
  const endUs = Math.max(1, Math.round(minutes * 6_000)) * 10_000;
  const store = await openSqliteRecorder(recordingPath, packBytes === undefined ? {} : { packBytes });
  FactsFile.remove(recordingPath);
  const facts = new FactsFile(recordingPath, FACT_NAMES);
  const startedMs = nowMs();
  try {
    // One second is simulated while the one before it is written in a thread of its own; never more lies ahead.
    let written: Promise<Error | null> = Promise.resolve(null);
    const record = async (): Promise<void> => {
      const failure = await written;
      if (failure !== null) throw failure;
      written = store.append(simulation.takeBlocks()).then(
        () => null,
        (error: Error) => error,
      );
    };
    while (simulation.atUs < endUs) {
      await simulation.step();
      if (simulation.atUs % COMMIT_US !== 0) continue;
      await record();
      keepFacts(facts, simulation);
      options.onSecond?.(simulation);
      onProgress?.(progressOf(simulation, endUs));
    }
    simulation.finish();
    await record();
    keepFacts(facts, simulation);
    const failure = await written;
    if (failure !== null) throw failure;
    const tookMs = nowMs() - startedMs;
    return await conclude(options, simulation, store, tookMs);
  } finally {
    facts.close();
    await store.close();
  }
}

function keepFacts(file: FactsFile, simulation: Simulation): void {
  const facts = simulation.takeFacts();
  if (facts.length > 0) file.keep(facts);
}

const completed = (simulation: Simulation): number =>
  simulation.hub.missions.filter(({ status }) => status === 'done').length;

const decisionsOf = (simulation: Simulation): number =>
  simulation.robots.reduce((sum, { runtime }) => sum + runtime.counts.decisions, 0);

function progressOf(simulation: Simulation, ofUs: number): SimProgress {
  const missionsCompleted = completed(simulation);
  return { stage: 'run', atUs: simulation.atUs, ofUs, missionsCompleted, decisions: decisionsOf(simulation) };
}

async function conclude(
  options: SimOptions,
  simulation: Simulation,
  store: BlockStore,
  tookMs: number,
): Promise<SimResult> {
  const { seed, people, recordingPath } = options;
  const { hub, robots } = simulation;
  const { missions } = hub;
  const counts = robots.map(({ runtime }) => runtime.counts);
  const failsafe: Record<string, number> = {};
  for (const { failsafe: of } of counts) {
    for (const [action, times] of Object.entries(of)) failsafe[action] = (failsafe[action] ?? 0) + times;
  }
  const simulatedSeconds = simulation.atUs / 1e6;
  const head = siteHead(await store.heads(), sha256);
  const done = missions.filter(({ status }) => status === 'done');
  return {
    robots: robots.length,
    missionsCompleted: done.length,
    decisions: decisionsOf(simulation),
    violations: counts.reduce((sum, { violations }) => sum + violations, 0),
    failsafe: Object.fromEntries(Object.entries(failsafe).sort(([a], [b]) => (a < b ? -1 : 1))),
    decisionMs: simulation.times.percentiles,
    recording: recordingPath,
    head,
    verify: options.verify === false ? 'not asked' : await verifyRecording(recordingPath, options.onProgress),
    seed,
    people,
    simulatedSeconds,
    realTimeFactor: Math.round((simulatedSeconds / (tookMs / 1000)) * 100) / 100,
    missionsFailed: missions.filter(({ status }) => status === 'failed').length,
    missionsOpen: missions.filter(({ status }) => status === 'queued' || status === 'active').length,
    deliveries: done.filter(({ goal }) => goal.kind === 'deliver').length,
    collisions: simulation.contacts.length,
    ordersRefused: counts.reduce((sum, { ordersRefused }) => sum + ordersRefused, 0),
    framesRefused: hub.refusedFrames,
    alerts: hub.alerts,
    refusedFaults: simulation.refusedFaults,
    breaches: simulation.breaches,
  };
}

async function verifyRecording(path: string, onProgress: SimOptions['onProgress']): Promise<string> {
  const recording = openSqliteRecording(path);
  try {
    const report = await verify(recording, {
      sha256,
      reexecutors: await fleetReexecutors(recording),
      progress: ({ chain, sequence, ofSequence }) =>
        onProgress?.({ stage: 'verify', source: chain.source, share: sequence / ofSequence }),
    });
    return report.firstFailure?.message ?? 'ok';
  } finally {
    await recording.close();
  }
}
