import type { AgentDecision } from '@sigma/proto';
import { byTime, type LogFilter, type LogLine, type LogPlace, lineOf, NO_FILTER, passes } from './log-lines.ts';

/** Lines kept at most; the oldest go, and can be read back from the hub. */
export const LINES_KEPT = 100_000;
/** They go in portions: one at a time would move the whole list for every line. */
const PORTION = 2_000;

/**
 * The lines of a log: those that came while it was open, and pages of older ones that were read back for the present
 * filter. A pause freezes what is shown and loses nothing: what comes meanwhile is counted and kept.
 */
export class LogBuffer {
  /** Complete from its first line on, oldest first. */
  #lines: LogLine[] = [];
  #keys = new Set<string>();
  readonly #seen = new WeakSet<AgentDecision>();
  /** Those of the filter, oldest first. */
  #passing: LogLine[] = [];
  /** Read back from the hub under the filter; older than every line, oldest first. */
  #older: LogLine[] = [];
  #olderKeys = new Set<string>();
  /** How far back was read, whether it passed the filter or not. */
  #readTo: LogPlace | undefined;
  #filter: LogFilter = NO_FILTER;
  #frozen: readonly LogLine[] | null = null;
  #waiting = 0;
  #gone = 0;
  #shown: readonly LogLine[] | null = null;
  readonly #most: number;

  constructor(most = LINES_KEPT) {
    this.#most = most;
  }

  /** Takes what is new among the decisions, in any order, each once. Returns how many were. */
  absorb(decisions: readonly AgentDecision[]): number {
    const fresh: LogLine[] = [];
    for (const one of decisions) {
      if (this.#seen.has(one)) continue;
      this.#seen.add(one);
      const line = lineOf(one);
      if (line === undefined || this.#keys.has(line.key) || this.#olderKeys.has(line.key)) continue;
      if (this.#gone > 0 && byTime(line, this.#lines[0] as LogLine) < 0) continue;
      this.#keys.add(line.key);
      fresh.push(line);
    }
    if (fresh.length === 0) return 0;
    fresh.sort(byTime);
    merge(this.#lines, fresh);
    const passing = fresh.filter((line) => passes(line, this.#filter));
    merge(this.#passing, passing);
    if (this.#frozen !== null) this.#waiting += passing.length;
    if (this.#lines.length + this.#older.length > this.#most + PORTION) this.#shed();
    this.#shown = null;
    return fresh.length;
  }

  /** Adds a page that was read back under the present filter, down to `readTo`. Returns how many of it were new. */
  addOlder(decisions: readonly AgentDecision[], readTo?: LogPlace): number {
    const fresh: LogLine[] = [];
    for (const one of decisions) {
      const line = lineOf(one);
      if (line === undefined) continue;
      if (this.#keys.has(line.key) || this.#olderKeys.has(line.key) || !passes(line, this.#filter)) continue;
      this.#olderKeys.add(line.key);
      fresh.push(line);
    }
    this.#readTo = readTo ?? this.#readTo;
    this.#older = [...fresh, ...this.#older].sort(byTime);
    if (this.#frozen !== null && fresh.length > 0) this.#frozen = [...fresh.sort(byTime), ...this.#frozen];
    this.#shown = null;
    return fresh.length;
  }

  /** What was read back belonged to the filter before; it is dropped with it. */
  filterBy(filter: LogFilter): void {
    this.#filter = filter;
    this.#passing = this.#lines.filter((line) => passes(line, filter));
    this.#forgetOlder();
    if (this.#frozen !== null) {
      this.#frozen = this.#passing.slice();
      this.#waiting = 0;
    }
    this.#shown = null;
  }

  pause(): void {
    if (this.#frozen !== null) return;
    this.#frozen = this.lines;
    this.#waiting = 0;
  }

  resume(): void {
    this.#frozen = null;
    this.#waiting = 0;
    this.#shown = null;
  }

  /** What is shown, oldest first; another array whenever it changed. */
  get lines(): readonly LogLine[] {
    if (this.#frozen !== null) return this.#frozen;
    this.#shown ??= this.#older.length === 0 ? this.#passing.slice() : [...this.#older, ...this.#passing];
    return this.#shown;
  }

  get filter(): LogFilter {
    return this.#filter;
  }
  get paused(): boolean {
    return this.#frozen !== null;
  }
  /** Lines that came since the pause and pass the filter. */
  get waiting(): number {
    return this.#waiting;
  }
  /** Lines in hand, whether they pass the filter or not. */
  get held(): number {
    return this.#lines.length + this.#older.length;
  }
  /** Lines that had to go since the log was opened. */
  get gone(): number {
    return this.#gone;
  }
  get full(): boolean {
    return this.held >= this.#most;
  }
  /** Everything from this place on is known; before it, the hub is asked. */
  get oldest(): LogPlace | undefined {
    return this.#readTo ?? this.#lines[0];
  }

  #forgetOlder(): void {
    this.#older = [];
    this.#olderKeys.clear();
    this.#readTo = undefined;
  }

  #shed(): void {
    this.#forgetOlder();
    const surplus = this.#lines.length - this.#most;
    if (surplus <= 0) return;
    for (const line of this.#lines.splice(0, surplus)) this.#keys.delete(line.key);
    this.#gone += surplus;
    this.#passing = this.#lines.filter((line) => passes(line, this.#filter));
  }
}

/** Merges sorted lines into sorted lines from the end: what comes live is newer than nearly everything. */
function merge(into: LogLine[], fresh: readonly LogLine[]): void {
  let late = 0;
  const last = into.at(-1);
  while (last !== undefined && late < fresh.length && byTime(fresh[late] as LogLine, last) < 0) late++;
  if (late === 0) {
    for (const line of fresh) into.push(line);
    return;
  }
  let from = into.length;
  while (from > 0 && byTime(into[from - 1] as LogLine, fresh[0] as LogLine) > 0) from--;
  const tail = [...into.splice(from), ...fresh].sort(byTime);
  for (const line of tail) into.push(line);
}
