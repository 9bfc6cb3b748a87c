import type { Fork, Trial } from '@sigma/proto';
import { useRef } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { span } from '../../words/quantities.ts';
import { share, stateLook } from './fork-words.ts';

interface ForkProgressProps {
  readonly of: Pick<Fork | Trial, 'state' | 'progress' | 'tookMs'>;
  /** What it is called when it is over. */
  readonly done?: string;
}

/** How far long work is, in a word, a bar and a number. */
export function ForkProgress({ of, done = 'made' }: ForkProgressProps) {
  const { word, shape, level } = stateLook(of.state);
  const left = useTimeLeft(of);
  return (
    <span className={`fork-state level-${level}`} data-testid="fork-state" data-state={of.state}>
      <ShapeMark shape={shape} level={level} /> {of.state === 'done' ? done : word}
      {of.state === 'running' ? (
        <>
          <progress value={of.progress} max={1} aria-label="Computed" />
          <span className="mono">{share(of.progress)}</span>
          {left === null ? null : <span className="quiet">about {span(left)} left</span>}
        </>
      ) : null}
      {of.state === 'done' && of.tookMs > 0 ? <span className="quiet"> in {span(of.tookMs)}</span> : null}
    </span>
  );
}

/** Less than this of the work seen says nothing about the rest. */
const LEAST_SEEN = 0.05;

/** How long the rest takes at the pace that was seen here, milliseconds; null while that is not known. */
function useTimeLeft({ state, progress }: ForkProgressProps['of']): number | null {
  const { nowMs } = useMissionControl();
  const began = useRef<{ readonly progress: number; readonly ms: number } | null>(null);
  if (state !== 'running') began.current = null;
  else began.current ??= { progress, ms: nowMs() };
  const from = began.current;
  if (from === null || progress - from.progress < LEAST_SEEN) return null;
  return ((1 - progress) / (progress - from.progress)) * (nowMs() - from.ms);
}
