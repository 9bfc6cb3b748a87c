import type { Import } from '@sigma/proto';
import { plural } from '../../words/quantities.ts';
import { dayAndTime, fineTime } from './import-time.ts';

const FORMATS: Readonly<Record<string, string>> = { mcap: 'MCAP', cloudevents: 'CloudEvents' };

export const isComing = ({ state }: Pick<Import, 'state'>): boolean =>
  state === 'receiving' || state === 'waiting' || state === 'reading';

/** "12.4 MB". */
export function bytesWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const [size, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** How far it is. */
export function stateWords({ state, bytes, receivedBytes, events }: Import): string {
  if (state === 'receiving') return `received ${bytesWords(Number(receivedBytes))} of ${bytesWords(Number(bytes))}`;
  if (state === 'waiting') return 'waits to be read';
  if (state === 'reading') return `reading: ${plural(Number(events), 'event')} so far`;
  return state === 'done' ? 'ready' : 'could not be read';
}

/** What it is, and from when to when by its own clock. */
export function factsOf({ format, events, laneCount, fromTimeUs, toTimeUs }: Import): string {
  const [from, to] = [Number(fromTimeUs), Number(toTimeUs)];
  const day = dayAndTime(from).slice(0, 10);
  const end = dayAndTime(to).startsWith(day) ? fineTime(to, 1) : dayAndTime(to);
  const kind = FORMATS[format] ?? format;
  return `${kind} · ${plural(Number(events), 'event')} in ${plural(laneCount, 'lane')} · ${dayAndTime(from)} to ${end}`;
}

/** Which times of the file stand for its events. */
export function timesWords({ format, untimedEvents }: Import): string {
  if (format === 'mcap') return 'log time of each message';
  const untimed = Number(untimedEvents);
  const rest = untimed === 0 ? '' : `; ${plural(untimed, 'event')} without one stand at the time of the one before`;
  return `“time” of each event${rest}`;
}
