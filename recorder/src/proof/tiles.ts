import { scanBlock } from '../block.ts';
import { type ChainId, chainName, type Sha256, sameBytes } from '../event.ts';
import type { Recording } from '../store.ts';
import { HASH_BYTES, leafHasher, nodeHasher, peakHeights, TreeFrontier } from './merkle.ts';
import type { NodeAt } from './merkle-proof.ts';

/** Tiles as in c2sp.org/tlog-tiles: 256 hashes, eight levels of the tree each. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

/** Part of a tree: hashes `index * 256` and following of height `8 * level`, as many as there are yet. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  /** 1 to 256 hashes. */
  readonly hashes: Uint8Array;
}

/**
 * Keeps the tiles of trees. All of it follows from the blocks and can be thrown away: it makes proofs cheap. Nothing
 * in it is believed: a proof is checked against a signed root before it is given out.
 */
export interface TileShelf {
  /** Leaves that the tiles of this chain cover; 0 when there are none. */
  size(chain: ChainId): Promise<number>;
  tile(chain: ChainId, level: number, index: number): Promise<Uint8Array | null>;
  /** Hash of the block with which the tiles end; null when nobody wrote it down. */
  mark(chain: ChainId): Promise<Uint8Array | null>;
  /** Puts tiles in the place of those with the same level and index, and sets size and mark, all or nothing. */
  put(chain: ChainId, size: number, tiles: readonly Tile[], mark: Uint8Array | null): Promise<void>;
  clear(chain: ChainId): Promise<void>;
}

/** The tiles on the shelf are not those of this recording. */
export class TilesDifferError extends Error {
  readonly chain: ChainId;
  readonly sequence: number;

  constructor(chain: ChainId, sequence: number, what: string) {
    super(`${chainName(chain)}, event ${sequence}: ${what}. Verify the recording, then have its tiles built anew`);
    this.name = 'TilesDifferError';
    this.chain = chain;
    this.sequence = sequence;
  }
}

/** Grows a tree and hands out its tiles: full ones as they fill, the unfinished ones on request. */
export class TileWriter {
  readonly tree: TreeFrontier;
  readonly #open: { index: number; width: number; readonly hashes: Uint8Array }[] = [];
  #full: Tile[] = [];

  constructor(sha256: Sha256) {
    this.tree = new TreeFrontier(sha256, (height, index, hash) => {
      if (height % TILE_HEIGHT === 0) this.#add(height / TILE_HEIGHT, index, hash);
    });
  }

  push(leaf: Uint8Array): void {
    this.tree.push(leaf);
  }

  /** Goes on where the tiles of a shelf end. */
  async resume(size: number, tile: (level: number, index: number) => Promise<Uint8Array>, node: NodeAt): Promise<void> {
    const peaks = new Map<number, Uint8Array>();
    let at = 0;
    for (const height of peakHeights(size)) {
      peaks.set(height, await node(height, at / 2 ** height));
      at += 2 ** height;
    }
    this.tree.resume(size, (height) => peaks.get(height) as Uint8Array);
    for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
      const width = count % TILE_WIDTH;
      const open = this.#at(level, Math.floor(count / TILE_WIDTH));
      if (width > 0) open.hashes.set((await tile(level, open.index)).subarray(0, width * HASH_BYTES));
      open.width = width;
    }
  }

  /** Full tiles since the last call. */
  full(): readonly Tile[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** The tiles at the right edge that are not full. */
  partial(): readonly Tile[] {
    return this.#open.flatMap(({ index, width, hashes }, level) =>
      width === 0 ? [] : [{ level, index, hashes: hashes.slice(0, width * HASH_BYTES) }],
    );
  }

  #at(level: number, index: number) {
    const open = this.#open[level] ?? { index, width: 0, hashes: new Uint8Array(TILE_WIDTH * HASH_BYTES) };
    open.index = index;
    this.#open[level] = open;
    return open;
  }

  #add(level: number, index: number, hash: Uint8Array): void {
    const open = this.#at(level, Math.floor(index / TILE_WIDTH));
    open.hashes.set(hash, open.width * HASH_BYTES);
    open.width++;
    if (open.width < TILE_WIDTH) return;
    this.#full.push({ level, index: open.index, hashes: open.hashes.slice() });
    open.width = 0;
    open.index++;
  }
}

