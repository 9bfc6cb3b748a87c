import { useMemo } from 'react';
import { type Stretch, xOf } from './import-time.ts';
import type { Counted } from './lane-table.tsx';

/** Height of a full bar on a grid that is stretched to the row. */
const FULL = 20;
const LEAST = 7;
/** A bar is full from so many events on. */
const MANY = 64;

interface ImportStripProps {
  readonly counts: Counted | null;
  readonly lane: number;
  readonly window: Stretch;
  readonly offsetUs: number;
  readonly widthPx: number;
}

/** When a lane said something, and how much. What is known is shifted and stretched at once; what is asked for follows. */
export function ImportStrip({ counts, lane, window, offsetUs, widthPx }: ImportStripProps) {
  const path = useMemo(() => {
    const found = counts?.answer.lanes.find((one) => one.lane === lane);
    return found === undefined ? null : { d: barsOf(found.counts), stretches: found.counts.length };
  }, [counts, lane]);
  const fromPx = counts === null ? 0 : xOf(window, counts.fromUs + offsetUs, widthPx);
  const toPx = counts === null ? 0 : xOf(window, counts.toUs + offsetUs, widthPx);
  return (
    <div className="lane-strip" data-strip="lane">
      {path === null || path.d === '' ? null : (
        <svg width={widthPx} height={FULL + 4} aria-hidden="true">
          <path
            className="import-bars"
            data-testid="import-bars"
            transform={`translate(${fromPx.toFixed(2)},2) scale(${((toPx - fromPx) / path.stretches).toFixed(5)},1)`}
            d={path.d}
          />
        </svg>
      )}
    </div>
  );
}

/** One bar for each part that holds anything, as high as the logarithm of how much. */
function barsOf(counts: readonly number[]): string {
  let d = '';
  for (const [k, count] of counts.entries()) {
    if (count === 0) continue;
    const high = LEAST + (FULL - LEAST) * Math.min(1, Math.log2(count) / Math.log2(MANY));
    d += `M${k} ${FULL}v${-Math.round(high)}h.75v${Math.round(high)}z`;
  }
  return d;
}
