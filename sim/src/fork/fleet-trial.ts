import {
  DEFAULT_POLICY,
  type FleetBelief,
  fleetFacts,
  fleetModel,
  foresee,
  groundOf,
  POLICY_CONTEXT,
  type PolicyText,
  type RecordedModels,
  type RuleText,
  type Site,
} from '@sigma/fleet-model';
import type { Command, TerrainModel } from '@sigma/kernel';
import { changedModel, type FactsTerrain, type ForeseenRule, type Opening, type Trial } from '@sigma/recorder';
import { type PolicyChange, policyAfter } from './policy-file.ts';

/** Names of what rules may read, in the order in which facts are kept. */
export const FACT_NAMES: readonly string[] = Object.keys(POLICY_CONTEXT);

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

function foreseen({ id, when, effect }: RuleText, change: ForeseenRule['change']): ForeseenRule {
  const bounds = effect.type === 'restrict' && effect.restriction.forbid.length === 0 ? effect.restriction : null;
  return { id, change, says: foresee(when), restriction: bounds };
}

/** Tries a change of the policy on the robots of a recording. */
export class FleetTrials {
  readonly #models: RecordedModels;
  readonly #change: PolicyChange;
  readonly #facts = new Map<string, FactsTerrain<FleetBelief>>();
  readonly #tried = new Map<string, TerrainModel<FleetBelief>>();

  constructor(models: RecordedModels, change: PolicyChange) {
    this.#models = models;
    this.#change = change;
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
    return { ...trial, facts: this.#factsOn(digestOf(opening)), foreseen: this.#foreseen(opening) };
  }

  #factsOn(digest: string): FactsTerrain<FleetBelief> {
    let terrain = this.#facts.get(digest);
    if (terrain === undefined) {
      const ground = groundOf(this.#models.sites.get(digest) as Site);
      terrain = fleetFacts(ground);
      this.#facts.set(digest, terrain);
    }
    return terrain;
  }

  /** Rules that only one of the policies has, in the order in which a trial names them; null when one is of the reflex layer, of which no facts are kept. */
  #foreseen(opening: Opening): Trial<FleetBelief>['foreseen'] {
    const before = policyOf(opening);
    const after = policyAfter(before, this.#change);
    const [ours, theirs] = [before, after].map(({ rules }) => new Set(rules.map((rule) => JSON.stringify(rule))));
    const others = (rules: readonly RuleText[], known: ReadonlySet<string> | undefined): readonly RuleText[] =>
      rules.filter((rule) => known?.has(JSON.stringify(rule)) === false);
    const removed = others(before.rules, theirs);
    const added = others(after.rules, ours);
    if ([...removed, ...added].some(({ rate }) => rate === 'reflex')) return null;
    return [
      ...removed.map((rule) => foreseen(rule, 'removed' as const)),
      ...added.map((rule) => foreseen(rule, 'added' as const)),
    ];
  }

  #after(opening: Opening): TerrainModel<FleetBelief> {
    const digest = digestOf(opening);
    const key = `${digest} ${opening.policyHash}`;
    let model = this.#tried.get(key);
    if (model === undefined) {
      const site = this.#models.sites.get(digest);
      if (site === undefined) throw new Error(`No site has digest ${digest}`);
      model = fleetModel({ site, policy: policyAfter(policyOf(opening), this.#change) });
      this.#tried.set(key, model);
    }
    return model;
  }
}
