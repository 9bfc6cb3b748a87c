import { decodeState, encodeState } from '@sigma/kernel';

/** What has to be written so that what is kept says the same as the state. */
export interface PartChanges {
  /** True when everything kept before is void: `put` is all there is. */
  readonly whole: boolean;
  /** Parts that are new or read otherwise than before, as text. */
  readonly put: ReadonlyMap<string, string>;
  readonly drop: readonly string[];
}

interface KeptPart {
  readonly part: unknown;
  readonly text: string;
}

/**
 * Remembers what was written of a state in parts, to write only what changed. A part that is the same object as before is
 * not even looked into: parts are never changed in place.
 */
export class KeptParts {
  #known: ReadonlyMap<string, KeptPart> = new Map();
  #whole = true;

  /**
   * The changes since the last call, which counts as kept from then on.
   *
   * @throws UnencodableStateError
   */
  take(parts: ReadonlyMap<string, unknown>): PartChanges {
    const put = new Map<string, string>();
    const known = new Map<string, KeptPart>();
    for (const [key, part] of parts) {
      const before = this.#known.get(key);
      if (before !== undefined && before.part === part) {
        known.set(key, before);
        continue;
      }
      const text = encodeState(part);
      known.set(key, { part, text });
      if (text !== before?.text) put.set(key, text);
    }
    const drop = [...this.#known.keys()].filter((key) => !known.has(key));
    const whole = this.#whole;
    this.#known = known;
    this.#whole = false;
    return { whole, put, drop };
  }

  /** What was taken last may not have been kept: the next changes are everything. */
  forget(): void {
    this.#known = new Map();
    this.#whole = true;
  }
}

/** @throws SyntaxError when a text is none that `KeptParts` gave */
export function decodeParts(texts: ReadonlyMap<string, string>): ReadonlyMap<string, unknown> {
  return new Map([...texts].map(([key, text]) => [key, decodeState(text)]));
}
