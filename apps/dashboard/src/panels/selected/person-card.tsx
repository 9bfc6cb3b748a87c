import { useMissionControl, useTick } from '../../frame/mission-control.tsx';
import { reading } from '../../words/quantities.ts';

/** A person whom robots see. Nobody here knows who it is: only where, and which robots are near. */
export function PersonCard({ xM, yM }: { readonly xM: number; readonly yM: number }) {
  const { live, selected } = useMissionControl();
  useTick(1_000);
  const near = live.ids
    .map((id, row) => ({
      id,
      distanceM: Math.hypot((live.newest.xM[row] ?? Number.NaN) - xM, (live.newest.yM[row] ?? Number.NaN) - yM),
    }))
    .filter(({ distanceM }) => distanceM < NEAR_M)
    .sort((a, b) => a.distanceM - b.distanceM);
  return (
    <>
      <header className="card-head">
        <h2>A person</h2>
        <p className="quiet">
          seen at <span className="mono">{reading(xM, 'm')}</span> east,{' '}
          <span className="mono">{reading(yM, 'm')}</span> north. People have no names here.
        </p>
      </header>
      <dl className="facts">
        <div>
          <dt>Near by</dt>
          <dd>
            {near.length === 0 ? `no robot within ${NEAR_M} m` : null}
            <ul className="near" aria-label="Robots near this person, the nearest first">
              {near.slice(0, 12).map(({ id, distanceM }) => (
                <li key={id}>
                  <button type="button" className="link mono" onClick={() => selected.set(id)}>
                    <bdi>{id}</bdi>
                  </button>
                  <span className="mono">{distanceM.toFixed(1)} m</span>
                </li>
              ))}
            </ul>
          </dd>
        </div>
      </dl>
    </>
  );
}

const NEAR_M = 15;
