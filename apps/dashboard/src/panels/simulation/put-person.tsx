import { useEffect, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useGo, useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { draftStep } from '../../site/draft.ts';
import { leaveDraft } from '../site/put-aside.ts';
import { placePerson } from './bench-acts.ts';

/** In front of the hull, where it is well inside the protective distance of a robot that drives. */
const AHEAD_M = 1.5;
const LONGEST_S = 600;

/** Puts a person in the way of one robot, where it is heading now. */
export function InFront({ id, seconds }: { readonly id: string; readonly seconds: number }) {
  const control = useMissionControl();
  const put = () => {
    const { now } = control;
    const row = now.row(id);
    const [x, y, heading] = [now.newest.xM[row], now.newest.yM[row], now.newest.headingRad[row] ?? 0];
    if (x === undefined || y === undefined || Number.isNaN(x)) return;
    const [xM, yM] = [x + Math.cos(heading) * AHEAD_M, y + Math.sin(heading) * AHEAD_M];
    void placePerson(control, xM, yM, Math.min(seconds, LONGEST_S), [id]);
  };
  return (
    <Guarded role="engineer">
      <button
        type="button"
        onClick={put}
        title={`A person stands ${AHEAD_M} m in front of ${id}, where it heads now`}
        data-testid="person-in-front"
      >
        Put a person in front of <bdi>{id}</bdi>
      </button>
    </Guarded>
  );
}

/** Puts a person where the map is clicked next. */
export function OnTheMap({ seconds }: { readonly seconds: number }) {
  const control = useMissionControl();
  const { draft } = control;
  const go = useGo();
  const drawn = useObservable(draft);
  const [armed, setArmed] = useState(false);
  const point = drawn?.kind === 'person' ? drawn.points[0] : undefined;

  useEffect(() => {
    if (!armed) return;
    if (drawn?.kind !== 'person') return setArmed(false);
    if (point === undefined) return;
    setArmed(false);
    draft.set(null);
    void placePerson(control, point[0], point[1], Math.min(seconds, LONGEST_S), []);
  }, [armed, drawn, point, draft, control, seconds]);

  const arm = () => {
    if (armed) return draft.set(null);
    go('/');
    leaveDraft(control, draftStep(null, { type: 'begin', kind: 'person' }));
    setArmed(true);
  };
  return (
    <Guarded role="engineer">
      <button type="button" aria-pressed={armed} onClick={arm} data-testid="person-on-map">
        {armed ? 'Click the place on the map' : 'Put a person on the map'}
      </button>
    </Guarded>
  );
}
