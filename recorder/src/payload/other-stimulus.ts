import { decodeState, type Stimulus } from '@sigma/kernel';
import { MalformedBytesError, textOf, type WireReader } from '../wire/wire-reader.ts';
import { saysThere } from './percept-columns.ts';

/**
 * Reads the next of `others_json` (SPEC R26) where the reader stands.
 *
 * @param topics of messages that are asked for; all where it is null
 * @returns null for a message on another topic
 * @throws MalformedBytesError
 */
export function readOther(bytes: Uint8Array, reader: WireReader, topics: ReadonlySet<string> | null): Stimulus | null {
  const to = reader.enter();
  const from = reader.at;
  reader.passTo(to);
  if (to - from > LONGEST_REPEATED) {
    return topics !== null && isUnheeded(bytes, from, to, topics) ? null : parsed(bytes.subarray(from, to));
  }
  for (const known of repeated) if (saysThere(bytes, from, to, known.content)) return known.stimulus;
  const content = bytes.slice(from, to);
  const stimulus = parsed(content);
  repeated[oldest] = { content, stimulus };
  oldest = (oldest + 1) % MOST_REPEATED;
  return stimulus;
}

/** Beats say the same short text all day: what was read last is compared, not read again. Nobody writes into stimuli. */
const repeated: { readonly content: Uint8Array; readonly stimulus: Stimulus }[] = [];
const LONGEST_REPEATED = 40;
const MOST_REPEATED = 4;
let oldest = 0;

const [QUOTE, BACKSLASH, END] = [0x22, 0x5c, 0x7d];
const MESSAGE_ON = new TextEncoder().encode(',"kind":"message","topic":"');

/**
 * Whether this is a message, without a promise, on a topic that nobody asks for. In canonical JSON keys stand in order,
 * so that kind and topic are its end, and the last brace of an object is its own: it need not be read to tell.
 */
function isUnheeded(bytes: Uint8Array, from: number, to: number, topics: ReadonlySet<string>): boolean {
  if (bytes[to - 1] !== END || bytes[to - 2] !== QUOTE) return false;
  let begins = to - 2;
  while (begins > from && bytes[begins - 1] !== QUOTE && bytes[begins - 1] !== BACKSLASH) begins--;
  const key = begins - MESSAGE_ON.length;
  if (key < from || !saysThere(bytes, key, begins, MESSAGE_ON)) return false;
  return topics.size === 0 || !topics.has(textOf(bytes.subarray(begins, to - 2)));
}

function parsed(content: Uint8Array): Stimulus {
  try {
    return decodeState(textOf(content)) as Stimulus;
  } catch (error) {
    if (error instanceof MalformedBytesError) throw error;
    throw new MalformedBytesError(`a stimulus is no canonical JSON (${(error as Error).message})`);
  }
}
