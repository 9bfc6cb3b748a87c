import type { EventStream } from './event-stream.ts';

/** Where a command speaks: people on stdout, progress on stderr, machines on one JSON line or the event stream. */
export interface Terminal {
  /**
   * The result: as one JSON line with --json, as text without (none where it is empty), and to the event stream. A command
   * that plays gives one for each moment.
   *
   * @param told to the event stream, where the value holds what is for whoever asked alone
   */
  readonly result: (value: object, text: string, told?: object) => void;
  /** Something a person should read on the way; silent with --json. */
  readonly say: (text: string) => void;
  /** Progress of long work, at most a few times a second; on the event stream once a second, where nothing tells it better. */
  readonly progress: (text: string) => void;
  readonly event: EventStream;
  readonly json: boolean;
}

export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly error: { write(text: string): unknown; readonly isTTY?: boolean };
}

const TOLD_EVERY_MS = 1_000;

/**
 * @param command whose terminal it is, as people call it: `sigma archive`
 * @param nowMs monotonic clock, milliseconds
 */
export function openTerminal(
  streams: Streams,
  event: EventStream,
  command: string,
  json: boolean,
  nowMs: () => number,
): Terminal {
  const { out, error } = streams;
  const interactive = error.isTTY === true;
  const everyMs = interactive ? 100 : 5_000;
  let toldMs = Number.NEGATIVE_INFINITY;
  /** A command with a progress of its own tells that in fields. */
  let tellsItself = false;
  let shownMs = Number.NEGATIVE_INFINITY;
  let drawn = false;
  const clear = (): void => {
    if (drawn) error.write('\r\x1b[K');
    drawn = false;
  };
  return {
    json,
    event: (told) => {
      tellsItself ||= told.type.endsWith('.progress');
      event(told);
    },
    result: (value, text, told = value) => {
      clear();
      if (json) out.write(`${JSON.stringify(value)}\n`);
      else if (text !== '') out.write(`${text}\n`);
      event({ ...told, type: `${command.replaceAll(' ', '.')}.result` });
    },
    say: (text) => {
      clear();
      if (!json) out.write(`${text}\n`);
    },
    progress: (text) => {
      if (!tellsItself && nowMs() - toldMs >= TOLD_EVERY_MS) {
        toldMs = nowMs();
        event({ type: 'sigma.command.progress', text });
      }
      if (nowMs() - shownMs < everyMs) return;
      shownMs = nowMs();
      clear();
      error.write(interactive ? text : `${text}\n`);
      drawn = interactive;
    },
  };
}

/** Rows as aligned columns; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
