import { type PointM, zoneFromPolygon } from '@sigma/fleet-model';
import { useMemo, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useTick, useTopic } from '../../frame/mission-control.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { areaM2, type Draft } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { DrawingRow } from './drawing-row.tsx';
import { fenceName, type NewFence, removeFence, robotsInside } from './fences.ts';

const LASTS = [
  { seconds: 0, words: 'until taken away' },
  { seconds: 900, words: '15 min' },
  { seconds: 3_600, words: '1 h' },
  { seconds: 28_800, words: '8 h' },
] as const;
const NAMED_AT_MOST = 6;

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
  const [rule, setRule] = useState<Rule>({ kind: 'restricted', speedMps: 0.5, name: '', seconds: 0 });
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
    const taken = await onFence({ ...rule, points, name: rule.name.trim() });
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

type Rule = Omit<NewFence, 'points'>;

/** What holds inside, for how long, and under which name: asked once the outline stands, so that it is not in its way. */
function FenceRule({ rule, onRule }: { readonly rule: Rule; readonly onRule: (rule: Rule) => void }) {
  const { kind, speedMps, name, seconds } = rule;
  return (
    <div className="sender-row">
      <label className="inline">
        Rule
        <select
          value={kind}
          onChange={(event) => onRule({ ...rule, kind: event.target.value as Rule['kind'] })}
          data-testid="fence-kind"
        >
          <option value="restricted">keep out</option>
          <option value="slow">go slowly</option>
        </select>
      </label>
      {kind === 'slow' ? (
        <label className="inline">
          at most m/s
          <input
            type="number"
            min={0.1}
            max={10}
            step={0.1}
            value={speedMps}
            onChange={(event) => onRule({ ...rule, speedMps: event.target.valueAsNumber || 0 })}
          />
        </label>
      ) : null}
      <label className="inline">
        Lasts
        <select value={seconds} onChange={(event) => onRule({ ...rule, seconds: Number(event.target.value) })}>
          {LASTS.map((one) => (
            <option key={one.seconds} value={one.seconds}>
              {one.words}
            </option>
          ))}
        </select>
      </label>
      <label className="inline">
        Name
        <input value={name} maxLength={60} onChange={(event) => onRule({ ...rule, name: event.target.value })} />
      </label>
    </div>
  );
}

function Consequence({
  kind,
  inside,
  speedMps,
}: {
  kind: NewFence['kind'];
  inside: readonly string[];
  speedMps: number;
}) {
  const more = inside.length > NAMED_AT_MOST ? ` and ${inside.length - NAMED_AT_MOST} more` : '';
  const who = `${inside.slice(0, NAMED_AT_MOST).join(', ')}${more}`;
  const stops = kind === 'restricted' && inside.length > 0;
  return (
    <p className={stops ? 'preview level-warning' : 'preview'} data-testid="fence-preview" role="status">
      {inside.length === 0
        ? 'Nobody is inside now. '
        : kind === 'restricted'
          ? `${who} inside: will stop there until it is taken away. `
          : `${who} inside: will slow to ${number(speedMps)} m/s. `}
      {kind === 'restricted' ? 'Plans go around it from now on.' : 'The others slow down when they enter.'}
    </p>
  );
}

/** Fences in force, each with the way to undo it. */
function FenceList() {
  const control = useMissionControl();
  useTopic('fences');
  const fences = control.live.fences();
  if (fences.length === 0) return null;
  return (
    <ul className="fence-list" aria-label="Fences in force">
      {fences.map((fence) => (
        <li key={fence.id} className="sender-row">
          <span>
            <bdi>{fenceName(fence)}</bdi>{' '}
            <span className="quiet">{fence.kind === 'restricted' ? 'no entry' : `${number(fence.speedMps)} m/s`}</span>
          </span>
          <span className="spring" />
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
