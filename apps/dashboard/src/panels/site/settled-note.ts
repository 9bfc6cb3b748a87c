import { mergeTexts } from '@sigma/recorder';

/** Lines that both sides changed. */
export interface LineConflict {
  readonly base: readonly string[];
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

/**
 * A note in which the lines that both sides changed are as one side has them; what else either side changed stays. Where
 * those lines cannot be found again, the note of that side.
 *
 * @param base the note that both began from, `ours` the one that stands, `theirs` the one that was sent
 */
export function settledNote(
  base: string,
  ours: string,
  theirs: string,
  conflicts: readonly LineConflict[],
  side: 'ours' | 'theirs',
): string {
  const loses = side === 'ours' ? 'theirs' : 'ours';
  const [wins, yields] = side === 'ours' ? [ours, theirs] : [theirs, ours];
  const lines = yields.split('\n');
  for (const conflict of conflicts) {
    const at = indexOfLines(lines, conflict[loses]);
    if (at < 0) return wins;
    lines.splice(at, conflict[loses].length, ...conflict[side]);
  }
  const merged = mergeTexts(base, wins, lines.join('\n'));
  return merged.type === 'merged' ? merged.text : wins;
}

function indexOfLines(lines: readonly string[], wanted: readonly string[]): number {
  if (wanted.length === 0) return -1;
  return lines.findIndex((_, from) => wanted.every((line, k) => lines[from + k] === line));
}
