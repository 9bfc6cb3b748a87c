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

/**
 * Terrain models that this browser can run again: the robots of a fleet, each on the site that its opening names by
 * digest. The site is read from the recording's own openings, or is `shown`, the one that the hub shows now; a site
 * proves itself by its digest. What computes the world is not part of a browser: such a chain is checked as a chain.
 */
export async function fleetReexecutors(recording: Recording, shown: Site | null): Promise<Reexecutors> {
  const sites = new Map<string, Site>();
  if (shown !== null) sites.set(shown.digest, shown);
  for (const head of await recording.heads()) {
    const site = await siteInOpening(recording, head);
    if (site !== null) sites.set(site.digest, site);
  }
  const models = new Map<string, Reexecutor>();
  const reexecutorFor = (opening: Opening): Reexecutor => {
    const digest = digestIn(opening);
    const site = sites.get(digest);
    if (site === undefined) throw new CannotReexecuteError(`the recording holds no site with digest ${digest}`);
    const key = `${digest} ${opening.policyHash}`;
    const policy = opening.policyText === '' ? DEFAULT_POLICY : JSON.parse(opening.policyText);
    const known = models.get(key) ?? agentReexecutor(fleetModel({ site, policy }));
    models.set(key, known);
    return known;
  };
  return { fleet: reexecutorFor };
}

/** An opening that cannot be read names no site; that it cannot be read is for `verify` to say, with its place. */
async function siteInOpening(recording: Recording, head: Parameters<Recording['blocks']>[0]): Promise<Site | null> {
  try {
    for await (const event of eventsOf(recording, head, 1, 1)) {
      const { config } = decodeOpening(event);
      const site = (config as { readonly site?: unknown } | null)?.site;
      if (typeof site === 'object' && site !== null && 'width' in site) return siteFromJson(site as SiteRecord);
    }
    return null;
  } catch {
    return null;
  }
}

function digestIn({ config }: Opening): string {
  const { site } = (config ?? {}) as { readonly site?: { readonly digest?: string } };
  return site?.digest ?? '';
}
