import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A queue of bytes on disk, of bounded length: a file that is written round and round. It has no name in any folder once
 * it is open, so that nothing stays behind however the program ends.
 */
export class SpoolFile {
  readonly #capacity: number;
  #descriptor: number | null = null;
  #readAt = 0;
  #length = 0;

  /** @param capacity most bytes that it holds */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** @returns false when there is no room for all of it, or the disk takes no more; then nothing was added */
  push(bytes: Uint8Array): boolean {
    if (this.#length + bytes.length > this.#capacity) return false;
    const writeAt = (this.#readAt + this.#length) % this.#capacity;
    const first = Math.min(bytes.length, this.#capacity - writeAt);
    try {
      this.#descriptor ??= openNameless();
      writeAll(this.#descriptor, bytes.subarray(0, first), writeAt);
      writeAll(this.#descriptor, bytes.subarray(first), 0);
    } catch {
      return false;
    }
    this.#length += bytes.length;
    return true;
  }

  /** Takes out what waits longest, at most that many bytes. */
  take(most: number): Uint8Array {
    const wanted = Math.min(most, this.#length, this.#capacity - this.#readAt);
    if (wanted === 0 || this.#descriptor === null) return new Uint8Array();
    const bytes = new Uint8Array(wanted);
    const count = readSync(this.#descriptor, bytes, 0, wanted, this.#readAt);
    this.#readAt = (this.#readAt + count) % this.#capacity;
    this.#length -= count;
    return bytes.subarray(0, count);
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    this.#length = 0;
  }
}

function openNameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-events-'));
  try {
    return openSync(join(folder, 'spool'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, at + done);
  }
}
