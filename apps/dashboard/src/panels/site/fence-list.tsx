import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { number } from '../../words/quantities.ts';
import { fenceName, openFence, removeFence } from './fences.ts';

/** Fences in force, each with the way to explain, change and undo it. */
export function FenceList() {
  const control = useMissionControl();
  const { selection } = control;
  useTopic('fences');
  const fences = control.live.fences();
  if (fences.length === 0) return null;
  return (
    <ul className="fence-list" aria-label="Fences in force">
      {fences.map((fence) => (
        <li key={fence.id} className="sender-row">
          <span>
            <button
              type="button"
              className="link"
              onClick={() => selection.set({ kind: 'zone', id: fence.id })}
              data-testid={`fence-${fence.id}`}
            >
              <bdi>{fenceName(fence)}</bdi>
            </button>{' '}
            <span className="quiet">{fence.kind === 'restricted' ? 'no entry' : `${number(fence.speedMps)} m/s`}</span>
          </span>
          <span className="spring" />
          <Guarded role="operator">
            <button type="button" onClick={() => openFence(control, fence)} data-testid={`change-${fence.id}`}>
              Change
            </button>
          </Guarded>
          <Guarded role="operator">
            <button type="button" onClick={() => void removeFence(control, fence)} data-testid="remove-fence">
              Take away
            </button>
          </Guarded>
        </li>
      ))}
    </ul>
  );
}
