import type { CountImportEventsResponse, GetImportResponse, ImportLane, ImportValue } from '@sigma/proto';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type PointerEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { plural } from '../../words/quantities.ts';
import type { Imports } from './import-acts.ts';
import { ImportStrip } from './import-strip.tsx';
import { moved, type Stretch, ticks, xOf, zoomed } from './import-time.ts';
import { LaneTip, type Pointed } from './lane-tip.tsx';
import { RecordLanes } from './record-lanes.tsx';
import { useRecordMarks } from './record-marks.ts';
import { ShiftStrip } from './shift-strip.tsx';
import type { Cursor } from './use-cursor.ts';
import { useNewest } from './use-newest.ts';
import { lineOf } from './value-words.ts';

/** Of one row, in pixels; the style sheet's --lane says the same. */
const ROW_PX = 26;
const OVERSCAN = 6;
/** Counted in stretches so wide, over twice the stretch that is shown. */
const COUNT_PX = 3;
const MOST_STRETCHES = 2_000;
const LABEL_PX = 64;
/** A value older than this says its age. */
const FRESH_US = 1_000_000;

interface LaneTableProps {
  readonly known: GetImportResponse;
  readonly imports: Imports;
  readonly window: Stretch;
  readonly offsetUs: number;
  readonly cursor: Cursor;
  /** What lanes said last at the cursor. */
  readonly values: readonly ImportValue[];
  readonly lane: number | null;
  readonly onLane: (lane: number | null) => void;
  readonly onWindow: (window: Stretch) => void;
  readonly onShift: (offsetUs: number) => void;
  readonly onVisible: (lanes: readonly number[]) => void;
}

/** This site's record above, the import below, over one axis: press or drag goes there, Ctrl and the wheel zooms. */
export function LaneTable(props: LaneTableProps) {
  const { known, imports, window, offsetUs, cursor, values, lane, onLane, onWindow, onShift, onVisible } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const { leftPx, widthPx } = useExtent(axis);
  const [filter, setFilter] = useState('');
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const marks = useRecordMarks(window);
  const lanes = useFiltered(known.lanes, filter);
  const rows = useVirtualizer({
    count: lanes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  const visible = rows.getVirtualItems().flatMap(({ index }) => lanes[index] ?? []);
  const shown = visible.map((one) => one.lane);
  const key = shown.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the lanes.
  useEffect(() => onVisible(shown), [key]);
  const counts = useCounts(known.import?.id ?? '', imports, window, offsetUs, shown, widthPx);
  const valueAt = useMemo(() => new Map(values.map((one) => [one.lane, one])), [values]);
  const momentAt = useCallback(
    (clientX: number): number => {
      const box = axis.current?.getBoundingClientRect();
      if (box === undefined || box.width === 0) return window.fromUs;
      return window.fromUs + ((clientX - box.left) / box.width) * (window.toUs - window.fromUs);
    },
    [window],
  );
  useWheel(scroller, momentAt, window, onWindow);
  const hands = useHands(momentAt, cursor.seek, setPointed);
  const cursorPx = xOf(window, cursor.atUs, widthPx);
  return (
    <div className="lane-table" data-testid="lane-table">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll lane-scroll" ref={scroller} tabIndex={0} {...hands}>
        <div className="lane-row lane-axis">
          <input
            className="lane-name"
            type="search"
            placeholder={`Filter ${plural(known.lanes.length, 'lane')}`}
            aria-label="Filter lanes"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            data-testid="lane-filter"
          />
          <Axis
            ref={axis}
            window={window}
            widthPx={widthPx}
            onMoved={(byPx) => onWindow(moved(window, -byPx * perPx(window, widthPx)))}
          />
          <span className="lane-value quiet">At the cursor</span>
        </div>
        <RecordLanes marks={marks} window={window} widthPx={widthPx} />
        <ShiftStrip offsetUs={offsetUs} usPerPx={perPx(window, widthPx)} onShift={onShift} />
        {lanes.length === 0 ? <p className="empty">No lane is called “{filter}”.</p> : null}
        <div className="lane-body" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const one = lanes[index];
            return one === undefined ? null : (
              <Row
                key={one.lane}
                one={one}
                startPx={start}
                chosen={one.lane === lane}
                onChosen={() => onLane(one.lane === lane ? null : one.lane)}
                value={valueAt.get(one.lane)}
                atUs={cursor.atUs - offsetUs}
              >
                <ImportStrip counts={counts} lane={one.lane} window={window} offsetUs={offsetUs} widthPx={widthPx} />
              </Row>
            );
          })}
        </div>
      </div>
      <div className="lane-over" aria-hidden="true" style={{ insetInlineStart: leftPx }}>
        {cursorPx >= 0 && cursorPx <= widthPx ? (
          <span className="lane-cursor" style={{ insetInlineStart: cursorPx }} data-testid="lane-cursor" />
        ) : null}
        {pointed === null ? null : (
          <span className="lane-pointed" style={{ insetInlineStart: xOf(window, pointed.atUs, widthPx) }} />
        )}
      </div>
      {pointed === null ? null : (
        <LaneTip
          pointed={pointed}
          known={known}
          imports={imports}
          offsetUs={offsetUs}
          marks={marks.marks}
          usPerPx={perPx(window, widthPx)}
        />
      )}
    </div>
  );
}

