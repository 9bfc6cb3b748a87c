import { deserialize, serialize } from 'node:v8';

/** Bytes written and bytes read so far, modulo 2^32, before the ring. */
const [WRITTEN, READ, PLACES] = [0, 1, 2];
const HEAD_BYTES = PLACES * Int32Array.BYTES_PER_ELEMENT;
/** Of a message its length stands in front of it. */
const LENGTH_BYTES = 4;
/** So often it is looked whether there is room again. */
const RETRY_MS = 2;

/** Memory of a mailbox, which both threads hold. @param bytes under way at most, a power of two; what is more waits */
export function mailboxMemory(bytes = 1_048_576): SharedArrayBuffer {
  if (bytes < 64 || (bytes & (bytes - 1)) !== 0) throw new RangeError(`${bytes} is no power of two from 64 on`);
  return new SharedArrayBuffer(HEAD_BYTES + bytes);
}

class Ring {
  readonly places: Int32Array;
  readonly bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.places = new Int32Array(memory, 0, PLACES);
    this.bytes = new Uint8Array(memory, HEAD_BYTES);
  }

  /** Bytes that were written and not read. */
  get filled(): number {
    return (Atomics.load(this.places, WRITTEN) - Atomics.load(this.places, READ)) >>> 0;
  }
}

/**
 * The end of a mailbox that a thread of low priority writes. A `MessagePort` wakes its reader while it holds the lock
 * that this one takes first: a reader in real time goes before the writer on its processor, waits for that lock, and
 * then for whatever else is to run before the writer goes on, which was 4 ms where two processors were taken (priority
 * inversion; L. Sha, R. Rajkumar, J. Lehoczky, "Priority Inheritance Protocols", 1990). Here nobody waits for anybody:
 * the reader looks when it has time.
 */
export class MailboxWriter<T> {
  readonly #ring: Ring;
  /** What did not fit, in order. */
  #waiting: Uint8Array[] = [];
  #emptied: (() => void)[] = [];

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** @param message of what the structured clone algorithm takes; nothing of it changes hands */
  post(message: T): void {
    const content = serialize(message);
    const framed = new Uint8Array(LENGTH_BYTES + content.length);
    new DataView(framed.buffer).setUint32(0, content.length);
    framed.set(content, LENGTH_BYTES);
    this.#waiting.push(framed);
    if (this.#waiting.length === 1) this.#write();
  }

  /** Resolves when all of it is where the reader finds it. */
  sent(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) resolve();
      else this.#emptied.push(resolve);
    });
  }

  #write(): void {
    const { places, bytes } = this.#ring;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const room = bytes.length - this.#ring.filled;
      const part = first.subarray(0, room);
      const at = Atomics.load(places, WRITTEN) & (bytes.length - 1);
      const before = part.subarray(0, bytes.length - at);
      bytes.set(before, at);
      bytes.set(part.subarray(before.length), 0);
      Atomics.add(places, WRITTEN, part.length);
      if (part.length < first.length) {
        this.#waiting[0] = first.subarray(part.length);
        setTimeout(() => this.#write(), RETRY_MS);
        return;
      }
      this.#waiting.shift();
    }
    for (const emptied of this.#emptied.splice(0)) emptied();
  }
}

/** The end that a thread reads. */
class MailboxReader<T> {
  readonly #ring: Ring;
  /** Of a message that has not come whole. */
  #part = new Uint8Array(0);

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** What has come whole since, in order. */
  take(): readonly T[] {
    const { filled } = this.#ring;
    if (filled === 0) return [];
    const bytes = this.#read(filled);
    const view = new DataView(bytes.buffer);
    const messages: T[] = [];
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + view.getUint32(at);
      if (end > bytes.length) break;
      // What of it is kept for long keeps no other message.
      messages.push(deserialize(bytes.slice(at + LENGTH_BYTES, end)) as T);
      at = end;
    }
    this.#part = bytes.slice(at);
    return messages;
  }

  /** What was left of before, and so many bytes behind it, in memory of their own. */
  #read(filled: number): Uint8Array {
    const { places, bytes: ring } = this.#ring;
    const before = this.#part.length;
    const bytes = new Uint8Array(before + filled);
    bytes.set(this.#part);
    const at = Atomics.load(places, READ) & (ring.length - 1);
    const first = ring.subarray(at, Math.min(ring.length, at + filled));
    bytes.set(first, before);
    bytes.set(ring.subarray(0, filled - first.length), before + first.length);
    Atomics.add(places, READ, filled);
    return bytes;
  }
}

/** Looks into a mailbox again and again. */
export class MailboxWatch<T> {
  readonly #reader: MailboxReader<T>;
  readonly #heard: (message: T) => void;
  readonly #everyMs: () => number;
  #timer: NodeJS.Timeout | undefined;

  /** @param everyMs asked behind each look when the next is to be */
  constructor(memory: SharedArrayBuffer, heard: (message: T) => void, everyMs: () => number) {
    this.#reader = new MailboxReader(memory);
    this.#heard = heard;
    this.#everyMs = everyMs;
    this.again();
  }

  /** The next look is to be as soon as `everyMs` says now. */
  again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.again();
      this.#look();
    }, this.#everyMs());
  }

  /** Looks for the last time: the writer is gone. */
  close(): void {
    clearTimeout(this.#timer);
    this.#look();
  }

  #look(): void {
    for (const message of this.#reader.take()) this.#heard(message);
  }
}
