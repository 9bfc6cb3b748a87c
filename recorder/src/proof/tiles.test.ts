import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { decodeBlock } from '../block.ts';
import { type ChainId, type Sha256, sameBytes } from '../event.ts';
import { leafHash, TreeFrontier } from './merkle.ts';
import { treeRoot } from './merkle-proof.ts';
import { fillShelf, memoryShelf, type Tile, type TileShelf, TilesDifferError, TileWriter, tileNodes } from './tiles.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const { opening: chain } = testChain('r17', sha256);
const leaf = (n: number): Uint8Array => leafHash(Uint8Array.of(n & 255, n >> 8, n >> 16), sha256);

/** A recording of one opening and blocks of notes. */
async function recorded(...sizes: readonly number[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  const { begin, notes } = testChain('r17', sha256);
  await store.append([begin(), ...sizes.map((count) => notes(count))]);
  return store;
}

/** Notes what is put on a shelf, and where reading begins. */
function watched(store: MemoryStore) {
  const shelf = memoryShelf();
  const puts: { readonly size: number; readonly tiles: readonly string[] }[] = [];
  const begins: number[] = [];
  const watching: TileShelf = {
    ...shelf,
    put: (of, size, tiles, mark) => {
      puts.push({ size, tiles: tiles.map(({ level, index, hashes }) => `${level}/${index}:${hashes.length / 32}`) });
      return shelf.put(of, size, tiles, mark);
    },
  };
  const plain = store.blocks.bind(store);
  store.blocks = (of, from, to) => {
    begins.push(from);
    return plain(of, from, to);
  };
  return { shelf: watching, puts, begins };
}

test('[R91] tiles come out full as they fill, each with its place, and the rest on request', () => {
  const writer = new TileWriter(sha256);
  const full: Tile[] = [];
  for (let n = 0; n < 66_000; n++) {
    writer.push(leaf(n));
    full.push(...writer.full());
  }
  const names = full.map(({ level, index }) => `${level}/${index}`);
  const expected = Array.from({ length: 257 }, (_, index) => `0/${index}`);
  expected.splice(256, 0, '1/0');
  assert.deepEqual(names, expected);
  assert.deepEqual(writer.full(), [], 'given out once');
  assert.deepEqual(
    writer.partial().map(({ level, index, hashes }) => [level, index, hashes.length / 32]),
    [
      [0, 257, 208],
      [1, 1, 1],
      [2, 0, 1],
    ],
  );
  const third = full.find(({ level, index }) => level === 0 && index === 3)?.hashes;
  assert.deepEqual(third?.subarray(0, 32), leaf(768));
  const tree = new TreeFrontier(sha256);
  for (let n = 0; n < 256; n++) tree.push(leaf(n));
  const level1 = full.find(({ level }) => level === 1)?.hashes;
  assert.deepEqual(level1?.subarray(0, 32), tree.root());
});

test('[R91] a shelf that is up to date is not read nor written again; one that is not goes on where it ends', async () => {
  const store = await recorded(299);
  const { shelf, puts, begins } = watched(store);
  assert.equal(await fillShelf(store, chain, shelf, sha256, 300), 300);
  assert.deepEqual(puts, [{ size: 300, tiles: ['0/0:256', '0/1:44', '1/0:1'] }]);
  assert.equal(await fillShelf(store, chain, shelf, sha256, 300), 300);
  assert.equal(await fillShelf(store, chain, shelf, sha256, 200), 300, 'it covers more than was asked for');
  assert.equal(puts.length, 1);
  assert.deepEqual(begins, [1]);
  assert.equal(await fillShelf(store, chain, shelf, sha256, 301), 300, 'the recording has no more');
  assert.equal(puts.length, 1);
  assert.deepEqual(begins, [1, 301]);
});

test('[R91] many tiles are put in several goes, each of which leaves a shelf that is whole', async () => {
  const store = await recorded(...Array.from({ length: 140 }, () => 1000));
  const { shelf, puts } = watched(store);
  await fillShelf(store, chain, shelf, sha256, 140_001);
  assert.deepEqual(
    puts.map(({ size }) => size),
    [66_001, 132_001, 140_001],
  );
  const tree = new TreeFrontier(sha256);
  for (const { bytes } of store.rows) for (const e of decodeBlock(bytes).events) tree.push(leafHash(e, sha256));
  assert.ok(sameBytes(await treeRoot(140_001, tileNodes(shelf, chain, sha256), sha256), tree.root()));
  // Nothing is put twice but what was not full.
  const seen = puts.flatMap(({ tiles }) => tiles.filter((tile) => tile.endsWith(':256')));
  assert.equal(new Set(seen).size, seen.length);
});

test('[R91] a tile is read once, however many of its nodes are asked for', async () => {
  const store = await recorded(299);
  const shelf = memoryShelf();
  await fillShelf(store, chain, shelf, sha256, 300);
  let reads = 0;
  const counting = {
    tile: (of: ChainId, level: number, index: number) => {
      reads++;
      return shelf.tile(of, level, index);
    },
  };
  const nodes = tileNodes(counting, chain, sha256);
  await Promise.all([nodes(0, 1), nodes(3, 4), nodes(7, 1), nodes(0, 299)]);
  assert.equal(reads, 2);
});

test('[R100] [L4] a tile that is not there or too short is named with the first event that it would cover', async () => {
  const nodes = tileNodes({ tile: async () => null }, chain, sha256);
  const says = (height: number, index: number, sequence: number, tile: RegExp) =>
    assert.rejects(
      nodes(height, index),
      (error) =>
        error instanceof TilesDifferError &&
        error.name === 'TilesDifferError' &&
        error.sequence === sequence &&
        tile.test(error.message),
    );
  await says(0, 600, 513, /tile 0\/2 is missing or too short/);
  await says(8, 300, 65_537, /tile 1\/1 is missing/);
  const short = tileNodes({ tile: async () => new Uint8Array(5 * 32) }, chain, sha256);
  assert.equal((await short(0, 4)).length, 32);
  await assert.rejects(short(0, 5), /too short/);
  await assert.rejects(short(1, 2), /too short/);
});

test('[R100] [L4] a recording with a hole, or another one than the shelf covers, is told by the event', async () => {
  const store = await recorded(10, 10, 10);
  store.rows.splice(2, 1);
  await assert.rejects(
    fillShelf(store, chain, memoryShelf(), sha256, 31),
    (error) => error instanceof TilesDifferError && error.sequence === 22 && /12 belongs here/.test(error.message),
  );
});

test('[R100] a shelf keeps the tiles of each chain apart, and clears one without touching the others', async () => {
  const other = { ...chain, source: 'r17 0' };
  const shelf = memoryShelf();
  await shelf.put(chain, 1, [{ level: 0, index: 0, hashes: leaf(1) }], null);
  await shelf.put(other, 2, [{ level: 0, index: 0, hashes: leaf(2) }], null);
  assert.deepEqual(await shelf.tile(chain, 0, 0), leaf(1));
  await shelf.clear(chain);
  assert.deepEqual([await shelf.size(chain), await shelf.tile(chain, 0, 0)], [0, null]);
  assert.deepEqual([await shelf.size(other), await shelf.tile(other, 0, 0)], [2, leaf(2)]);
  const nowhere = { ...chain, source: 'nobody' };
  assert.deepEqual([await shelf.size(nowhere), await shelf.tile(nowhere, 0, 0)], [0, null]);
});
