import type { Policy, Rule, RuleVerdict, Situation, TerrainModel } from '@sigma/kernel';

/** A rule whose outcome is another under the changed policy. */
export interface RuleDifference {
  readonly rule: string;
  /** `added`: it acts now and did not. `removed`: it acted and does not now. */
  readonly change: 'added' | 'removed';
  readonly verdict: Exclude<RuleVerdict, 'quiet'>;
}

/** Rules by what they are (text and rate): those that only one of the two policies has. */
export interface PolicyDifference<World> {
  readonly added: readonly Rule<Situation<World>>[];
  readonly removed: readonly Rule<Situation<World>>[];
}

export function policyDifference<World>(
  lived: Policy<Situation<World>>,
  tried: Policy<Situation<World>>,
): PolicyDifference<World> {
  const lacks = (policy: Policy<Situation<World>>) => (rule: Rule<Situation<World>>) =>
    !policy.rules.some((other) => other.hash === rule.hash);
  return { added: tried.rules.filter(lacks(lived)), removed: lived.rules.filter(lacks(tried)) };
}

/**
 * Looks over the kernel's shoulder: `model` lives exactly as the recorded one did (its policy has the same hash and the
 * same effect), and notes at every evaluation of rules what the changed ones say of the very same situation.
 */
export class RuleWatch<World> {
  readonly model: TerrainModel<World>;
  /** Rules whose outcome differed since `begin`. */
  readonly differing: RuleDifference[] = [];
  /** Evaluations of a rate that holds a changed rule, since `begin`. */
  evaluations = 0;
  /** Evaluations since it was made. */
  total = 0;

  constructor(lived: TerrainModel<World>, { added, removed }: PolicyDifference<World>) {
    const watched = lived.policy.rules.map((rule) => (removed.includes(rule) ? this.#noting(rule, 'removed') : rule));
    const rates = new Set([...added, ...removed].map(({ rate }) => rate));
    const lookers = [...rates].map((rate) => this.#looker(rate, added));
    this.model = { ...lived, policy: { ...lived.policy, rules: [...watched, ...lookers] } };
  }

  begin(): void {
    this.differing.length = 0;
    this.evaluations = 0;
  }

  #noting(rule: Rule<Situation<World>>, change: RuleDifference['change']): Rule<Situation<World>> {
    return {
      ...rule,
      evaluate: (situation) => {
        const verdict = rule.evaluate(situation);
        if (verdict !== 'quiet') this.differing.push({ rule: rule.id, change, verdict });
        return verdict;
      },
    };
  }

  /** Stands last among the rules of its rate, and is always quiet itself. */
  #looker(rate: Rule<unknown>['rate'], added: readonly Rule<Situation<World>>[]): Rule<Situation<World>> {
    const rules = added.filter((rule) => rule.rate === rate);
    return {
      id: `what-if:${rate}`,
      hash: '',
      rate,
      rationale: '',
      effect: { type: 'restrict', restriction: { atMost: {}, forbid: [] } },
      evaluate: (situation) => {
        this.evaluations++;
        this.total++;
        for (const rule of rules) {
          const verdict = rule.evaluate(situation);
          if (verdict !== 'quiet') this.differing.push({ rule: rule.id, change: 'added', verdict });
        }
        return 'quiet';
      },
    };
  }
}
