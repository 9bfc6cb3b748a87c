import { useEffect, useRef } from 'react';
import type { TrendBuffer } from './trend-buffer.ts';
import type { TrendPlots } from './trend-plots.ts';

interface TrendProps {
  readonly plots: TrendPlots;
  readonly name: string;
  readonly buffer: TrendBuffer;
  readonly low: number | null;
  readonly high: number | null;
  /** Another theme draws in other colours: the plot is made anew. */
  readonly theme: string;
}

/** The last two minutes of a sensor as a line, over the band it should be in. Its number stands beside it. */
export function Trend({ plots, name, buffer, low, high, theme }: TrendProps) {
  const box = useRef<HTMLSpanElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme's colours are read from the page.
  useEffect(() => {
    if (box.current === null) return;
    return plots.mount(name, box.current, buffer, { low, high });
  }, [plots, name, buffer, low, high, theme]);
  return (
    <span className="trend" ref={box} aria-hidden="true" title="The last two minutes, over the band it should be in" />
  );
}
