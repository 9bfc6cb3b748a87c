import type { EdgeBody, EdgeOptions } from '@sigma/edge';
import { centreXM, centreYM, DEFAULT_POLICY, type Site, siteToJson } from '@sigma/fleet-model';
import type { Json } from '@sigma/kernel';
import { planFleet } from '@sigma/sim';

export interface SimulatedFleet {
  readonly tenant: string;
  readonly site: Site;
  readonly robots: number;
  readonly people: number;
  readonly seed: number;
  readonly recordingPath: string;
  readonly hub: EdgeOptions['hub'];
}

/** A module of the edge program, by its place in the package: threads open terrains and drivers by address. */
const part = (path: string): string => new URL(path, import.meta.resolve('@sigma/edge')).href;

/** The edge of a simulated fleet: which modules it runs, and where every robot begins. */
export function simulatedFleet(fleet: SimulatedFleet): EdgeOptions {
  const { tenant, site, people, seed, recordingPath, hub } = fleet;
  const record = siteToJson(site) as unknown as Json;
  return {
    tenant,
    edgeId: 'edge-1',
    recordingPath,
    hub,
    terrain: {
      module: part('./terrain/fleet.ts'),
      settings: { site: record, policy: DEFAULT_POLICY as unknown as Json },
    },
    driver: {
      module: part('./drivers/sim/sim-driver.ts'),
      settings: { module: part('./drivers/sim/fleet-bodies.ts'), bodies: { site: record, seed, people } },
    },
    simulated: true,
    software: 'sigma 0.1.0',
    bodies: bodiesOf(fleet, record),
  };
}

/** The first robot's configuration holds the whole site, so that the recording can be run again by itself. */
function bodiesOf({ site, robots, seed }: SimulatedFleet, record: Json): readonly EdgeBody[] {
  const parked = new Map([...site.docks, ...site.chargers].map(({ id, cell }) => [cell, id]));
  return planFleet(site, robots, seed).map(({ id, body, cell }, i) => ({
    id,
    role: 'robot',
    seed,
    body,
    config: {
      site: i === 0 ? record : { digest: site.digest },
      body,
      name: id,
      start: { xM: centreXM(site, cell), yM: centreYM(site, cell), headingRad: 0 },
      docked: parked.get(cell) ?? null,
    },
  }));
}
