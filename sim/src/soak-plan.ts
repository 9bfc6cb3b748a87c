import { FAULTS } from '@sigma/fleet-model';
import { drawInt, drawUnit, purpose } from '@sigma/kernel';
import type { PlannedFault } from './fault-plan.ts';
import { robotNames } from './fleet-plan.ts';

/** What one seed of the soak tries. */
export interface SoakRun {
  readonly seed: number;
  readonly robots: number;
  readonly people: number;
  readonly minutes: number;
  readonly lossShare: number;
  readonly faults: readonly PlannedFault[];
}

const SIZE = purpose('soak-size');
const FAULT = purpose('soak-fault');

/** Everything of a run by chance, and all of it by its seed: sizes, loss, and up to six faults at any moments. */
export function soakRun(seed: number, minutes: number): SoakRun {
  const robots = 8 + drawInt(seed, 0, 0, SIZE, 0, 53);
  const names = robotNames(robots);
  const count = drawInt(seed, 0, 0, FAULT, 0, 7);
  const faults = Array.from({ length: count }, (_, i): PlannedFault => {
    const fault = FAULTS[drawInt(seed, i, 1, FAULT, 0, FAULTS.length)] as PlannedFault['fault'];
    const robot = names[drawInt(seed, i, 1, FAULT, 1, robots)] as string;
    const atUs = Math.round(drawUnit(seed, i, 1, FAULT, 2) * minutes * 600) * 100_000;
    const lasts = drawUnit(seed, i, 1, FAULT, 3);
    return { fault, robot, atUs, ...(lasts < 0.5 ? {} : { forUs: Math.round(lasts * 300) * 100_000 }) };
  });
  return {
    seed,
    robots,
    people: drawInt(seed, 0, 0, SIZE, 1, 25),
    minutes,
    lossShare: drawUnit(seed, 0, 0, SIZE, 2) < 0.5 ? 0 : Math.round(drawUnit(seed, 0, 0, SIZE, 3) * 20) / 100,
    faults,
  };
}

/** The command that repeats the run, byte for byte. */
export function repeatCommand({ seed, robots, people, minutes, lossShare, faults }: SoakRun): string {
  const specs = faults.map(({ fault, robot, atUs, forUs }) => {
    const lasts = forUs === undefined ? '' : `+${forUs / 1e6}`;
    return `--fault ${fault}:${robot}@${atUs / 1e6}${lasts}`;
  });
  const sizes = [`--seed ${seed}`, `--minutes ${minutes}`, `--robots ${robots}`, `--people ${people}`];
  return ['npx sigma sim', ...sizes, ...(lossShare > 0 ? [`--loss ${lossShare}`] : []), ...specs].join(' ');
}
