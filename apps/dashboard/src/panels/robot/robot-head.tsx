import { useState, useSyncExternalStore } from 'react';
import { PanelIcon } from '../../frame/layout/docked-panels.tsx';
import { useGo, useMissionControl, useTick, useTopic } from '../../frame/mission-control.tsx';
import { OutcomeLine } from '../../parts/outcome-line.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { agentState } from '../../words/agent-state.ts';
import { RobotControls } from '../control/robot-controls.tsx';
import { decisionInForce, useOpenDecision } from '../decisions/open-decision.ts';
import { robotPath } from './robot-path.ts';
import type { AgentDetail } from './use-agent-detail.ts';

interface RobotHeadProps {
  readonly id: string;
  readonly detail: AgentDetail;
  /** On its own page there is nothing to close and no page to open. */
  readonly alone?: boolean;
}

/** Name and state of the robot, what may be done to it, and what came of the last thing done. */
export function RobotHead({ id, detail, alone = false }: RobotHeadProps) {
  const { live, acts, selection, nowMs } = useMissionControl();
  const go = useGo();
  const open = useOpenDecision();
  useTopic('agents');
  useTick(1_000);
  const all = useSyncExternalStore(acts.subscribe, () => acts.all);
  const [since] = useState(() => acts.all[0]?.id ?? 0);
  const age = live.ageMs(live.row(id), nowMs());
  const status = live.agent(id)?.status;
  const state = agentState(status, age);
  const last = all.find((act) => act.id > since && act.agentIds.includes(id));
  const ref = decisionInForce(id, status);
  return (
    <header className="robot-head">
      <div className="robot-title">
        <h2 className="mono" data-testid="selected-robot">
          <bdi>{id}</bdi>
        </h2>
        <button
          type="button"
          className={`state-why state level-${state.level}`}
          data-testid="selected-state"
          disabled={ref === null}
          onClick={() => ref !== null && open(ref)}
          title={ref === null ? state.word : `${state.word}: open the decision`}
        >
          <ShapeMark {...state} /> {state.word}
        </button>
        <span className="robot-kind quiet">{[status?.body, status?.mode].filter((word) => word).join(' · ')}</span>
        {alone ? null : (
          <>
            <button
              type="button"
              className="plain"
              onClick={() => go(robotPath(id))}
              aria-label={`The page of ${id}`}
              title="On a page of its own"
            >
              <PanelIcon d="M9 3h4v4M13 3L8 8M7 3H3v10h10V9" />
            </button>
            <button
              type="button"
              className="plain"
              onClick={() => selection.set(null)}
              aria-label="Close"
              title="Close (Esc)"
            >
              ×
            </button>
          </>
        )}
      </div>
      <RobotControls id={id} status={status} leaseExpiresTimeUs={detail.leaseExpiresTimeUs}>
        {last === undefined ? null : (
          <>
            <OutcomeLine act={last} testId="robot-outcome" />
            {last.outcome.kind === 'failed' && ref !== null ? (
              <button type="button" className="link" onClick={() => open(ref)} data-testid="refusal-why">
                why
              </button>
            ) : null}
          </>
        )}
      </RobotControls>
    </header>
  );
}
