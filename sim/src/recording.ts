import { DEFAULT_POLICY, fleetModel, type Site, type SiteRecord, siteFromJson } from '@sigma/fleet-model';
import {
  agentReexecutor,
  CannotReexecuteError,
  decodeOpening,
  eventsOf,
  type Opening,
  type Recording,
  type Reexecutor,
  type Reexecutors,
} from '@sigma/recorder';
import { openWorld, WORLD_MODEL, WORLD_MODEL_VERSION, WorldRerun } from './world-chain.ts';

/** Runs a computed world again from its opening or a snapshot. */
const worldReexecutor: Reexecutor = {
  open(opening, restored) {
    if (opening.modelVersion !== WORLD_MODEL_VERSION) {
      throw new CannotReexecuteError(
        `the world was computed by version ${opening.modelVersion}, here is ${WORLD_MODEL_VERSION}`,
      );
    }
    return new WorldRerun(openWorld(opening, restored?.state ?? null));
  },
};

/**
 * Re-executors for everything that a fleet's recording can hold: its robots, on the site whose record stands in an
 * opening of the same recording, and the computed world.
 */
export async function fleetReexecutors(recording: Recording): Promise<Reexecutors> {
  const sites = await sitesOf(recording);
  const models = new Map<string, Reexecutor>();
  const reexecutorFor = (opening: Opening): Reexecutor => {
    const digest = digestOf(opening);
    const site = sites.get(digest);
    if (site === undefined) throw new CannotReexecuteError(`the recording holds no site with digest ${digest}`);
    const policy = opening.policyText === '' ? DEFAULT_POLICY : JSON.parse(opening.policyText);
    const key = `${digest} ${opening.policyHash}`;
    const known = models.get(key) ?? agentReexecutor(fleetModel({ site, policy }));
    models.set(key, known);
    return known;
  };
  return { fleet: reexecutorFor, [WORLD_MODEL]: () => worldReexecutor };
}

/** Every site whose whole record stands in an opening, by digest. */
export async function sitesOf(recording: Recording): Promise<ReadonlyMap<string, Site>> {
  const sites = new Map<string, Site>();
  for (const head of await recording.heads()) {
    for await (const event of eventsOf(recording, head, 1, 1)) {
      const record = siteRecordIn(decodeOpening(event));
      if (record === null) continue;
      const site = siteFromJson(record);
      sites.set(site.digest, site);
    }
  }
  return sites;
}

function siteRecordIn({ config }: Opening): SiteRecord | null {
  if (typeof config !== 'object' || config === null || !('site' in config)) return null;
  const { site } = config as { readonly site?: unknown };
  return typeof site === 'object' && site !== null && 'width' in site ? (site as SiteRecord) : null;
}

function digestOf({ config }: Opening): string {
  const { site } = (config ?? {}) as { readonly site?: { readonly digest?: string } };
  return site?.digest ?? '';
}
