import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { type EventSocket, listenForReaders } from './events/event-socket.ts';
import { SPOOL_LIMITS, SpooledLines, type SpoolLimits } from './events/spooled-lines.ts';

/** One line of the event stream. */
export interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type EventStream = (event: StreamEvent) => void;

/** How long a reader may take nothing at the end of a command before it is left. */
const PATIENCE_MS = 2_000;

type Outlet = Pick<SpooledLines, 'line' | 'end' | 'open'>;

/**
 * The event stream for machines, as JSON lines: to the descriptor that was handed over, and to everybody who connects to
 * a socket: first what was told last, then all that follows. Nobody who reads slowly, or not at all, ever holds up the
 * command.
 */
export class EventOutlets {
  readonly #limits: SpoolLimits;
  #outlets: readonly Outlet[] = [];
  #socket: EventSocket | null = null;
  readonly #recent = new RecentLines();

  /** @param descriptor where it goes when a file, pipe or socket was handed over there */
  constructor(descriptor: number, limits: SpoolLimits = SPOOL_LIMITS) {
    this.#limits = limits;
    const outlet = outletOf(descriptor, limits);
    if (outlet !== null) this.#outlets = [outlet];
  }

  /** Whether anybody can read. */
  get connected(): boolean {
    return this.#outlets.length > 0;
  }

  readonly emit: EventStream = (event) => {
    if (this.#outlets.length === 0 && this.#socket === null) return;
    const text = JSON.stringify(event);
    if (this.#socket !== null) this.#recent.add(text, event.type);
    for (const outlet of this.#outlets) outlet.line(text, event.type);
  };

  /** @throws CommandError when the socket cannot be had */
  async listen(path: string): Promise<void> {
    this.#socket = await listenForReaders(path, (reader) => {
      reader.unref();
      reader.resume();
      const lines = new SpooledLines(reader, this.#limits);
      const hello = { type: 'sigma.events.hello', pid: process.pid, missed: this.#recent.missed };
      lines.line(JSON.stringify(hello), hello.type);
      for (const { text, type } of this.#recent.lines) lines.line(text, type);
      this.#outlets = [...this.#outlets.filter(({ open }) => open), lines];
    });
  }

  /**
   * Lets readers take what waits for them, as long as they do.
   *
   * @returns bytes that were not taken
   */
  async end(patienceMs = PATIENCE_MS): Promise<number> {
    await Promise.all([this.#socket?.close(), this.#endReaders(patienceMs)]);
    const left = this.#left;
    this.#outlets = [];
    return left;
  }

  #left = 0;

  async #endReaders(patienceMs: number): Promise<void> {
    const left = await Promise.all(this.#outlets.map((outlet) => outlet.end(patienceMs)));
    this.#left = left.reduce((sum, bytes) => sum + bytes, 0);
  }
}

/** What a reader who comes late is told at once; the oldest gives way. */
const RECENT_CHARACTERS = 32 * 1024;

class RecentLines {
  readonly #lines: { readonly text: string; readonly type: string }[] = [];
  #characters = 0;
  /** Lines that are not kept any more. */
  missed = 0;

  get lines(): readonly { readonly text: string; readonly type: string }[] {
    return this.#lines;
  }

  add(text: string, type: string): void {
    this.#lines.push({ text, type });
    this.#characters += text.length;
    while (this.#characters > RECENT_CHARACTERS) {
      this.#characters -= this.#lines.shift()?.text.length ?? 0;
      this.missed++;
    }
  }
}

/** Unpassed, descriptor 3 belongs to Node itself and is neither a file nor a pipe nor a socket: then there is no outlet. */
function outletOf(descriptor: number, limits: SpoolLimits): Outlet | null {
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFile()) return fileOutlet(descriptor);
    if (!stat.isFIFO() && !stat.isSocket()) return null;
  } catch {
    return null;
  }
  const socket = new Socket({ fd: descriptor, readable: false, writable: true });
  socket.unref();
  return new SpooledLines(socket, limits);
}

/** A file takes everything at once, until its disk is full. */
function fileOutlet(descriptor: number): Outlet {
  let dropped = 0;
  let torn = false;
  const put = (text: string): boolean => {
    const bytes = Buffer.from(`${torn ? '\n' : ''}${text}\n`);
    try {
      const written = writeSync(descriptor, bytes);
      // The disk took part of the line: the next begins on a line of its own.
      torn = written < bytes.length;
      return !torn;
    } catch {
      return false;
    }
  };
  return {
    open: true,
    line: (text) => {
      if (dropped > 0 && !put(JSON.stringify({ type: 'sigma.events.gap', dropped }))) dropped++;
      else dropped = put(text) ? 0 : 1;
    },
    end: async () => 0,
  };
}
