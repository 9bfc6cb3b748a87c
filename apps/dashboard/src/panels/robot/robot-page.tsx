import { useEffect } from 'react';
import { useGo, useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import type { PanelProps } from '../../frame/panel-port.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { AgentLog } from '../log/agent-log.tsx';
import { NowView } from './now-view.tsx';
import { RobotFacts } from './robot-facts.tsx';
import { RobotHead } from './robot-head.tsx';
import { SensorBoard } from './sensor-board.tsx';
import { useAgentDetail } from './use-agent-detail.ts';

/** One robot on the whole page: `/robot/:id`. */
export default function RobotPage({ params }: PanelProps) {
  const { live, selected, nowMs } = useMissionControl();
  const go = useGo();
  const id = params['id'] ?? '';
  const chosen = useObservable(selected);
  useTopic('roster');
  useTopic('agents');
  const detail = useAgentDetail(id);
  // biome-ignore lint/correctness/useExhaustiveDependencies: opening the page selects its robot; later selections are the person's.
  useEffect(() => {
    if (chosen !== id) selected.set(id);
  }, [id]);
  if (live.row(id) < 0 && live.timeUs > 0n) {
    return (
      <section className="panel">
        <EmptyState
          icon={EMPTY_ICON.robots}
          title={
            <>
              There is no robot <bdi className="mono">{id}</bdi> on this site, at the moment shown.
            </>
          }
        >
          <button type="button" className="primary" onClick={() => go('/fleet')}>
            See the whole fleet
          </button>
        </EmptyState>
      </section>
    );
  }
  const status = live.agent(id)?.status;
  return (
    <section className="panel robot-page" aria-label={`Robot ${id}`} data-testid="robot-page">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll robot-columns" tabIndex={0}>
        <div className="robot-column">
          <RobotHead key={id} id={id} detail={detail} alone />
          <NowView id={id} />
          <RobotFacts status={status} detail={detail} ageMs={live.ageMs(live.row(id), nowMs())} />
        </div>
        <div className="robot-column">
          <SensorBoard id={id} detail={detail} />
        </div>
        <div className="robot-column log-column">
          <h3>Decisions</h3>
          <AgentLog key={id} id={id} />
        </div>
      </div>
    </section>
  );
}
