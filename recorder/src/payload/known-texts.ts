import { textOf, type WireReader } from '../wire/wire-reader.ts';

interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Longer ones are seldom the same. */
const MOST_BYTES = 96;
const PLACES = 4_096;

/**
 * Texts that come again and again (names of commands, sources, rationales), each made once: of most events everything
 * that is to be collected again is texts. One place for each hash; who comes later takes it.
 */
export class KnownTexts {
  readonly #known: (Known | undefined)[] = new Array(PLACES);

  /** The text that stands next. @throws MalformedBytesError */
  read(reader: WireReader): string {
    const bytes = reader.bytes();
    const { length } = bytes;
    if (length === 0) return '';
    if (length > MOST_BYTES) return textOf(bytes);
    // FNV-1a (Fowler, Noll, Vo).
    let hash = 0x811c9dc5;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const known = this.#known[place];
    if (known !== undefined && isSame(known.bytes, bytes)) return known.text;
    const text = textOf(bytes);
    this.#known[place] = { bytes: bytes.slice(), text };
    return text;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
