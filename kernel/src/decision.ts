import type { Clamped, Command, Restriction } from './command.ts';
import type { Authority, CommandProposal, RestrictionProposal } from './proposal.ts';

export type RejectionReason =
  | 'lower_authority'
  | 'lower_severity'
  | 'lower_priority'
  | 'older'
  | 'source_order'
  /** Severity, priority or sequence is no finite number, or confidence lies outside 0 to 1. */
  | 'malformed';

export interface Rejected {
  readonly proposal: CommandProposal;
  readonly reason: RejectionReason;
  /** Source of the proposal that beat it; `arbiter` for a malformed one. */
  readonly by: string;
}

/** The exact knowledge a decision was made from, by reference: no hash is taken in the cycle. */
export interface DecisionContext {
  readonly epoch: number;
  /** Sequence of the last input folded. */
  readonly inputSequence: number;
  readonly policyHash: string;
}

/** The arbiter's record: who won, with what, who lost and why. */
export interface Decision {
  /** 1, 2, 3 ... within the agent's epoch. */
  readonly sequence: number;
  readonly atUs: number;
  readonly context: DecisionContext;
  /** The winner; null when nobody proposed anything and the terrain's rest command holds. */
  readonly chosen: CommandProposal | null;
  /** What goes out: the winner after clamping, or the rest command. */
  readonly command: Command;
  readonly authority: Authority | 'rest';
  readonly rationale: string;
  readonly confidence: number;
  readonly rejected: readonly Rejected[];
  /** Restrictions in force at this moment, whoever imposed them. */
  readonly restrictions: readonly RestrictionProposal[];
  readonly restriction: Restriction;
  readonly clamped: readonly Clamped[];
  readonly forbiddenBy: string | null;
  /** Task and plan revision the command serves, where it serves one. */
  readonly taskId: string | null;
  readonly planRevision: number | null;
  readonly planner: 'primary' | 'secondary' | null;
  /** The input of the agent that the plan was made from, as the planner named it. */
  readonly planBasis: { readonly epoch: number; readonly inputSequence: number } | null;
}
