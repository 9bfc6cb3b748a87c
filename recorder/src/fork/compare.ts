import { type Decision, decodeState, encodeState } from '@sigma/kernel';
import { EVENT_TYPE, type RecordedEvent } from '../event.ts';
import { decodeMessage, decodeSignal, isRunnerSignal } from '../payload/agent-events.ts';
import { decodeDecision } from '../payload/decision.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { byChain } from '../site-head.ts';
import { type Followed, followedEvents, isWithin, type LostLife } from './lost-life.ts';
import type { Gauges, Measured } from './measure.ts';
import { measureLife } from './measure.ts';
import { type Life, type Timeline, timelineEnd } from './timeline.ts';

/** A decision in force on one side. `event` is 0 for one that was in force already where the two part. */
export interface InForce {
  readonly event: number;
  readonly atUs: number;
  readonly command: string;
  readonly authority: string;
  readonly source: string;
  readonly rationale: string;
}

/** A time in which other decisions were in force on the two sides; null: that side has none. */
export interface DecisionDifference {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly a: InForce | null;
  readonly b: InForce | null;
}

/** The first event in which two lives part; a side is null where it says nothing more. */
export interface FirstDifference {
  readonly a: ComparedEvent | null;
  readonly b: ComparedEvent | null;
}

export interface ComparedEvent {
  readonly event: number;
  readonly atUs: number;
  readonly type: string;
  /** What it says, without what only counts. */
  readonly says: string;
}

/** What came of a life within the time that is compared. */
export interface Outcome extends Measured {
  readonly decisions: number;
  readonly violations: number;
  readonly tasksDone: number;
  readonly tasksFailed: number;
  /** Contacts of bodies, on the record of a computed world. */
  readonly collisions: number;
  /** How often each failsafe action came into force. */
  readonly failsafe: Readonly<Record<string, number>>;
}

/** A stretch that cannot be compared: events of one side were dropped in it (SPEC R127). Both ends inclusive. */
export interface UncomparedStretch extends LostLife {
  readonly side: 'a' | 'b' | 'both';
}

export interface SourceComparison {
  readonly tenant: string;
  readonly source: string;
  readonly epoch: number;
  readonly model: string;
  /** `shared`: both are the very same events. `same`: they say the same. `only_a`, `only_b`: the other has no such life. */
  readonly result: 'shared' | 'same' | 'differs' | 'only_a' | 'only_b';
  readonly first: FirstDifference | null;
  readonly decisions: readonly DecisionDifference[];
  /** What of the time that is compared is left out on both sides, in decisions and outcome too. */
  readonly uncompared: readonly UncomparedStretch[];
  readonly outcome: { readonly a: Outcome; readonly b: Outcome } | null;
}

export interface Comparison {
  /** The time that both sides cover from where they part, agent time. */
  readonly fromUs: number;
  readonly untilUs: number;
  readonly sources: readonly SourceComparison[];
}

export interface CompareOptions {
  readonly gauges: Gauges;
  readonly progress?: (source: string) => void;
}

/** Holds two timelines against each other, source by source (SPEC R119). @throws MalformedBytesError, StoreError */
export async function compareTimelines(a: Timeline, b: Timeline, options: CompareOptions): Promise<Comparison> {
  const chains = [...a.lives, ...b.lives]
    .sort(byChain)
    .filter((life, k, all) => k === 0 || byChain(all[k - 1] as Life, life) !== 0);
  const pairs = chains.map((chain) => ({
    chain,
    one: a.lives.find((life) => byChain(life, chain) === 0),
    other: b.lives.find((life) => byChain(life, chain) === 0),
  }));
  const untilUs = Math.min(timelineEnd(a), timelineEnd(b)) + 1;
  const partings = pairs.flatMap(({ one, other }) =>
    one === undefined || other === undefined ? [] : [partingOf(one, other)],
  );
  const fromUs = Math.min(...partings.filter((at) => at !== null));
  const span = { fromUs: Number.isFinite(fromUs) ? fromUs : untilUs, untilUs };
  const sources: SourceComparison[] = [];
  for (const { chain, one, other } of pairs) {
    options.progress?.(chain.source);
    sources.push(await compareLives(chain, one, other, span, options));
  }
  return { ...span, sources };
}

/** The first moment at which two lives may differ, or null when both are the same events. */
function partingOf(one: Life, other: Life): number | null {
  const length = Math.min(one.pieces.length, other.pieces.length);
  for (let k = 0; k < length; k++) {
    const [p, q] = [one.pieces[k] as Life['pieces'][number], other.pieces[k] as Life['pieces'][number]];
    if (p.name !== q.name || p.fromUs !== q.fromUs) return Math.min(p.fromUs, q.fromUs);
    if (p.untilUs !== q.untilUs) return Math.min(p.untilUs, q.untilUs);
  }
  return one.pieces.length === other.pieces.length
    ? null
    : ((one.pieces[length] ?? other.pieces[length])?.fromUs ?? null);
}

