import { useState } from 'react';
import { type Draft, isComplete, lengthM } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { RobotChoice } from './choices.tsx';
import { DrawingRow } from './drawing-row.tsx';
import { GoalSender } from './goal-sender.tsx';

/** Points drawn on the map, visited in order, as often as asked. */
export function PatrolForm({ draft, onDone }: { readonly draft: Draft; readonly onDone: () => void }) {
  const [rounds, setRounds] = useState(1);
  const [agentId, setAgentId] = useState('');
  const { points } = draft;
  const value = { points: points.map(([xM, yM]) => ({ xM, yM })), rounds, agentId };
  return (
    <div className="composer-form" data-testid="patrol-form">
      <div className="draft-head">
        <p className="composer-hint">
          Click the points in order.
          <br />
          <span className="quiet">
            {plural(points.length, 'point')}, {number(lengthM(points, false))} m as the crow flies
          </span>
        </p>
        <DrawingRow draft={draft} />
      </div>
      <GoalSender
        goal={isComplete(draft) ? { goal: { case: 'patrol', value } } : null}
        goalKey={JSON.stringify(value)}
        name={`Patrol ${plural(points.length, 'point')}`}
        sendWords="Send patrol"
        onDone={onDone}
      >
        <label className="inline">
          Rounds
          <input
            type="number"
            min={1}
            max={999}
            value={rounds}
            onChange={(event) => setRounds(Math.max(1, event.target.valueAsNumber || 1))}
          />
        </label>
        <RobotChoice value={agentId} onChange={setAgentId} anyWords="any robot" />
      </GoalSender>
    </div>
  );
}
