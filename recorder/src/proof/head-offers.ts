import type { ChainId } from '../event.ts';
import { openCheckpoint, originOf, type Trust } from './checkpoint.ts';
import type { OwnHead } from './head-book.ts';
import { NoteError, type NoteKey } from './note.ts';
import type { HeadOffer, RefusalKind } from './witness.ts';

/** What a witness said to an offer. */
export interface HeadAnswer {
  readonly origin: string;
  /** Size of the tree that was offered. */
  readonly size: number;
  /** A signature line; empty: refused. */
  readonly cosignature: string;
  readonly refusal: RefusalKind | 'size' | '';
  readonly message: string;
  readonly seenSize: number;
}

export interface HeadOffersOptions extends Pick<Trust, 'ed25519' | 'sha256'> {
  /** Under which the answers are believed. */
  readonly witness: NoteKey;
  /** Consistency proof between two sizes of a chain's tree. */
  readonly prove: (chain: ChainId, from: number, to: number) => Promise<readonly Uint8Array[]>;
  /** Size of the greatest tree that this witness is known to have cosigned, by what is kept. */
  readonly keptSize: (chain: ChainId) => Promise<number>;
  readonly send: (offer: HeadOffer) => void;
  /** `cosignature`: the witness's signature line, which holds. */
  readonly cosigned: (head: OwnHead, cosignature: string, timeS: number) => void;
  readonly refused: (head: OwnHead, answer: HeadAnswer) => void;
  /** Something failed here, such as a disk; the offer is made again with the next heads. */
  readonly failed: (error: Error) => void;
}

/** Offers that wait for an answer, at most: neither side is ever flooded. */
const WINDOW = 16;
/** A witness that names another size each time is not asked for ever. */
const MOST_TRIES = 4;
const MOST_CHARACTERS = 1_024;

interface Standing {
  /** Size that the witness is thought to have seen; null: not yet asked. */
  seen: number | null;
  /** Size of the head that it cosigned in this life of the program; -1: of none. */
  met: number;
  refused: boolean;
  tries: number;
}

/**
 * One writer's side of the talk with one witness (c2sp.org/tlog-witness): what has grown is offered, what the witness
 * says it has seen is proved again from there, and what it cosigned is checked and handed on.
 */
export class HeadOffers {
  readonly #options: HeadOffersOptions;
  readonly #standing = new Map<string, Standing>();
  readonly #waiting = new Map<string, OwnHead>();
  readonly #asked = new Map<string, OwnHead>();
  readonly #settled: (() => void)[] = [];
  #pumping: Promise<void> | null = null;
  #link = 0;

  constructor(options: HeadOffersOptions) {
    this.#options = options;
  }

  /** Resolves as soon as nothing waits to be offered or answered any more, because it was or because the link is gone. */
  whenSettled(): Promise<void> {
    if (this.#isSettled()) return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  /** Offers what has grown since it was cosigned. The newest head of a chain takes the place of one that still waits. */
  offer(heads: readonly OwnHead[]): void {
    for (const head of heads) {
      const standing = this.#of(originOf(head.chain));
      if (standing.refused || head.size <= standing.met) continue;
      standing.tries = 0;
      this.#waiting.set(originOf(head.chain), head);
    }
    this.#pump();
  }

  /** An answer to none of our offers is passed over. */
  answered(answer: HeadAnswer): void {
    const { origin, size, cosignature, refusal, seenSize } = answer;
    const head = this.#asked.get(origin);
    if (head === undefined || head.size !== size) return;
    this.#asked.delete(origin);
    const standing = this.#of(origin);
    if (cosignature !== '') {
      const timeS = this.#heldAt(head, cosignature);
      if (timeS !== null) {
        standing.seen = size;
        standing.met = size;
        this.#options.cosigned(head, cosignature, timeS);
      } else this.#refused(head, standing, { ...answer, refusal: 'unsigned', message: 'its cosignature is false' });
    } else if (refusal === 'size' && seenSize <= size && standing.tries < MOST_TRIES) {
      standing.tries++;
      standing.seen = seenSize;
      if (!this.#waiting.has(origin)) this.#waiting.set(origin, head);
    } else this.#refused(head, standing, answer);
    this.#pump();
  }

  /** The link is gone: nothing on its way is answered any more. What was refused is offered anew with the next. */
  lost(): void {
    this.#link++;
    this.#waiting.clear();
    this.#asked.clear();
    for (const standing of this.#standing.values()) standing.refused = false;
    this.#settle();
  }

  #isSettled(): boolean {
    return this.#waiting.size === 0 && this.#asked.size === 0 && this.#pumping === null;
  }

  #settle(): void {
    if (this.#isSettled()) for (const resolve of this.#settled.splice(0)) resolve();
  }

  #refused(head: OwnHead, standing: Standing, answer: HeadAnswer): void {
    standing.refused = true;
    this.#waiting.delete(originOf(head.chain));
    this.#options.refused(head, answer);
  }

  /** When the witness says that it signed, seconds since 1970; null when its signature does not hold. */
  #heldAt({ note }: OwnHead, cosignature: string): number | null {
    const { witness, ed25519, sha256 } = this.#options;
    if (cosignature.length > MOST_CHARACTERS || !/^\u2014 [^\n]+\n$/.test(cosignature)) return null;
    try {
      return openCheckpoint(`${note}${cosignature}`, { keys: [witness], ed25519, sha256 }).signers[0]?.timeS ?? null;
    } catch (error) {
      if (error instanceof NoteError) return null;
      throw error;
    }
  }

  #of(origin: string): Standing {
    let standing = this.#standing.get(origin);
    if (standing === undefined) {
      standing = { seen: null, met: -1, refused: false, tries: 0 };
      this.#standing.set(origin, standing);
    }
    return standing;
  }

  #pump(): void {
    this.#pumping ??= this.#send().finally(() => {
      this.#pumping = null;
      if (this.#next() !== undefined) this.#pump();
      else this.#settle();
    });
  }

  /** The next head whose chain has no offer under way. */
  #next(): readonly [string, OwnHead] | undefined {
    if (this.#asked.size >= WINDOW) return undefined;
    for (const entry of this.#waiting) if (!this.#asked.has(entry[0])) return entry;
    return undefined;
  }

  async #send(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [origin, head] = next;
      this.#waiting.delete(origin);
      const { chain, size, note } = head;
      const standing = this.#of(origin);
      const link = this.#link;
      try {
        standing.seen ??= await this.#options.keptSize(chain);
        // A chain shorter than what was kept of it is offered as it is: the witness is to see it.
        const fromSize = Math.min(standing.seen, size);
        const consistency = await this.#options.prove(chain, fromSize, size);
        if (link !== this.#link) continue;
        this.#asked.set(origin, head);
        this.#options.send({ checkpoint: note, fromSize, consistency });
      } catch (error) {
        this.#options.failed(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
}
