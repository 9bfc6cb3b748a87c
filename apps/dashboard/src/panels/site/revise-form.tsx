import type { Fence } from '@sigma/proto';
import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useTick, useTopic } from '../../frame/mission-control.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { areaM2, type Draft, type DraftChange, draftStep, type FenceTerms } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { OutlineFault, useOutline } from './draft-head.tsx';
import { changedParts, differences, type FenceDifference, type FenceWish, wishOf } from './fence-changes.ts';
import { Consequence, FenceRule } from './fence-rule.tsx';
import { putFence, reviseFence, robotsInside, settleNote } from './fences.ts';
import { NoteConflictForm } from './note-conflict.tsx';
import { leaveDraft } from './put-aside.ts';

interface ReviseFormProps {
  readonly draft: Draft;
  readonly change: DraftChange;
}

/**
 * Changes a fence that stands: corners, rule, name and note, from the version that was in force when it was opened. It
 * stands beside the map, so that nothing hides the outline that it speaks of. What is written here is part of the draft:
 * whoever looks at something else finds it again as he left it.
 */
export function ReviseForm({ draft, change }: ReviseFormProps) {
  const control = useMissionControl();
  const { site, live, draft: drawn } = control;
  useTopic('fences');
  useTick(1_000);
  const [sending, setSending] = useState(false);
  const { seen, unsettled } = change;
  /** As it is in force; undefined when it was taken away meanwhile. */
  const now = live.fences().find(({ id }) => id === seen.id);
  const { points, closed } = draft;
  const terms = draft.terms ?? { ...wishOf(seen), seconds: 0 };
  const outline = useOutline(draft);
  const say = (said: FenceTerms) => drawn.set(draftStep(drawn.get(), { type: 'terms', terms: said }));
  /** The answer may come when something else is being drawn. */
  const then = (next: (held: Draft, its: DraftChange) => Draft | null) => {
    const held = drawn.get();
    if (held?.change?.seen === seen) drawn.set(next(held, held.change));
  };
  const done = () => then(() => null);
  const settle = (left: DraftChange['unsettled']) =>
    then((held, its) => ({ ...held, change: { ...its, unsettled: left } }));
  const mine: FenceWish = { ...terms, name: tidy(terms.name, seen.name), note: tidy(terms.note, seen.note), points };
  const changed = changedParts(wishOf(seen), mine);
  const reshaped = changed.has('outline') || changed.has('rule');
  const inside = reshaped && outline?.ok === true ? robotsInside(site, live, points) : [];
  const { kind, speedMps } = terms;
  const fits = outline?.ok === true && (kind === 'restricted' || (speedMps > 0 && speedMps <= 10));
  const ready = fits && !sending && (now === undefined || changed.size > 0);
  const send = async () => {
    setSending(true);
    const answer =
      now === undefined ? await putFence(control, { ...terms, ...mine }) : await reviseFence(control, seen, now, mine);
    setSending(false);
    if (answer === undefined || answer === false) return;
    if (answer === true || answer.fence === undefined || answer.conflicts.length === 0) done();
    else settle({ fence: answer.fence, conflicts: answer.conflicts });
  };
  const choose = async (fence: Fence, note: string) => {
    if ((await settleNote(control, fence, note)) !== undefined) done();
    // Somebody wrote it meanwhile: then what stands is shown anew beside this person's.
    else settle(null);
  };
  if (unsettled !== null) {
    return (
      <div className="revise-form" data-testid="revise-form">
        <NoteConflictForm
          seenNote={seen.note}
          fence={unsettled.fence}
          mine={mine.note}
          conflicts={unsettled.conflicts}
          onSettle={(note) => void choose(unsettled.fence, note)}
          onLeave={() => drawn.set(null)}
        />
      </div>
    );
  }
  return (
    <div className="revise-form" data-testid="revise-form">
      <Corners draft={draft} seen={seen} />
      <OutlineFault outline={outline} />
      <FenceRule terms={terms} onTerms={say} stands />
      {closed && reshaped ? <Consequence kind={kind} inside={inside} speedMps={speedMps} /> : null}
      <Meanwhile seen={seen} now={now} mine={mine} />
      <div className="sender-row">
        <span className="spring" />
        <button type="button" onClick={() => leaveDraft(control, null)} data-testid="revise-cancel">
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
