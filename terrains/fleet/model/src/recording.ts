import type { Json, TerrainModel } from '@sigma/kernel';
import { DEFAULT_POLICY } from '../policies/default.ts';
import type { FleetBelief } from './belief/belief.ts';
import { fleetModel } from './fleet-model.ts';
import type { PolicyText } from './policy/policy.ts';
import type { Site } from './site/site.ts';
import { type SiteRecord, siteFromJson } from './site/site-record.ts';

/** What the opening of an agent's recording says of the model that it ran on. */
export interface RecordedAgent {
  /** `{ site: { digest } }` at least; one opening of a recording holds the site's whole record there. */
  readonly config: Json;
  /** JSON of a policy, or empty for the default policy. */
  readonly policyText: string;
  readonly policyHash: string;
}

/** The models that a recording's openings name: each is built once for each site and policy. */
export class RecordedModels {
  readonly #sites = new Map<string, Site>();
  readonly #models = new Map<string, TerrainModel<FleetBelief>>();

  get sites(): ReadonlyMap<string, Site> {
    return this.#sites;
  }

  /** Makes a site known by its digest. */
  know(site: Site): void {
    this.#sites.set(site.digest, site);
  }

  /**
   * Looks for a site's whole record in an opening's configuration, of an agent or of the world.
   *
   * @throws BrokenSiteRecordError when there is one that is not what its digest says
   */
  learn(config: Json): void {
    const site = siteIn(config);
    if (site !== null && 'width' in site) this.know(siteFromJson(site as unknown as SiteRecord));
  }

  /**
   * @returns the model that the agent ran on, or a sentence that says why it cannot be had
   * @throws BrokenRuleError, SyntaxError when the policy cannot be read
   */
  modelOf({ config, policyText, policyHash }: RecordedAgent): TerrainModel<FleetBelief> | string {
    const named = siteIn(config)?.digest;
    const digest = typeof named === 'string' ? named : '';
    const site = this.#sites.get(digest);
    if (site === undefined) return `the recording holds no site with digest ${digest}`;
    const key = `${digest} ${policyHash}`;
    let model = this.#models.get(key);
    if (model === undefined) {
      const policy: PolicyText = policyText === '' ? DEFAULT_POLICY : JSON.parse(policyText);
      model = fleetModel({ site, policy });
      this.#models.set(key, model);
    }
    return model;
  }
}

type Fields = { readonly [name: string]: Json };

function siteIn(config: Json): Fields | null {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return null;
  const { site } = config as Fields;
  return typeof site === 'object' && site !== null && !Array.isArray(site) ? (site as Fields) : null;
}
