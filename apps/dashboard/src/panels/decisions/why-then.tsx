import type { AgentDecision } from '@sigma/proto';
import { useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { explain, type Hub } from '../../live/hub.ts';
import { useOpenDecision } from './open-decision.ts';

/** The hub looks through a stretch of its record at a time; beyond as many, what is found has nothing to do with the moment. */
const STRETCHES = 5;

interface WhyThenProps {
  readonly agentId: string;
  /** Hub's time, microseconds. */
  readonly timeUs: bigint;
}

/** Opens what a robot had decided at that moment: why it lost its task then. Says so where nothing of it is kept. */
export function WhyThen({ agentId, timeUs }: WhyThenProps) {
  const { hub } = useMissionControl();
  const open = useOpenDecision();
  const [said, setSaid] = useState<'' | 'asking' | 'nothing kept' | { readonly problem: string }>('');
  const ask = async () => {
    setSaid('asking');
    try {
      const found = (await decisionAt(hub, agentId, timeUs))?.decision;
      setSaid(found === undefined ? 'nothing kept' : '');
      if (found !== undefined) open({ agentId, epoch: found.context?.epoch ?? 0, sequence: found.sequence });
    } catch (error) {
      setSaid({ problem: explain(error) });
    }
  };
  if (said === 'nothing kept') return <span className="quiet">no decision of that time is kept</span>;
  return (
    <>
      <button
        type="button"
        className="link"
        disabled={said === 'asking'}
        onClick={() => void ask()}
        aria-label={`Why: what ${agentId} had decided then`}
        data-testid={`why-then-${agentId}`}
      >
        why
      </button>
      {typeof said === 'string' ? null : (
        <span className="level-warning" role="alert">
          {said.problem}
        </span>
      )}
    </>
  );
}

/** The newest that it had decided by then. */
async function decisionAt(hub: Hub, agentId: string, timeUs: bigint): Promise<AgentDecision | undefined> {
  let beforeTimeUs = timeUs + 1n;
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    const page = await hub.fleet.listSiteDecisions({ agentIds: [agentId], beforeTimeUs, limit: 1 });
    if (page.decisions.length > 0 || page.lookedToTimeUs === 0n) return page.decisions[0];
    beforeTimeUs = page.lookedToTimeUs;
  }
  return undefined;
}
