import type { Act } from '../live/acts.ts';
import type { Level, Shape } from '../words/agent-state.ts';
import { ShapeMark } from './shape.tsx';

const LOOK: Readonly<Record<Act['outcome']['kind'], { readonly shape: Shape; readonly level: Level }>> = {
  pending: { shape: 'dashed', level: 'info' },
  done: { shape: 'dot', level: 'calm' },
  partly: { shape: 'diamond', level: 'advisory' },
  failed: { shape: 'triangle', level: 'warning' },
};

/** One act and what really came of it. */
export function OutcomeLine({ act, testId }: { readonly act: Act; readonly testId?: string }) {
  const { outcome } = act;
  return (
    <span
      className="outcome"
      data-testid={testId}
      data-outcome={outcome.kind}
      title={outcome.kind === 'pending' ? act.title : `${act.title}: ${outcome.detail}`}
    >
      <ShapeMark {...LOOK[outcome.kind]} />
      <span className="outcome-title">{act.title}</span>
      <span className="outcome-detail">{outcome.kind === 'pending' ? 'waiting for the answer' : outcome.detail}</span>
    </span>
  );
}
