import { zoneFromPolygon } from '@sigma/fleet-model';
import type { Fence, NoteConflict } from '@sigma/proto';
import { useMemo, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useTick, useTopic } from '../../frame/mission-control.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { areaM2, type Draft, draftStep } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { DrawingRow } from './drawing-row.tsx';
import { changedParts, differences, type FenceDifference, type FenceWish, wishOf } from './fence-changes.ts';
import { Consequence, FenceRule, type FenceRuleChoice } from './fence-rule.tsx';
import { putFence, reviseFence, robotsInside, settleNote } from './fences.ts';
import { NoteConflictForm } from './note-conflict.tsx';

interface ReviseFormProps {
  readonly draft: Draft;
  readonly fenceId: string;
}

/**
 * Changes a fence that stands: corners, rule, name and note, from the version that was in force when it was opened. It
 * stands beside the map, so that nothing hides the outline that it speaks of.
 */
export function ReviseForm({ draft, fenceId }: ReviseFormProps) {
  const { live, draft: drawn } = useMissionControl();
  useTopic('fences');
  const onDone = () => drawn.set(null);
  const now = live.fences().find(({ id }) => id === fenceId);
  const [seen] = useState(now);
  if (seen === undefined) {
    return (
      <div className="revise-form" data-testid="revise-form">
        <p className="level-warning">There is no such fence any more.</p>
        <button type="button" onClick={onDone}>
          Close
        </button>
      </div>
    );
  }
  return <Revision draft={draft} seen={seen} now={now} onDone={onDone} />;
}

interface RevisionProps {
  readonly draft: Draft;
  readonly seen: Fence;
  /** As it is in force; undefined when it was taken away meanwhile. */
  readonly now: Fence | undefined;
  readonly onDone: () => void;
}

interface Unsettled {
  readonly fence: Fence;
  readonly conflicts: readonly NoteConflict[];
}

function Revision({ draft, seen, now, onDone }: RevisionProps) {
  const control = useMissionControl();
  const { site, live } = control;
  useTick(1_000);
  const [rule, setRule] = useState<FenceRuleChoice>(() => ({ ...wishOf(seen), seconds: 0 }));
  const [sending, setSending] = useState(false);
  const [unsettled, setUnsettled] = useState<Unsettled | null>(null);
  const { points, closed } = draft;
  const outline = useMemo(
    () => (closed ? zoneFromPolygon(site, points as [number, number][]) : null),
    [site, points, closed],
  );
  const mine: FenceWish = { ...rule, name: tidy(rule.name, seen.name), note: tidy(rule.note, seen.note), points };
  const changed = changedParts(wishOf(seen), mine);
  const reshaped = changed.has('outline') || changed.has('rule');
  const inside = reshaped && outline?.ok === true ? robotsInside(site, live, points) : [];
  const { kind, speedMps } = rule;
  const fits = outline?.ok === true && (kind === 'restricted' || (speedMps > 0 && speedMps <= 10));
  const ready = fits && !sending && (now === undefined || changed.size > 0);
  const send = async () => {
    setSending(true);
    const answer =
      now === undefined ? await putFence(control, { ...rule, ...mine }) : await reviseFence(control, seen, now, mine);
    setSending(false);
    if (answer === undefined || answer === false) return;
    if (answer === true || answer.fence === undefined || answer.conflicts.length === 0) onDone();
    else setUnsettled({ fence: answer.fence, conflicts: answer.conflicts });
  };
  const settle = async (fence: Fence, note: string) => {
    if ((await settleNote(control, fence, note)) !== undefined) onDone();
    // Somebody wrote it meanwhile: then what stands is shown anew beside this person's.
    else setUnsettled(null);
  };
  if (unsettled !== null) {
    return (
      <div className="revise-form" data-testid="revise-form">
        <NoteConflictForm
          seenNote={seen.note}
          fence={unsettled.fence}
          mine={mine.note}
          conflicts={unsettled.conflicts}
          onSettle={(note) => void settle(unsettled.fence, note)}
          onLeave={onDone}
        />
      </div>
    );
  }
  return (
    <div className="revise-form" data-testid="revise-form">
      <Corners draft={draft} seen={seen} />
      {outline?.ok === false ? (
        <p className="level-warning" role="alert">
          {outline.message}
        </p>
      ) : null}
      <FenceRule rule={rule} onRule={setRule} stands />
      {closed && reshaped ? <Consequence kind={kind} inside={inside} speedMps={speedMps} /> : null}
      <Meanwhile seen={seen} now={now} mine={mine} />
      <div className="sender-row">
        <span className="spring" />
        <button type="button" onClick={onDone} data-testid="revise-cancel">
          {now?.version === seen.version ? 'Cancel' : 'Drop mine'}
        </button>
        <Guarded role="operator">
          {kind === 'restricted' && inside.length > 0 ? (
            <HoldButton
              onHeld={() => ready && void send()}
              consequence={`${plural(inside.length, 'robot')} inside will stop where they are.`}
              testId="send-revision"
            >
              Hold: {sendWords(seen, now).toLowerCase()}
            </HoldButton>
          ) : (
            <button
              type="button"
              className="primary"
              disabled={!ready}
              title={changed.size === 0 ? 'Nothing is changed yet' : undefined}
              onClick={() => void send()}
              data-testid="send-revision"
            >
              {sending ? 'Sending…' : sendWords(seen, now)}
            </button>
          )}
        </Guarded>
      </div>
    </div>
  );
}

