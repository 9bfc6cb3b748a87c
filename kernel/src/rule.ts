import type { Restriction } from './command.ts';

/** A rule's answer. `error` is its own answer: a rule that cannot be evaluated acts as if it had fired (L1). */
export type RuleVerdict = 'fires' | 'quiet' | 'error';

/** What a rule may do. It can make an agent more cautious and nothing else: bound it, or raise a failsafe action. */
export type RuleEffect =
  | { readonly type: 'restrict'; readonly restriction: Restriction }
  | { readonly type: 'failsafe'; readonly action: string };

/**
 * A rule that people wrote, compiled by the terrain's model. The kernel sees only a predicate and the hash of the
 * text it came from; the hash of the whole policy stands in every decision.
 */
export interface Rule<Situation> {
  readonly id: string;
  /** Hex SHA-256 of the rule's canonical text. */
  readonly hash: string;
  readonly rate: 'reflex' | 'situation';
  readonly rationale: string;
  readonly effect: RuleEffect;
  readonly evaluate: (situation: Situation) => RuleVerdict;
}

export interface Policy<Situation> {
  readonly version: string;
  /** Hex SHA-256 over the rules' hashes in order of id. */
  readonly hash: string;
  readonly rules: readonly Rule<Situation>[];
}