const perPx = ({ fromUs, toUs }: Stretch, widthPx: number): number => (toUs - fromUs) / Math.max(1, widthPx);

function useFiltered(lanes: readonly ImportLane[], filter: string): readonly ImportLane[] {
  return useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/);
    return lanes.filter(({ topic, kind }) => words.every((word) => `${topic} ${kind}`.toLowerCase().includes(word)));
  }, [lanes, filter]);
}

interface RowProps {
  readonly one: ImportLane;
  readonly startPx: number;
  readonly chosen: boolean;
  readonly onChosen: () => void;
  readonly value: ImportValue | undefined;
  /** The cursor, in the file's own time. */
  readonly atUs: number;
  readonly children: ReactNode;
}

function Row({ one, startPx, chosen, onChosen, value, atUs, children }: RowProps) {
  const { lane, topic, kind, events, encoding, unread } = one;
  const about = `${kind}${encoding === '' ? '' : `, ${encoding}`}, ${plural(Number(events), 'event')}${unread === '' ? '' : `; not decoded: ${unread}`}`;
  const ageUs = value === undefined ? 0 : atUs - Number(value.timeUs);
  const stale = ageUs > FRESH_US;
  const said = value === undefined ? '' : value.unread === '' ? lineOf(value.text) : value.text;
  return (
    <div
      className="lane-row import-lane"
      style={{ transform: `translateY(${startPx}px)` }}
      data-lane={lane}
      data-testid={`lane-${lane}`}
      data-chosen={chosen ? 'yes' : undefined}
    >
      <button type="button" className="lane-name" aria-pressed={chosen} onClick={onChosen} title={`${topic}: ${about}`}>
        <bdi>{topic}</bdi> <bdi className="quiet">{kind}</bdi>
      </button>
      {children}
      <span className={stale ? 'lane-value quiet' : 'lane-value'} data-testid="lane-value" title={said}>
        <bdi className="mono">{said}</bdi>
        {stale ? <span className="lane-age">{ageWords(ageUs)}</span> : null}
      </span>
    </div>
  );
}

const ageWords = (us: number): string => {
  const seconds = us / 1e6;
  return seconds < 100
    ? `${Math.round(seconds)} s ago`
    : seconds < 6_000
      ? `${Math.round(seconds / 60)} min ago`
      : 'long ago';
};

/** Where the words of a moment are not cut off at the end of the axis. */
const inside = (xPx: number, widthPx: number): boolean => xPx > LABEL_PX / 2 && xPx < widthPx - LABEL_PX / 2;

interface AxisProps {
  readonly ref: { current: HTMLDivElement | null };
  readonly window: Stretch;
  readonly widthPx: number;
  readonly onMoved: (byPx: number) => void;
}

function Axis({ ref, window, widthPx, onMoved }: AxisProps) {
  return (
    <div
      ref={ref}
      className="lane-strip axis-strip"
      data-strip="axis"
      title="Drag to move, Ctrl and the wheel to zoom"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) onMoved(event.movementX);
      }}
    >
      <svg width={widthPx} height={ROW_PX} aria-hidden="true">
        {ticks(window, widthPx)
          .filter(({ atUs }) => inside(xOf(window, atUs, widthPx), widthPx))
          .map(({ atUs, label }) => (
            <g key={atUs} transform={`translate(${xOf(window, atUs, widthPx)},0)`}>
              <path d={`M0 ${ROW_PX - 6}V${ROW_PX}`} />
              <text y={ROW_PX - 9} textAnchor="middle">
                {label}
              </text>
            </g>
          ))}
      </svg>
    </div>
  );
}

