import { type PointM, zoneFromPolygon } from '@sigma/fleet-model';
import { useMemo, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useTick } from '../../frame/mission-control.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { areaM2, type Draft } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { DrawingRow } from './drawing-row.tsx';
import { FenceList } from './fence-list.tsx';
import { Consequence, FenceRule, type FenceRuleChoice } from './fence-rule.tsx';
import { type NewFence, robotsInside } from './fences.ts';

interface FenceFormProps {
  readonly draft: Draft;
  readonly onDone: () => void;
  /** Sends it; true when the hub took it. */
  readonly onFence: (fence: NewFence) => Promise<boolean>;
}

/** An outline that robots obey at once: keep out, or go slowly. Says beforehand whom it meets inside. */
export function FenceForm({ draft, onDone, onFence }: FenceFormProps) {
  const { site, live } = useMissionControl();
  useTick(1_000);
  const [rule, setRule] = useState<FenceRuleChoice>({
    kind: 'restricted',
    speedMps: 0.5,
    name: '',
    seconds: 0,
    note: '',
  });
  const [sending, setSending] = useState(false);
  const { kind, speedMps } = rule;
  const { points, closed } = draft;
  const outline = useMemo(
    () => (closed ? zoneFromPolygon(site, points as readonly PointM[]) : null),
    [site, points, closed],
  );
  const inside = outline?.ok === true ? robotsInside(site, live, points) : [];
  const send = async () => {
    setSending(true);
    const taken = await onFence({ ...rule, points, name: rule.name.trim(), note: rule.note.trim() });
    setSending(false);
    if (taken) onDone();
  };
  const ready = outline?.ok === true && !sending && (kind === 'restricted' || (speedMps > 0 && speedMps <= 10));
  const words = kind === 'restricted' ? 'Keep robots out' : `Slow to ${number(speedMps)} m/s`;
  return (
    <div className="composer-form" data-drawing={closed ? undefined : ''} data-testid="fence-form">
      <div className="draft-head">
        <p className="composer-hint">
          {closed ? 'Outline closed.' : 'Click the corners. Alt: off the grid. Enter: close.'}
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
      {closed ? <FenceRule rule={rule} onRule={setRule} /> : null}
      {closed ? <Consequence kind={kind} inside={inside} speedMps={speedMps} /> : null}
      {closed ? (
        <div className="sender-row">
          <span className="spring" />
          <button type="button" onClick={onDone} data-testid="compose-cancel">
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
