import {
  answerOffer,
  chainOfOrigin,
  edgeWitnessName,
  formatNoteKey,
  type HeadAnswer,
  type HeadBook,
  type HeadOffer,
  HeadOffers,
  hubWitnessName,
  isBoundedOffer,
  NoteError,
  type NoteKey,
  originOf,
  parseCheckpoint,
  type SigningKey,
  type Witness,
} from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { sha256 } from '@sigma/recorder/sqlite';
import { hubKeyPath, keepHubKey, keptHubKey, type WitnessMemory } from './witness-memory.ts';

export type HeadWord =
  | { readonly type: 'offered'; readonly offer: HeadOffer }
  | { readonly type: 'answered'; readonly answer: HeadAnswer };

/** What belongs on this edge's own record. */
export type WitnessNote =
  | 'edge.head_refused'
  | 'edge.hub_head_refused'
  | 'edge.hub_key_changed'
  | 'edge.witness_failed';

export interface EdgeWitnessOptions {
  readonly tenant: string;
  readonly edgeId: string;
  readonly folder: string;
  readonly recordingPath: string;
  readonly key: SigningKey;
  readonly memory: WitnessMemory;
  readonly book: Pick<HeadBook, 'heads' | 'consistency' | 'keptSize' | 'keep'>;
  readonly say: (word: HeadWord) => void;
  readonly note: (name: WitnessNote, body: unknown) => void;
  /** Seconds since 1970. */
  readonly nowS: () => number;
}

/**
 * An edge witnesses what its hub records, and has its own recording witnessed by the hub. Knows nothing of threads and
 * links; whatever fails here is put on record and touches no body.
 */
