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

interface Asked {
  readonly of: string;
  readonly round: number;
  readonly state: DecisionState;
}

/** While its record is on its way, the hub is asked again so often. */
const ASK_AGAIN_MS = 5_000;

/** Reported ahead of its record, which may still prove it. */
const isOpen = ({ reported, unprovable }: AgentDecision): boolean => reported && unprovable === '';

/** The decision from what the page knows, else from the hub. */
export function useDecision({ agentId, epoch, sequence }: DecisionRef): DecisionState {
  const { hub, live } = useMissionControl();
  useTopic('decisions');
  const known = live.decisions(agentId).find((one) => isDecision(one, { epoch, sequence }));
  const [asked, setAsked] = useState<Asked | null>(null);
  const [round, setRound] = useState(0);
  const of = `${agentId} ${epoch} ${sequence}`;
  const need = known === undefined;
  const answered = asked?.of === of && asked.round === round;
  const open = asked?.of === of && asked.state.kind === 'found' && isOpen(asked.state.one);

  useEffect(() => {
    if (!need || answered) return;
    const ended = new AbortController();
    const tell = (state: DecisionState) => ended.signal.aborted || setAsked({ of, round, state });
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
  }, [hub, agentId, epoch, sequence, of, need, round, answered]);

  useEffect(() => {
    if (!need || !open) return;
    const timer = setInterval(() => setRound((one) => one + 1), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [need, open]);

  if (known !== undefined) return { kind: 'found', one: known };
  return asked?.of === of ? asked.state : { kind: 'loading' };
}
