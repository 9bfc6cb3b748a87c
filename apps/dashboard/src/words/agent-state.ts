import type { AgentStatus, FailsafeEntry } from '@sigma/proto';
import { STALE_MS } from '../live/site-view.ts';
import { span, words } from './quantities.ts';

/** Four levels and no more; `calm` is the absence of one. */
export type Level = 'calm' | 'info' | 'advisory' | 'warning' | 'critical';

/** The outline that says the same as the colour, for whoever does not see the colour. */
export type Shape = 'dot' | 'ring' | 'bars' | 'diamond' | 'triangle' | 'octagon' | 'dashed';

export interface AgentState {
  readonly word: string;
  readonly level: Level;
  readonly shape: Shape;
}

/** Past this a robot without news is out of contact, not merely late. */
const LOST_MS = 10_000;

/**
 * What an operator should know first about a robot: the gravest true thing. Contact, then stops, then failsafe, then
 * the chain, the mode, the task.
 */
export function agentState(status: AgentStatus | undefined, ageMs: number): AgentState {
  if (ageMs > LOST_MS) return { word: `no contact ${span(ageMs)}`, level: 'warning', shape: 'dashed' };
  if (status === undefined) return { word: 'no status yet', level: 'info', shape: 'dashed' };
  if (status.stop === 'emergency') return { word: 'emergency stop', level: 'critical', shape: 'octagon' };
  if (ageMs > STALE_MS) return { word: `stale ${span(ageMs)}`, level: 'info', shape: 'dashed' };
  if (status.failsafe !== '') {
    const level = failsafeLevel(status.failsafeEntries);
    const shape = level === 'critical' ? 'octagon' : level === 'warning' ? 'triangle' : 'diamond';
    return { word: words(status.failsafe), level, shape };
  }
  if (status.chain === 'mechanical') return { word: 'mechanical fallback', level: 'critical', shape: 'octagon' };
  if (status.stop === 'protective') return { word: 'protective stop', level: 'warning', shape: 'octagon' };
  if (status.stop === 'normal') return { word: 'stopped', level: 'advisory', shape: 'bars' };
  if (status.mode === 'manual' || status.mode === 'service')
    return { word: status.mode, level: 'info', shape: 'diamond' };
  if (status.chain === 'secondary') return { word: 'own planner', level: 'advisory', shape: 'diamond' };
  if (status.taskId === '') return { word: 'idle', level: 'calm', shape: 'ring' };
  if (status.taskStatus === 'waiting') return { word: 'waiting', level: 'calm', shape: 'bars' };
  return { word: 'working', level: 'calm', shape: 'dot' };
}

/** The gravest entry counts: one that only a person can end is critical, one that ends by itself an advisory. */
export function failsafeLevel(entries: readonly FailsafeEntry[]): Level {
  let level: Level = 'advisory';
  for (const entry of entries) {
    if (entry.clear === 'on_reset' || entry.clear === 'never') return 'critical';
    if (entry.clear === 'on_acknowledge' || entry.clear === 'on_mode_change') level = 'warning';
  }
  return level;
}

const CLEAR: Readonly<Record<string, string>> = {
  when_clears: 'ends by itself when the cause is gone',
  on_mode_change: 'ends when the cause is gone and the mode is changed',
  on_acknowledge: 'ends when the cause is gone and a person has acknowledged it',
  on_reset: 'ends when the cause is gone, a person has acknowledged it and then reset',
  never: 'does not end before the robot is started anew',
};

export const clearWords = (clear: string): string => CLEAR[clear] ?? words(clear);

/** What stands in the way of the entry's end, in the order in which a person meets it. */
export function nextStep(entry: FailsafeEntry): string {
  if (entry.present) return 'the cause is still there';
  if (entry.acknowledgedBy === '' && (entry.clear === 'on_acknowledge' || entry.clear === 'on_reset'))
    return 'acknowledge it';
  if (entry.clear === 'on_reset') return 'reset the robot';
  return entry.clear === 'on_mode_change' ? 'change the mode' : 'clearing';
}

/** 0 for the gravest: sorts the urgent first. */
export const LEVEL_ORDER: Readonly<Record<Level, number>> = { critical: 0, warning: 1, advisory: 2, info: 3, calm: 4 };

const collator = new Intl.Collator('en', { numeric: true });
export const byId = (a: string, b: string): number => collator.compare(a, b);
