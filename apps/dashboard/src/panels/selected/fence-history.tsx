import type { Fence } from '@sigma/proto';
import { useCallback } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { localTime, personWords, plainWords } from '../../words/quantities.ts';
import { actLook, actWords } from '../acts/act-look.ts';
import { useAsked } from '../rows/use-asked.ts';

/** The hub writes an act down after it told of what it did. */
const ASK_EVERY_MS = 5_000;
const MOST_CHANGES = 8;

/** Who changed a fence, when and how, the newest first: from the hub's record of acts. What was refused stands there too. */
export function FenceHistory({ id, version }: Pick<Fence, 'id' | 'version'>) {
  const { hub } = useMissionControl();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version was made by somebody.
  const ask = useCallback(
    (signal: AbortSignal) => hub.account.listActs({ target: id, limit: MOST_CHANGES }, { signal }),
    [hub, id, version],
  );
  const { asked } = useAsked(ask, ASK_EVERY_MS);
  if (asked.kind === 'loading') return <span className="quiet">Asking…</span>;
  if (asked.kind !== 'known') return <span className="level-warning">{asked.reason}</span>;
  const { acts } = asked.value;
  if (acts.length === 0) return <>{version > 1 ? `${version - 1} times, by whom is no longer kept` : 'never'}</>;
  return (
    <ol className="fence-history" aria-label="Who changed it, the newest first" data-testid="fence-changes">
      {acts.map(({ id: act, actor, timeUs, summary, outcome, reason }) => {
        const { level, shape } = actLook(outcome);
        return (
          <li key={act}>
            <span>
              <bdi>{personWords(actor)}</bdi> <span className="quiet">{actWords(summary)}</span>
              {level === 'calm' ? null : (
                <span className={`level-${level}`}>
                  {' '}
                  <ShapeMark shape={shape} level={level} /> {outcome}
                  {reason === '' ? '' : `: ${plainWords(reason)}`}
                </span>
              )}
            </span>
            <time className="mono">{localTime(timeUs)}</time>
          </li>
        );
      })}
    </ol>
  );
}
