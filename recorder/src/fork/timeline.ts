import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainHead, type ChainId, chainName, EVENT_TYPE, hexOfBytes, type Sha256, sameBytes } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import { decodeSnapshot, type Snapshot } from '../payload/snapshot.ts';
import { decodeSegment, type Wake } from '../payload/stimulus-segment.ts';
import { openingOf } from '../playback.ts';
import { byChain } from '../site-head.ts';
import type { Recording, StoredBlock } from '../store.ts';
import { decodeStub, isStub } from '../sync/gap.ts';
import { type DroppedStretch, droppedIn } from './kept-life.ts';
import { type LostLife, snapshotBehind } from './lost-life.ts';

/** A part of a life that stands in one recording. */
export interface Piece {
  /** Name of the recording. */
  readonly name: string;
  readonly recording: Recording;
  readonly head: ChainHead;
  readonly opening: Opening;
  /** Wakes from this agent time on, inclusive, up to that one, exclusive. */
  readonly fromUs: number;
  readonly untilUs: number;
}

/** One epoch of a writer on a timeline: the shared beginning in its parents, then its own. */
export interface Life extends ChainId {
  /** Of the newest piece. */
  readonly opening: Opening;
  readonly pieces: readonly Piece[];
  /** Agent time of the last event. */
  readonly endUs: number;
}

/** A recording with everything that it shares: a fork with its parents, or one that has none. */
export interface Timeline {
  readonly name: string;
  readonly recording: Recording;
  readonly parent: Timeline | null;
  readonly lives: readonly Life[];
}

/** A fork's parent that is not there, too short, or not the one that it was forked from. */
export class LineageError extends Error {
  readonly fork: string;
  readonly parent: string;

  constructor(fork: string, parent: string, what: string) {
    super(`${fork} is a fork of ${parent}: ${what}`);
    this.name = 'LineageError';
    this.fork = fork;
    this.parent = parent;
  }
}

export interface TimelineOptions {
  readonly sha256: Sha256;
  /**
   * Opens the recording that a fork names as its parent.
   *
   * @throws LineageError when it is not to be had
   */
  readonly openParent: (
    parent: string,
    fork: string,
  ) => Promise<{ readonly name: string; readonly recording: Recording }>;
}

/**
 * A recording with its parents, and theirs. What a fork shares is checked: the chain is there, and the block with which the
 * shared beginning ends has the hash that the fork names (SPEC R112).
 *
 * @throws LineageError, MalformedBytesError, StoreError
 */
export async function openTimeline(name: string, recording: Recording, options: TimelineOptions): Promise<Timeline> {
  const own: Piece[] = [];
  for (const head of await recording.heads()) {
    const opening = await openingOf(recording, head);
    const fromUs = opening.lineage?.atUs ?? opening.atUs;
    own.push({ name, recording, head, opening, fromUs, untilUs: Number.POSITIVE_INFINITY });
  }
  const forked = own.find(({ opening }) => opening.lineage !== undefined)?.opening.lineage;
  if (forked === undefined) return { name, recording, parent: null, lives: own.map((piece) => lifeOf([piece])) };
  const opened = await options.openParent(forked.recording, name);
  const parent = await openTimeline(opened.name, opened.recording, options);
  for (const piece of own) await checkShared(piece, parent, options.sha256);
  return { name, recording, parent, lives: joined(parent, own) };
}

/** The parent's lives with the fork's pieces in their place. What a forked source did in later epochs is not the fork's. */
function joined(parent: Timeline, own: readonly Piece[]): readonly Life[] {
  const lives: Life[] = [];
  for (const life of parent.lives) {
    const mine = own.filter(({ head }) => head.tenant === life.tenant && head.source === life.source);
    const piece = mine.find(({ head }) => head.epoch === life.epoch);
    if (piece !== undefined) {
      const before = life.pieces.filter(({ fromUs }) => fromUs < piece.fromUs);
      const last = before.at(-1);
      const shared = last === undefined ? [] : [...before.slice(0, -1), { ...last, untilUs: piece.fromUs }];
      lives.push(lifeOf([...shared, piece]));
    } else if (!mine.some(({ head }) => head.epoch < life.epoch)) lives.push(life);
  }
  return lives.sort(byChain);
}