async function compareLives(
  { tenant, source, epoch, opening }: Life,
  one: Life | undefined,
  other: Life | undefined,
  { fromUs, untilUs }: Pick<Comparison, 'fromUs' | 'untilUs'>,
  { gauges }: CompareOptions,
): Promise<SourceComparison> {
  const who = { tenant, source, epoch, model: opening.model };
  const none = { first: null, decisions: [], uncompared: [], outcome: null };
  if (one === undefined) return { ...who, result: 'only_b', ...none };
  if (other === undefined) return { ...who, result: 'only_a', ...none };
  const partUs = partingOf(one, other);
  const beginUs = partUs ?? fromUs;
  const a = await toldIn(one, beginUs, untilUs);
  const b = partUs === null ? a : await toldIn(other, beginUs, untilUs);
  const uncompared = [...lostOn(partUs === null ? 'both' : 'a', a), ...(partUs === null ? [] : lostOn('b', b))].sort(
    (x, y) => x.fromUs - y.fromUs,
  );
  const outcomeIn = async (life: Life): Promise<Outcome> => ({
    ...(await countsOf(life, fromUs, untilUs, uncompared)),
    ...(await measureLife(life, gauges, { fromUs, untilUs, without: uncompared })),
  });
  const outcome = { a: await outcomeIn(one), b: await outcomeIn(other) };
  if (partUs === null) return { ...who, result: 'shared', ...none, uncompared, outcome };
  const known = ({ atUs }: ComparedEvent): boolean => !isWithin(uncompared, atUs);
  const first = firstDifference(a.events.filter(known), b.events.filter(known));
  const decisions = spansBetween(uncompared, partUs, untilUs).flatMap((span) =>
    differencesInForce(a, b, span.fromUs, span.untilUs),
  );
  return { ...who, result: first === null ? 'same' : 'differs', first, decisions, uncompared, outcome };
}

const lostOn = (side: 'a' | 'b' | 'both', { lost }: Told): readonly UncomparedStretch[] =>
  lost.map((one) => ({ side, ...one }));

/** The stretches of a time, each with its end exclusive, that lie between those that are left out. */
function spansBetween(
  left: readonly LostLife[],
  fromUs: number,
  untilUs: number,
): readonly { readonly fromUs: number; readonly untilUs: number }[] {
  const spans: { fromUs: number; untilUs: number }[] = [];
  let atUs = fromUs;
  for (const one of left) {
    if (one.fromUs > atUs) spans.push({ fromUs: atUs, untilUs: Math.min(one.fromUs, untilUs) });
    atUs = Math.max(atUs, (one.untilUs ?? untilUs) + 1);
  }
  if (atUs < untilUs) spans.push({ fromUs: atUs, untilUs });
  return spans;
}

/** What one side says from a moment on. */
interface Told {
  readonly events: readonly ComparedEvent[];
  readonly inForce: readonly InForce[];
  /** What of it cannot be followed. */
  readonly lost: readonly LostLife[];
}

async function toldIn(life: Life, fromUs: number, untilUs: number): Promise<Told> {
  const events: ComparedEvent[] = [];
  const inForce: InForce[] = [];
  const lost: LostLife[] = [];
  let isBehind = false;
  for await (const followed of followedFrom(life, fromUs, untilUs)) {
    if (followed.type === 'lost') {
      isBehind = true;
      if ((followed.lost.untilUs ?? untilUs) >= fromUs) lost.push(followed.lost);
      continue;
    }
    const { event } = followed;
    if (event.type === EVENT_TYPE.snapshot && (isBehind || inForce.length === 0)) {
      const standing = decisionIn(event);
      if (standing !== null && (isBehind || standing.atUs < fromUs)) inForce.push(standing);
      isBehind = false;
    }
    if (event.atUs < fromUs) continue;
    if (event.type === EVENT_TYPE.decision)
      inForce.push(inForceOf(decodeDecision(event.data, event.atUs), event.sequence));
    const says = whatItSays(event);
    if (says !== null) events.push({ event: event.sequence, atUs: event.atUs, type: event.type, says });
  }
  return { events, inForce, lost };
}

/** What of a life around a span can be followed: from the last snapshot before it, so that what was in force is known. */
async function* followedFrom(life: Life, fromUs: number, untilUs: number): AsyncIterable<Followed> {
  for (const piece of life.pieces) {
    if (piece.untilUs <= fromUs || piece.fromUs >= untilUs) continue;
    const place = await piece.recording.snapshotBefore(piece.head, fromUs - 1);
    for await (const followed of followedEvents(piece.recording, piece.head, place?.sequence ?? 1)) {
      const atUs = followed.type === 'lost' ? followed.lost.fromUs : followed.event.atUs;
      if (atUs >= untilUs || atUs >= piece.untilUs) break;
      yield followed.type === 'lost' ? { type: 'lost', lost: endedBy(piece.untilUs, followed.lost) } : followed;
    }
  }
}

