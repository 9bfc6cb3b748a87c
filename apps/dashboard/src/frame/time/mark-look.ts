import { AlertLevel, type Mark } from '@sigma/proto';
import type { Level } from '../../words/agent-state.ts';

const LEVELS: Readonly<Record<AlertLevel, Level>> = {
  [AlertLevel.UNSPECIFIED]: 'calm',
  [AlertLevel.INFO]: 'info',
  [AlertLevel.ADVISORY]: 'advisory',
  [AlertLevel.WARNING]: 'warning',
  [AlertLevel.CRITICAL]: 'critical',
};

/** Outlines around (0, 0), told apart without colour. */
const PATHS: Readonly<Record<string, string>> = {
  failsafe: 'M-2-5h4l3 3v4l-3 3h-4l-3-3v-4z',
  stop: 'M-4-4h8v8h-8z',
  violation: 'M0-5l5 9h-10z',
  alert: 'M0-5l5 5l-5 5l-5-5z',
  fault: 'M-4-4l8 8M4-4l-8 8',
  mission: 'M-3 5v-10h7l-2 3l2 3h-7',
  act: 'M0-4a4 4 0 1 1 0 8a4 4 0 1 1 0-8z',
  gap: 'M-5 0h2M-1 0h2M3 0h2',
};

const OTHER = 'M0-3a3 3 0 1 1 0 6a3 3 0 1 1 0-6z';

interface MarkLook {
  readonly path: string;
  readonly level: Level;
  /** Reported ahead of its record, or never to be proved: drawn as an outline, until its record fills it. */
  readonly hollow: boolean;
}

/** How a mark stands on the time bar. Kinds without a level of their own are as grave as their kind. */
export function markLook(mark: Mark): MarkLook {
  const level = LEVELS[mark.level];
  const own =
    level !== 'calm' ? level : mark.kind === 'violation' ? 'advisory' : mark.kind === 'failsafe' ? 'warning' : 'calm';
  return { path: PATHS[mark.kind] ?? OTHER, level: own, hollow: mark.reported };
}
