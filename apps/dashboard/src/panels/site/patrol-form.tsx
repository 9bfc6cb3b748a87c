import { useState } from 'react';
import { isComplete, lengthM } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { RobotChoice } from './choices.tsx';
import { DraftHead, type DrawnFormProps } from './draft-head.tsx';
import { GoalSender } from './goal-sender.tsx';

/** Points drawn on the map, visited in order, as often as asked. */
export function PatrolForm({ draft, onSent, onCancel }: DrawnFormProps) {
  const [rounds, setRounds] = useState(1);
  const [agentId, setAgentId] = useState('');
  const { points } = draft;
  const value = { points: points.map(([xM, yM]) => ({ xM, yM })), rounds, agentId };
  return (
    <div className="composer-form" data-testid="patrol-form">
      <DraftHead draft={draft} hint="Click the points in order.">
        {plural(points.length, 'point')}, {number(lengthM(points, false))} m as the crow flies
      </DraftHead>
      <GoalSender
        goal={isComplete(draft) ? { goal: { case: 'patrol', value } } : null}
        goalKey={JSON.stringify(value)}
        name={`Patrol ${plural(points.length, 'point')}`}
        sendWords="Send patrol"
        onSent={onSent}
        onCancel={onCancel}
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
