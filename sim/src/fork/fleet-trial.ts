import {
  DEFAULT_POLICY,
  FACTS,
  type FleetBelief,
  fleetModel,
  foresee,
  groundOf,
  type PolicyText,
  type RecordedModels,
  type RuleText,
  readFacts,
  type Site,
} from '@sigma/fleet-model';
import type { Command, TerrainModel } from '@sigma/kernel';
import { changedModel, type FactsTerrain, type Opening, type Trial } from '@sigma/recorder';
import { type PolicyFile, policyAfter } from './policy-file.ts';

/** The policy that a chain was written under. */
export const policyOf = ({ policyText }: Pick<Opening, 'policyText'>): PolicyText =>
  policyText === '' ? DEFAULT_POLICY : (JSON.parse(policyText) as PolicyText);

const digestOf = ({ config }: Opening): string =>
  (config as { readonly site: { readonly digest: string } }).site.digest;

/** Metres that a command drives in a second. */
function paceOf({ name, params }: Command): number {
  const speed = params['speedMps'];
  return name === 'drive' && typeof speed === 'number' ? Math.abs(speed) : 0;
}

/** Tries a policy file on the robots of a recording. */
export class FleetTrials {
  readonly #models: RecordedModels;
  readonly #file: PolicyFile;
  readonly #facts = new Map<string, FactsTerrain<FleetBelief>>();
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
    const trial = { lived: onFork(recorded), tried: onFork(this.#after(opening)), pace: paceOf };
    return { ...trial, facts: this.#factsOn(digestOf(opening)), mayDiffer: this.#foreseen(opening) };
  }

  #factsOn(digest: string): FactsTerrain<FleetBelief> {
    let terrain = this.#facts.get(digest);
    if (terrain === undefined) {
      const ground = groundOf(this.#models.sites.get(digest) as Site);
      terrain = { facts: FACTS, read: (situation) => readFacts(situation, ground) };
      this.#facts.set(digest, terrain);
    }
    return terrain;
  }

  /** Whether rules that only one of the policies has could fire; null when one is of the reflex layer, of which no facts are kept. */
  #foreseen(opening: Opening): Trial<FleetBelief>['mayDiffer'] {
    const before = policyOf(opening);
    const after = policyAfter(before, this.#file);
    const texts = [before, after].map(({ rules }) => new Map(rules.map((rule) => [JSON.stringify(rule), rule])));
    const [ours, theirs] = texts as [Map<string, RuleText>, Map<string, RuleText>];
    const changed = [...ours, ...theirs].filter(([text]) => !(ours.has(text) && theirs.has(text)));
    if (changed.some(([, { rate }]) => rate === 'reflex')) return null;
    const says = changed.map(([, { when }]) => foresee(when));
    return (facts) => says.some((of) => of(facts) !== 'quiet');
  }

  #after(opening: Opening): TerrainModel<FleetBelief> {
    const digest = digestOf(opening);
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