/** Reads nodes of a tree from its tiles: at most one tile for each, and up to 255 hashes. */
export function tileNodes(shelf: Pick<TileShelf, 'tile'>, chain: ChainId, sha256: Sha256): NodeAt {
  const join = nodeHasher(sha256);
  const read = new Map<string, Promise<Uint8Array | null>>();
  return async (height, index) => {
    const level = Math.floor(height / TILE_HEIGHT);
    const width = 2 ** (height % TILE_HEIGHT);
    const place = Math.floor((index * width) / TILE_WIDTH);
    const key = `${level}/${place}`;
    const pending = read.get(key) ?? shelf.tile(chain, level, place);
    read.set(key, pending);
    const hashes = await pending;
    const from = (index * width) % TILE_WIDTH;
    if (hashes === null || hashes.length < (from + width) * HASH_BYTES) {
      const sequence = place * TILE_WIDTH ** (level + 1) + 1;
      throw new TilesDifferError(chain, sequence, `tile ${level}/${place} is missing or too short`);
    }
    let row = Array.from({ length: width }, (_, i) =>
      hashes.subarray((from + i) * HASH_BYTES, (from + i + 1) * HASH_BYTES),
    );
    while (row.length > 1) {
      row = Array.from({ length: row.length / 2 }, (_, i) =>
        join(row[2 * i] as Uint8Array, row[2 * i + 1] as Uint8Array),
      );
    }
    return row[0] as Uint8Array;
  };
}

/** Full tiles that are written together. */
const TILES_A_PUT = 256;

/**
 * Whether the tiles on a shelf are those of this recording: the block with which they end is the one that was there. A
 * block's hash covers everything before it, so that a recording that was rewritten, or restored and gone on with, is
 * told from the one that the tiles were made of. `unmarked`: nobody wrote down which block that was.
 */
export async function shelfStands(
  recording: Recording,
  chain: ChainId,
  shelf: TileShelf,
): Promise<'stands' | 'differs' | 'unmarked'> {
  const size = await shelf.size(chain);
  if (size === 0) return 'stands';
  const mark = await shelf.mark(chain);
  if (mark === null) return 'unmarked';
  for await (const { hash } of recording.blocks(chain, size, size)) return sameBytes(hash, mark) ? 'stands' : 'differs';
  return 'differs';
}

/**
 * Brings a shelf up to the end of a chain, reading only what it does not cover yet.
 *
 * @returns leaves covered, at least `toSequence` when the recording has that many
 * @throws TilesDifferError when the recording is not the one the shelf covers, MalformedBytesError, StoreError
 */
export async function fillShelf(
  recording: Recording,
  chain: ChainId,
  shelf: TileShelf,
  sha256: Sha256,
  toSequence: number,
): Promise<number> {
  const size = await shelf.size(chain);
  if (size >= toSequence) return size;
  const writer = new TileWriter(sha256);
  const nodes = tileNodes(shelf, chain, sha256);
  await writer.resume(size, async (level, index) => (await shelf.tile(chain, level, index)) as Uint8Array, nodes);
  const leafOf = leafHasher(sha256);
  let waiting: Tile[] = [];
  let last = new Uint8Array();
  const put = (tiles: readonly Tile[]): Promise<void> =>
    shelf.put(chain, writer.tree.size, [...tiles, ...writer.partial()], last);
  for await (const { bytes, hash } of recording.blocks(chain, size + 1, Number.MAX_SAFE_INTEGER)) {
    const { sequences, from, to } = scanBlock(bytes);
    for (let i = 0; i < sequences.length; i++) {
      const sequence = sequences[i] as number;
      if (sequence <= writer.tree.size) continue;
      if (sequence !== writer.tree.size + 1) {
        throw new TilesDifferError(chain, sequence, `${writer.tree.size + 1} belongs here`);
      }
      writer.push(leafOf(bytes, from[i] as number, to[i] as number));
    }
    last = hash.slice();
    waiting.push(...writer.full());
    if (waiting.length < TILES_A_PUT) continue;
    await put(waiting);
    waiting = [];
  }
  if (writer.tree.size > size) await put(waiting);
  return writer.tree.size;
}

/** A shelf that lasts as long as the program. */
export function memoryShelf(): TileShelf {
  const sizes = new Map<string, number>();
  const marks = new Map<string, Uint8Array | null>();
  const tiles = new Map<string, Uint8Array>();
  return {
    size: async (chain) => sizes.get(chainName(chain)) ?? 0,
    tile: async (chain, level, index) => tiles.get(`${chainName(chain)} ${level}/${index}`) ?? null,
    mark: async (chain) => marks.get(chainName(chain)) ?? null,
    put: async (chain, size, fresh, mark) => {
      for (const { level, index, hashes } of fresh) tiles.set(`${chainName(chain)} ${level}/${index}`, hashes);
      sizes.set(chainName(chain), size);
      marks.set(chainName(chain), mark);
    },
    clear: async (chain) => {
      const name = chainName(chain);
      sizes.delete(name);
      marks.delete(name);
      for (const key of [...tiles.keys()]) if (key.startsWith(`${name} `)) tiles.delete(key);
    },
  };
}

/** Path of a tile in a tlog-tiles directory; `kind` is its level, or `entries`. `width` is 256 for a full one. */
export function tilePath(kind: number | 'entries', index: number, width: number): string {
  const digits = `${index}`.padStart(Math.ceil(`${index}`.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const path = digits.map((part, i) => (i < digits.length - 1 ? `x${part}` : part)).join('/');
  return `tile/${kind}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}
