import { useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { PlaceChoice, RobotChoice } from './choices.tsx';
import { GoalSender } from './goal-sender.tsx';

/** Sends one robot to rest. Begins with the selected robot. */
export function DockForm({ onDone }: { readonly onDone: () => void }) {
  const { site, selected } = useMissionControl();
  const [agentId, setAgentId] = useState(selected.get() ?? '');
  const [dockId, setDockId] = useState('');
  const value = { agentId, dockId };
  return (
    <div className="composer-form" data-testid="dock-form">
      <GoalSender
        goal={agentId === '' ? null : { goal: { case: 'goToDock', value } }}
        goalKey={JSON.stringify(value)}
        name={`Dock ${agentId}`}
        sendWords="Send to dock"
        onSent={onDone}
        onCancel={onDone}
      >
        <RobotChoice value={agentId} onChange={setAgentId} />
        <PlaceChoice label="Dock" places={site.docks} value={dockId} onChange={setDockId} emptyWords="nearest free" />
      </GoalSender>
    </div>
  );
}