/** Where a fork leaves its parent, what the parent lost behind that is none of it. */
const endedBy = (untilUs: number, lost: LostLife): LostLife =>
  (lost.untilUs ?? Number.POSITIVE_INFINITY) >= untilUs && Number.isFinite(untilUs)
    ? { ...lost, untilUs: untilUs - 1, resumedAt: 0 }
    : lost;

function decisionIn(event: RecordedEvent): InForce | null {
  const { state } = decodeSnapshot(event);
  const { decision } = decodeState(new TextDecoder().decode(state)) as { readonly decision?: Decision | null };
  return decision == null ? null : inForceOf(decision, 0);
}

function inForceOf({ atUs, command, authority, chosen, rationale }: Decision, event: number): InForce {
  return { event, atUs, command: command.name, authority, source: chosen?.source ?? '', rationale };
}

/** What an event says, without what only counts; null for what is no decision, signal or message of an agent. */
function whatItSays({ type, data, atUs }: RecordedEvent): string | null {
  if (type === EVENT_TYPE.message) return encodeState(decodeMessage(data).message);
  if (type === EVENT_TYPE.decision) {
    const { sequence: _, context: __, planBasis: ___, ...decision } = decodeDecision(data, atUs);
    return encodeState(withoutCounts(decision));
  }
  if (type !== EVENT_TYPE.signal) return null;
  const { name, body } = decodeSignal(data);
  return isRunnerSignal(name) ? null : `${name} ${encodeState(withoutCounts(body))}`;
}

const COUNTS = ['decisionSequence', 'ruleHash'];

function withoutCounts(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(withoutCounts);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !COUNTS.includes(name))
      .map(([name, inner]) => [name, withoutCounts(inner)]),
  );
}

function firstDifference(a: readonly ComparedEvent[], b: readonly ComparedEvent[]): FirstDifference | null {
  for (let k = 0; k < Math.max(a.length, b.length); k++) {
    const [one, other] = [a[k], b[k]];
    if (one?.atUs === other?.atUs && one?.type === other?.type && one?.says === other?.says) continue;
    return { a: one ?? null, b: other ?? null };
  }
  return null;
}

/** Times in which the decisions in force say different things. */
function differencesInForce(a: Told, b: Told, fromUs: number, untilUs: number): readonly DecisionDifference[] {
  const moments = [fromUs, ...a.inForce.map(({ atUs }) => atUs), ...b.inForce.map(({ atUs }) => atUs)]
    .filter((atUs) => atUs >= fromUs && atUs < untilUs)
    .sort((x, y) => x - y);
  const found: { -readonly [Field in keyof DecisionDifference]: DecisionDifference[Field] }[] = [];
  let open = false;
  for (const atUs of new Set(moments)) {
    const one = at(a.inForce, atUs);
    const other = at(b.inForce, atUs);
    const last = found.at(-1);
    if (open && last !== undefined) last.untilUs = atUs;
    if (sameInForce(one, other)) open = false;
    else if (!open || last === undefined || last.a !== one || last.b !== other) {
      found.push({ fromUs: atUs, untilUs, a: one, b: other });
      open = true;
    }
  }
  return found;
}

const at = (inForce: readonly InForce[], atUs: number): InForce | null =>
  inForce.findLast((decision) => decision.atUs <= atUs) ?? null;

const sameInForce = (a: InForce | null, b: InForce | null): boolean =>
  a?.command === b?.command &&
  a?.authority === b?.authority &&
  a?.source === b?.source &&
  a?.rationale === b?.rationale;

async function countsOf(
  life: Life,
  fromUs: number,
  untilUs: number,
  without: readonly LostLife[],
): Promise<Omit<Outcome, keyof Measured>> {
  let [decisions, violations, tasksDone, tasksFailed, collisions] = [0, 0, 0, 0, 0];
  const failsafe: Record<string, number> = {};
  for await (const followed of followedFrom(life, fromUs, untilUs)) {
    if (followed.type === 'lost') continue;
    const { type, data, atUs } = followed.event;
    if (atUs < fromUs || isWithin(without, atUs)) continue;
    if (type === EVENT_TYPE.decision) decisions++;
    if (type !== EVENT_TYPE.signal) continue;
    const { name, body } = decodeSignal(data) as {
      readonly name: string;
      readonly body: Readonly<Record<string, unknown>>;
    };
    if (name === 'violation') violations++;
    if (name === 'collision') collisions++;
    if (name === 'task' && body['status'] === 'done') tasksDone++;
    if (name === 'task' && body['status'] === 'failed') tasksFailed++;
    const selected = name === 'failsafe' && body['change'] === 'selected' ? body['selected'] : null;
    if (typeof selected === 'string') failsafe[selected] = (failsafe[selected] ?? 0) + 1;
  }
  return { decisions, violations, tasksDone, tasksFailed, collisions, failsafe };
}
