import { NEW_ROBOT_FLAGS, type PolicyText, type SiteRecord } from '@sigma/fleet-model';
import type { Json } from '@sigma/kernel';
import type { EdgeOptions } from '../edge-words.ts';

export interface SimulatedFleet {
  readonly site: SiteRecord;
  /** uint32; chance in the bodies' world. */
  readonly seed: number;
  /** People who walk the site. */
  readonly people: number;
  /** The default policy when absent. */
  readonly policy?: PolicyText;
}

/** The parts of `startEdge` that run robots of the computed world, in real time. */
export function simulatedFleet(fleet: SimulatedFleet): Pick<EdgeOptions, 'terrain' | 'driver' | 'simulated' | 'flags'> {
  const site = fleet.site as unknown as Json;
  const policy = fleet.policy === undefined ? {} : { policy: fleet.policy as unknown as Json };
  const { seed, people } = fleet;
  const bodies = new URL('../drivers/sim/fleet-bodies.ts', import.meta.url).href;
  return {
    terrain: { module: new URL('./fleet.ts', import.meta.url).href, settings: { site, ...policy } },
    driver: {
      module: new URL('../drivers/sim/sim-driver.ts', import.meta.url).href,
      settings: { module: bodies, bodies: { site, seed, people } },
    },
    simulated: true,
    flags: NEW_ROBOT_FLAGS,
  };
}
