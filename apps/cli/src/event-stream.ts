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
 * a socket, from then on. Nobody who reads slowly, or not at all, ever holds up the command.
 */
export class EventOutlets {
  readonly #limits: SpoolLimits;
  #outlets: readonly Outlet[] = [];
  #socket: EventSocket | null = null;

  /** @param descriptor where it goes when a file, pipe or socket was handed over there */
  constructor(descriptor: number, limits: SpoolLimits = SPOOL_LIMITS) {
    this.#limits = limits;
    const outlet = outletOf(descriptor, limits);
    if (outlet !== null) this.#outlets = [outlet];
  }

  readonly emit: EventStream = (event) => {
    if (this.#outlets.length === 0) return;
    const text = JSON.stringify(event);
    for (const outlet of this.#outlets) outlet.line(text, event.type);
  };

  /** @throws CommandError when the socket cannot be had */
  async listen(path: string): Promise<void> {
    this.#socket = await listenForReaders(path, (reader) => {
      reader.unref();
      reader.resume();
      const lines = new SpooledLines(reader, this.#limits);
      lines.line(JSON.stringify({ type: 'sigma.events.hello', pid: process.pid }), 'sigma.events.hello');
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