/** Without space around it, unless nobody touched it. */
const tidy = (text: string, was: string): string => (text === was ? was : text.trim());

function sendWords(seen: Fence, now: Fence | undefined): string {
  if (now === undefined) return 'Draw it again';
  return now.version === seen.version ? 'Change it' : `Send mine over version ${now.version}`;
}

/** What is changed, and how its corners are moved by those who do not point at them. */
function Corners({ draft, seen }: { readonly draft: Draft; readonly seen: Fence }) {
  const { draft: drawn } = useMissionControl();
  const { points, closed } = draft;
  const [chosen, setChosen] = useState(0);
  const corner = Math.min(chosen, points.length - 1);
  return (
    <>
      <p>
        You change version {seen.version}:{' '}
        <span className="quiet">
          {plural(points.length, 'corner')}, {number(areaM2(points))} m²
        </span>
      </p>
      <div className="sender-row">
        <label className="inline">
          Corner
          <select
            value={corner}
            disabled={!closed}
            onChange={(event) => setChosen(Number(event.target.value))}
            data-testid="choose-corner"
          >
            {points.map(([xM, yM], k) => (
              <option key={`${xM} ${yM}`} value={k}>
                {k + 1}: {number(xM)}, {number(yM)} m
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          disabled={!closed}
          onClick={() => drawn.set(draftStep(draft, { type: 'lift', corner }))}
          title="Then arrows on the map move it and space puts it down"
          data-testid="lift-corner"
        >
          Move it
        </button>
      </div>
    </>
  );
}

/** On the map itself, in nobody's way: what a click does now, and its undo. */
export function ReviseHint({ draft, onCancel }: { readonly draft: Draft; readonly onCancel: () => void }) {
  const hint = draft.closed
    ? 'Click a corner to move it.'
    : draft.change?.lifted === true
      ? 'Click where the corner goes. Alt: off the grid.'
      : 'Click the corners. Alt: off the grid. Enter: close.';
  return (
    <div className="composer-form" data-drawing="" data-testid="revise-hint">
      <div className="draft-head">
        <p className="composer-hint">{hint}</p>
        <DrawingRow draft={draft} onCancel={onCancel} />
      </div>
    </div>
  );
}

const PART_WORDS: Readonly<Record<FenceDifference['part'], string>> = {
  outline: 'Outline',
  rule: 'Rule',
  name: 'Name',
  note: 'Note',
};

/** What others made of the fence since it was opened here, part by part, and what becomes of it when this is sent. */
function Meanwhile({ seen, now, mine }: { seen: Fence; now: Fence | undefined; mine: FenceWish }) {
  if (now === undefined) {
    return (
      <p className="preview level-warning" role="alert" data-testid="meanwhile">
        Somebody took this fence away meanwhile. Sending draws it again, as you see it here.
      </p>
    );
  }
  if (now.version === seen.version) return null;
  const found = differences(wishOf(seen), wishOf(now), mine);
  return (
    <section className="meanwhile" aria-label="Changed meanwhile" data-testid="meanwhile">
      <p className="level-warning" role="alert">
        Changed meanwhile: you opened version {seen.version}, version {now.version} is in force.
      </p>
      {found.length === 0 ? <p className="quiet">What they changed is as you have it here.</p> : null}
      {found.map(({ part, was, theirs, mine: own }) => (
        <div className="versions" key={part}>
          <dl>
            <div>
              <dt>{PART_WORDS[part]} was</dt>
              <dd className="lines">{was}</dd>
            </div>
            <div>
              <dt>It is now</dt>
              <dd className="lines">{theirs}</dd>
            </div>
            {own === null ? null : (
              <div>
                <dt>Yours</dt>
                <dd className="lines">{own}</dd>
              </div>
            )}
          </dl>
          <p className="quiet">{becomes(part, own !== null)}</p>
        </div>
      ))}
    </section>
  );
}

function becomes(part: FenceDifference['part'], both: boolean): string {
  if (!both) return 'You left it alone: theirs stays.';
  return part === 'note'
    ? 'Both notes are merged by lines; where both changed the same ones you are asked.'
    : 'Sending puts yours in its place.';
}
