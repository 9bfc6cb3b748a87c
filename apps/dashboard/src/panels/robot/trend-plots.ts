import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { TrendBuffer } from './trend-buffer.ts';

/** The band that a trend should be in; null where a side is open. */
export interface TrendBand {
  readonly low: number | null;
  readonly high: number | null;
}

interface Plot {
  readonly chart: uPlot;
  readonly into: HTMLElement;
  readonly buffer: TrendBuffer;
  drawn: number;
}

const HEIGHT_PX = 22;

/**
 * The small plots of one page, drawn in one frame loop: a plot is drawn when its buffer has grown, at most once a
 * frame, and the loop rests while nothing has. Readings never pass through component state.
 */
export class TrendPlots {
  readonly #plots = new Map<string, Plot>();
  readonly #resized: ResizeObserver;
  #frame = 0;

  constructor() {
    this.#resized = new ResizeObserver((boxes) => {
      for (const { target, contentRect } of boxes) {
        const plot = [...this.#plots.values()].find(({ into }) => into === target);
        const width = Math.floor(contentRect.width);
        if (plot !== undefined && width > 0 && width !== plot.chart.width)
          plot.chart.setSize({ width, height: HEIGHT_PX });
      }
    });
  }

  /** Puts a plot into the element. Returns how to take it away. */
  mount(key: string, into: HTMLElement, buffer: TrendBuffer, band: TrendBand): () => void {
    const chart = new uPlot(optionsOf(into, band), [[], []], into);
    this.#plots.set(key, { chart, into, buffer, drawn: 0 });
    this.#resized.observe(into);
    this.grown();
    return () => {
      this.#resized.unobserve(into);
      this.#plots.delete(key);
      chart.destroy();
    };
  }

  /** Buffers have grown: draw with the next frame. */
  grown(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      for (const plot of this.#plots.values()) {
        const [times, values] = plot.buffer.window();
        const newest = times.at(-1) ?? 0;
        if (newest === plot.drawn) continue;
        plot.drawn = newest;
        plot.chart.setData([times, values]);
      }
    });
  }

  end(): void {
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
    this.#frame = 0;
  }
}

function optionsOf(into: HTMLElement, { low, high }: TrendBand): uPlot.Options {
  const style = getComputedStyle(into);
  const stroke = style.getPropertyValue('--ink-2');
  const fill = style.getPropertyValue('--band');
  /** The plot shows the readings and as much of the band as is near them: far bounds would flatten the line. */
  const range = (_chart: uPlot, min: number | null, max: number | null): [number, number] => {
    if (min === null || max === null) return [0, 1];
    const room = Math.max((max - min) * 0.25, Math.abs(max) * 0.02, 1e-6);
    return [min - room, max + room];
  };
  return {
    width: Math.max(1, into.clientWidth),
    height: HEIGHT_PX,
    padding: [2, 0, 2, 0],
    cursor: { show: false },
    legend: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: { x: { time: false }, y: { range } },
    series: [{}, { stroke, width: 1.25, points: { show: false } }],
    hooks: {
      drawClear: [
        (chart) => {
          if (low === null && high === null) return;
          const { ctx, bbox } = chart;
          const [bottom, top] = [chart.scales['y']?.min ?? 0, chart.scales['y']?.max ?? 1];
          const from = chart.valToPos(Math.max(bottom, low ?? bottom), 'y', true);
          const to = chart.valToPos(Math.min(top, high ?? top), 'y', true);
          if (to >= from) return;
          ctx.fillStyle = fill;
          ctx.fillRect(bbox.left, to, bbox.width, from - to);
        },
      ],
    },
  };
}
