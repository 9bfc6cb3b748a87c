import { blockHead } from '../../block.ts';
import type { ChainId } from '../../event.ts';
import type { BlockRun, RunRecording, StoredPack } from '../../store.ts';
import { decodeStub, isStub, restOfStub, sealStub } from '../gap.ts';
import { outgoingBlock } from '../outgoing.ts';
import { giveBack } from '../packed-blocks.ts';
import type { OutgoingBlock } from './sending-chain.ts';

/** Blocks that are read together: at first, and at most. */
const FIRST_BLOCKS = 8;
const MOST_BLOCKS = 4096;

type PackedRecording = Pick<RunRecording, 'run' | 'packAt' | 'unpackedTo'>;

/**
 * Reads one chain for the sender, batch after batch, many blocks at once. Where a batch begins at what was read and not
 * taken, or right behind what was, the reading goes on.
 */
export class ChainReading {
  readonly #recording: PackedRecording;
  readonly #chain: ChainId;
  /** Read, and perhaps not taken yet. */
  #ahead: readonly OutgoingBlock[] = [];
  /** Of these, how many were given the last time. */
  #given = 0;
  /** First event behind all that was read. */
  #next = 0;
  #mostBlocks = FIRST_BLOCKS;
  /** Up to here nothing is packed, as far as was looked. */
  #unpackedTo = 0;
  /** Read, and not passed on yet. */
  #pack: StoredPack | null = null;

  constructor(recording: PackedRecording, chain: ChainId) {
    this.#recording = recording;
    this.#chain = chain;
  }

