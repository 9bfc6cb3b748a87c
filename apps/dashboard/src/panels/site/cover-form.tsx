import { useState } from 'react';
import { type DrawnFormProps, OutlineHead, useOutline } from './draft-head.tsx';
import { GoalSender } from './goal-sender.tsx';

/** A drawn outline becomes a cover mission: checked here against the floor, previewed by the hub, then sent. */
export function CoverForm({ draft, onSent, onCancel }: DrawnFormProps) {
  const [robots, setRobots] = useState(0);
  const { points, closed } = draft;
  const outline = useOutline(draft);
  const goal =
    outline?.ok === true
      ? {
          goal: {
            case: 'cover' as const,
            value: {
              area: { case: 'polygon' as const, value: { points: points.map(([xM, yM]) => ({ xM, yM })) } },
              robots,
            },
          },
        }
      : null;
  return (
    <div className="composer-form" data-drawing={closed ? undefined : ''} data-testid="cover-form">
      <OutlineHead draft={draft} name="Zone" outline={outline} onCancel={onCancel} />
      {closed ? (
        <GoalSender
          goal={goal}
          goalKey={`${JSON.stringify(points)} ${robots}`}
          name="Cover drawn zone"
          sendWords="Send cover mission"
          onSent={onSent}
          onCancel={onCancel}
        >
          <label className="inline">
            Robots at most
            <input
              type="number"
              min={0}
              max={99}
              value={robots === 0 ? '' : robots}
              placeholder="any"
              onChange={(event) => setRobots(Math.max(0, event.target.valueAsNumber || 0))}
              title="Empty leaves it to the supervisor"
            />
          </label>
        </GoalSender>
      ) : null}
    </div>
  );
}
