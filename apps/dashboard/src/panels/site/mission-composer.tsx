import { useEffect, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { type Draft, draftStep } from '../../site/draft.ts';
import { CoverForm } from './cover-form.tsx';
import { DeliverForm } from './deliver-form.tsx';
import { DockForm } from './dock-form.tsx';
import { FenceForm } from './fence-form.tsx';
import type { NewFence } from './fences.ts';
import { PatrolForm } from './patrol-form.tsx';
import { ReviseHint } from './revise-form.tsx';

/** Delivering and docking are chosen from lists; covering and patrolling are drawn, so the draft itself is their mode. */
type Listed = 'deliver' | 'dock' | null;

/** Starts a mission of any kind, or draws a fence. One is composed at a time; `onFence` sends a fence. */
export function MissionComposer({ onFence }: { readonly onFence: (fence: NewFence) => Promise<boolean> }) {
  const { draft: drawn, selection } = useMissionControl();
  const draft = useObservable(drawn);
  const selected = useObservable(selection);
  const changes = draft?.change?.fenceId;
  const elsewhere = changes !== undefined && !(selected?.kind === 'zone' && selected.id === changes);
  // What changes a fence stands where the fence is explained; whoever looks at something else has left it.
  useEffect(() => {
    if (elsewhere) drawn.set(null);
  }, [elsewhere, drawn]);
  const [listed, setListed] = useState<Listed>(null);

  const draw = (kind: Draft['kind']) => {
    setListed(null);
    drawn.set(draftStep(null, { type: 'begin', kind }));
  };
  const list = (form: Listed) => {
    drawn.set(null);
    setListed(form);
  };
  const done = () => {
    drawn.set(null);
    setListed(null);
  };
  return (
    <div className="composer">
      <fieldset className="composer-kinds" aria-label="Kind of mission">
        <Kind active={draft?.kind === 'zone'} onClick={() => draw('zone')} testId="draw-zone" words="Cover" />
        <Kind active={draft?.kind === 'patrol'} onClick={() => draw('patrol')} testId="draw-patrol" words="Patrol" />
        <Kind active={listed === 'deliver'} onClick={() => list('deliver')} testId="compose-deliver" words="Deliver" />
        <Kind active={listed === 'dock'} onClick={() => list('dock')} testId="compose-dock" words="Dock" />
        <Kind active={draft?.kind === 'fence'} onClick={() => draw('fence')} testId="draw-fence" words="Fence" />
      </fieldset>
      {draft?.kind === 'zone' ? <CoverForm draft={draft} onDone={done} /> : null}
      {draft?.kind === 'patrol' ? <PatrolForm draft={draft} onDone={done} /> : null}
      {draft?.kind === 'fence' && draft.change === undefined ? (
        <FenceForm draft={draft} onDone={done} onFence={onFence} />
      ) : null}
      {draft?.change === undefined ? null : <ReviseHint draft={draft} onCancel={done} />}
      {listed === 'deliver' ? <DeliverForm onDone={done} /> : null}
      {listed === 'dock' ? <DockForm onDone={done} /> : null}
    </div>
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
