import type { Level, Shape } from '../../words/agent-state.ts';
import { causeWords } from '../../words/alert-words.ts';
import { span, words } from '../../words/quantities.ts';

/** How an outcome looks: what was done is calm, what was not is seen. */
export function actLook(outcome: string): { readonly shape: Shape; readonly level: Level } {
  if (/^(accepted|done|ok)/.test(outcome)) return { shape: 'dot', level: 'calm' };
  if (/^(sent|partly)/.test(outcome)) return { shape: 'diamond', level: 'advisory' };
  return { shape: 'triangle', level: 'warning' };
}

/** A cause of alerts as the hub names it: "failsafe:board_hot". */
const CAUSE = /\b(?:failsafe|rule|band|rate|frozen|cross|link|witness):[\w./-]+/g;
/** A name with its words tied together: "motor_overload". */
const TIED = /\b[a-z]+(?:_[a-z]+)+\b/g;

/**
 * What somebody did, as the page says it elsewhere: causes and faults in words, spans as people say them. What he wrote
 * himself (a name between quotes, a reason after a colon) stays as it is.
 */
export function actWords(summary: string): string {
  const written = /'[^']*'|: .*$/.exec(summary)?.index ?? summary.length;
  const said = summary
    .slice(0, written)
    .replace(CAUSE, causeWords)
    .replace(TIED, words)
    .replace(/\bfor (\d+) s\b/, (_, seconds: string) => `for ${span(Number(seconds) * 1_000)}`);
  return said + summary.slice(written);
}

/** To whom: a robot, a mission, or a cause of alerts. */
export const targetWords = (target: string): string =>
  target === '*' ? 'every robot' : target.includes(':') ? causeWords(target) : target;
