import { type PointM, zoneFromPolygon } from '@sigma/fleet-model';
import { type ReactNode, useMemo } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { areaM2, type Draft } from '../../site/draft.ts';
import { number, plural } from '../../words/quantities.ts';
import { DrawingRow } from './drawing-row.tsx';

/** A form beside what is being drawn. */
export interface DrawnFormProps {
  readonly draft: Draft;
  readonly onSent: () => void;
  readonly onCancel: () => void;
}

interface DraftHeadProps {
  readonly draft: Draft;
  /** What a click does now. */
  readonly hint: string;
  /** How much is drawn so far. */
  readonly children?: ReactNode;
  readonly onCancel?: () => void;
}

/** What every drawing says first: what to do next, how much there is of it, and what takes it back. */
export function DraftHead({ draft, hint, children, onCancel }: DraftHeadProps) {
  return (
    <div className="draft-head">
      <p className="composer-hint">
        {hint}
        {children === undefined ? null : (
          <>
            <br />
            <span className="quiet">{children}</span>
          </>
        )}
      </p>
      <DrawingRow draft={draft} {...(onCancel === undefined ? {} : { onCancel })} />
    </div>
  );
}

type Outline = ReturnType<typeof zoneFromPolygon>;

/** What a closed outline holds of the floor, or why the site does not take it; null while it is open. */
export function useOutline({ points, closed }: Draft): Outline | null {
  const { site } = useMissionControl();
  return useMemo(() => (closed ? zoneFromPolygon(site, points as readonly PointM[]) : null), [site, points, closed]);
}

interface OutlineHeadProps {
  readonly draft: Draft;
  /** "Zone": as the drawing is called once it is closed. */
  readonly name: string;
  readonly outline: Outline | null;
  readonly onCancel: () => void;
}

/** The head of a drawing that has an inside, with what is wrong with it. */
export function OutlineHead({ draft, name, outline, onCancel }: OutlineHeadProps) {
  const { points, closed } = draft;
  const hint = closed ? `${name} closed.` : OPEN_HINT;
  return (
    <>
      <DraftHead draft={draft} hint={hint} onCancel={onCancel}>
        {plural(points.length, 'corner')}, {number(areaM2(points))} m²
        {outline?.ok === true ? `, ${plural(outline.cells.length, 'free cell')}` : ''}
      </DraftHead>
      <OutlineFault outline={outline} />
    </>
  );
}

/** While an outline grows. */
export const OPEN_HINT = 'Click the corners. Alt: off the grid. Enter: close.';

/** Why the site does not take an outline; nothing where it does. */
export function OutlineFault({ outline }: { readonly outline: Outline | null }) {
  return outline?.ok === false ? (
    <p className="level-warning" role="alert">
      {outline.message}
    </p>
  ) : null;
}
