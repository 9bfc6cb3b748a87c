/** Earlier than this nobody can tell. */
const LEAST_S = 2;

/**
 * How long work goes on at the pace so far, in words to put behind a word of progress.
 *
 * @param share done of all, 0 to 1
 * @param tookS seconds since it began
 */
export function timeLeft(share: number, tookS: number): string {
  if (!(share > 0 && share < 1) || tookS < LEAST_S) return '';
  const leftS = (tookS * (1 - share)) / share;
  const text = leftS < 90 ? `${Math.ceil(leftS)} s` : `${Math.ceil(leftS / 60)} min`;
  return `, ${Math.floor(100 * share)} %, about ${text} left`;
}
