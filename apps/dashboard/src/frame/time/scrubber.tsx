import type { OnTheWay } from '@sigma/proto';
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState, type WheelEvent } from 'react';
import { markWords, onTheWayWords } from '../../words/mark-words.ts';
import { localTime, plural, words } from '../../words/quantities.ts';
import { useMissionControl, useObservable, useTick } from '../mission-control.tsx';
import { clusterMarks, clusterNear, type MarkCluster } from './mark-clusters.ts';
import { markLook } from './mark-look.ts';
import { useMarks } from './use-marks.ts';
import { AIM_MS, windowEnd } from './window-end.ts';

interface ScrubberProps {
  readonly spanUs: number;
  readonly onSpan: (by: 1 | -1) => void;
  /** Told whenever it changes whose record is not wholly here. */
  readonly onMissing: (lives: readonly OnTheWay[]) => void;
}

const SECOND_US = 1_000_000;
/** A press this near to marks goes to the gravest of them. */
const NEAR_PX = 7;

/** The stretch of time around the shown moment with what happened in it; drag, arrows or a press go there. */
export function Scrubber({ spanUs, onSpan, onMissing }: ScrubberProps) {
  const { clock, time, selection, nowMs } = useMissionControl();
  const shown = useObservable(time);
  useTick(1_000);
  const bar = useRef<HTMLDivElement>(null);
  const widthPx = useWidth(bar);
  const [endUs, setEndUs] = useState(0);
  const atUs = clock.atUs;
  const movedMs = useRef(Number.NEGATIVE_INFINITY);
  const aimed = nowMs() - movedMs.current < AIM_MS;
  const toUs = windowEnd({ endUs, spanUs, atUs, past: shown.kind === 'past', aimed });
  const fromUs = toUs - spanUs;
  if (toUs !== endUs && atUs > 0) setEndUs(toUs);
  // Asked in whole steps, so that the present moving on asks nothing anew.
  const { marks, more, onTheWay } = useMarks(
    Math.floor(fromUs / SECOND_US) * SECOND_US,
    Math.ceil(toUs / SECOND_US) * SECOND_US,
  );
  const missing = onTheWayWords(onTheWay);
  useEffect(() => onMissing(onTheWay), [onMissing, onTheWay]);
  const clusters = clusterMarks(marks, fromUs, toUs, widthPx);
  const xOf = (us: number) => ((us - fromUs) / spanUs) * widthPx;

  const momentAt = (clientX: number): number => {
    const box = bar.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0) return atUs;
    return fromUs + ((clientX - box.left) / box.width) * spanUs;
  };
  const press = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const xPx = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const near = clusterNear(clusters, xPx, NEAR_PX);
    if (near === undefined) clock.seek(momentAt(event.clientX));
    else goTo(near);
  };
  const goTo = ({ first }: MarkCluster) => {
    clock.seek(Number(first.timeUs));
    const { agentId, decisionEpoch: epoch, decisionSequence: sequence } = first;
    if (sequence > 0n) selection.set({ kind: 'decision', agentId, epoch, sequence });
    else if (agentId !== '') selection.set({ kind: 'robot', id: agentId });
  };
  const move = (event: PointerEvent<HTMLDivElement>) => {
    movedMs.current = nowMs();
    if (event.currentTarget.hasPointerCapture(event.pointerId) && event.movementX !== 0)
      clock.seek(momentAt(event.clientX));
  };
  const key = (event: KeyboardEvent) => {
    const seconds = { ArrowLeft: -1, ArrowRight: 1, PageDown: -60, PageUp: 60 }[event.key];
    if (seconds !== undefined) clock.nudge(seconds * (event.shiftKey ? 10 : 1));
    else if (event.key === 'Home') clock.seek(fromUs);
    else if (event.key === 'End') clock.goLive();
    else return;
    event.preventDefault();
  };
  const wheel = (event: WheelEvent) => onSpan(event.deltaY > 0 ? 1 : -1);
  return (
    <div
      ref={bar}
      className="scrubber"
      role="slider"
      tabIndex={0}
      aria-label="Moment shown"
      aria-valuemin={Math.round(fromUs / SECOND_US)}
      aria-valuemax={Math.round(toUs / SECOND_US)}
      aria-valuenow={Math.round(atUs / SECOND_US)}
      aria-valuetext={`${localTime(BigInt(Math.round(atUs)))}, ${plural(marks.length, 'event')} in this stretch${more ? ' and more' : ''}${missing === '' ? '' : `; ${missing}`}`}
      onPointerDown={press}
      onPointerMove={move}
      onKeyDown={key}
      onWheel={wheel}
      data-testid="scrubber"
    >
      <svg className="scrub-marks" width={widthPx} height={SCRUB_PX} aria-hidden="true">
        <Ticks fromUs={fromUs} toUs={toUs} widthPx={widthPx} xOf={xOf} />
        {missing === '' ? null : (
          <Missing words={missing} fromX={Math.max(0, xOf(earliest(onTheWay)))} widthPx={widthPx} />
        )}
        {clusters.map((cluster) => (
          <ClusterMark key={cluster.name} cluster={cluster} />
        ))}
        <g transform={`translate(${xOf(atUs)},0)`}>
          <path className="playhead" d={`M0 0V${SCRUB_PX}M-5 0h10l-5 6z`} />
        </g>
      </svg>
    </div>
  );
}

