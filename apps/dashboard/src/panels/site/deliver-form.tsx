import { useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { PlaceChoice, RobotChoice } from './choices.tsx';
import { GoalSender } from './goal-sender.tsx';

/** One load from station to station. */
export function DeliverForm({ onDone }: { readonly onDone: () => void }) {
  const { site } = useMissionControl();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [item, setItem] = useState('');
  const [agentId, setAgentId] = useState('');
  const value = { fromStation: from, toStation: to, item, agentId };
  const complete = from !== '' && to !== '' && from !== to;
  if (site.stations.length < 2) {
    return <p className="composer-form">This site has fewer than two stations; name them in its site file.</p>;
  }
  return (
    <div className="composer-form" data-testid="deliver-form">
      {from !== '' && from === to ? <p className="level-advisory">From and to are the same station.</p> : null}
      <GoalSender
        goal={complete ? { goal: { case: 'deliver', value } } : null}
        goalKey={JSON.stringify(value)}
        name={`Deliver ${from} to ${to}`}
        sendWords="Send delivery"
        onSent={onDone}
        onCancel={onDone}
      >
        <PlaceChoice label="From" places={site.stations} value={from} onChange={setFrom} emptyWords="station" />
        <PlaceChoice label="To" places={site.stations} value={to} onChange={setTo} emptyWords="station" />
        <label className="inline">
          Item
          <input value={item} maxLength={80} onChange={(event) => setItem(event.target.value)} />
        </label>
        <RobotChoice value={agentId} onChange={setAgentId} anyWords="any robot" />
      </GoalSender>
    </div>
  );
}
