import type { Level, Shape } from '../words/agent-state.ts';

const PATHS: Readonly<Record<Shape, { readonly d: string; readonly filled: boolean; readonly dashed?: boolean }>> = {
  dot: { d: 'M8 4a4 4 0 1 1 0 8a4 4 0 1 1 0-8z', filled: true },
  ring: { d: 'M8 4a4 4 0 1 1 0 8a4 4 0 1 1 0-8z', filled: false },
  dashed: { d: 'M8 3a5 5 0 1 1 0 10a5 5 0 1 1 0-10z', filled: false, dashed: true },
  bars: { d: 'M5 3.5h2v9h-2zM9 3.5h2v9h-2z', filled: true },
  diamond: { d: 'M8 2l6 6l-6 6l-6-6z', filled: true },
  triangle: { d: 'M8 2l6.5 11.5h-13z', filled: true },
  octagon: { d: 'M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8h-5.4l-3.8-3.8v-5.4z', filled: true },
};

/** A level or state as a form. The word beside it says the same, so it is hidden from screen readers. */
export function ShapeMark({ shape, level }: { readonly shape: Shape; readonly level: Level }) {
  const { d, filled, dashed } = PATHS[shape];
  return (
    <svg className={`shape level-${level}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={d}
        fill={filled ? 'currentColor' : 'none'}
        stroke="currentColor"
        strokeWidth="1.5"
        strokeDasharray={dashed ? '2.5 2' : undefined}
      />
    </svg>
  );
}
