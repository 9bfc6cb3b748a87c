import type { Level, Shape } from '../../words/agent-state.ts';

/** How an outcome looks: what was done is calm, what was not is seen. */
export function actLook(outcome: string): { readonly shape: Shape; readonly level: Level } {
  if (/^(accepted|done|ok)/.test(outcome)) return { shape: 'dot', level: 'calm' };
  if (/^(sent|partly)/.test(outcome)) return { shape: 'diamond', level: 'advisory' };
  return { shape: 'triangle', level: 'warning' };
}
