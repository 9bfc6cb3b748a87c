import { Guarded } from '../../frame/access/guarded.tsx';
import { useGo, useMissionControl } from '../../frame/mission-control.tsx';
import { draftStep } from '../../site/draft.ts';

/** The way to a new mission: what is drawn begins on the map at once, what is chosen stands on the map too. */
export function NewMission() {
  const { draft } = useMissionControl();
  const go = useGo();
  const draw = (kind: 'zone' | 'patrol') => {
    go('/');
    draft.set(draftStep(null, { type: 'begin', kind }));
  };
  return (
    <fieldset className="new-mission" aria-label="New mission">
      <Guarded role="operator">
        <button
          type="button"
          onClick={() => draw('zone')}
          title="Draw a zone on the map; robots see all of it"
          data-testid="new-cover"
        >
          Cover
        </button>
      </Guarded>
      <Guarded role="operator">
        <button
          type="button"
          onClick={() => draw('patrol')}
          title="Set points on the map; a robot goes round them"
          data-testid="new-patrol"
        >
          Patrol
        </button>
      </Guarded>
    </fieldset>
  );
}
