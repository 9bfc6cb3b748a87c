import { DEFAULT_POLICY, type FleetBelief, fleetModel, type PolicyText, type RecordedModels } from '@sigma/fleet-model';
import type { Command, TerrainModel } from '@sigma/kernel';
import { changedModel, type Opening, type Trial } from '@sigma/recorder';
import { type PolicyFile, policyAfter } from './policy-file.ts';

/** The policy that a chain was written under. */
export const policyOf = ({ policyText }: Pick<Opening, 'policyText'>): PolicyText =>
  policyText === '' ? DEFAULT_POLICY : (JSON.parse(policyText) as PolicyText);

/** Metres that a command drives in a second. */
export function paceOf({ name, params }: Command): number {
  const speed = params['speedMps'];
  return name === 'drive' && typeof speed === 'number' ? Math.abs(speed) : 0;
}

/** Tries a policy file on the robots of a recording. */
export class FleetTrials {
  readonly #models: RecordedModels;
  readonly #file: PolicyFile;
  readonly #tried = new Map<string, TerrainModel<FleetBelief>>();

  constructor(models: RecordedModels, file: PolicyFile) {
    this.#models = models;
    this.#file = file;
  }

  /** @throws PolicyFileError when the file leaves out a rule that the recorded policy does not have */
  of(opening: Opening): Trial<FleetBelief> | string {
    if (opening.model !== 'fleet') return `it is no robot (${opening.role === '' ? opening.source : opening.role})`;
    const recorded = this.#models.modelOf(opening);
    if (typeof recorded === 'string') return recorded;
    const told = [
      ['model version', opening.modelVersion, recorded.version],
      ['policy', opening.policyHash, recorded.policy.hash],
    ].find(([, theirs, ours]) => theirs !== ours);
    if (told !== undefined) return `it was made with ${told[0]} ${told[1]}, here is ${told[2]}`;
    const { lineage } = opening;
    const onFork = (model: TerrainModel<FleetBelief>) =>
      lineage === undefined ? model : changedModel(model, lineage.change);
    return { lived: onFork(recorded), tried: onFork(this.#after(opening)), pace: paceOf };
  }

  #after(opening: Opening): TerrainModel<FleetBelief> {
    const { digest } = (opening.config as { readonly site: { readonly digest: string } }).site;
    const key = `${digest} ${opening.policyHash}`;
    let model = this.#tried.get(key);
    if (model === undefined) {
      const site = this.#models.sites.get(digest);
      if (site === undefined) throw new Error(`No site has digest ${digest}`);
      model = fleetModel({ site, policy: policyAfter(policyOf(opening), this.#file) });
      this.#tried.set(key, model);
    }
    return model;
  }
}
