/** Bytes that are no protobuf message of the kind they claim to be. */
export class MalformedBytesError extends Error {
  constructor(what: string) {
    super(`Malformed bytes: ${what}`);
    this.name = 'MalformedBytesError';
  }
}

const EIGHT = new DataView(new ArrayBuffer(8));
const OCTETS = new Uint8Array(EIGHT.buffer);

/** Reads protobuf wire format where protobuf-es would be too slow. Every read is bounded by the bytes given. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Place of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Unsigned, at most 2^53 - 1. */
  varint(): number {
    // Most are below 128: tags, lengths, small counts.
    if (this.#at < this.#end) {
      const only = this.#bytes[this.#at] as number;
      if (only < 0x80) {
        this.#at++;
        return only;
      }
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.#at >= this.#end) throw new MalformedBytesError('a number is cut short');
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedBytesError('a number is greater than 2^53 - 1');
  }

  /** int64 in two's complement. */
  signed(): number {
    // Wall times and other numbers of up to eight bytes are not negative and are exact as they are added up.
    let near = 0;
    let scale = 1;
    for (let i = 0; i < 7 && this.#at + i < this.#end; i++) {
      const byte = this.#bytes[this.#at + i] as number;
      near += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at += i + 1;
        return near;
      }
      scale *= 0x80;
    }
    const eighth = this.#at + 7 < this.#end ? (this.#bytes[this.#at + 7] as number) : 0x80;
    if (eighth < 0x10) {
      this.#at += 8;
      return near + eighth * scale;
    }
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw new MalformedBytesError('a number is cut short');
      const byte = this.#bytes[this.#at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new MalformedBytesError('a number is longer than ten bytes');
  }

  /** A double, bit for bit. */
  double(): number {
    if (this.#end - this.#at < 8) throw new MalformedBytesError('a number is cut short');
    for (let i = 0; i < 8; i++) OCTETS[i] = this.#bytes[this.#at + i] as number;
    this.#at += 8;
    return EIGHT.getFloat64(0, true);
  }

  /** A view of the content of a length-delimited field. */
  bytes(): Uint8Array {
    const length = this.varint();
    if (length > this.#end - this.#at) throw new MalformedBytesError('a field is cut short');
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  /** Reads the length of a length-delimited field and stands at its content. @returns where the content ends */
  enter(): number {
    const length = this.varint();
    if (length > this.#end - this.#at) throw new MalformedBytesError('a field is cut short');
    return this.#at + length;
  }

  /** Goes on at a place that `enter` gave. */
  passTo(at: number): void {
    this.#at = at;
  }

  /** Passes over a length-delimited field. @returns whether its content is `expected` */
  passBytes(expected: Uint8Array | null): boolean {
    const length = this.varint();
    if (length > this.#end - this.#at) throw new MalformedBytesError('a field is cut short');
    const from = this.#at;
    this.#at += length;
    if (expected === null || length !== expected.length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[from + i] !== expected[i]) return false;
    return true;
  }

  /** Passes over a number of up to ten bytes. */
  passVarint(): void {
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw new MalformedBytesError('a number is cut short');
      if ((this.#bytes[this.#at++] as number) < 0x80) return;
    }
    throw new MalformedBytesError('a number is longer than ten bytes');
  }

  string(): string {
    return textOf(this.bytes());
  }

  /** A reader of its own for the content of a length-delimited field. */
  part(): WireReader {
    const end = this.enter();
    const part = new WireReader(this.#bytes, this.#at, end);
    this.#at = end;
    return part;
  }

  /** Passes over a field that this program does not know. */
  skip(tag: number): void {
    const wire = tag & 7;
    if (wire === 2) this.bytes();
    else if (wire === 0) this.signed();
    else if (wire === 1) this.#advance(8);
    else if (wire === 5) this.#advance(4);
    else throw new MalformedBytesError(`wire type ${wire}`);
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw new MalformedBytesError('a field is cut short');
    this.#at += count;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8. @throws MalformedBytesError */
export function textOf(content: Uint8Array): string {
  if (content.length <= SHORT) {
    let text = '';
    for (let i = 0; i < content.length; i++) {
      const unit = content[i] as number;
      if (unit > 0x7f) return decodeText(content);
      text += String.fromCharCode(unit);
    }
    return text;
  }
  return decodeText(content);
}

/** Up to here a text of ASCII is put together faster than a decoder is called. */
const SHORT = 24;

function decodeText(content: Uint8Array): string {
  try {
    return UTF8.decode(content);
  } catch {
    throw new MalformedBytesError('a text is no UTF-8');
  }
}
