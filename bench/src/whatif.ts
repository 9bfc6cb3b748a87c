import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Site } from '@sigma/fleet-model';
import {
  alternativesIn,
  makeFork,
  openWithParents,
  type PlacedAlternative,
  parsePolicyFile,
  runSim,
  whatIf,
} from '@sigma/sim';
import { absolute, type BenchLine, beside } from './line.ts';

const ROBOTS = 40;
const CORES = 2;
const DAY_MINUTES = 24 * 60;
const LEAST_MINUTES = 4;
const TARGET_S = 300;
const FORK_AT_US = 20_000_000;
const FORK_FOR_US = 30_000_000;

const FAULTS = ['r02', 'r05', 'r08', 'r11', 'r14', 'r17', 'r20', 'r23', 'r26', 'r29', 'r32', 'r35'].map((robot, k) => ({
  ...{ robot, fault: (['person_steps_in', 'motor_overload', 'planner_lies'] as const)[k % 3] ?? 'person_steps_in' },
  ...{ atUs: (5 + 4 * k) * 1_000_000, forUs: 3_000_000 },
}));

const bound = (id: string, when: string, speedMps: number): string =>
  JSON.stringify({
    ...{ id, rate: 'situation', when, rationale: 'a bench' },
    effect: { type: 'restrict', restriction: { atMost: { speedMps }, forbid: [] } },
  });

/** A rule that seldom has anything to say, and one that speaks whenever somebody drives. */
const SELDOM = bound('slow_by_people', 'person.distance_m < 3.0 && robot.speed_mps > 0.5', 0.5);
const OFTEN = bound('slow_always', 'robot.speed_mps > 1.0', 1.0);

/**
 * Trying a rule on a day of forty robots, extrapolated from a recording of some minutes: by how much longer its whole takes
 * than its first half, in processor time of all threads, so that what starting costs is not counted 1440 times. Spread over
 * two cores; with the facts that came together while it was recorded, and without any. Then a fork that touches one robot of the forty, and
 * everything that robots with faults rejected.
 *
 * @param minutes of the recording that is made, at least 4; 4 take about a minute
 */
