import type { Writable } from 'node:stream';
import { SpoolFile } from './spool-file.ts';

export interface SpoolLimits {
  /** Bytes that may wait in memory for one reader. */
  readonly memoryBytes: number;
  /** Bytes that may wait on disk for one reader. */
  readonly spoolBytes: number;
}

export const SPOOL_LIMITS: SpoolLimits = { memoryBytes: 64 * 1024, spoolBytes: 256 * 1024 * 1024 };

/** Bytes that go from disk to the reader at a time. */
const PIECE_BYTES = 16 * 1024;

/**
 * Lines on their way to one reader. `line` never waits: what the reader does not take goes to memory, then to disk, and
 * from there to the reader as soon as it reads on, in order. What even the disk has no room for is dropped, and in its
 * place stands one line that says how much of what: `{"type":"sigma.events.gap","dropped":12,"types":{…}}`.
 */
export class SpooledLines {
  readonly #stream: Writable;
  readonly #limits: SpoolLimits;
  readonly #spool: SpoolFile;
  #open = true;
  #gap: Map<string, number> | null = null;
  #wake: (() => void) | null = null;

  constructor(stream: Writable, limits: SpoolLimits = SPOOL_LIMITS) {
    this.#stream = stream;
    this.#limits = limits;
    this.#spool = new SpoolFile(limits.spoolBytes);
    // A reader that goes away ends its stream and never the command.
    stream.on('error', () => this.#close());
    stream.on('close', () => this.#close());
  }

  /** False once the reader has gone. */
  get open(): boolean {
    return this.#open;
  }

  /** Bytes that the reader has not taken. */
  get waiting(): number {
    return this.#open ? this.#spool.length + this.#stream.writableLength : 0;
  }

  /** @param type of the event, for the count of what is dropped */
  line(text: string, type: string): void {
    if (!this.#open) return;
    if (this.#gap !== null && !this.#put(gapLine(this.#gap))) {
      this.#gap.set(type, (this.#gap.get(type) ?? 0) + 1);
      return;
    }
    this.#gap = null;
    if (!this.#put(`${text}\n`)) this.#gap = new Map([[type, 1]]);
  }

  /**
   * Waits until the reader has taken everything, or has taken nothing for that long.
   *
   * @returns bytes that it did not take
   */
  async end(patienceMs: number): Promise<number> {
    while (this.#open) {
      if (this.#gap !== null && this.#put(gapLine(this.#gap))) this.#gap = null;
      if (this.waiting === 0 || !(await this.#movedOn(patienceMs))) break;
    }
    const left = this.waiting;
    if (left === 0 && this.#open) await new Promise<void>((ended) => this.#stream.end(ended));
    this.#stream.destroy();
    this.#close();
    return left;
  }

  #put(text: string): boolean {
    const bytes = UTF8.encode(text);
    if (this.#spool.length === 0 && this.#stream.writableLength + bytes.length <= this.#limits.memoryBytes) {
      this.#stream.write(bytes, this.#taken);
      return true;
    }
    return this.#spool.push(bytes);
  }

  /** The reader has taken a piece. */
  readonly #taken = (): void => {
    this.#refill();
    this.#wake?.();
  };

  #refill(): void {
    while (this.#open && this.#spool.length > 0 && this.#stream.writableLength < this.#limits.memoryBytes) {
      const piece = this.#spool.take(PIECE_BYTES);
      if (piece.length === 0) break;
      this.#stream.write(piece, this.#taken);
    }
  }

  /** @returns false when the reader took nothing for that long */
  #movedOn(patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), patienceMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(true);
      };
      // Called back when all that is under way has been taken.
      this.#stream.write(NOTHING, this.#taken);
    });
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#spool.close();
    this.#wake?.();
  }
}

const gapLine = (gap: ReadonlyMap<string, number>): string => {
  const dropped = [...gap.values()].reduce((sum, count) => sum + count, 0);
  return `${JSON.stringify({ type: 'sigma.events.gap', dropped, types: Object.fromEntries(gap) })}\n`;
};

const UTF8 = new TextEncoder();
const NOTHING = new Uint8Array();
