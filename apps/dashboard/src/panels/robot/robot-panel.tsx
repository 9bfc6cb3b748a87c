import { useState, useSyncExternalStore } from 'react';
import { useMissionControl, useObservable, useTick, useTopic } from '../../frame/mission-control.tsx';
import { OutcomeLine } from '../../parts/outcome-line.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { agentState } from '../../words/agent-state.ts';
import { DecisionLog } from '../decisions/decision-log.tsx';
import { FaultsPanel } from '../faults/faults-panel.tsx';
import { NowView } from './now-view.tsx';
import { RobotControls } from './robot-controls.tsx';

const TABS = ['Now', 'Decisions', 'Simulation'] as const;
type Tab = (typeof TABS)[number];

/** The selected robot: what it is and does, why, and what an operator may do to it. */
export function RobotPanel() {
  const { selected, simulated } = useMissionControl();
  const id = useObservable(selected);
  const [tab, setTab] = useState<Tab>('Now');
  const tabs = TABS.filter((one) => one !== 'Simulation' || simulated);
  if (id === null) {
    return (
      <aside className="panel robot" aria-label="Selected robot">
        <p className="empty">
          No robot selected.
          <br />
          Click one on the map or in the list; <kbd>j</kbd> <kbd>k</kbd> walk the list, <kbd>Enter</kbd> selects.
        </p>
      </aside>
    );
  }
  return (
    <aside className="panel robot" aria-label={`Robot ${id}`} data-testid="robot-panel">
      <RobotHead key={id} id={id} />
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
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll robot-view" id="robot-view" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {tab === 'Now' ? <NowView key={id} id={id} onDecisions={() => setTab('Decisions')} /> : null}
        {tab === 'Decisions' ? <DecisionLog key={id} id={id} /> : null}
        {tab === 'Simulation' ? <FaultsPanel key={id} id={id} /> : null}
      </div>
    </aside>
  );
}

function RobotHead({ id }: { readonly id: string }) {
  const { live, acts, selected, nowMs } = useMissionControl();
  useTopic('agents');
  useTick(1_000);
  const all = useSyncExternalStore(acts.subscribe, () => acts.all);
  const [since] = useState(() => acts.all[0]?.id ?? 0);
  const age = live.ageMs(live.row(id), nowMs());
  const status = live.agent(id)?.status;
  const state = agentState(status, age);
  const last = all.find((act) => act.id > since && act.agentIds.includes(id));
  return (
    <header className="robot-head">
      <div className="robot-title">
        <h2 className="mono" data-testid="selected-robot">
          {id}
        </h2>
        <span className={`state level-${state.level}`} data-testid="selected-state">
          <ShapeMark {...state} /> {state.word}
        </span>
        <span className="spring" />
        <span className="quiet">{[status?.body, status?.mode].filter((word) => word).join(' · ')}</span>
        <button
          type="button"
          className="plain"
          onClick={() => selected.set(null)}
          aria-label="Close"
          title="Close (Esc)"
        >
          ×
        </button>
      </div>
      <RobotControls id={id} status={status} />
      <p className="robot-outcome" aria-live="polite">
        {last === undefined ? null : <OutcomeLine act={last} testId="robot-outcome" />}
      </p>
    </header>
  );
}
