import { lazy, Suspense, useMemo, useState } from 'react';
import {
  type MissionControl,
  MissionControlProvider,
  useMissionControl,
  useTopic,
} from '../../frame/mission-control.tsx';
import { Observable } from '../../live/observable.ts';
import { EvidenceLife } from '../decisions/evidence/use-evidence.ts';
import { type DecisionRef, decisionInForce, decisionPath } from '../decisions/open-decision.ts';

const DecisionView = lazy(async () => ({ default: (await import('../decisions/decision-view.tsx')).DecisionView }));

interface SideDecisionProps {
  /** Of the life that the side shows. */
  readonly control: MissionControl;
  /** Name of the worker that reads that life; empty: the site's own recording. */
  readonly life: string;
  readonly agentId: string;
}

/** Why the robot does what it does at the shown moment, in the life of this side: its decision with inputs and losers. */
export function SideDecision({ control, life, agentId }: SideDecisionProps) {
  /** A step to the decision before or after stays on this side. */
  const [stepped, setStepped] = useState<DecisionRef | null>(null);
  const inner = useMemo(() => {
    const path = new Observable('/');
    const set = (next: string) => {
      const ref = refIn(next);
      if (ref === null) control.path.set(next);
      else setStepped(ref);
    };
    return { ...control, path: Object.assign(path, { set }) };
  }, [control]);
  return (
    <MissionControlProvider value={inner}>
      <EvidenceLife.Provider value={life}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
        <div className="side-decision scroll" tabIndex={0} data-testid="side-decision">
          <Suspense fallback={null}>
            <InForce agentId={agentId} stepped={stepped} />
          </Suspense>
        </div>
      </EvidenceLife.Provider>
    </MissionControlProvider>
  );
}

function InForce({ agentId, stepped }: { readonly agentId: string; readonly stepped: DecisionRef | null }) {
  const { live } = useMissionControl();
  useTopic('agents');
  useTopic('decisions');
  const [newest] = live.decisions(agentId);
  const ref: DecisionRef | null =
    newest?.decision === undefined
      ? decisionInForce(agentId, live.agent(agentId)?.status)
      : { agentId, epoch: newest.decision.context?.epoch ?? 0, sequence: newest.decision.sequence };
  const shown = stepped?.agentId === agentId ? stepped : ref;
  if (shown === null) {
    return (
      <p className="empty quiet">
        <bdi className="mono">{agentId}</bdi> had decided nothing yet at this moment, as far as it is computed.
      </p>
    );
  }
  return <DecisionView at={shown} alone />;
}

/** The decision that a path opens, or null for every other page. */
function refIn(path: string): DecisionRef | null {
  const [, page, agent = '', epoch = '', sequence = ''] = path.split('/');
  const ref = { agentId: decodeURIComponent(agent), epoch: Number(epoch), sequence: BigInt(sequence || 0) };
  return page === 'decision' && decisionPath(ref) === path ? ref : null;
}
