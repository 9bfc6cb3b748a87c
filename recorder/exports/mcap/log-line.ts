import { AUTHORITIES } from '@sigma/kernel';
import { EVENT_TYPE, MalformedBytesError, type RecordedEvent, WireReader } from '../../src/index.ts';
import { KnownTexts } from '../../src/payload/known-texts.ts';
import { LOG_LEVEL } from './foxglove/messages.ts';

export interface LogLine {
  /** One of LOG_LEVEL. */
  readonly level: number;
  readonly text: string;
}

/** Longest line; what a signal says beyond that stands in its own message. */
const MOST_CHARACTERS = 400;

const SERIOUS: ReadonlySet<string> = new Set(['failsafe', 'violation', 'social_violation', 'recorder_down']);

/** What an event says in one line for a person, or null for events that are no news: segments and snapshots. */
export function logLine({ type, data }: RecordedEvent): LogLine | null {
  const write = LINES[type];
  if (write === undefined) return null;
  try {
    const line = write(data);
    return { level: line.level, text: line.text.slice(0, MOST_CHARACTERS) };
  } catch (error) {
    if (error instanceof MalformedBytesError) return { level: LOG_LEVEL.error, text: `${type}: ${error.message}` };
    throw error;
  }
}

const LINES: Readonly<Record<string, (data: Uint8Array) => LogLine>> = {
  [EVENT_TYPE.decision]: decisionLine,
  [EVENT_TYPE.signal]: signalLine,
  [EVENT_TYPE.message]: (data) => {
    const { 1: from = '', 2: to = '', 3: topic = '' } = texts(data);
    return { level: LOG_LEVEL.debug, text: `${from} to ${to}: ${topic}` };
  },
  [EVENT_TYPE.order]: (data) => {
    const { 2: issuer = '', 4: summary = '' } = texts(data);
    return { level: LOG_LEVEL.info, text: `order of ${issuer}: ${summary}` };
  },
  [EVENT_TYPE.stateChange]: (data) => {
    const { 1: target = '', 4: patch = '', 6: by = '' } = texts(data);
    return { level: LOG_LEVEL.info, text: `${target} changed by ${by}: ${patch}` };
  },
  [EVENT_TYPE.gap]: (data) => {
    const { 3: eventClass = '', 5: reason = '' } = texts(data);
    return { level: LOG_LEVEL.error, text: `events of class ${eventClass} are missing: ${reason}` };
  },
  [EVENT_TYPE.opening]: (data) => {
    const { 2: source = '', 5: model = '', 14: software = '' } = texts(data);
    return { level: LOG_LEVEL.info, text: `${source} begins${model === '' ? '' : ` on model ${model}`}, ${software}` };
  },
};

/** Texts of a message by field number; where a field repeats, its last. */
function texts(data: Uint8Array): Record<number, string> {
  const found: Record<number, string> = {};
  const reader = new WireReader(data);
  while (!reader.done) {
    const tag = reader.varint();
    if ((tag & 7) === 2) found[tag >> 3] = LENIENT.decode(reader.bytes());
    else reader.skip(tag);
  }
  return found;
}

const LENIENT = new TextDecoder();

function signalLine(data: Uint8Array): LogLine {
  const { 1: name = '', 2: body = '' } = texts(data);
  const level = SERIOUS.has(name) ? LOG_LEVEL.warning : LOG_LEVEL.info;
  return { level, text: body === 'null' ? name : `${name} ${body}` };
}

/** Names of commands and parameters, and rationales. */
const known = new KnownTexts();

function decisionLine(data: Uint8Array): LogLine {
  const reader = new WireReader(data);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let [command, rationale, authority] = ['', '', 'rest'];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x1a) authority = authorityOf(reader.part());
    else if (tag === 0x22) command = commandText(reader.part(), view);
    else if (tag === 0x2a) rationale = known.read(reader);
    else pass(reader, tag);
  }
  const level = authority === 'safety' ? LOG_LEVEL.warning : LOG_LEVEL.info;
  return { level, text: `${authority}: ${command}${rationale === '' ? '' : ` — ${rationale}`}` };
}

/** Most of a decision is no news: it is passed over without looking at it. */
function pass(reader: WireReader, tag: number): void {
  if ((tag & 7) === 2) reader.passBytes(null);
  else reader.skip(tag);
}

function authorityOf(proposal: WireReader): string {
  while (!proposal.done) {
    const tag = proposal.varint();
    if (tag === 0x10) return AUTHORITIES[proposal.varint() - 1] ?? 'unknown';
    pass(proposal, tag);
  }
  return 'unknown';
}

/** `drive speedMps=0.6`. */
function commandText(command: WireReader, view: DataView): string {
  let text = '';
  while (!command.done) {
    const tag = command.varint();
    if (tag === 0x0a) text = known.read(command) + text;
    else if (tag === 0x12) text += paramText(command.part(), view);
    else pass(command, tag);
  }
  return text;
}

function paramText(param: WireReader, view: DataView): string {
  let name = '';
  let value = '';
  while (!param.done) {
    const tag = param.varint();
    if (tag === 0x0a) name = known.read(param);
    else if (tag === 0x11) {
      const { at } = param;
      param.skip(tag);
      value = rounded(view.getFloat64(at, true));
    } else if (tag === 0x1a) value = known.read(param);
    else if (tag === 0x20) value = String(param.varint() === 1);
    else pass(param, tag);
  }
  return ` ${name}=${value}`;
}

/** `.5` of 500 thousandths; nothing of 0. */
const FRACTIONS = Array.from({ length: 1000 }, (_, n) => String(n / 1000).slice(1));

/** A number to three places, as String has it: put together of whole numbers, which is several times faster. */
function rounded(value: number): string {
  const thousandths = Math.round(value * 1000);
  const size = Math.abs(thousandths);
  if (!(size < 1e9)) return String(thousandths / 1000);
  const whole = Math.trunc(size / 1000);
  return `${thousandths < 0 ? '-' : ''}${whole}${FRACTIONS[size - whole * 1000]}`;
}
