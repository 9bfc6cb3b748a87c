/**
 * Writes protobuf wire format (https://protobuf.dev/programming-guides/encoding/) into one buffer that grows and is
 * reused: no object per message, no copy but the last. Scalars follow proto3 implicit presence, as protobuf-es writes
 * them: a zero, an empty string and empty bytes are left out; -0 is not zero.
 */
export class WireWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #at = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#at;
  }

  reset(): void {
    this.#at = 0;
  }

  /** A copy of what stands between `from` and the end. */
  take(from = 0): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(from, this.#at);
  }

  /** The same without a copy: it stands until this writer is reset. */
  view(from = 0): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(from, this.#at);
  }

  /** An unsigned integer below 2^53. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.varint(field << 3);
    this.varint(value);
  }

  /** int64: a negative number takes ten bytes, in two's complement. */
  int(field: number, value: number): void {
    if (value === 0) return;
    this.varint(field << 3);
    if (value > 0) {
      this.varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    this.#reserve(10);
    while (rest > 0x7fn) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  /** An unsigned integer whose presence counts: a member of a oneof. */
  varintPresent(field: number, value: number): void {
    this.varint(field << 3);
    this.varint(value);
  }

  double(field: number, value: number): void {
    if (!Object.is(value, 0)) this.doublePresent(field, value);
  }

  /** A double whose presence counts: a member of a oneof. */
  doublePresent(field: number, value: number): void {
    this.varint((field << 3) | 1);
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  string(field: number, value: string): void {
    if (value !== '') this.stringPresent(field, value);
  }

  /** A string whose presence counts: an element of a list or a member of a oneof. */
  stringPresent(field: number, value: string): void {
    const mark = this.open(field);
    this.#text(value);
    this.close(mark);
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length !== 0) this.bytesPresent(field, value);
  }

  bytesPresent(field: number, value: Uint8Array): void {
    this.varint((field << 3) | 2);
    this.varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /**
   * Begins a length-delimited field; what is written until `close` is its content.
   *
   * @param atLeast bytes that the content will have, as far as they are known: they keep it from being moved
   */
  open(field: number, atLeast = 0): number {
    this.varint((field << 3) | 2);
    const kept = varintSize(atLeast);
    this.#reserve(kept);
    this.#at += kept;
    return this.#at;
  }

  /** @param atLeast as it was opened with */
  close(mark: number, atLeast = 0): void {
    const length = this.#at - mark;
    if (length < 0x80) {
      this.#bytes[mark - 1] = length;
      return;
    }
    // Room was kept for the least length; a longer content moves over by what its length takes beyond that.
    const kept = varintSize(atLeast);
    const extra = varintSize(length) - kept;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(mark + extra, mark, this.#at);
    }
    this.#at = mark - kept;
    this.varint(length);
    this.#at += length;
  }

  /** Unsigned, below 2^53. */
  varint(value: number): void {
    this.#reserve(8);
    const bytes = this.#bytes;
    let at = this.#at;
    while (value > 0x7fffffff) {
      bytes[at++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    while (value > 0x7f) {
      bytes[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[at++] = value;
    this.#at = at;
  }

  #text(value: string): void {
    const length = value.length;
    this.#reserve(length * 3);
    const start = this.#at;
    if (length <= 64) {
      const bytes = this.#bytes;
      let at = start;
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 0x7f) break;
        bytes[at++] = unit;
      }
      if (i === length) {
        this.#at = at;
        return;
      }
    }
    this.#at = start + UTF8.encodeInto(value, this.#bytes.subarray(start)).written;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

const UTF8 = new TextEncoder();

function varintSize(value: number): number {
  let size = 1;
  for (; value > 0x7f; value = Math.floor(value / 0x80)) size++;
  return size;
}

/** The whole number nearest to `value` that a uint64 field and a double both hold: 0 for NaN, 2^53 - 1 for what is greater. */
export function uint53(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  if (!(value > 0)) return 0;
  return value >= Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Math.round(value);
}
