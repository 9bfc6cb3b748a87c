import {
  type Clamped,
  type ClampResult,
  type Command,
  intersect,
  NO_RESTRICTION,
  type Restriction,
} from './command.ts';
import type { Rejected, RejectionReason } from './decision.ts';
import { authorityRank, type CommandProposal, type Proposal, type RestrictionProposal } from './proposal.ts';

/** The arbiter's answer for one cycle. A decision is made of it when it differs from the one before. */
export interface Verdict {
  readonly chosen: CommandProposal | null;
  readonly command: Command;
  readonly rejected: readonly Rejected[];
  /** In order of source id. */
  readonly restrictions: readonly RestrictionProposal[];
  /** All restrictions together, whoever imposed them. */
  readonly restriction: Restriction;
  readonly clamped: readonly Clamped[];
  readonly forbiddenBy: string | null;
}

const EMPTY: readonly never[] = [];

/** True when the proposal's numbers can be ordered at all. */
function wellFormed(proposal: Proposal): boolean {
  return (
    Number.isFinite(proposal.severity) &&
    Number.isFinite(proposal.priority) &&
    Number.isFinite(proposal.sequence) &&
    proposal.confidence >= 0 &&
    proposal.confidence <= 1
  );
}

/**
 * Why `loser` loses to `winner`, or null when it does not: authority, then severity, priority, newest sequence and at
 * last the smaller source id, so that the order is total and the same on every machine.
 */
export function losesTo(loser: CommandProposal, winner: CommandProposal): RejectionReason | null {
  const rank = authorityRank(winner.authority) - authorityRank(loser.authority);
  if (rank !== 0) return rank > 0 ? 'lower_authority' : null;
  if (winner.severity !== loser.severity) return winner.severity > loser.severity ? 'lower_severity' : null;
  if (winner.priority !== loser.priority) return winner.priority > loser.priority ? 'lower_priority' : null;
  if (winner.sequence !== loser.sequence) return winner.sequence > loser.sequence ? 'older' : null;
  return winner.source <= loser.source ? 'source_order' : null;
}

/**
 * Turns proposals into one command. The highest command present wins; restrictions of its authority and above clamp
 * it; one that they forbid gives way to the rest command and never to a lower proposal (L1).
 *
 * @param proposals in any order; the answer does not depend on it
 * @param rest the terrain's rest command
 * @param clamp the terrain's clamp
 */
export function arbitrate(
  proposals: readonly Proposal[],
  rest: Command,
  clamp: (command: Command, restriction: Restriction) => ClampResult,
): Verdict {
  let chosen: CommandProposal | null = null;
  let contenders = 0;
  let restrictions: RestrictionProposal[] | null = null;
  for (const proposal of proposals) {
    if (proposal.type === 'restriction') {
      restrictions ??= [];
      restrictions.push(proposal);
      continue;
    }
    contenders++;
    if (!wellFormed(proposal)) continue;
    if (chosen === null || losesTo(chosen, proposal) !== null) chosen = proposal;
  }
  if (restrictions !== null && restrictions.length > 1) restrictions.sort(bySource);

  const rejected = contenders > (chosen === null ? 0 : 1) ? reject(proposals, chosen) : EMPTY;
  const restriction = combine(restrictions ?? EMPTY, 0);
  const held = { rejected, restrictions: restrictions ?? EMPTY, restriction };
  if (chosen === null) return { ...held, chosen, command: rest, clamped: EMPTY, forbiddenBy: null };

  const rank = authorityRank(chosen.authority);
  const binding = rank === 0 ? restriction : combine(restrictions ?? EMPTY, rank);
  const result = clamp(chosen.command, binding);
  if (result.command === null) {
    return { ...held, chosen, command: rest, clamped: EMPTY, forbiddenBy: result.forbiddenBy ?? 'forbidden' };
  }
  return { ...held, chosen, command: result.command, clamped: result.clamped, forbiddenBy: null };
}

function bySource(a: Proposal, b: Proposal): number {
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  return a.sequence - b.sequence;
}

/** Intersection of the restrictions whose authority is at least `rank`. A malformed restriction still binds. */
function combine(restrictions: readonly RestrictionProposal[], rank: number): Restriction {
  let all = NO_RESTRICTION;
  for (const proposal of restrictions) {
    if (authorityRank(proposal.authority) >= rank) all = intersect(all, proposal.restriction);
  }
  return all;
}

/** Every command that did not win, with its reason, in order of source id. */
function reject(proposals: readonly Proposal[], chosen: CommandProposal | null): readonly Rejected[] {
  const rejected: Rejected[] = [];
  for (const proposal of proposals) {
    if (proposal.type !== 'command' || proposal === chosen) continue;
    if (chosen === null || !wellFormed(proposal)) {
      rejected.push({ proposal, reason: 'malformed', by: 'arbiter' });
    } else {
      rejected.push({ proposal, reason: losesTo(proposal, chosen) ?? 'source_order', by: chosen.source });
    }
  }
  return rejected.sort((a, b) => bySource(a.proposal, b.proposal));
}
