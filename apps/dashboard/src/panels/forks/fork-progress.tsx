import type { Fork, Trial } from '@sigma/proto';
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
  return (
    <span className={`fork-state level-${level}`} data-testid="fork-state" data-state={of.state}>
      <ShapeMark shape={shape} level={level} /> {of.state === 'done' ? done : word}
      {of.state === 'running' ? (
        <>
          <progress value={of.progress} max={1} aria-label="Computed" />
          <span className="mono">{share(of.progress)}</span>
        </>
      ) : null}
      {of.state === 'done' && of.tookMs > 0 ? <span className="quiet"> in {span(of.tookMs)}</span> : null}
    </span>
  );
}