  /**
   * What lies packed from that event on, to be sent as it lies; null where nothing begins there.
   *
   * @throws StoreError, MalformedBytesError
   */
  async pack(fromSequence: number): Promise<StoredPack | null> {
    if (fromSequence <= this.#unpackedTo) return null;
    if (this.#pack?.firstSequence === fromSequence) return this.#pack;
    const pack = await this.#recording.packAt(this.#chain, fromSequence);
    this.#pack = pack;
    if (pack === null) this.#unpackedTo = await this.#recording.unpackedTo(this.#chain, fromSequence);
    return pack;
  }

  /** What `pack` gave last is passed on, and its memory with it. */
  passed(): void {
    this.#pack = null;
  }

  /**
   * Blocks from that event on, up to the next that are packed where `pack` was asked before, up to so many bytes, one at least; behind a stub, which ends no batch, comes one more.
   * None where there is nothing.
   *
   * @param toSequence where the chain ended when it was last looked at
   * @throws StoreError, MalformedBytesError; then the next reading begins anew
   */
  async read(fromSequence: number, toSequence: number, mostBytes: number): Promise<readonly OutgoingBlock[]> {
    try {
      this.#goTo(fromSequence);
      const blocks = await this.#fill(fromSequence, toSequence, mostBytes);
      this.#given = blocks.length;
      return blocks;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /**
   * Blocks that somebody else has read, the next that there are: where the reading stands right before them it goes on with
   * these, and reads nothing twice. Of what waits for long no more is kept than is read together.
   */
  found(blocks: readonly OutgoingBlock[]): void {
    const [first, last] = [blocks[0], blocks.at(-1)];
    if (first === undefined || last === undefined) return;
    const stands = this.#next === first.firstSequence || (this.#next === 0 && this.#ahead.length === 0);
    if (!stands || this.#ahead.length + blocks.length > FIRST_BLOCKS) return;
    this.#ahead = [...this.#ahead, ...blocks];
    this.#next = last.firstSequence + last.count;
  }

  /**
   * The first so many blocks of what was given last were packed, and nobody looks at them any more: their memory is given
   * back at once. Left to the garbage collector it was the reason for a hundred full collections a GB.
   */
  done(count: number): void {
    for (const block of this.#ahead.slice(0, count)) if (block instanceof RunBlock) block.done();
    this.#ahead = this.#ahead.slice(count);
    this.#given = 0;
  }

  /** Passes over what was taken. As a rule that is all that was given. */
  #goTo(fromSequence: number): void {
    const begins = ({ firstSequence }: OutgoingBlock): boolean => firstSequence >= fromSequence;
    const behind = this.#ahead[this.#given];
    const place = behind?.firstSequence === fromSequence ? this.#given : this.#ahead.findIndex(begins);
    this.#ahead = place < 0 ? [] : this.#ahead.slice(place);
    if ((this.#ahead[0]?.firstSequence ?? this.#next) !== fromSequence) this.#forget();
  }

  #forget(): void {
    this.#ahead = [];
    this.#next = 0;
  }

  async #fill(fromSequence: number, toSequence: number, mostBytes: number): Promise<readonly OutgoingBlock[]> {
    let bytes = 0;
    for (let count = 0; ; count++) {
      // A stub ends no batch.
      const inPack = count > 0 && isStub((this.#ahead[count - 1] as OutgoingBlock).bytes);
      const to = inPack || fromSequence > this.#unpackedTo ? toSequence : Math.min(toSequence, this.#unpackedTo);
      if (count === this.#ahead.length && !(await this.#more(fromSequence, to, mostBytes))) return this.#ahead;
      const block = this.#ahead[count] as OutgoingBlock;
      bytes += block.bytes.length;
      if (bytes >= mostBytes && !isStub(block.bytes)) return this.#ahead.slice(0, count + 1);
    }
  }

  /** Reads on, so many bytes if the next blocks are as long as these. @returns false at the end */
  async #more(fromSequence: number, toSequence: number, bytes: number): Promise<boolean> {
    const place = this.#next === 0 ? fromSequence : this.#next;
    if (place > toSequence) return false;
    const run = await this.#recording.run(this.#chain, place, toSequence, this.#mostBlocks);
    if (run === null) return false;
    const blocks = outgoingBlocks(run, place);
    const wanted = Math.ceil((bytes * blocks.length) / run.bytes.length);
    this.#mostBlocks = Math.min(MOST_BLOCKS, Math.max(FIRST_BLOCKS, wanted));
    const last = blocks.at(-1) as OutgoingBlock;
    this.#ahead = [...this.#ahead, ...blocks];
    this.#next = last.firstSequence + last.count;
    return true;
  }
}

/**
 * The blocks of a run. Of a stub that begins it, only what the hub does not have yet: it may have received part of the
 * stretch before that was dropped.
 */
function outgoingBlocks(run: BlockRun, fromSequence: number): readonly OutgoingBlock[] {
  const memory = { run, open: run.ends.length };
  const [first, ...others] = run.ends.map((_, place) => new RunBlock(memory, place));
  if (first === undefined) return [];
  const cut = isStub(first.bytes) && first.firstSequence < fromSequence;
  const rest = cut ? restOfStub(decodeStub(first.bytes), fromSequence) : null;
  return [rest === null ? first : outgoingBlock(sealStub(rest)), ...others];
}

/** A run, and how many of its blocks somebody may still look at. */
interface RunMemory {
  readonly run: BlockRun;
  open: number;
}

/** A block of a run. Most are passed on without a look at what they say. */
class RunBlock implements OutgoingBlock {
  readonly bytes: Uint8Array;
  readonly #memory: RunMemory;
  readonly #place: number;
  #read: OutgoingBlock | null = null;

  constructor(memory: RunMemory, place: number) {
    const { bytes, ends } = memory.run;
    this.bytes = bytes.subarray(ends[place - 1] ?? 0, ends[place]);
    this.#memory = memory;
    this.#place = place;
  }

  get firstSequence(): number {
    return blockHead(this.bytes).firstSequence;
  }

  /** Bytes of its own, as those of `previousHash`: they are kept longer than the block. */
  get hash(): Uint8Array {
    const { bytes, ends, hash } = this.#memory.run;
    const end = ends[this.#place] as number;
    return end === bytes.length ? hash : blockHead(bytes, end).previousHash.slice();
  }

  get previousHash(): Uint8Array {
    return this.#whole.previousHash.slice();
  }

  get count(): number {
    return this.#whole.count;
  }

  get lastAtUs(): number {
    return this.#whole.lastAtUs;
  }

  get lastTimeUs(): number {
    return this.#whole.lastTimeUs;
  }

  done(): void {
    this.#memory.open--;
    if (this.#memory.open === 0) giveBack(this.#memory.run.bytes.buffer);
  }

  get #whole(): OutgoingBlock {
    this.#read ??= outgoingBlock(this);
    return this.#read;
  }
}
