import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Site } from '@sigma/fleet-model';
import { makeFork, openWithParents, parsePolicyFile, runSim, whatIf } from '@sigma/sim';
import { absolute, type BenchLine, beside } from './line.ts';

const ROBOTS = 40;
const CORES = 2;
const DAY_MINUTES = 24 * 60;
const FORK_AT_US = 20_000_000;
const FORK_FOR_US = 30_000_000;

const bound = (id: string, when: string, speedMps: number): string =>
  JSON.stringify({
    ...{ id, rate: 'situation', when, rationale: 'a bench' },
    effect: { type: 'restrict', restriction: { atMost: { speedMps }, forbid: [] } },
  });

/** A rule that seldom has anything to say, and one that speaks whenever somebody drives. */
const SELDOM = bound('slow_by_people', 'person.distance_m < 3.0 && robot.speed_mps > 0.5', 0.5);
const OFTEN = bound('slow_always', 'robot.speed_mps > 1.0', 1.0);

/**
 * Trying a rule on a day of forty robots, extrapolated from a recording of some minutes: the lengths that were measured stand
 * in the names. By processor time of all threads, spread over two cores, with what starting costs taken out. Then a fork
 * that touches one robot of the forty.
 *
 * @param minutes of the recording that is made; 1 takes about half a minute
 */
export async function benchWhatIf(site: Site, minutes: number): Promise<readonly BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-bench-'));
  try {
    const path = join(folder, 'fleet.sqlite');
    const nowMs = (): number => performance.now();
    await runSim({ site, seed: 7, robots: ROBOTS, people: 8, minutes, recordingPath: path, nowMs, verify: false });
    return [...(await trials(folder, path, minutes)), ...(await forks(folder, path))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function trials(folder: string, path: string, minutes: number): Promise<BenchLine[]> {
  const run = async (text: string, facts: boolean, agents: readonly string[] = []) => {
    const beforeS = processorS();
    const report = await whatIf({
      ...{ policy: parsePolicyFile('bench.json', text), recordings: [path], agents, fromUs: null, untilUs: null },
      ...{ threads: 1, hubDir: folder, facts },
    });
    const cycles = report.chains.reduce((sum, { wakes }) => sum + wakes, 0);
    return { spentS: processorS() - beforeS, cycles, flips: report.flips.length };
  };
  const startS = (await run(SELDOM, false, ['hub'])).spentS;
  const day = (spentS: number): number => (Math.max(0, spentS - startS) * DAY_MINUTES) / minutes / CORES;
  const everything = await run(SELDOM, false);
  const first = await run(SELDOM, true);
  const seldom = await run(SELDOM, true);
  const often = await run(OFTEN, true);
  if (seldom.flips !== everything.flips)
    throw new Error(`${seldom.flips} flips with facts, ${everything.flips} without`);
  const measured = `${ROBOTS} robots, 24 h extrapolated from ${minutes} min`;
  const share = (cycles: number): string =>
    `${((100 * cycles) / everything.cycles).toFixed(1)} % of the cycles run again`;
  const megabytes = (file: string): number => statSync(file).size / 1e6;
  const dayS = day(everything.spentS);
  return [
    beside(
      absolute(`whatif.day(${measured}; facts at hand; ${share(seldom.cycles)})`, day(seldom.spentS), 's', '<=', 300),
      'everything run again',
      dayS,
    ),
    beside(
      absolute(
        `whatif.dayOfARuleThatSpeaksOften(${measured}; ${share(often.cycles)})`,
        day(often.spentS),
        's',
        '<=',
        300,
      ),
      'everything run again',
      dayS,
    ),
    beside(
      absolute(`whatif.dayWhenFactsAreMade(${measured})`, day(first.spentS), 's', '<=', 300),
      'everything run again',
      dayS,
    ),
    beside(
      absolute('whatif.factsBesideRecording', megabytes(`${path}.facts`), 'MB', '<=', 0.05 * megabytes(path)),
      'the recording',
      megabytes(path),
    ),
  ];
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

/** Seconds of processor time so far, all threads. */
function processorS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
