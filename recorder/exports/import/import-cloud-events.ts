import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { EVENT_TYPE, type EventDraft, MalformedBytesError, readablePayload } from '../../src/index.ts';
import { ImportedTimeline, type ImportOptions, type ImportResult } from './timeline.ts';

/** An event of the file, as far as its place and kind need it. */
interface Read {
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly traceparent: string;
  /** Wall clock, or null where the event bears none. */
  readonly timeUs: number | null;
  /** Agent time that our own export wrote, or null. */
  readonly atUs: number | null;
  /** Payload of ours as it was recorded, or null. */
  readonly own: Uint8Array | null;
}

const OWN_TYPES: ReadonlySet<string> = new Set([
  EVENT_TYPE.decision,
  EVENT_TYPE.signal,
  EVENT_TYPE.message,
  EVENT_TYPE.order,
  EVENT_TYPE.stateChange,
]);

/** Nobody's event is longer than this. */
const MOST_LINE_CHARACTERS = 16 * 1024 * 1024;
const MOST_SOURCES = 10_000;

/**
 * Makes a chain of each source in a file of CloudEvents 1.0 (JSON format, one event a line). An event keeps its type,
 * subject and time, and is kept whole, as the line that it was, with `dataschema` `application/cloudevents+json`. What
 * this program had exported with exact payloads is given its payload and its agent time back. Lines that are no CloudEvent
 * are left out and named.
 *
 * @throws StoreError, the signal's reason, an error of the file
 */
export async function importCloudEvents(path: string, options: ImportOptions): Promise<ImportResult> {
  const timeline = new ImportedTimeline(options, 'cloudevents');
  const firstUs = new Map<string, number>();
  let number = 0;
  let lastUs = options.importedUs;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() === '') continue;
    const read = readEvent(line);
    if (typeof read === 'string') {
      timeline.leaveOut(`line ${number}`, read);
      continue;
    }
    const timeUs = read.timeUs ?? lastUs;
    lastUs = timeUs;
    if (!firstUs.has(read.source) && firstUs.size >= MOST_SOURCES) {
      timeline.leaveOut(`line ${number}`, `it is of more than ${MOST_SOURCES} sources`);
      continue;
    }
    const beganUs = firstUs.get(read.source) ?? timeUs - (read.atUs ?? 0);
    firstUs.set(read.source, beganUs);
    const chain = timeline.chain(nameOf(read.source), beganUs, { source: read.source });
    const event = draftOf(read, line, timeUs, read.atUs ?? Math.max(0, timeUs - beganUs));
    await timeline.add(chain, event, `line ${number}`);
  }
  await timeline.end();
  return timeline.result;
}

/** Our own sources by their name, others as they are. */
function nameOf(source: string): string {
  const found = /^sigma:\/\/[^/]+\/([^/]+)$/.exec(source);
  if (found === null) return source;
  try {
    return decodeURIComponent(found[1] as string);
  } catch {
    return source;
  }
}

function draftOf({ type, subject, traceparent, own }: Read, line: string, timeUs: number, atUs: number): EventDraft {
  const event = { subject, atUs, timeUs, traceparent };
  if (own !== null) {
    const draft = { ...event, type, data: own };
    if (reads(draft)) return draft;
  }
  // Types of ours mean payloads of ours; what is kept as a line is another's.
  const foreign = type.startsWith('sigma.') ? `imported.${type}` : type;
  return { ...event, type: foreign, data: UTF8.encode(line), dataschema: 'application/cloudevents+json' };
}

function reads(event: EventDraft): boolean {
  try {
    readablePayload(event);
    return true;
  } catch (error) {
    if (error instanceof MalformedBytesError) return false;
    throw error;
  }
}

/** @returns what is the matter, for a line that is no CloudEvent */
function readEvent(line: string): Read | string {
  if (line.length > MOST_LINE_CHARACTERS) return `it has ${line.length} characters`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `it is no JSON (${(error as Error).message})`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no JSON object';
  const event = value as Readonly<Record<string, unknown>>;
  if (event['specversion'] !== '1.0') return `its specversion is ${JSON.stringify(event['specversion'])}, not "1.0"`;
  for (const name of ['id', 'source', 'type']) {
    if (typeof event[name] !== 'string' || event[name] === '') return `it has no ${name}`;
  }
  const { source, type, subject, traceparent } = event as Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would not stand in the name of a chain
  if (/[\u0000-\u001f\u007f]/.test(source as string)) return 'its source holds control characters';
  const timeUs = timeOf(event['time']);
  if (timeUs !== null && Number.isNaN(timeUs)) return `its time is ${JSON.stringify(event['time'])}`;
  return {
    source: (source as string).toWellFormed(),
    type: (type as string).toWellFormed(),
    subject: textOf(subject),
    traceparent: textOf(traceparent),
    timeUs,
    atUs: agentTime(event['atus']),
    own: ownPayload(event),
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value.toWellFormed() : '');

const RFC3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** Microseconds since 1970; null without a time, NaN for one that is none. */
function timeOf(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  const found = typeof value === 'string' ? RFC3339.exec(value) : null;
  if (found === null) return Number.NaN;
  const [, date = '', fraction = '', zone = ''] = found;
  return Date.parse(`${date}${zone}`.toUpperCase()) * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

function agentTime(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{1,16}$/.test(value)) return null;
  const atUs = Number(value);
  return atUs < 2 ** 52 ? atUs : null;
}

function ownPayload(event: Readonly<Record<string, unknown>>): Uint8Array | null {
  const { type, data_base64: text, datacontenttype } = event;
  if (!OWN_TYPES.has(type as string) || typeof text !== 'string') return null;
  return datacontenttype === 'application/protobuf' ? new Uint8Array(Buffer.from(text, 'base64')) : null;
}

const UTF8 = new TextEncoder();
