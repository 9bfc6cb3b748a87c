import type { FleetBelief } from '@sigma/fleet-model';
import type { Agent, TerrainModel } from '@sigma/kernel';
import { type Comparison, compareTimelines, forkedRuns, type Gauges, type Timeline } from '@sigma/recorder';
import { modelsOn } from '../recording.ts';

const SECONDS_AN_HOUR = 3_600;

/** What a robot's own belief says of how far it went and what that took from its battery. */
const GAUGES: Readonly<Record<string, (agent: Agent<FleetBelief>, spanS: number) => number>> = {
  distanceM: ({ world }, spanS) => Math.abs(world.motion.speedMps) * spanS,
  energyWh: ({ world }, spanS) =>
    (Math.max(0, world.health.batteryV * world.health.batteryA) * spanS) / SECONDS_AN_HOUR,
  boundS: ({ restriction }, spanS) => (restriction.atMost['speedMps'] === undefined ? 0 : spanS),
};

/** Two timelines of a fleet, event by event and by what came of them. @throws MalformedBytesError, StoreError */
export async function compareForks(a: Timeline, b: Timeline, progress?: (source: string) => void): Promise<Comparison> {
  const gauges = await fleetGauges([a, b]);
  const [one, other] = forkedRuns(a, b);
  return compareTimelines(one, other, progress === undefined ? { gauges } : { gauges, progress });
}

async function fleetGauges(timelines: readonly Timeline[]): Promise<Gauges> {
  const models = await modelsOn(timelines[0] as Timeline);
  for (const timeline of timelines.slice(1)) {
    for (const site of (await modelsOn(timeline)).sites.values()) models.know(site);
  }
  return {
    modelOf: (opening) => {
      if (opening.model !== 'fleet') return 'it is no robot';
      const model = models.modelOf(opening);
      if (typeof model === 'string') return model;
      const same = model.version === opening.modelVersion && model.policy.hash === opening.policyHash;
      return same ? (model as unknown as TerrainModel<never>) : 'it was made with another model or policy';
    },
    gauges: GAUGES as Gauges['gauges'],
  };
}
