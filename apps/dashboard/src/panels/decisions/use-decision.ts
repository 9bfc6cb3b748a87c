import type { AgentDecision } from '@sigma/proto';
import { useEffect, useState } from 'react';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import type { DecisionRef } from './open-decision.ts';

export type DecisionState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'found'; readonly one: AgentDecision }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly reason: string };

export const isDecision = (one: AgentDecision, { epoch, sequence }: Pick<DecisionRef, 'epoch' | 'sequence'>): boolean =>
  one.decision?.sequence === sequence && one.decision.context?.epoch === epoch;

/** The decision from what the page knows, else from the hub. */
export function useDecision({ agentId, epoch, sequence }: DecisionRef): DecisionState {
  const { hub, live } = useMissionControl();
  useTopic('decisions');
  const known = live.decisions(agentId).find((one) => isDecision(one, { epoch, sequence }));
  const [asked, setAsked] = useState<{ readonly of: string; readonly state: DecisionState } | null>(null);
  const of = `${agentId} ${epoch} ${sequence}`;
  const need = known === undefined;

  useEffect(() => {
    if (!need) return;
    const ended = new AbortController();
    const tell = (state: DecisionState) => ended.signal.aborted || setAsked({ of, state });
    hub.fleet
      .listDecisions({ agentId, limit: 1, before: sequence + 1n, beforeEpoch: epoch }, { signal: ended.signal })
      .then(
        ({ decisions: [one] }) =>
          tell(
            one !== undefined && isDecision(one, { epoch, sequence }) ? { kind: 'found', one } : { kind: 'missing' },
          ),
        (error) => tell({ kind: 'failed', reason: explain(error) }),
      );
    return () => ended.abort();
  }, [hub, agentId, epoch, sequence, of, need]);

  if (known !== undefined) return { kind: 'found', one: known };
  return asked?.of === of ? asked.state : { kind: 'loading' };
}
