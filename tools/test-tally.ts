import { relative } from 'node:path';

/** The parts of a node:test event that the tally reads. */
export interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly file?: string | undefined;
    readonly message?: string;
    readonly skip?: string | boolean | undefined;
    readonly todo?: string | boolean | undefined;
    readonly details?: { readonly duration_ms?: number; readonly type?: string | undefined };
  };
}

interface Named {
  readonly title: string;
  readonly reason: string;
}

export interface Tally {
  readonly root: string;
  /** Of files that are none of ours, what they are told as. */
  readonly names: ReadonlyMap<string, string>;
  readonly totals: Map<string, string>;
  readonly skipped: Named[];
  readonly todo: Named[];
  /** How long each file ran, its preparations and its end included. */
  readonly durationMsByFile: Map<string, number>;
  passed: number;
  failed: number;
  /** Suites with a failure in or under them; the runner does not count them as tests. */
  brokenSuites: number;
}

export interface Verdict {
  readonly passed: boolean;
  readonly problems: readonly string[];
}

/** The runner's own totals, in the order it prints them. */
const TOTALS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'];

export function openTally(root: string, names: ReadonlyMap<string, string> = new Map()): Tally {
  return {
    root,
    names,
    totals: new Map(),
    skipped: [],
    todo: [],
    durationMsByFile: new Map(),
    passed: 0,
    failed: 0,
    brokenSuites: 0,
  };
}

/** Counts one event. Returns false for the runner's closing totals, which are printed by `closingLines` instead. */
export function record(tally: Tally, event: TestEvent): boolean {
  const { data } = event;
  if (event.type === 'test:diagnostic') {
    const [, name, value] = /^(\w+) ([\d.]+)$/.exec(data.message ?? '') ?? [];
    if (data.nesting !== 0 || name === undefined || value === undefined || !TOTALS.includes(name)) return true;
    tally.totals.set(name, value);
    return false;
  }
  const file = data.file === undefined ? '' : (tally.names.get(data.file) ?? relative(tally.root, data.file));
  // A file is told like a test of its own, whoever wrote its tests: two files may share those of a third.
  if (event.type === 'test:complete' && data.file !== undefined && data.name === data.file)
    tally.durationMsByFile.set(file, data.details?.duration_ms ?? 0);
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return true;
  if (data.details?.type === 'suite') {
    if (event.type === 'test:fail') tally.brokenSuites++;
    if (data.skip === undefined || data.skip === false) return true;
  }
  const title = `${file}: ${data.name ?? 'unnamed test'}`;
  const skipped = data.skip !== undefined && data.skip !== false;
  const todo = data.todo !== undefined && data.todo !== false;
  if (skipped) tally.skipped.push({ title, reason: reasonOf(data.skip) });
  else if (todo) tally.todo.push({ title, reason: reasonOf(data.todo) });
  else if (event.type === 'test:fail') tally.failed++;
  else tally.passed++;
  return true;
}

const reasonOf = (mark: string | boolean | undefined): string =>
  typeof mark === 'string' && mark !== '' ? mark : 'no reason given';

/** Whether the run counts as passed, and every problem in words. */
export function verdict(tally: Tally, skipsForbidden: boolean): Verdict {
  const problems: string[] = [];
  const stopped = Number(tally.totals.get('cancelled') ?? 0);
  if (tally.failed > 0) problems.push(`${tally.failed} failed`);
  if (tally.failed === 0 && tally.brokenSuites > 0) problems.push(`${tally.brokenSuites} suites failed`);
  if (stopped > 0) problems.push(`${stopped} cancelled`);
  if (!tally.totals.has('tests')) problems.push('the test runner ended without its closing totals');
  else if (tally.passed + tally.failed === 0 && tally.skipped.length === 0) problems.push('no test ran');
  if (skipsForbidden && tally.skipped.length + tally.todo.length > 0) {
    problems.push(`${tally.skipped.length + tally.todo.length} skipped or todo, and SIGMA_NO_SKIP=1 forbids it`);
  }
  return { passed: problems.length === 0, problems };
}

/** The end of the report: what was skipped and why, the slowest files, how long all took, the totals, one line in words. */
export function closingLines(tally: Tally, outcome: Verdict, slowestShown: number): string[] {
  const lines: string[] = [''];
  for (const { title, reason } of tally.skipped) lines.push(`skipped  ${title}\n         ${reason}`);
  for (const { title, reason } of tally.todo) lines.push(`todo     ${title}\n         ${reason}`);
  const slowest = [...tally.durationMsByFile].sort((a, b) => b[1] - a[1]).slice(0, slowestShown);
  for (const [file, ms] of slowest) if (ms >= 1_000) lines.push(`slow     ${(ms / 1_000).toFixed(1)} s  ${file}`);
  lines.push(`took     ${(Number(tally.totals.get('duration_ms') ?? 0) / 1_000).toFixed(1)} s  all files`);
  for (const name of TOTALS) lines.push(`# ${name} ${tally.totals.get(name) ?? 0}`);
  for (const problem of outcome.problems) lines.push(`problem  ${problem}`);
  lines.push(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`);
  return lines;
}