function lifeOf(pieces: readonly Piece[]): Life {
  const { opening, head } = pieces.at(-1) as Piece;
  const { tenant, source, epoch } = head;
  return { tenant, source, epoch, opening, pieces, endUs: head.atUs };
}

/** @throws LineageError */
async function checkShared({ name, opening, head }: Piece, parent: Timeline, sha256: Sha256): Promise<void> {
  const { lineage } = opening;
  const chain = chainName(head);
  const wrong = (what: string): never => {
    throw new LineageError(name, parent.name, what);
  };
  if (lineage === undefined) return wrong(`${chain} is no fork of anything, the rest of the recording is`);
  const life = parent.lives.find((other) => byChain(other, head) === 0);
  if (life === undefined) return wrong(`there is no ${chain} in it`);
  const piece = pieceAt(life, lineage.atUs);
  let found: Uint8Array | null = null;
  for await (const { bytes } of piece.recording.blocks(piece.head, lineage.sequence, lineage.sequence)) {
    if (isStub(bytes)) {
      found = droppedBlockEndingAt(bytes, lineage.sequence);
      continue;
    }
    const { events, firstSequence } = decodeBlock(bytes);
    if (firstSequence + events.length - 1 === lineage.sequence) found = sha256(bytes);
  }
  if (found === null) return wrong(`${chain} has no block that ends with event ${lineage.sequence} any more`);
  if (sameBytes(found, lineage.blockHash)) return;
  const hashes = `${hexOfBytes(found).slice(0, 16)} instead of ${hexOfBytes(lineage.blockHash).slice(0, 16)}`;
  wrong(`the block of ${chain} that ends with event ${lineage.sequence} was altered (${hashes})`);
}

/** Of blocks that were dropped the hashes are still known. */
function droppedBlockEndingAt(bytes: Uint8Array, sequence: number): Uint8Array | null {
  const { firstSequence, dropped } = decodeStub(bytes);
  let next = firstSequence;
  for (const { hash, count } of dropped) {
    next += count;
    if (next - 1 === sequence) return hash;
  }
  return null;
}

/** Agent time at which a timeline ends. Of a fork whom it reused lived on in its parent, which is no part of it any more. */
export const timelineEnd = ({ lives, recording }: Timeline): number => {
  const own = lives.filter(({ pieces }) => pieces.at(-1)?.recording === recording);
  return Math.max(0, ...own.map(({ endUs }) => endUs));
};

/** The piece that holds what was lived right before a moment. */
export function pieceAt({ pieces }: Life, atUs: number): Piece {
  return pieces.findLast(({ fromUs }) => fromUs < atUs) ?? (pieces[0] as Piece);
}

/** A wake with its place on record. */
export interface LivedWake extends Wake {
  /** Last event of the cut that holds it (SPEC R32), the hash of the block that ends with it, and when that was sealed (agent time). */
  readonly blockEnd: number;
  readonly blockHash: Uint8Array;
  readonly cutUs: number;
}

/** Where a reader begins. */
interface Beginning {
  readonly restored: Snapshot | null;
  /** The block that holds the snapshot, as the last wake that its state includes; null at the beginning of the life. */
  readonly place: LivedWake | null;
  readonly sequence: number;
}

/**
 * Reads a life wake by wake, from the last snapshot at or before a moment, up to its end or to where events of it were
 * dropped (SPEC R127).
 */
export class LifeReader {
  readonly life: Life;
  /** State to begin with; null for the beginning of the life. */
  readonly restored: Snapshot | null;
  /** The last wake that this state includes, without what it was given; null for the beginning of the life. */
  readonly place: LivedWake | null;
  /** Of the piece in which it begins. */
  readonly opening: Opening;
  readonly #wakes: AsyncIterator<ReadWakes>;
  #ahead: LivedWake[] = [];
  #at = 0;
  #done = false;
  #readUs: number;
  #dropped: (DroppedStretch & { readonly piece: Piece; readonly fromUs: number }) | null = null;

  private constructor(life: Life, piece: Piece, { restored, place, sequence }: Beginning) {
    this.life = life;
    this.opening = piece.opening;
    this.restored = restored;
    this.place = place;
    this.#readUs = restored?.atUs ?? piece.opening.atUs;
    this.#wakes = wakesFrom(life, piece, sequence)[Symbol.asyncIterator]();
  }

