import type { AgentStatus, Alert } from '@sigma/proto';
import { useMissionControl } from '../../frame/mission-control.tsx';

/** One decision, by whose it is and where it stands: the epoch of the agent's life and the sequence in it. */
export interface DecisionRef {
  readonly agentId: string;
  readonly epoch: number;
  readonly sequence: bigint;
}

/** Selects a decision: the right side explains it, the log and the map point at it. */
export function useOpenDecision(): (ref: DecisionRef) => void {
  const { selection } = useMissionControl();
  return ({ agentId, epoch, sequence }) => selection.set({ kind: 'decision', agentId, epoch, sequence });
}

/** The decision that is in force, as the agent's last status names it; null before it decided anything. */
export function decisionInForce(agentId: string, status: AgentStatus | undefined): DecisionRef | null {
  if (status === undefined || status.decisionSequence === 0n) return null;
  return { agentId, epoch: status.epoch, sequence: status.decisionSequence };
}

/** The decision that answered what the alert is about; null where there is none. */
export function decisionOfAlert(alert: Alert): DecisionRef | null {
  if (alert.decisionSequence === 0n || alert.agentId === '') return null;
  return { agentId: alert.agentId, epoch: alert.decisionEpoch, sequence: alert.decisionSequence };
}

/** The page of a decision, for links that open it alone. */
export const decisionPath = ({ agentId, epoch, sequence }: DecisionRef): string =>
  `/decision/${encodeURIComponent(agentId)}/${epoch}/${sequence}`;
