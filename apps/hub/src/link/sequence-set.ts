/**
 * Which numbers have come, as runs of consecutive ones: almost always a single run, whatever its length. With too many
 * holes the oldest one counts as come: what is missing there was shed by its sender long ago.
 */
export class SequenceSet {
  /** First and last of each run, ascending; runs never touch. */
  readonly #runs: [first: bigint, last: bigint][] = [];
  readonly #mostRuns: number;

  constructor(mostRuns = 1_024) {
    this.#mostRuns = mostRuns;
  }

  /** @returns false when `n` had come before */
  add(n: bigint): boolean {
    const runs = this.#runs;
    let at = runs.length;
    while (at > 0 && (runs[at - 1] as [bigint, bigint])[0] > n) at--;
    const before = runs[at - 1];
    if (before !== undefined && n <= before[1]) return false;
    const after = runs[at];
    const joinsBefore = before !== undefined && before[1] + 1n === n;
    const joinsAfter = after !== undefined && after[0] === n + 1n;
    if (joinsBefore && joinsAfter) {
      before[1] = after[1];
      runs.splice(at, 1);
    } else if (joinsBefore) before[1] = n;
    else if (joinsAfter) after[0] = n;
    else runs.splice(at, 0, [n, n]);
    if (runs.length > this.#mostRuns) this.#closeOldestHole();
    return true;
  }

  #closeOldestHole(): void {
    const [oldest, next] = this.#runs as [[bigint, bigint], [bigint, bigint]];
    next[0] = oldest[0];
    this.#runs.shift();
  }
}
