import type { Comparison, SourceComparison, Timeline } from '@sigma/recorder';
import type { Command } from 'commander';
import { A_RECORDING, each, wholeNumber } from '../arguments.ts';
import { totalOf } from '../forks/compared.ts';
import { command, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';
import { refusedWell, withTimeline } from '../timeline-input.ts';

interface CompareFlags {
  readonly tenant?: string;
  readonly parent: readonly string[];
  readonly limit: number;
  readonly json?: boolean;
}

/** `sigma compare A B`: where two timelines part, which decisions differ, and what came of each. */
export function compareCommand(shell: Shell): Command {
  return command(
    'compare',
    'Hold two timelines against each other: the first event in which they part, the decisions that differ, and the ' +
      'outcome of each (distance, energy, violations, failsafe, tasks). A fork is compared from where it leaves its parent',
    ['sigma compare sim-7.sqlite fork.sqlite', 'sigma compare before.sqlite after.sqlite --json'],
  )
    .argument('<a>', A_RECORDING)
    .argument('<b>', A_RECORDING)
    .option('--tenant <id>', 'whose lives, where the recordings hold several tenants')
    .option('--parent <file>', 'where a parent of a fork lies now (repeatable)', each, [])
    .option('--limit <n>', 'differing decisions that are printed; --json holds them all', wholeNumber(0, 1_000_000), 20)
    .action(async (a: string, b: string, flags: CompareFlags) => {
      const { compareForks, tenantTimeline } = await import('@sigma/sim');
      const terminal = shell.terminal(flags.json === true);
      const comparison = await withTimeline(shell, a, flags.parent, (one) =>
        withTimeline(shell, b, flags.parent, (other) =>
          refusedWell(async () => {
            const [mine, theirs] = [one, other].map((all) => tenantTimeline(all, flags.tenant ?? null)) as [
              Timeline,
              Timeline,
            ];
            return compareForks(mine, theirs, (source) => {
              shell.interrupted.throwIfAborted();
              terminal.progress(`comparing ${source}`);
            });
          }),
        ),
      );
      const totals = { a: totalOf(comparison, 'a'), b: totalOf(comparison, 'b') };
      terminal.result({ a, b, ...comparison, totals }, describe(a, b, comparison, flags.limit));
    });
}

function describe(a: string, b: string, comparison: Comparison, limit: number): string {
  const { fromUs, untilUs, sources } = comparison;
  const differing = sources.filter(({ result }) => result !== 'shared' && result !== 'same');
  const head = `${a} and ${b} from ${seconds(fromUs)} to ${seconds(untilUs)} s: ${differing.length} of ${sources.length} sources differ`;
  const left = uncomparedText(a, b, sources);
  if (differing.length === 0) return [`${a} and ${b}: nothing differs up to ${seconds(untilUs)} s`, ...left].join('\n');
  const firsts = differing.map((one) => [one.source, firstText(one)]);
  const decisions = differing
    .flatMap(({ source, decisions: of }) => of.map((one) => ({ source, ...one })))
    .sort((x, y) => x.fromUs - y.fromUs);
  const rows = decisions
    .slice(0, limit)
    .map(({ source, fromUs: from, untilUs: until, a: one, b: other }) => [
      source,
      `${seconds(from)} s`,
      `${seconds(until - from)} s`,
      one === null ? 'none' : `${one.authority}: ${one.command} (${one.rationale})`,
      other === null ? 'none' : `${other.authority}: ${other.command} (${other.rationale})`,
    ]);
  const totals = [totalOf(comparison, 'a'), totalOf(comparison, 'b')] as const;
  const names = Object.keys(totals[0]);
  return [
    head,
    columns([['source', 'parts at'], ...firsts]),
    ...(rows.length === 0 ? [] : [columns([['agent', 'from', 'for', a, b], ...rows])]),
    ...(decisions.length > rows.length ? [`... and ${decisions.length - rows.length} more (--limit, --json)`] : []),
    columns([
      ['outcome', a, b, 'difference'],
      ...names.map((name) => outcomeRow(name, totals[0][name] ?? 0, totals[1][name] ?? 0)),
    ]),
    ...left,
  ].join('\n');
}

/** What nothing can be said of, because one side dropped events of it. */
function uncomparedText(a: string, b: string, sources: readonly SourceComparison[]): readonly string[] {
  const rows = sources.flatMap(({ source, uncompared }) =>
    uncompared.map(({ side, firstSequence, lastSequence, fromUs, untilUs }) => [
      source,
      `${seconds(fromUs)} s`,
      untilUs === null ? 'the end' : `${seconds(untilUs)} s`,
      `${side === 'both' ? 'both' : side === 'a' ? a : b}: events ${firstSequence} to ${lastSequence} were dropped`,
    ]),
  );
  if (rows.length === 0) return [];
  return ['not compared, on either side:', columns([['source', 'from', 'until', 'because'], ...rows])];
}

const seconds = (us: number): string => (us / 1e6).toFixed(2);

function outcomeRow(name: string, one: number, other: number): readonly string[] {
  const text = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));
  const apart = other - one;
  return [name, text(one), text(other), `${apart > 0 ? '+' : ''}${text(apart)}`];
}

function firstText({ result, first }: SourceComparison): string {
  if (result === 'only_a' || result === 'only_b') return `only in ${result === 'only_a' ? 'the first' : 'the second'}`;
  const [event] = [first?.a, first?.b].filter((one) => one != null).sort((x, y) => x.atUs - y.atUs);
  if (event === undefined) return '';
  return `${seconds(event.atUs)} s: ${event.type} #${first?.a?.event ?? '-'} and #${first?.b?.event ?? '-'}`;
}
