import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CompareForkResponseSchema, DecidedSideSchema } from '@sigma/proto';
import type { Comparison, Outcome, SourceComparison } from '@sigma/recorder';

const MOST_DECISIONS = 5_000;
const MOST_WORDS = 300;

/** What came of a life, by name, in one list. */
export type Totals = Readonly<Record<string, number>>;

const COUNTED = ['decisions', 'violations', 'tasksDone', 'tasksFailed', 'collisions'] as const;

/** Sums over all sources of what can be summed. */
export function totalOf({ sources }: Pick<Comparison, 'sources'>, side: 'a' | 'b'): Totals {
  const total: Record<string, number> = { decisions: 0, violations: 0, failsafe: 0 };
  for (const name of COUNTED) total[name] ??= 0;
  for (const { outcome } of sources) {
    if (outcome === null) continue;
    for (const [name, value] of Object.entries(numbersOf(outcome[side]))) total[name] = (total[name] ?? 0) + value;
  }
  return total;
}

function numbersOf(outcome: Outcome): Totals {
  const counted = COUNTED.map((name) => [name, outcome[name]] as const);
  const failsafe = Object.values(outcome.failsafe).reduce((sum, times) => sum + times, 0);
  return { ...Object.fromEntries(counted), failsafe, ...outcome.measured };
}

/** @param zeroUs when agent time was 0, by the hub's clock */
export function toComparison(
  comparison: Comparison,
  zeroUs: number,
): MessageInitShape<typeof CompareForkResponseSchema> {
  const time = (us: number): bigint => BigInt(Math.round(zeroUs + us));
  const { fromUs, untilUs, sources } = comparison;
  const decisions = sources
    .flatMap(({ source, decisions: of }) => of.map((one) => ({ source, ...one })))
    .sort((x, y) => x.fromUs - y.fromUs);
  return {
    fromTimeUs: time(fromUs),
    untilTimeUs: time(untilUs),
    outcomes: besideEachOther(totalOf(comparison, 'a'), totalOf(comparison, 'b')),
    sources: sources.map((one) => sourceOf(one, time)),
    decisions: decisions.slice(0, MOST_DECISIONS).map(({ source, fromUs: from, untilUs: until, a, b }) => ({
      agentId: source,
      fromTimeUs: time(from),
      untilTimeUs: time(until),
      recorded: sideOf(a),
      forked: sideOf(b),
    })),
    decisionsLeftOut: Math.max(0, decisions.length - MOST_DECISIONS),
    uncompared: sources.flatMap(({ source, uncompared }) =>
      uncompared.map(({ side, fromUs: from, untilUs: until, firstSequence, lastSequence }) => ({
        ...{
          agentId: source,
          side: SIDES[side],
          fromTimeUs: time(from),
          untilTimeUs: until === null ? 0n : time(until),
        },
        ...{ firstSequence: BigInt(firstSequence), lastSequence: BigInt(lastSequence) },
      })),
    ),
  };
}

const SIDES = { a: 'recorded', b: 'forked', both: 'both' } as const;

const besideEachOther = (a: Totals, b: Totals) =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => ({
    name,
    recorded: a[name] ?? 0,
    forked: b[name] ?? 0,
  }));

function sourceOf({ source, result, first, outcome }: SourceComparison, time: (us: number) => bigint) {
  const [earliest] = [first?.a, first?.b].filter((one) => one != null).sort((x, y) => x.atUs - y.atUs);
  return {
    ...{ source, result },
    firstTimeUs: earliest === undefined ? 0n : time(earliest.atUs),
    firstRecorded: eventWords(first?.a),
    firstForked: eventWords(first?.b),
    outcomes: outcome === null ? [] : besideEachOther(numbersOf(outcome.a), numbersOf(outcome.b)),
  };
}

/** What an event is and says, in a line: "decision: drive 0.6 m/s, a person is near". */
function eventWords(one: { readonly type: string; readonly says: string } | null | undefined): string {
  if (one == null) return '';
  const kind = /^sigma\.(\w+)\./.exec(one.type)?.[1] ?? one.type;
  // A signal has its name before what belongs to it.
  const said = one.says.startsWith('{') ? (JSON.parse(one.says) as SaidEvent) : { topic: one.says.split(' ')[0] ?? '' };
  const words = [commandWords(said.command), said.rationale ?? '', said.topic ?? ''].filter((word) => word !== '');
  return words.length === 0 ? kind : `${kind}: ${words.join(', ')}`.slice(0, MOST_WORDS);
}

/** What is told of a decision or a message that two lives differ in. */
interface SaidEvent {
  readonly command?: { readonly name: string; readonly params?: { readonly speedMps?: number } };
  readonly rationale?: string;
  readonly topic?: string;
}

function commandWords(command: SaidEvent['command']): string {
  const speedMps = command?.params?.speedMps;
  return speedMps === undefined ? (command?.name ?? '') : `${command?.name} ${speedMps.toFixed(2)} m/s`;
}

function sideOf(side: SourceComparison['decisions'][number]['a']): MessageInitShape<typeof DecidedSideSchema> {
  if (side === null) return {};
  const { authority, source, command, rationale } = side;
  return { authority, source, rationale, command: { name: command } };
}