  /** @param atUs a snapshot of this moment counts @throws MalformedBytesError, StoreError */
  static async open(life: Life, atUs: number): Promise<LifeReader> {
    const piece = pieceAt(life, atUs + 1);
    const place = await piece.recording.snapshotBefore(piece.head, atUs);
    return new LifeReader(life, piece, await beginningAt(piece, place?.sequence ?? 0));
  }

  /**
   * Filled up to a moment, exclusive, and begun at another one before it; later, where events between were dropped and the
   * life can be followed from behind them.
   *
   * @throws LostLifeError when it cannot, MalformedBytesError, StoreError
   */
  static async leadingUpTo(life: Life, untilUs: number, lookUs: number): Promise<LifeReader> {
    const reader = await LifeReader.open(life, lookUs);
    await reader.fill(untilUs);
    if (reader.#isKnownAt(untilUs)) return reader;
    const later = await LifeReader.open(life, untilUs - 1);
    await later.fill(untilUs);
    if (later.#isKnownAt(untilUs)) return later;
    throw new LostLifeError(life, untilUs, (await later.lost()) as LostLife);
  }

  /** True when all that was lived before the moment was read, or the life ended before it. */
  #isKnownAt(atUs: number): boolean {
    return this.#dropped === null || atUs <= this.#dropped.fromUs;
  }

  /** Agent time up to which the life can be followed from here, inclusive: what follows was dropped. Null: none was, so far. */
  get knownUntilUs(): number | null {
    return this.#dropped?.fromUs ?? null;
  }

  /** What was dropped where this reader ends, and where the life can be followed again; null when it ends otherwise, or later. */
  async lost(): Promise<LostLife | null> {
    if (this.#dropped === null) return null;
    const { piece, firstSequence, lastSequence, fromUs } = this.#dropped;
    const snapshot = await snapshotBehind(piece.recording, piece.head, lastSequence);
    const resumes = snapshot !== null && snapshot.atUs < piece.untilUs ? snapshot : null;
    const [untilUs, resumedAt] = resumes === null ? [null, 0] : [resumes.atUs, resumes.sequence];
    return { firstSequence, lastSequence, fromUs, untilUs, resumedAt };
  }

  /** From the next snapshot behind what was dropped where this one ends; null when there is none. */
  async behind(): Promise<LifeReader | null> {
    if (this.#dropped === null) return null;
    const { piece } = this.#dropped;
    const lost = (await this.lost()) as LostLife;
    if (lost.untilUs !== null) return new LifeReader(this.life, piece, await beginningAt(piece, lost.resumedAt));
    const next = this.life.pieces[this.life.pieces.indexOf(piece) + 1];
    if (next === undefined) return null;
    // A fork's piece begins with its state (SPEC R111).
    return new LifeReader(this.life, next, await beginningAt(next, 2));
  }

  /** Reads on until everything before that moment lies ahead. */
  async fill(untilUs: number): Promise<void> {
    if (this.#at > 1024) {
      this.#ahead = this.#ahead.slice(this.#at);
      this.#at = 0;
    }
    while (!this.#done && (this.#ahead.at(-1)?.atUs ?? -1) < untilUs) {
      const next = await this.#wakes.next();
      if (next.done === true) this.#done = true;
      else {
        const { piece, wakes, dropped } = next.value;
        if (dropped !== null) this.#dropped = { ...dropped, piece, fromUs: this.#readUs };
        for (const wake of wakes) this.#ahead.push(wake);
        this.#readUs = wakes.at(-1)?.atUs ?? this.#readUs;
      }
    }
  }

  /** True when everything was read and taken out. */
  get done(): boolean {
    return this.#done && this.#at >= this.#ahead.length;
  }

  /** The next wake before that moment, taken out; undefined when none is left of what was filled. */
  next(untilUs: number): LivedWake | undefined {
    const wake = this.#ahead[this.#at];
    if (wake === undefined || wake.atUs >= untilUs) return undefined;
    this.#at++;
    return wake;
  }

  /** What lies ahead up to a moment, exclusive, without taking it out. */
  *peek(untilUs: number): Iterable<LivedWake> {
    for (let k = this.#at; k < this.#ahead.length; k++) {
      const wake = this.#ahead[k] as LivedWake;
      if (wake.atUs >= untilUs) return;
      yield wake;
    }
  }
}

/** When the writer sealed a block, by the wall clock that it put into it. */
function cutOf(bytes: Uint8Array, { timeUs, atUs }: Opening): number {
  const last = decodeBlock(bytes).events.at(-1) as Uint8Array;
  return decodeEnvelope(last).timeUs - (timeUs - atUs);
}

/** What the reader of a life is handed at once. */
interface ReadWakes {
  readonly piece: Piece;
  readonly wakes: readonly LivedWake[];
  /** Events were dropped behind these wakes: they are the last. */
  readonly dropped: DroppedStretch | null;
}

async function* wakesFrom(life: Life, first: Piece, fromSequence: number): AsyncIterable<ReadWakes> {
  for (const piece of life.pieces.slice(life.pieces.indexOf(first))) {
    const from = piece === first ? fromSequence : 1;
    let over = false;
    let cut: { readonly place: Place; readonly wakes: Wake[] } | null = null;
    for await (const block of piece.recording.blocks(piece.head, from, Number.MAX_SAFE_INTEGER)) {
      const dropped = droppedIn(block);
      if (dropped !== null) {
        if (cut !== null && cut.wakes.length > 0) yield readOf(piece, cut);
        yield { piece, wakes: [], dropped };
        return;
      }
      const decoded = decodeBlock(block.bytes);
      const place = placeOf(block, decoded, piece);
      // The blocks of one cut bear one time (SPEC R32).
      if (cut !== null && cut.place.cutUs !== place.cutUs) {
        if (cut.wakes.length > 0) yield readOf(piece, cut);
        cut = null;
        if (over) break;
      }
      const wakes: Wake[] = cut?.wakes ?? [];
      cut = { place, wakes };
      for (const envelope of decoded.events) {
        const event = decodeEnvelope(envelope);
        if (event.sequence < from || event.type !== EVENT_TYPE.stimulusSegment) continue;
        for (const wake of decodeSegment(event.data).wakes) {
          if (wake.atUs < piece.untilUs) wakes.push(wake);
          else over = true;
        }
      }
    }
    if (cut !== null && cut.wakes.length > 0) yield readOf(piece, cut);
  }
}

type Place = Omit<LivedWake, keyof Wake>;

const readOf = (
  piece: Piece,
  { place, wakes }: { readonly place: Place; readonly wakes: readonly Wake[] },
): ReadWakes => ({
  piece,
  wakes: wakes.map((wake) => ({ ...wake, ...place })),
  dropped: null,
});

const placeOf = (
  { bytes, hash }: StoredBlock,
  { events, firstSequence }: ReturnType<typeof decodeBlock>,
  { opening }: Piece,
): Place => ({
  blockEnd: firstSequence + events.length - 1,
  blockHash: hash,
  cutUs: cutOf(bytes, opening),
});

/** @param sequence of a snapshot; 0 for the beginning of the life */
async function beginningAt(piece: Piece, sequence: number): Promise<Beginning> {
  if (sequence === 0) return { restored: null, place: null, sequence: 1 };
  for await (const block of piece.recording.blocks(piece.head, sequence, sequence)) {
    const decoded = decodeBlock(block.bytes);
    const envelope = decoded.events[sequence - decoded.firstSequence] as Uint8Array;
    const restored = decodeSnapshot(decodeEnvelope(envelope));
    return { restored, place: { atUs: restored.atUs, inbox: [], ...placeOf(block, decoded, piece) }, sequence };
  }
  return { restored: null, place: null, sequence };
}

/** A life cannot be run at a moment: events of it were dropped for want of room (SPEC R127). */
export class LostLifeError extends Error {
  readonly source: string;
  readonly lost: LostLife;

  constructor({ source }: Life, atUs: number, lost: LostLife) {
    const { firstSequence, lastSequence } = lost;
    super(
      `${source} cannot be run at ${(atUs / 1e6).toFixed(2)} s: its events ${firstSequence} to ${lastSequence} were dropped for want of room`,
    );
    this.name = 'LostLifeError';
    this.source = source;
    this.lost = lost;
  }
}
