import { type PointM, zoneFromPolygon } from '@sigma/fleet-model';
import { useMemo, useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { areaM2, type Draft } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { DrawingRow } from './drawing-row.tsx';
import { GoalSender } from './goal-sender.tsx';

/** A drawn outline becomes a cover mission: checked here against the floor, previewed by the hub, then sent. */
export function CoverForm({ draft, onDone }: { readonly draft: Draft; readonly onDone: () => void }) {
  const { site } = useMissionControl();
  const [robots, setRobots] = useState(0);
  const { points, closed } = draft;
  const outline = useMemo(
    () => (closed ? zoneFromPolygon(site, points as readonly PointM[]) : null),
    [site, points, closed],
  );
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
      <div className="draft-head">
        <p className="composer-hint">
          {closed ? 'Zone closed.' : 'Click the corners. Alt: off the grid. Enter: close.'}
          <br />
          <span className="quiet">
            {plural(points.length, 'corner')}, {number(areaM2(points))} m²
            {outline?.ok === true ? `, ${plural(outline.cells.length, 'free cell')}` : ''}
          </span>
        </p>
        <DrawingRow draft={draft} onCancel={onDone} />
      </div>
      {outline?.ok === false ? (
        <p className="level-warning" role="alert">
          {outline.message}
        </p>
      ) : null}
      {closed ? (
        <GoalSender
          goal={goal}
          goalKey={`${JSON.stringify(points)} ${robots}`}
          name="Cover drawn zone"
          sendWords="Send cover mission"
          onDone={onDone}
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
