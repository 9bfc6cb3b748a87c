import { type Agent, type CommandProposal, commandEnd, type Decision, type Rejected } from '@sigma/kernel';
import type { PlacedOrder } from './change.ts';

/** A decision has no alternative of that number. */
export class UnknownAlternativeError extends Error {
  constructor(number: number, decision: Decision) {
    const { length } = decision.rejected;
    const has = length === 0 ? 'none: nobody lost' : `${length}, numbered from 1`;
    super(`there is no alternative ${number}; the decision rejected ${has}`);
    this.name = 'UnknownAlternativeError';
  }
}

/** How a proposal that lost can be run (SPEC R118), or why it cannot. */
export type Alternative = {
  readonly number: number;
  readonly proposal: CommandProposal;
  readonly lost: Pick<Rejected, 'reason' | 'by'>;
} & (
  | {
      readonly runnable: true;
      /** Conditions that are left out. */
      readonly without: readonly string[];
      readonly orders: readonly PlacedOrder[];
    }
  | { readonly runnable: false; readonly because: string }
);

export interface AlternativeBasis {
  readonly decision: Decision;
  /** The agent as the decision left it, for the conditions that stood. */
  readonly agent: Pick<Agent<unknown>, 'id' | 'failsafe'>;
  /** True where the body is computed. */
  readonly simulated: boolean;
}

/** Everything that lost, in the order of the decision. */
export const alternativesOf = (basis: AlternativeBasis): readonly Alternative[] =>
  basis.decision.rejected.map((_, k) => alternativeOf(basis, k + 1));

/** @param number from 1 @throws UnknownAlternativeError */
export function alternativeOf({ decision, agent, simulated }: AlternativeBasis, number: number): Alternative {
  const rejected = decision.rejected[number - 1];
  if (rejected === undefined) throw new UnknownAlternativeError(number, decision);
  const { proposal, reason, by } = rejected;
  const it = { number, proposal, lost: { reason, by } };
  const no = (because: string): Alternative => ({ ...it, runnable: false, because });
  if (reason === 'malformed') return no('its severity, priority, sequence or confidence is no number that could win');
  const { atUs } = decision;
  if (decision.chosen?.authority !== 'safety') {
    return { ...it, runnable: true, without: [], orders: orderFor(agent.id, proposal, atUs) };
  }
  if (!simulated) return no(`it lost to safety (${by}), and its body may be real`);
  if (proposal.authority === 'safety')
    return no(`it lost to another proposal of safety (${by}): both come from conditions`);
  const conditions = agent.failsafe.entries.map(({ condition }) => condition);
  const rule = conditions.find((condition) => condition.startsWith('rule:'));
  if (rule !== undefined) return no(`it lost to ${rule} of the policy: fork with a policy without that rule instead`);
  if (conditions.length === 0) return no(`it lost to ${by}, which no failsafe condition stands for`);
  // The best of the rest wins by itself and goes on as planned; any other needs an order.
  const first = decision.rejected.find((one) => one.proposal.authority !== 'safety');
  const orders = first === rejected ? [] : orderFor(agent.id, proposal, atUs);
  return { ...it, runnable: true, without: conditions, orders };
}

/** Takes the control lease for as long as the command lasts, and gives the command. */
function orderFor(agent: string, { command, source }: CommandProposal, atUs: number): readonly PlacedOrder[] {
  const untilUs = Math.min(commandEnd(command, atUs), atUs + LONGEST_US);
  const leaseId = 'fork';
  return [
    { agent, atUs, order: { type: 'lease', leaseId, holder: 'fork', expiresAtUs: untilUs } },
    { agent, atUs, order: { type: 'command', leaseId, command, rationale: `the alternative of ${source}` } },
  ];
}

/** An alternative is not held longer than this. */
const LONGEST_US = 60_000_000;
