import {
  answerOffer,
  type ChainId,
  chainOfOrigin,
  type HeadAnswer,
  type HeadOffer,
  isBoundedOffer,
  NoteError,
  parseCheckpoint,
  type Refusal,
  type Witness,
  type WitnessState,
} from '@sigma/recorder';
import type { WitnessedHead, WitnessStore } from './witness-store.ts';

/** An edge as the witness knows it: the key that it is known by, and the writers that it may speak for. */
export interface WitnessedEdge {
  readonly edgeId: string;
  readonly key: Uint8Array;
  readonly sources: ReadonlySet<string>;
}

/** A refusal of what this edge may offer, or one that no longer stands. */
export type Verdict =
  | { readonly type: 'refused'; readonly chain: ChainId; readonly refusal: Refusal }
  | { readonly type: 'met'; readonly chain: ChainId };

/** Judged together, and stored in one transaction; a few milliseconds of hashing and signing at most. */
const BATCH = 8;
/** An honest edge has sixteen offers under way; what is beyond this is dropped, and comes again when it is honest. */
const MOST_WAITING = 64;
const MOST_MESSAGE = 500;

interface Judged {
  readonly head: WitnessedHead | null;
  readonly answer: HeadAnswer;
  readonly verdict: Verdict | null;
}

/**
 * Judges what one edge offers, over one link, in order. What was seen is durable before a cosignature leaves (R95): when
 * it cannot be stored nothing is answered, and the edge offers again.
 */
export class TestimonyDesk {
  /** Offers that were dropped unread: too many at once, or greater than any honest one. */
  dropped = 0;
  readonly #tenant: string;
  readonly #edge: WitnessedEdge;
  readonly #witness: Witness;
  readonly #store: WitnessStore;
  readonly #nowUs: () => number;
  readonly #send: (answer: HeadAnswer) => void;
  readonly #found: (verdict: Verdict) => void;
  #waiting: HeadOffer[] = [];
  #working: Promise<void> | null = null;

  constructor(options: {
    readonly tenant: string;
    readonly edge: WitnessedEdge;
    readonly witness: Witness;
    readonly store: WitnessStore;
    readonly nowUs: () => number;
    readonly send: (answer: HeadAnswer) => void;
    /** A chain contradicts itself, or goes on again as it should. */
    readonly found: (verdict: Verdict) => void;
  }) {
    this.#tenant = options.tenant;
    this.#edge = options.edge;
    this.#witness = options.witness;
    this.#store = options.store;
    this.#nowUs = options.nowUs;
    this.#send = options.send;
    this.#found = options.found;
  }

  /** Resolves when everything offered so far is judged. */
  get settled(): Promise<void> {
    return this.#working ?? Promise.resolve();
  }

  offered(offer: HeadOffer): void {
    if (this.#waiting.length >= MOST_WAITING || !isBoundedOffer(offer)) {
      this.dropped++;
      return;
    }
    this.#waiting.push(offer);
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const offers = this.#waiting.splice(0, BATCH);
      try {
        await this.#judgeAll(offers);
      } catch {
        // The store does not answer: no cosignature leaves, and the edge offers again with its next heads.
        this.dropped += offers.length;
      }
    }
  }

  async #judgeAll(offers: readonly HeadOffer[]): Promise<void> {
    const { key } = this.#edge;
    const named = offers.map((offer) => ({ offer, origin: originIn(offer) }));
    const origins = [...new Set(named.map(({ origin }) => origin))];
    const known = new Map((await this.#store.load(key, origins)).map((head) => [head.origin, head]));
    const judged: Judged[] = [];
    for (const { offer, origin } of named) {
      const one = this.#judge(offer, origin, known.get(origin) ?? null);
      if (one.head !== null) known.set(origin, one.head);
      judged.push(one);
    }
    const heads = judged.flatMap(({ head }) => head ?? []);
    if (heads.length > 0) await this.#store.save(key, heads);
    for (const { answer, verdict } of judged) {
      this.#send(answer);
      if (verdict !== null) this.#found(verdict);
    }
  }

  #judge(offer: HeadOffer, origin: string, known: WitnessedHead | null): Judged {
    const { edgeId, key, sources } = this.#edge;
    const answer = { origin, size: sizeIn(offer), cosignature: '', message: '', seenSize: known?.size ?? 0 } as const;
    const chain = chainOfOrigin(origin);
    if (chain === null || chain.tenant !== this.#tenant || !sources.has(chain.source)) {
      const message = `${origin.slice(0, MOST_MESSAGE)} is no chain of what edge ${edgeId} runs here`;
      return { head: null, answer: { ...answer, refusal: 'stranger', message }, verdict: null };
    }
    const state: WitnessState = {
      log: { name: origin, role: 'log', publicKey: key },
      seen: known === null || known.note === '' ? null : parseCheckpoint(known.note),
    };
    const nowUs = this.#nowUs();
    const given = answerOffer(state, offer, Math.floor(nowUs / 1_000_000), this.#witness);
    if (given.result === 'size') return { head: null, answer: { ...answer, refusal: 'size' }, verdict: null };
    if (given.result === 'refused') {
      const { refusal } = given;
      const { kind } = refusal;
      const message = refusal.message.slice(0, MOST_MESSAGE);
      const news = known !== null && known.refusal !== kind && kind !== 'unsigned' && kind !== 'stranger';
      return {
        head: news ? { ...known, refusal: kind } : null,
        answer: { ...answer, refusal: kind, message },
        verdict: { type: 'refused', chain, refusal },
      };
    }
    const { size, note } = given.state.seen ?? { size: 0, note: '' };
    const met = known !== null && known.refusal !== '';
    const grown = known === null || size !== known.size;
    return {
      head: grown || met ? { origin, edgeId, size, note, seenTimeUs: nowUs, refusal: '' } : null,
      answer: { ...answer, cosignature: given.cosignature, refusal: '', seenSize: size },
      verdict: met ? { type: 'met', chain } : null,
    };
  }
}

/** The origin that a checkpoint names, not yet believed; empty when it names none. */
function originIn({ checkpoint }: HeadOffer): string {
  try {
    return parseCheckpoint(checkpoint).origin;
  } catch (error) {
    if (error instanceof NoteError) return '';
    throw error;
  }
}

function sizeIn({ checkpoint }: HeadOffer): number {
  try {
    return parseCheckpoint(checkpoint).size;
  } catch (error) {
    if (error instanceof NoteError) return 0;
    throw error;
  }
}
