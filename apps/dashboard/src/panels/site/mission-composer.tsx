import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { type Draft, draftStep } from '../../site/draft.ts';
import { CoverForm } from './cover-form.tsx';
import { DeliverForm } from './deliver-form.tsx';
import { DockForm } from './dock-form.tsx';
import { FenceForm } from './fence-form.tsx';
import type { NewFence } from './fences.ts';
import { PatrolForm } from './patrol-form.tsx';
import { asideWords, bringBack, leaveDraft } from './put-aside.ts';
import { ReviseHint } from './revise-hint.tsx';

/** Delivering and docking are chosen from lists; covering and patrolling are drawn, so the draft itself is their mode. */
type Listed = 'deliver' | 'dock' | null;

/** Starts a mission of any kind, or draws a fence. One is composed at a time; `onFence` sends a fence. */
export function MissionComposer({ onFence }: { readonly onFence: (fence: NewFence) => Promise<boolean> }) {
  const control = useMissionControl();
  const { draft: drawn } = control;
  const draft = useObservable(drawn);
  const [listed, setListed] = useState<Listed>(null);

  const draw = (kind: Draft['kind']) => {
    setListed(null);
    leaveDraft(control, draftStep(null, { type: 'begin', kind }));
  };
  const list = (form: Listed) => {
    leaveDraft(control, null);
    setListed(form);
  };
  const sent = () => drawn.set(null);
  const cancel = () => leaveDraft(control, null);
  const done = () => setListed(null);
  return (
    <div className="composer">
      <fieldset className="composer-kinds" aria-label="Kind of mission">
        <Kind active={draft?.kind === 'zone'} onClick={() => draw('zone')} testId="draw-zone" words="Cover" />
        <Kind active={draft?.kind === 'patrol'} onClick={() => draw('patrol')} testId="draw-patrol" words="Patrol" />
        <Kind active={listed === 'deliver'} onClick={() => list('deliver')} testId="compose-deliver" words="Deliver" />
        <Kind active={listed === 'dock'} onClick={() => list('dock')} testId="compose-dock" words="Dock" />
        <Kind active={draft?.kind === 'fence'} onClick={() => draw('fence')} testId="draw-fence" words="Fence" />
      </fieldset>
      {draft?.kind === 'zone' ? <CoverForm draft={draft} onSent={sent} onCancel={cancel} /> : null}
      {draft?.kind === 'patrol' ? <PatrolForm draft={draft} onSent={sent} onCancel={cancel} /> : null}
      {draft?.kind === 'fence' && draft.change === undefined ? (
        <FenceForm draft={draft} onSent={sent} onCancel={cancel} onFence={onFence} />
      ) : null}
      {draft?.change === undefined ? null : <ReviseHint draft={draft} change={draft.change} onCancel={cancel} />}
      {listed === 'deliver' ? <DeliverForm onDone={done} /> : null}
      {listed === 'dock' ? <DockForm onDone={done} /> : null}
      <PutAside />
    </div>
  );
}

/** What was being drawn when something else was begun: nothing of it goes without a word. */
function PutAside() {
  const control = useMissionControl();
  const left = useObservable(control.aside);
  if (left === null) return null;
  return (
    <p className="composer-form put-aside" role="status" data-drawing="" data-testid="put-aside">
      <span>
        <bdi>{asideWords(left)}</bdi> put aside.
      </span>
      <span className="sender-row">
        <button type="button" onClick={() => bringBack(control)} data-testid="bring-back">
          Go on with it
        </button>
        <button type="button" className="plain" onClick={() => control.aside.set(null)} data-testid="drop-aside">
          Drop it
        </button>
      </span>
    </p>
  );
}

function Kind({
  active,
  onClick,
  testId,
  words,
}: {
  active: boolean;
  onClick: () => void;
  testId: string;
  words: string;
}) {
  return (
    <Guarded role="operator">
      <button type="button" aria-pressed={active} onClick={onClick} data-testid={testId}>
        {words}
      </button>
    </Guarded>
  );
}