export class EdgeWitness {
  readonly #options: EdgeWitnessOptions;
  readonly #witness: Witness;
  readonly #shown = new Set<string>();
  readonly #noted = new Set<string>();
  #hubKey: Uint8Array | null = null;
  #talk: { readonly key: string; readonly offers: HeadOffers } | null = null;
  #linked = false;
  #round: Promise<void> | null = null;
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: EdgeWitnessOptions) {
    this.#options = options;
    const { tenant, edgeId, key } = options;
    this.#witness = { name: edgeWitnessName(tenant, edgeId), key, ed25519: ed25519Verify, sha256 };
  }

  /** The hub has welcomed this edge and shown its key; the first that it ever shows is the one it is known by. */
  linked(hubKey: Uint8Array): Promise<void> {
    const { tenant, folder } = this.#options;
    const hub: NoteKey = { name: hubWitnessName(tenant), role: 'witness', publicKey: hubKey };
    const shown = formatNoteKey(hub, sha256);
    const known = keptHubKey(folder);
    if (known === null) keepHubKey(folder, shown);
    this.#linked = known === null || known === shown;
    this.#hubKey = hubKey;
    if (!this.#linked) {
      this.#noteOnce('edge.hub_key_changed', shown, { known, shown, way: this.#keyChanged() });
      return Promise.resolve();
    }
    this.#talk = this.#talk?.key === shown ? this.#talk : { key: shown, offers: this.#offersTo(hub) };
    return this.show();
  }

  lost(): void {
    this.#linked = false;
    this.#talk?.offers.lost();
  }

  /** Shows the hub what has grown of this edge's chains. Resolves when that is on its way. */
  show(): Promise<void> {
    this.#round ??= this.#show().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  /** The last heads: resolves when they are cosigned and kept, or the link is gone. */
  async end(): Promise<void> {
    await this.#round;
    await this.show();
    await this.#talk?.offers.whenSettled();
    await this.#keeping;
  }

  hear(word: HeadWord): void {
    if (word.type === 'answered') this.#talk?.offers.answered(word.answer);
    else if (isBoundedOffer(word.offer)) this.#judge(word.offer);
  }

  async #show(): Promise<void> {
    const talk = this.#talk;
    if (!this.#linked || talk === null) return;
    try {
      talk.offers.offer(await this.#options.book.heads());
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #offersTo(witness: NoteKey): HeadOffers {
    const { book, say } = this.#options;
    return new HeadOffers({
      witness,
      ed25519: ed25519Verify,
      sha256,
      prove: (chain, from, to) => book.consistency(chain, from, to),
      keptSize: (chain) => book.keptSize(chain),
      send: (offer) => say({ type: 'offered', offer }),
      cosigned: (head, cosignature, timeS) => {
        this.#remember(originOf(head.chain));
        const kept = this.#keeping.then(() => book.keep(head, cosignature, timeS));
        this.#keeping = kept.catch((error: Error) => this.#failed(error));
      },
      refused: ({ size }, { origin, refusal, message, seenSize }) =>
        this.#noteOnce('edge.head_refused', `${origin} ${refusal}`, { origin, kind: refusal, size, seenSize, message }),
      failed: (error) => this.#failed(error),
    });
  }

  /** What the hub has seen of this recording is known here too, so that a backup that lacks it is told. */
  #remember(origin: string): void {
    if (this.#shown.has(origin)) return;
    this.#shown.add(origin);
    try {
      this.#options.memory.show(this.#options.recordingPath, origin);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #judge(offer: HeadOffer): void {
    const { tenant, memory, nowS, say } = this.#options;
    const hubKey = this.#hubKey;
    const named = headIn(offer);
    if (hubKey === null || named === null) return;
    const { origin, size } = named;
    const answer = { origin, size, cosignature: '', message: '', seenSize: 0 };
    const refuse = (refusal: HeadAnswer['refusal'], message: string, seenSize = 0): void =>
      say({ type: 'answered', answer: { ...answer, refusal, message, seenSize } });
    const chain = chainOfOrigin(origin);
    if (chain === null || chain.tenant !== tenant || chain.source !== 'hub') {
      refuse('stranger', `${origin} is no chain of the hub of ${tenant}`);
      return;
    }
    if (!this.#linked) {
      refuse('unsigned', this.#keyChanged());
      return;
    }
    try {
      const seen = memory.seen(origin, hubKey);
      const log: NoteKey = { name: origin, role: 'log', publicKey: hubKey };
      const state = { log, seen: seen === null ? null : parseCheckpoint(seen) };
      const given = answerOffer(state, offer, nowS(), this.#witness);
      const seenSize = state.seen?.size ?? 0;
      if (given.result === 'size') refuse('size', '', seenSize);
      else if (given.result === 'refused') {
        const { refusal } = given;
        const { kind, fromSequence, toSequence, message } = refusal;
        refuse(kind, message, seenSize);
        if (kind !== 'rollback' && kind !== 'fork' && kind !== 'inconsistent') return;
        const found = { origin, kind, fromSequence, toSequence, message, seen: refusal.seen, offered: refusal.offered };
        this.#noteOnce('edge.hub_head_refused', `${origin} ${kind}`, found);
      } else {
        const note = given.state.seen?.note ?? '';
        if (size !== seenSize) memory.remember(origin, hubKey, note);
        say({ type: 'answered', answer: { ...answer, cosignature: given.cosignature, refusal: '', seenSize: size } });
      }
    } catch (error) {
      // What it saw cannot be remembered: nothing is cosigned, and the hub offers again.
      this.#failed(error as Error);
    }
  }

  #keyChanged(): string {
    const { edgeId, folder } = this.#options;
    return (
      `edge ${edgeId} knows its hub by another key. If the hub was set up anew, remove ${hubKeyPath(folder)} and start ` +
      'the edge again; its work goes on meanwhile'
    );
  }

  #failed(error: Error): void {
    this.#noteOnce('edge.witness_failed', error.message, { message: error.message });
  }

  /** The same thing is put on record once in the life of this program. */
  #noteOnce(name: WitnessNote, what: string, body: unknown): void {
    const key = `${name} ${what}`;
    if (this.#noted.has(key) || this.#noted.size >= MOST_NOTES) return;
    this.#noted.add(key);
    this.#options.note(name, body);
  }
}

/** Far more than an edge has to say of one hub. */
const MOST_NOTES = 256;

/** What a checkpoint says it is the head of, not yet believed. */
function headIn({ checkpoint }: HeadOffer): { readonly origin: string; readonly size: number } | null {
  try {
    return parseCheckpoint(checkpoint);
  } catch (error) {
    if (error instanceof NoteError) return null;
    throw error;
  }
}
