import { deserialize, serialize } from 'node:v8';
import {
  type ChainHead,
  EVENT_TYPE,
  eventsOf,
  MalformedBytesError,
  openingOf,
  type RecordedEvent,
  type Recording,
} from '@sigma/recorder';
import { type ImportedTopic, importedTopic, keyOf, keysOf } from '@sigma/recorder/exports';
import type { CountedLane, FoundEvent, LaneSummary, Omission } from './import-jobs.ts';
import { readerOf } from './values.ts';

/** Where an event stands. */
export interface EventPlace {
  readonly chain: number;
  readonly sequence: number;
}

/** Events of one topic and schema, or of one source and type, in the order of time. */
export interface Lane {
  readonly topic: string;
  readonly kind: string;
  /** Place among the topics that describe themselves; −1 for none. */
  readonly described: number;
  readonly dataschema: string;
  /** Wall clock as the file has it, microseconds since 1970, ascending. */
  readonly timesUs: Float64Array;
  readonly chains: Uint16Array;
  readonly sequences: Uint32Array;
}

export interface Lanes {
  readonly chains: readonly { readonly tenant: string; readonly source: string; readonly epoch: number }[];
  readonly topics: readonly ImportedTopic[];
  readonly lanes: readonly Lane[];
}

interface Gathered {
  readonly topic: string;
  readonly kind: string;
  readonly dataschema: string;
  described: number;
  readonly timesUs: number[];
  readonly places: EventPlace[];
}

const MARK = 'imported.';

/**
 * The lanes of a recording that was imported.
 *
 * @param most lanes; events of further ones are counted as omitted
 */
export async function lanesOf(
  recording: Recording,
  most: number,
): Promise<{ readonly lanes: Lanes; readonly untimed: number; readonly omitted: readonly Omission[] }> {
  const heads = await recording.heads();
  const chains = heads.map(({ tenant, source, epoch }) => ({ tenant, source, epoch }));
  const topics: ImportedTopic[] = [];
  const gathered = new Map<string, Gathered>();
  let [untimed, past] = [0, 0];
  for (const [chain, head] of heads.entries()) {
    const described = new Map<string, number>();
    const source = await cloudSource(recording, head);
    for await (const event of eventsOf(recording, head)) {
      if (event.type === EVENT_TYPE.opening) continue;
      const topic = topicIn(event);
      if (topic !== null) {
        for (const key of keysOf(topic)) described.set(key, topics.length);
        topics.push(topic);
        continue;
      }
      // What the file says of itself as a whole.
      if (source === null && event.type === EVENT_TYPE.signal && event.subject === '') continue;
      if (isCloudEvent(event) && !bearsTime(event)) untimed++;
      const lane = laneOf(gathered, event, source, most);
      if (lane === null) {
        past++;
        continue;
      }
      if (lane.described < 0) lane.described = described.get(keyOf(event.subject, event.dataschema ?? '')) ?? -1;
      lane.timesUs.push(event.timeUs);
      lane.places.push({ chain, sequence: event.sequence });
    }
  }
  const lanes = [...gathered.values()].sort((a, b) => before(a.topic, b.topic) || before(a.kind, b.kind)).map(inOrder);
  const why = `${past} events of further topics: ${most} topics are the most`;
  return { lanes: { chains, topics, lanes }, untimed, omitted: past === 0 ? [] : [{ where: 'and', why }] };
}

const before = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isCloudEvent = ({ dataschema }: RecordedEvent): boolean => dataschema === 'application/cloudevents+json';

const LENIENT = new TextDecoder();
const bearsTime = ({ data }: RecordedEvent): boolean =>
  typeof (JSON.parse(LENIENT.decode(data)) as { time?: unknown }).time === 'string';

/** What a file says of its topics is no event of its own. */
function topicIn(event: RecordedEvent): ImportedTopic | null {
  try {
    return importedTopic(event);
  } catch (error) {
    if (error instanceof MalformedBytesError) return null;
    throw error;
  }
}

/** The source of a chain of CloudEvents, as the file names it; null for one of MCAP. */
async function cloudSource(recording: Recording, head: ChainHead): Promise<string | null> {
  const { config } = await openingOf(recording, head);
  const { format } = (config as { readonly imported?: { readonly format?: unknown } }).imported ?? {};
  if (format === 'mcap') return null;
  return head.source.startsWith(MARK) ? head.source.slice(MARK.length) : head.source;
}

