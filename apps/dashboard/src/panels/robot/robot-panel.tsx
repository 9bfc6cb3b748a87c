import { lazy, Suspense, useState } from 'react';
import { useMissionControl, useTick, useTopic } from '../../frame/mission-control.tsx';
import { AgentLog } from '../log/agent-log.tsx';
import { NowView } from './now-view.tsx';
import { RobotFacts } from './robot-facts.tsx';
import { RobotHead } from './robot-head.tsx';
import { SensorBoard } from './sensor-board.tsx';
import { type AgentDetail, useAgentDetail } from './use-agent-detail.ts';

const RobotBench = lazy(async () => ({ default: (await import('../simulation/robot-bench.tsx')).RobotBench }));

const TABS = ['Now', 'Sensors', 'Decisions', 'Simulation'] as const;
type Tab = (typeof TABS)[number];

/** The selected robot: what it is and does, why, and what an operator may do to it. */
export function RobotPanel({ id }: { readonly id: string }) {
  const { simulated } = useMissionControl();
  const [tab, setTab] = useState<Tab>('Now');
  const detail = useAgentDetail(id);
  const tabs = TABS.filter((one) => one !== 'Simulation' || simulated);
  return (
    <>
      <RobotHead key={id} id={id} detail={detail} />
      <div className="tabs" role="tablist" aria-label="About this robot">
        {tabs.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`tab-${one}`}
            aria-selected={tab === one}
            aria-controls="robot-view"
            className={one === 'Simulation' ? 'simulation-tab' : undefined}
            onClick={() => setTab(one)}
            data-testid={`tab-${one.toLowerCase()}`}
          >
            {one}
          </button>
        ))}
      </div>
      {tab === 'Decisions' ? (
        <div className="robot-view log-view" id="robot-view" role="tabpanel" aria-labelledby="tab-Decisions">
          <AgentLog key={id} id={id} />
        </div>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <div className="scroll robot-view" id="robot-view" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
          {tab === 'Now' ? <RobotNow id={id} detail={detail} /> : null}
          {tab === 'Sensors' ? <SensorBoard id={id} detail={detail} /> : null}
          {tab === 'Simulation' ? (
            <Suspense fallback={<p className="empty">Loading the bench…</p>}>
              <RobotBench key={id} id={id} />
            </Suspense>
          ) : null}
        </div>
      )}
    </>
  );
}

/** What drives it, what it is, and the readings that are outside their band: the rest stands under Sensors. */
export function RobotNow({ id, detail }: { readonly id: string; readonly detail: AgentDetail }) {
  const { live, nowMs } = useMissionControl();
  useTopic('agents');
  useTick(1_000);
  return (
    <>
      <NowView id={id} />
      <RobotFacts status={live.agent(id)?.status} detail={detail} ageMs={live.ageMs(live.row(id), nowMs())} />
      <SensorBoard id={id} detail={detail} short />
    </>
  );
}
