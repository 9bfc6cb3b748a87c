import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useTick } from '../../frame/mission-control.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { draftStep, type FenceTerms } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { type DrawnFormProps, OutlineHead, useOutline } from './draft-head.tsx';
import { FenceList } from './fence-list.tsx';
import { Consequence, FenceRule } from './fence-rule.tsx';
import { type NewFence, robotsInside } from './fences.ts';

const NEW_TERMS: FenceTerms = { kind: 'restricted', speedMps: 0.5, name: '', seconds: 0, note: '' };

interface FenceFormProps extends DrawnFormProps {
  /** Sends it; true when the hub took it. */
  readonly onFence: (fence: NewFence) => Promise<boolean>;
}

/** An outline that robots obey at once: keep out, or go slowly. Says beforehand whom it meets inside. */
export function FenceForm({ draft, onSent, onCancel, onFence }: FenceFormProps) {
  const { site, live, draft: drawn } = useMissionControl();
  useTick(1_000);
  const [sending, setSending] = useState(false);
  const { points, closed, terms = NEW_TERMS } = draft;
  const { kind, speedMps } = terms;
  const outline = useOutline(draft);
  const inside = outline?.ok === true ? robotsInside(site, live, points) : [];
  const say = (said: FenceTerms) => drawn.set(draftStep(drawn.get(), { type: 'terms', terms: said }));
  const send = async () => {
    setSending(true);
    const taken = await onFence({ ...terms, points, name: terms.name.trim(), note: terms.note.trim() });
    setSending(false);
    if (taken) onSent();
  };
  const ready = outline?.ok === true && !sending && (kind === 'restricted' || (speedMps > 0 && speedMps <= 10));
  const words = kind === 'restricted' ? 'Keep robots out' : `Slow to ${number(speedMps)} m/s`;
  return (
    <div className="composer-form" data-drawing={closed ? undefined : ''} data-testid="fence-form">
      <OutlineHead draft={draft} name="Outline" outline={outline} onCancel={onCancel} />
      {closed ? <FenceRule terms={terms} onTerms={say} /> : null}
      {closed ? <Consequence kind={kind} inside={inside} speedMps={speedMps} /> : null}
      {closed ? (
        <div className="sender-row">
          <span className="spring" />
          <button type="button" onClick={onCancel} data-testid="compose-cancel">
            Cancel
          </button>
          <Guarded role="operator">
            {kind === 'restricted' && inside.length > 0 ? (
              <HoldButton
                onHeld={() => ready && void send()}
                consequence={`${plural(inside.length, 'robot')} inside will stop where they are.`}
                testId="send-fence"
              >
                {sending ? 'Sending…' : `Hold: ${words.toLowerCase()}`}
              </HoldButton>
            ) : (
              <button
                type="button"
                className="primary"
                disabled={!ready}
                onClick={() => void send()}
                data-testid="send-fence"
              >
                {sending ? 'Sending…' : words}
              </button>
            )}
          </Guarded>
        </div>
      ) : null}
      {points.length === 0 ? <FenceList /> : null}
    </div>
  );
}