const earliest = (onTheWay: readonly OnTheWay[]): number =>
  onTheWay.reduce((first, { upToTimeUs }) => Math.min(first, Number(upToTimeUs)), Number.POSITIVE_INFINITY);

/** From here on something may have happened that is not here yet. */
function Missing({
  words,
  fromX,
  widthPx,
}: {
  readonly words: string;
  readonly fromX: number;
  readonly widthPx: number;
}) {
  if (fromX >= widthPx) return null;
  return (
    <g className="mark-missing" data-testid="on-the-way">
      <title>{words}</title>
      <rect x={fromX} width={widthPx - fromX} height={SCRUB_PX} />
      <path d={`M${fromX} 0V${SCRUB_PX}`} />
    </g>
  );
}

const SCRUB_PX = 34;
const MARK_Y = 19;

function ClusterMark({ cluster }: { readonly cluster: MarkCluster }) {
  const { first, count, kinds, xPx } = cluster;
  const { path, level, hollow } = markLook(first);
  const others = kinds.map(([kind, times]) => `${times} ${words(kind)}`).join(', ');
  return (
    <g
      transform={`translate(${xPx},${MARK_Y})`}
      className={`mark level-${level}`}
      data-kind={first.kind}
      data-hollow={hollow}
    >
      <title>{`${localTime(first.timeUs)} ${markWords(first)}${count > 1 ? ` (${others})` : ''}`}</title>
      <path d={path} />
      {count > 1 ? (
        <text y="-7" textAnchor="middle">
          {count > 99 ? '99+' : count}
        </text>
      ) : null}
    </g>
  );
}

const STEPS_S = [5, 15, 30, 60, 300, 900, 3_600, 14_400];
/** No more lines than this. */
const TICKS = 12;

/** Room that a label needs. */
const LABEL_PX = 56;

function Ticks({
  fromUs,
  toUs,
  widthPx,
  xOf,
}: {
  readonly fromUs: number;
  readonly toUs: number;
  readonly widthPx: number;
  readonly xOf: (us: number) => number;
}) {
  if (toUs <= 0) return null;
  const wanted = (toUs - fromUs) / SECOND_US / TICKS;
  const stepUs = (STEPS_S.find((step) => step >= wanted) ?? 14_400) * SECOND_US;
  const lines: number[] = [];
  for (let at = Math.ceil(fromUs / stepUs) * stepUs; at <= toUs; at += stepUs) lines.push(at);
  return lines.map((at) => (
    <g key={at} transform={`translate(${xOf(at)},0)`} className="tick">
      <path d={`M0 20V${SCRUB_PX}`} />
      {xOf(at) + LABEL_PX > widthPx ? null : (
        <text x="3" y={SCRUB_PX - 3}>
          {localTime(BigInt(at)).slice(0, stepUs < 60 * SECOND_US ? 8 : 5)}
        </text>
      )}
    </g>
  ));
}

function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const observer = new ResizeObserver(() => setWidth(current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