export interface Counted {
  readonly fromUs: number;
  readonly toUs: number;
  readonly answer: CountImportEventsResponse;
}

/** How many events stand where, in the file's own time, over twice the stretch that is shown. */
function useCounts(
  importId: string,
  imports: Imports,
  { fromUs, toUs }: Stretch,
  offsetUs: number,
  lanes: readonly number[],
  widthPx: number,
): Counted | null {
  const half = (toUs - fromUs) / 2;
  const from = Math.max(0, Math.round(fromUs - half - offsetUs));
  const to = Math.max(0, Math.round(toUs + half - offsetUs));
  const stretches = Math.min(MOST_STRETCHES, Math.max(2, Math.round((2 * widthPx) / COUNT_PX)));
  const question = widthPx === 0 || to <= from || lanes.length === 0 ? null : { from, to, stretches, lanes };
  const ask = useCallback(
    (asked: NonNullable<typeof question>, signal: AbortSignal) =>
      imports.countImportEvents(
        {
          ...{ importId, stretches: asked.stretches, lanes: [...asked.lanes] },
          ...{ fromTimeUs: BigInt(asked.from), toTimeUs: BigInt(asked.to) },
        },
        { signal },
      ),
    [imports, importId],
  );
  const { last } = useNewest(question, `${from} ${to} ${stretches} ${lanes.join()}`, ask);
  return useMemo(
    () => (last === null ? null : { fromUs: last.question.from, toUs: last.question.to, answer: last.answer }),
    [last],
  );
}

/** Where the strips of all lanes begin, and how wide they are, in pixels. */
function useExtent(element: { readonly current: HTMLElement | null }) {
  const [extent, setExtent] = useState({ leftPx: 0, widthPx: 0 });
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const observer = new ResizeObserver(() => setExtent({ leftPx: current.offsetLeft, widthPx: current.clientWidth }));
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return extent;
}

const ZOOM = 1.3;

/** React hears the wheel too late to keep the browser from zooming the page. */
function useWheel(
  element: { readonly current: HTMLElement | null },
  momentAt: (clientX: number) => number,
  window: Stretch,
  onWindow: (window: Stretch) => void,
): void {
  const now = useRef({ momentAt, window, onWindow });
  now.current = { momentAt, window, onWindow };
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const turn = (event: WheelEvent) => {
      const onAxis = event.target instanceof Element && event.target.closest('[data-strip=axis]') !== null;
      if (!event.ctrlKey && !event.metaKey && !onAxis) return;
      event.preventDefault();
      const { current: at } = now;
      at.onWindow(zoomed(at.window, at.momentAt(event.clientX), event.deltaY > 0 ? ZOOM : 1 / ZOOM));
    };
    current.addEventListener('wheel', turn, { passive: false });
    return () => current.removeEventListener('wheel', turn);
  }, [element]);
}

/** A press or a drag on a lane goes to that moment; what is pointed at is told. */
function useHands(
  momentAt: (clientX: number) => number,
  seek: (atUs: number) => void,
  onPointed: (pointed: Pointed | null) => void,
) {
  const stripOf = (target: EventTarget): HTMLElement | null =>
    target instanceof Element ? target.closest<HTMLElement>('[data-strip=lane]') : null;
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      const strip = stripOf(event.target);
      if (strip === null || event.button !== 0) return;
      strip.setPointerCapture(event.pointerId);
      seek(momentAt(event.clientX));
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const strip = stripOf(event.target);
      if (strip === null) {
        onPointed(null);
        return;
      }
      const row = strip.closest<HTMLElement>('[data-lane], [data-kind]');
      const atUs = momentAt(event.clientX);
      const lane = row?.dataset['lane'];
      onPointed({
        atUs,
        xPx: event.clientX,
        yPx: event.clientY,
        kind: row?.dataset['kind'] ?? '',
        lane: lane === undefined ? null : Number(lane),
      });
      if (strip.hasPointerCapture(event.pointerId)) seek(atUs);
    },
    onPointerLeave: () => onPointed(null),
  };
}
