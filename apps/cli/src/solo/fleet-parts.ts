import { type EdgeBody, type EdgeOptions, type Pace, simulatedFleet } from '@sigma/edge';
import { centreXM, centreYM, DEFAULT_POLICY, type Site, siteToJson } from '@sigma/fleet-model';
import type { Json } from '@sigma/kernel';
import { CrowdedSiteError, planFleet } from '@sigma/sim/fleet-plan';
import { CommandError, EXIT } from '../outcome.ts';

export interface SoloEdge {
  readonly tenant: string;
  readonly site: Site;
  readonly robots: number;
  /** Number of the first of them; 1 unless another edge has robots of these names. */
  readonly first?: number;
  /** The edge's own; `edge-1` unless there are several. */
  readonly name?: string;
  readonly people: number;
  readonly seed: number;
  readonly recordingPath: string;
  readonly hub: EdgeOptions['hub'];
  /** How the site's time passes when they begin. */
  readonly pace: Pace | null;
}

/** The edge of a simulated fleet, and where every robot of it begins. @throws CommandError where it has no room */
export function soloEdge(parts: SoloEdge): EdgeOptions {
  const { tenant, site, robots, first = 1, name = 'edge-1', people, seed, recordingPath, hub, pace } = parts;
  return {
    ...simulatedFleet({ site: siteToJson(site), seed, people, policy: DEFAULT_POLICY }),
    tenant,
    edgeId: name,
    recordingPath,
    hub,
    ...(pace === null ? {} : { pace }),
    software: 'sigma 0.1.0',
    bodies: bodiesOf(site, robots, first, seed),
  };
}

/** The first robot's configuration holds the whole site, so that the recording can be run again by itself. */
function bodiesOf(site: Site, robots: number, first: number, seed: number): readonly EdgeBody[] {
  const parked = new Map([...site.docks, ...site.chargers].map(({ id, cell }) => [cell, id]));
  const record = siteToJson(site) as unknown as Json;
  // Those before them are another edge's, on the same floor.
  const own = planned(site, first - 1 + robots, seed).slice(first - 1);
  return own.map(({ id, body, cell }, i) => ({
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

function planned(site: Site, robots: number, seed: number): ReturnType<typeof planFleet> {
  try {
    return planFleet(site, robots, seed);
  } catch (error) {
    if (error instanceof CrowdedSiteError) throw new CommandError(EXIT.usage, error.message, '', { cause: error });
    throw error;
  }
}