/** Of CloudEvents a lane is a source and a type; of MCAP a topic with its schema. */
function laneOf(
  gathered: Map<string, Gathered>,
  { type, subject, dataschema = '' }: RecordedEvent,
  source: string | null,
  most: number,
): Gathered | null {
  const topic = source ?? subject;
  const key = JSON.stringify([topic, type, dataschema]);
  const known = gathered.get(key);
  if (known !== undefined) return known;
  if (gathered.size >= most) return null;
  const kind = type.replace(/^mcap\./, '');
  const lane: Gathered = { topic, kind, dataschema, described: -1, timesUs: [], places: [] };
  gathered.set(key, lane);
  return lane;
}

function inOrder({ topic, kind, dataschema, described, timesUs, places }: Gathered): Lane {
  const order = Uint32Array.from(timesUs, (_, k) => k).sort(
    (a, b) => (timesUs[a] as number) - (timesUs[b] as number) || a - b,
  );
  const placeAt = (k: number): EventPlace => places[k] as EventPlace;
  return {
    ...{ topic, kind, dataschema, described },
    timesUs: Float64Array.from(order, (k) => timesUs[k] as number),
    chains: Uint16Array.from(order, (k) => placeAt(k).chain),
    sequences: Uint32Array.from(order, (k) => placeAt(k).sequence),
  };
}

export const encodeLanes = (lanes: Lanes): Uint8Array => serialize(lanes);
/** @param bytes written by this program */
export const decodeLanes = (bytes: Uint8Array): Lanes => deserialize(bytes) as Lanes;

export function summaryOf(lane: Lane, { topics }: Pick<Lanes, 'topics'>): LaneSummary {
  const { topic, kind, dataschema, timesUs } = lane;
  const described = topics[lane.described] ?? null;
  return {
    ...{ topic, kind, events: timesUs.length },
    encoding: described?.messageEncoding ?? (dataschema === 'application/cloudevents+json' ? 'json' : ''),
    fromUs: timesUs[0] ?? 0,
    toUs: timesUs.at(-1) ?? 0,
    unread: readerOf(lane, described).unread,
  };
}

/** How many stand before a moment; with `including` also those at it. */
export function countBefore(timesUs: Float64Array, atUs: number, including = false): number {
  let [low, high] = [0, timesUs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const time = timesUs[middle] as number;
    if (time < atUs || (including && time === atUs)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Numbers of the lanes that are asked for. */
export const chosen = ({ lanes }: Lanes, only: readonly number[]): readonly number[] =>
  only.length === 0 ? lanes.map((_, k) => k) : [...new Set(only)].filter((k) => lanes[k] !== undefined);

/** How many events each lane has in each of so many equal parts of a stretch of time. */
export function countLanes(
  lanes: Lanes,
  only: readonly number[],
  fromUs: number,
  toUs: number,
  stretches: number,
): readonly CountedLane[] {
  const stepUs = (toUs - fromUs) / stretches;
  return chosen(lanes, only).map((lane) => {
    const { timesUs } = lanes.lanes[lane] as Lane;
    const counts = new Array<number>(stretches).fill(0);
    let from = countBefore(timesUs, fromUs);
    for (let k = 0; k < stretches; k++) {
      const to = countBefore(timesUs, k === stretches - 1 ? toUs : fromUs + (k + 1) * stepUs);
      counts[k] = Math.max(0, to - from);
      from = Math.max(from, to);
    }
    return { lane, counts };
  });
}

/** The nearest event of those lanes after a moment, or before it; null when there is none. */
export function findEvent(lanes: Lanes, only: readonly number[], timeUs: number, onward: boolean): FoundEvent | null {
  let found: FoundEvent | null = null;
  for (const lane of chosen(lanes, only)) {
    const { timesUs } = lanes.lanes[lane] as Lane;
    const at = timesUs[onward ? countBefore(timesUs, timeUs, true) : countBefore(timesUs, timeUs) - 1];
    if (at === undefined) continue;
    if (found === null || (onward ? at < found.timeUs : at > found.timeUs)) found = { lane, timeUs: at };
  }
  return found;
}
