import type { AgentStatus } from '@sigma/proto';
import { clearWords } from './agent-state.ts';
import { words } from './quantities.ts';

/** Robots by name as long as a person reads them, else counted. */
export function whomWords(ids: readonly string[]): string {
  if (ids.length === 0) return 'nobody';
  if (ids.length <= 4) return ids.join(', ');
  return `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more`;
}

/** What each kind of stop does to the body (IEC 60204-1, 9.2.2), and how it ends. */
const STOPS: Readonly<Record<'normal' | 'protective' | 'emergency', readonly [does: string, ends: string]>> = {
  normal: ['brakes as in driving and stands with its motors on, category 2', 'Ends when you end it'],
  protective: ['brakes hard, then motors off, category 1', 'Ends when you end it and have acknowledged'],
  emergency: ['power is cut and spring brakes close, category 0', 'Ends only by acknowledge and then reset'],
};

/** "Protective stop of r17, r18: brakes hard, then motors off, category 1. Ends when you end it and have acknowledged." */
export function stopConsequence(kind: 'normal' | 'protective' | 'emergency', ids: readonly string[]): string {
  const [does, ends] = STOPS[kind];
  return `${kind[0]?.toUpperCase()}${kind.slice(1)} stop of ${whomWords(ids)}: ${does}. ${ends}.`;
}

/** What ending a stop lets the robot do. */
export function releaseConsequence(id: string, status: AgentStatus): string {
  const held = status.failsafeEntries.filter((entry) => !/^operator_(normal|protective)_stop$/.test(entry.condition));
  if (held.length > 0) return `Ends the stop of ${id}; ${words(held[0]?.action ?? '')} still holds it.`;
  if (status.stop === 'protective') return `Ends the stop of ${id}; acknowledge it, and it may move again.`;
  return status.taskId === ''
    ? `${id} may move again; it has no task.`
    : `${id} moves again at once: it goes on with its task.`;
}

/** What acknowledging does, entry by entry: it says that a person has seen it, and lets end what needs no reset. */
export function acknowledgeConsequence(id: string, status: AgentStatus | undefined): string {
  const open = (status?.failsafeEntries ?? []).filter((entry) => entry.acknowledgedBy === '');
  if (open.length === 0) return `Nothing of ${id} waits to be acknowledged.`;
  const told = open.map((entry) => `${words(entry.action)} ${clearWords(entry.clear)}`);
  const ends = open.filter((entry) => entry.clear === 'on_acknowledge' && !entry.present);
  const moves = ends.length === status?.failsafeEntries.length && status.stop === 'none';
  return `Says that you have seen it: ${told.join('; ')}. ${moves ? `${id} may move again at once.` : `${id} does not move yet.`}`;
}

/** What a reset lets happen, or what still stands against it. */
export function resetConsequence(id: string, status: AgentStatus | undefined): string {
  if (status === undefined) return `${id} has not said how it stands.`;
  const present = status.failsafeEntries.filter(
    (entry) => entry.present && entry.condition !== 'operator_emergency_stop',
  );
  const unseen = status.failsafeEntries.filter((entry) => entry.acknowledgedBy === '');
  if (unseen.length > 0) return `Acknowledge ${words(unseen[0]?.action ?? '')} first; a reset before that is refused.`;
  if (present.length > 0) {
    return `${words(present[0]?.action ?? '')} stays: its cause is still there. Everything else that needs a reset ends.`;
  }
  if (status.failsafeEntries.length === 0 && status.stop !== 'emergency') return `Nothing of ${id} needs a reset.`;
  const goesOn = status.taskId === '' ? 'it has no task and stands' : 'it goes on with its task';
  return `Motors on: ${id} may move at once; ${goesOn}. Look at the place first.`;
}