export async function* benchWhatIf(site: Site, minutes: number): AsyncIterable<BenchLine> {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-bench-'));
  try {
    const path = join(folder, 'fleet.sqlite');
    const nowMs = (): number => performance.now();
    const length = Math.max(LEAST_MINUTES, minutes);
    const simulated = { site, seed: 7, robots: ROBOTS, people: 8, minutes: length };
    await runSim({ ...simulated, recordingPath: path, nowMs, verify: false });
    yield* await trials(folder, path, length);
    yield* await forks(folder, path);
    const faulty = join(folder, 'faulty.sqlite');
    await runSim({ ...simulated, minutes: 1, faults: FAULTS, recordingPath: faulty, nowMs, verify: false });
    yield* await alternatives(folder, faulty);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function trials(folder: string, path: string, minutes: number): Promise<BenchLine[]> {
  const run = async (text: string, facts: boolean | 'all', untilUs: number | null = null) => {
    const beforeS = processorS();
    const report = await whatIf({
      ...{
        policy: parsePolicyFile('bench.json', text),
        recordings: [path],
        tenant: null,
        agents: [],
        fromUs: null,
        untilUs,
      },
      ...{ threads: 1, hubDir: folder, facts },
    });
    const cycles = report.chains.reduce((sum, { wakes, gathered }) => sum + wakes + gathered, 0);
    return { spentS: processorS() - beforeS, cycles, flips: report.flips.length };
  };
  const halfUs = (minutes * 60e6) / 2;
  /** Seconds for a day on two cores, and what the whole recording came to. */
  const day = async (text: string, facts: boolean) => {
    const half = await least(facts ? TIMES : 1, () => run(text, facts, halfUs));
    const whole = await least(facts ? TIMES : 1, () => run(text, facts));
    return { ...whole, dayS: dayOf(half.spentS, whole.spentS, minutes) };
  };
  /** The same where no facts were kept. */
  const dayWithout = async (text: string, facts: true | 'all') => {
    rmSync(`${path}.facts`, { force: true });
    const half = await run(text, facts, halfUs);
    rmSync(`${path}.facts`, { force: true });
    const whole = await run(text, facts);
    return { ...whole, dayS: dayOf(half.spentS, whole.spentS, minutes) };
  };
  const everything = await day(SELDOM, false);
  const seldom = await day(SELDOM, true);
  const often = await day(OFTEN, true);
  const again = await run(OFTEN, false);
  const kept = megabytes(`${path}.facts`);
  renameSync(`${path}.facts`, `${path}.lived`);
  const [seldomAnew, oftenAnew] = [await dayWithout(SELDOM, true), await dayWithout(OFTEN, true)];
  const gathered = await dayWithout(SELDOM, 'all');
  for (const some of [seldom, seldomAnew, gathered]) mustFlipAlike(some, everything);
  for (const some of [often, oftenAnew]) mustFlipAlike(some, again);
  const measured = `${ROBOTS} robots, 24 h extrapolated from ${minutes} min`;
  const share = (cycles: number): string =>
    `${((100 * cycles) / everything.cycles).toFixed(1)} % of the cycles run again`;
  const recorded = megabytes(path);
  const line = (name: string, seconds: number): BenchLine =>
    beside(absolute(name, seconds, 's', '<=', TARGET_S), 'everything run again', everything.dayS);
  return [
    line(`whatif.day(${measured}; facts as recorded; ${share(seldom.cycles)})`, seldom.dayS),
    line(`whatif.dayOfARuleThatSpeaksOften(${measured}; facts as recorded; ${share(often.cycles)})`, often.dayS),
    line(`whatif.dayWithoutFacts(${measured}; ${share(seldomAnew.cycles)})`, seldomAnew.dayS),
    line(`whatif.dayWithoutFactsOfARuleThatSpeaksOften(${measured}; ${share(oftenAnew.cycles)})`, oftenAnew.dayS),
    line(`whatif.dayWithoutFacts(${measured}; facts of everything gathered, once)`, gathered.dayS),
    beside(absolute('whatif.facts', kept, 'MB', '<=', 0.05 * recorded), 'the recording', recorded),
  ];
}

/** Seconds for a day on two cores, by how much longer the whole takes than its first half. */
const dayOf = (halfS: number, wholeS: number, minutes: number): number =>
  ((wholeS - halfS) * DAY_MINUTES) / (minutes / 2) / CORES;

function mustFlipAlike(some: { readonly flips: number }, all: { readonly flips: number }): void {
  if (some.flips !== all.flips) throw new Error(`${some.flips} flips with facts, ${all.flips} without`);
}

/** What takes a second takes now more, now less: the least of several times. */
const TIMES = 3;

async function least<Run extends { readonly spentS: number }>(times: number, run: () => Promise<Run>): Promise<Run> {
  let best = await run();
  for (let k = 1; k < times; k++) {
    const next = await run();
    if (next.spentS < best.spentS) best = next;
  }
  return best;
}

async function forks(folder: string, path: string): Promise<BenchLine[]> {
  const run = async (everybody: boolean) => {
    const { timeline, close } = await openWithParents(path, folder);
    try {
      const beforeS = processorS();
      const result = await makeFork(
        timeline,
        {
          ...{
            atUs: FORK_AT_US,
            forUs: FORK_FOR_US,
            agents: ['r07'],
            policy: null,
            parameters: { 'chain.strikes': 3 },
          },
          ...{ without: [], orders: [], faults: [], what: 'a bench', everybody },
        },
        join(folder, `fork-${everybody}.sqlite`),
      );
      return { ...result, spentS: processorS() - beforeS };
    } finally {
      await close();
    }
  };
  const one = await run(false);
  const all = await run(true);
  const percent = (part: number, whole: number): number => (100 * part) / whole;
  const touched = `${one.touched.length} of ${ROBOTS} robots touched`;
  return [
    absolute(
      `fork.recomputedCycles(${touched}, what led up to the fork included)`,
      percent(one.recomputed, one.wakes),
      '%',
      '<=',
      10,
    ),
    beside(
      absolute(`fork.time(${touched})`, percent(one.spentS, all.spentS), '% of recomputing all', '<=', 100),
      'recomputing all, s',
      all.spentS,
    ),
  ];
}

const megabytes = (file: string): number => statSync(file).size / 1e6;

/** What robots reject when people step in front of them, motors overload and planners lie: each can be run, or says why not. */
async function alternatives(folder: string, path: string): Promise<BenchLine[]> {
  const beforeS = processorS();
  const { timeline, close } = await openWithParents(path, folder);
  try {
    const found = await alternativesIn(timeline);
    const walkedS = processorS() - beforeS;
    const runnable = found.alternatives.filter(({ alternative }) => alternative.runnable);
    const reasons = new Set(found.alternatives.map(({ alternative: one }) => (one.runnable ? '' : one.because)));
    reasons.delete('');
    const every = Math.max(1, Math.floor(runnable.length / MOST_RUN));
    const sample = runnable.filter((_, k) => k % every === 0).slice(0, MOST_RUN);
    let ran = 0;
    for (const [k, placed] of sample.entries()) {
      const run = await runAlternative(timeline, placed, join(folder, `otherwise-${k}.sqlite`));
      if (run) ran++;
    }
    const { length } = found.alternatives;
    const which = `${runnable.length} runnable, ${length - runnable.length} not, for ${reasons.size} reasons; of ${found.decisions} decisions, walked in ${walkedS.toFixed(1)} s`;
    return [
      absolute(`fork.alternatives(${which})`, length, 'rejected', '>=', 1),
      absolute(
        `fork.alternativesRun(of ${sample.length} tried)`,
        ran,
        'of those said to be runnable',
        '>=',
        sample.length,
      ),
    ];
  } finally {
    await close();
  }
}

const MOST_RUN = 12;

async function runAlternative(
  timeline: Parameters<typeof makeFork>[0],
  { agent, atUs, alternative }: PlacedAlternative,
  out: string,
): Promise<boolean> {
  if (!alternative.runnable) return false;
  const { without, orders } = alternative;
  const request = { atUs, forUs: 500_000, agents: [agent], policy: null, parameters: {}, faults: [], what: 'a bench' };
  const { touched } = await makeFork(timeline, { ...request, without, orders }, out);
  return touched.some(({ id }) => id === agent);
}

/** Seconds of processor time so far, all threads. */
function processorS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
