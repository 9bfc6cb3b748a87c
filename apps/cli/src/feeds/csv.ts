import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { CsvError, parse } from 'csv-parse';
import { CommandError, EXIT } from '../outcome.ts';
import { type FeedPiece, idOf } from './feed.ts';

const TIME_NAMES = ['timestamp', 'time', 'datetime', 'date', 'ts', 't'];
/** Rows that decide which columns hold numbers. */
const SAMPLE = 50;

/**
 * A CSV file with a heading and a time column: one channel, named after the file, with every column that holds numbers.
 * A cell that is no number is a missing reading; a row whose time cannot be read is skipped.
 *
 * @param timeColumn name of the time column; found by its name when absent
 * @throws CommandError
 */
export async function* readCsv(path: string, timeColumn: string | null): AsyncGenerator<FeedPiece> {
  const rows = createReadStream(path).pipe(
    parse({ bom: true, relax_column_count: true, skip_empty_lines: true, trim: true }),
  );
  const channel = idOf(basename(path).replace(/\.csv$/i, ''));
  let head: readonly string[] | null = null;
  let layout: Layout | null = null;
  let waiting: (readonly string[])[] = [];
  try {
    for await (const row of rows as AsyncIterable<string[]>) {
      if (head === null) head = row;
      else if (layout === null) {
        waiting.push(row);
        if (waiting.length < SAMPLE) continue;
        layout = layoutOf(path, head, waiting, timeColumn);
        yield { type: 'channel', channel: { channel, fields: layout.fields } };
        for (const early of waiting) yield pieceOf(channel, layout, early);
        waiting = [];
      } else yield pieceOf(channel, layout, row);
    }
  } catch (error) {
    if (error instanceof CsvError)
      throw new CommandError(EXIT.machine, `${path}: ${error.message}`, 'Correct the file');
    throw error;
  }
  if (layout !== null) return;
  if (head === null) throw new CommandError(EXIT.machine, `${path} is empty`, 'Give a CSV file with a heading');
  layout = layoutOf(path, head, waiting, timeColumn);
  yield { type: 'channel', channel: { channel, fields: layout.fields } };
  for (const row of waiting) yield pieceOf(channel, layout, row);
}

interface Layout {
  readonly time: number;
  readonly columns: readonly number[];
  readonly fields: readonly string[];
}

function layoutOf(
  path: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  wanted: string | null,
): Layout {
  const names = head.map((name) => name.toLowerCase());
  const time = wanted === null ? names.findIndex((name) => TIME_NAMES.includes(name)) : head.indexOf(wanted);
  if (time < 0) {
    const what = wanted === null ? 'has no time column' : `has no column '${wanted}'`;
    throw new CommandError(EXIT.usage, `${path} ${what}; it has ${head.join(', ')}`, 'Name it with --time COLUMN');
  }
  const columns = head.flatMap((_, i) => (i !== time && rows.some((row) => isNumber(row[i])) ? [i] : []));
  if (columns.length === 0) {
    throw new CommandError(
      EXIT.machine,
      `${path} has no column of numbers beside '${head[time]}'`,
      'Give a file with readings',
    );
  }
  return { time, columns, fields: columns.map((i) => head[i] || `column${i + 1}`) };
}

const isNumber = (text: string | undefined): boolean =>
  text !== undefined && text !== '' && Number.isFinite(Number(text));

function pieceOf(channel: string, { time, columns }: Layout, row: readonly string[]): FeedPiece {
  const timeUs = timeOf(row[time] ?? '');
  if (timeUs === null) return { type: 'skipped', reason: `'${row[time] ?? ''}' is no time` };
  const values = columns.map((i) => (isNumber(row[i]) ? Number(row[i]) : Number.NaN));
  return { type: 'frame', frame: { channel, timeUs, values } };
}

/** Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size, or a date (UTC when it names no zone). */
export function timeOf(text: string): number | null {
  if (isNumber(text)) {
    const value = Number(text);
    const size = Math.abs(value);
    if (size < 1e11) return Math.round(value * 1e6);
    if (size < 1e14) return Math.round(value * 1e3);
    return size < 1e17 ? Math.round(value) : Math.round(value / 1e3);
  }
  const zoned = /(?:z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text.replace(' ', 'T')}Z`;
  const ms = Date.parse(/\d{2}:\d{2}/.test(text) ? zoned : text);
  return Number.isNaN(ms) ? null : ms * 1000;
}
