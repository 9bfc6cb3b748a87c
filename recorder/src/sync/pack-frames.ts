import { MalformedBytesError } from '../wire/wire-reader.ts';
import { MOST_PACKED_BYTES } from './packed-blocks.ts';

/** Before each pack on a data connection (R197): its number and its length. */
const PACK_HEAD_BYTES = 8;

export function packHead(number: number, length: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(PACK_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, number);
  view.setUint32(4, length);
  return head;
}

/** Cuts the bytes of a data connection into packs, in whatever pieces they come. Each is in memory of its own. */
export class PackReader {
  readonly #took: (number: number, pack: Uint8Array<ArrayBuffer>) => void;
  readonly #head = new Uint8Array(PACK_HEAD_BYTES);
  #headBytes = 0;
  #last = 0;
  #pack: Uint8Array<ArrayBuffer> | null = null;
  #packBytes = 0;

  constructor(took: (number: number, pack: Uint8Array<ArrayBuffer>) => void) {
    this.#took = took;
  }

  /** @throws MalformedBytesError for a pack that nobody sends; then nothing more is to be read of the connection */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      at += this.#pack === null ? this.#readHead(bytes, at) : this.#readPack(this.#pack, bytes, at);
    }
  }

  #readHead(bytes: Uint8Array, at: number): number {
    const read = Math.min(PACK_HEAD_BYTES - this.#headBytes, bytes.length - at);
    this.#head.set(bytes.subarray(at, at + read), this.#headBytes);
    this.#headBytes += read;
    if (this.#headBytes < PACK_HEAD_BYTES) return read;
    const view = new DataView(this.#head.buffer);
    const [number, length] = [view.getUint32(0), view.getUint32(4)];
    if (number <= this.#last) throw new MalformedBytesError(`pack ${number} comes behind pack ${this.#last}`);
    if (length === 0 || length > MOST_PACKED_BYTES) {
      throw new MalformedBytesError(`pack ${number} has ${length} bytes; 1 to ${MOST_PACKED_BYTES} are taken`);
    }
    this.#headBytes = 0;
    this.#last = number;
    this.#pack = new Uint8Array(length);
    this.#packBytes = 0;
    return read;
  }

  #readPack(pack: Uint8Array<ArrayBuffer>, bytes: Uint8Array, at: number): number {
    const read = Math.min(pack.length - this.#packBytes, bytes.length - at);
    pack.set(bytes.subarray(at, at + read), this.#packBytes);
    this.#packBytes += read;
    if (this.#packBytes === pack.length) {
      this.#pack = null;
      this.#took(this.#last, pack);
    }
    return read;
  }
}
