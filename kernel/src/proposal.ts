import type { Command, Restriction } from './command.ts';

/** Who overrules whom. Strict: no number of lower proposals ever beats one higher (L1). */
export const AUTHORITIES = ['mission', 'swarm', 'operator', 'safety'] as const;
export type Authority = (typeof AUTHORITIES)[number];

const RANK: Readonly<Record<Authority, number>> = { mission: 0, swarm: 1, operator: 2, safety: 3 };
export const authorityRank = (authority: Authority): number => RANK[authority];

interface ProposalBase {
  /** Who says so: `reflex:human_proximity`, `failsafe:thermal_shutdown`, `operator:alice`, `plan:primary`, `peer:r07`. */
  readonly source: string;
  readonly authority: Authority;
  /** Place in the terrain's order of severity; 0 for anything but safety. */
  readonly severity: number;
  readonly priority: number;
  /** Newer beats older between equals. */
  readonly sequence: number;
  readonly rationale: string;
  /** 0 to 1. */
  readonly confidence: number;
  /** Hash of the rule that spoke, where a written rule did. */
  readonly ruleHash: string | null;
}

export interface CommandProposal extends ProposalBase {
  readonly type: 'command';
  readonly command: Command;
}

export interface RestrictionProposal extends ProposalBase {
  readonly type: 'restriction';
  readonly restriction: Restriction;
}

export type Proposal = CommandProposal | RestrictionProposal;
