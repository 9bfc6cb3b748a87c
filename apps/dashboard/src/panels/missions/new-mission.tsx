import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useGo, useMissionControl } from '../../frame/mission-control.tsx';
import { draftStep } from '../../site/draft.ts';
import { DeliverForm } from '../site/deliver-form.tsx';
import { DockForm } from '../site/dock-form.tsx';
import { leaveDraft } from '../site/put-aside.ts';

type Listed = 'deliver' | 'dock' | null;

/** The way to a new mission: what is drawn begins on the map at once, what is chosen from lists opens here. */
export function NewMission() {
  const control = useMissionControl();
  const go = useGo();
  const [listed, setListed] = useState<Listed>(null);
  const draw = (kind: 'zone' | 'patrol') => {
    setListed(null);
    go('/');
    leaveDraft(control, draftStep(null, { type: 'begin', kind }));
  };
  const list = (form: Listed) => setListed(listed === form ? null : form);
  return (
    <div className="new-mission">
      <fieldset className="new-kinds" aria-label="New mission">
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
        <Guarded role="operator">
          <button
            type="button"
            aria-expanded={listed === 'deliver'}
            onClick={() => list('deliver')}
            title="Carry something from one station to another"
            data-testid="new-deliver"
          >
            Deliver
          </button>
        </Guarded>
        <Guarded role="operator">
          <button
            type="button"
            aria-expanded={listed === 'dock'}
            onClick={() => list('dock')}
            title="Send a robot to a dock"
            data-testid="new-dock"
          >
            Dock
          </button>
        </Guarded>
      </fieldset>
      {listed === null ? null : (
        <div className="popover new-form">
          {listed === 'deliver' ? <DeliverForm onDone={() => setListed(null)} /> : null}
          {listed === 'dock' ? <DockForm onDone={() => setListed(null)} /> : null}
        </div>
      )}
    </div>
  );
}
