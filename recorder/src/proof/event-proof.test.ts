import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { decodeBlock } from '../block.ts';
import { type Sha256, sameBytes } from '../event.ts';
import { NoSuchEventError } from '../playback.ts';
import { logKey, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { checkProof, openTree, proveEvent, signHead } from './event-proof.ts';
import { exportTlog } from './export-tlog.ts';
import { leafHash, TreeFrontier } from './merkle.ts';
import { inclusionProof, treeRoot, verifyConsistency } from './merkle-proof.ts';
import { fillShelf, memoryShelf, type TileShelf, TilesDifferError, tileNodes, tilePath } from './tiles.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const key = ed25519Key(new Uint8Array(32).fill(1));

/** A chain of one opening and blocks of the given sizes, in a store. */
async function recording(sizes: readonly number[], padding = 0) {
  const store = new MemoryStore();
  const { opening, writer, begin, notes } = testChain('r17', sha256);
  await store.append([begin(), ...sizes.map((count) => notes(count, padding))]);
  const envelopes = store.rows.flatMap(({ bytes }) => decodeBlock(bytes).events);
  return { store, chain: opening, writer, notes, envelopes, trust: trustOf() };
}

const trustOf = () => ({
  keys: [logKey(testChain('r17', sha256).opening, key.publicKey)],
  ed25519: ed25519Verify,
  sha256,
});

const rootOf = (envelopes: readonly Uint8Array[]): Uint8Array => {
  const tree = new TreeFrontier(sha256);
  for (const envelope of envelopes) tree.push(leafHash(envelope, sha256));
  return tree.root();
};

/** Counts what is read of a shelf. */
function counting(shelf: TileShelf) {
  const reads: string[] = [];
  const tile: TileShelf['tile'] = (chain, level, index) => {
    reads.push(`${level}/${index}`);
    return shelf.tile(chain, level, index);
  };
  return { reads, shelf: { ...shelf, tile } };
}

test('[R91] [R100] a shelf filled in any number of steps holds the same tree', async () => {
  const { store, chain, notes, envelopes } = await recording([]);
  const stepwise = memoryShelf();
  const all = [...envelopes];
  for (const count of [1, 100, 153, 1, 1, 254, 3, 700]) {
    const block = notes(count);
    await store.append([block]);
    all.push(...decodeBlock(block.bytes).events);
    assert.equal(await fillShelf(store, chain, stepwise, sha256, all.length), all.length);
    for (const shelf of [stepwise, memoryShelf()]) {
      const { root } = await (await openTree(store, chain, sha256, shelf)).head();
      assert.ok(sameBytes(root, rootOf(all)), `at ${all.length}`);
    }
  }
  assert.equal((await stepwise.tile(chain, 0, 3))?.length, 8192);
  assert.equal((await stepwise.tile(chain, 1, 0))?.length, 4 * 32);
});

test('[R101] [R92] every event of a recording is proved under its signed head, to somebody who has nothing but keys', async () => {
  const { store, chain, envelopes, trust } = await recording([40, 1, 300]);
  const shelf = memoryShelf();
  for (const sequence of [1, 2, 41, 42, 256, 257, 342]) {
    const { envelope, proof } = await proveEvent(store, chain, sequence, { key }, sha256, shelf);
    assert.deepEqual(envelope, envelopes[sequence - 1]);
    const proved = checkProof(envelope, proof, trust);
    assert.deepEqual([proved.sequence, proved.checkpoint.size], [sequence, 342]);
    assert.throws(() => checkProof(envelopes[sequence % 342] as Uint8Array, proof, trust), /is not number/);
    assert.throws(() => checkProof(envelope, proof, { ...trust, keys: [] }), /no known key/);
    assert.throws(
      () => checkProof(envelope, proof.replace(/index \d+/, 'index 341000'), trust),
      /is not number 341001/,
    );
    const withExtra = proof.replace('\nindex', '\nextra AAAA\nindex');
    assert.equal(checkProof(envelope, withExtra, trust).sequence, sequence);
  }
  assert.throws(() => checkProof(envelopes[0] as Uint8Array, 'nonsense', trust), /a proof begins with/);
});

test('[R101] a proof under an earlier checkpoint, and the growth from it, are given from the same tiles', async () => {
  const { store, chain, trust } = await recording([40, 300]);
  const tree = await openTree(store, chain, sha256);
  const checkpoint = signCheckpoint(chain, await tree.head(100), key, sha256);
  const { envelope, proof } = await proveEvent(store, chain, 77, { checkpoint, trust }, sha256);
  assert.equal(checkProof(envelope, proof, trust).checkpoint.size, 100);
  assert.ok(verifyConsistency(await tree.head(100), await tree.head(), await tree.consistency(100), sha256));
  await assert.rejects(proveEvent(store, chain, 101, { checkpoint, trust }, sha256), /covers events up to 100/);
  await assert.rejects(proveEvent(store, chain, 999, { key }, sha256), NoSuchEventError);
  const false_ = checkpoint.replace('\n100\n', '\n200\n');
  await assert.rejects(proveEvent(store, chain, 77, { checkpoint: false_, trust }, sha256), /signature .* is false/);
});

test('[R91] a proof in a long chain reads a handful of tiles and one block', async () => {
  const { store, chain } = await recording(Array.from({ length: 70 }, () => 1000));
  const { reads, shelf } = counting(memoryShelf());
  await openTree(store, chain, sha256, shelf);
  reads.length = 0;
  await proveEvent(store, chain, 35_123, { key }, sha256, shelf);
  // The head and the path each read: the leaf's own tile, the right edge of each level, and the levels above.
  assert.ok(new Set(reads).size <= 5, `tiles ${[...new Set(reads)].join(' ')}`);
});

test('[R91] among ten million events a proof and the head it is under read seven tiles at most', async () => {
  const tile = new Uint8Array(8192);
  for (const index of [0, 255, 4_999_999, 8_388_608, 9_999_871, 9_999_872, 9_999_999]) {
    const reads = new Set<string>();
    const shelf = { tile: async (_: unknown, level: number, n: number) => reads.add(`${level}/${n}`) && tile };
    const nodes = tileNodes(shelf, testChain('r17', sha256).opening, sha256);
    await inclusionProof(index, 10_000_000, nodes, sha256);
    await treeRoot(10_000_000, nodes, sha256);
    assert.ok(reads.size <= 7, `event ${index + 1}: ${[...reads].join(' ')}`);
  }
});

test('[R100] [R147] [L4] an altered recording, or a shelf of another one, brings forth no proof', async () => {
  const honest = await recording([40, 300]);
  const checkpoint = await signHead(honest.store, honest.chain, key, sha256);
  const anchor = { checkpoint, trust: honest.trust };
  const altered = await recording([40, 300], 1);
  await assert.rejects(proveEvent(altered.store, altered.chain, 77, anchor, sha256), TilesDifferError);
  const shelf = memoryShelf();
  await fillShelf(honest.store, honest.chain, shelf, sha256, 1);
  await assert.rejects(proveEvent(altered.store, altered.chain, 77, { key }, sha256, shelf), TilesDifferError);
  await shelf.clear(altered.chain);
  await proveEvent(altered.store, altered.chain, 77, { key }, sha256, shelf);
  const mark = await shelf.mark(altered.chain);
  await shelf.put(altered.chain, 341, [{ level: 0, index: 0, hashes: new Uint8Array(32) }], mark);
  await assert.rejects(
    proveEvent(altered.store, altered.chain, 3, { key }, sha256, shelf),
    /tile 0\/0 is missing or too short/,
  );
});

test('[R98] an exported log has the tiles, entries and checkpoint of its specification', async () => {
  const { store, chain, envelopes, trust } = await recording([40, 472]);
  const files = new Map<string, Uint8Array>();
  const written = await exportTlog(store, chain, (path, content) => void files.set(path, content), sha256, { key });
  assert.deepEqual([...files.keys()].sort(), [
    'checkpoint',
    'tile/0/000',
    'tile/0/001',
    'tile/0/002.p/1',
    'tile/1/000.p/2',
    'tile/entries/000',
    'tile/entries/001',
    'tile/entries/002.p/1',
  ]);
  assert.equal([...files.keys()].at(-1), 'checkpoint', 'the head comes last');
  assert.deepEqual([written.size, written.files, written.wideEvents.length], [513, 8, 0]);
  const head = openCheckpoint(new TextDecoder().decode(files.get('checkpoint')), trust);
  assert.ok(sameBytes(head.root, rootOf(envelopes)));
  const last = files.get('tile/entries/002.p/1') as Uint8Array;
  assert.deepEqual(last.subarray(2), envelopes[512]);
  assert.equal(((last[0] as number) << 8) | (last[1] as number), envelopes[512]?.length);
});

test('[R98] an event too wide for the format goes to a bundle of ours, and an export ends where its checkpoint does', async () => {
  const { store, chain, notes, trust } = await recording([300]);
  await store.append([notes(1, 70_000), notes(5)]);
  const files = new Map<string, Uint8Array>();
  const keep = (path: string, content: Uint8Array): void => void files.set(path, content);
  assert.deepEqual((await exportTlog(store, chain, keep, sha256, { key })).wideEvents, [302]);
  assert.ok(files.has('tile/entries/000') && files.has('entries32/001.p/51'));
  assert.ok(!files.has('tile/entries/001.p/51'));
  files.clear();
  const tree = await openTree(store, chain, sha256);
  const checkpoint = signCheckpoint(chain, await tree.head(260), key, sha256);
  assert.equal((await exportTlog(store, chain, keep, sha256, { checkpoint, trust })).size, 260);
  assert.ok(files.has('tile/entries/001.p/4'));
  assert.equal(parseCheckpoint(new TextDecoder().decode(files.get('checkpoint'))).size, 260);
  const false_ = signCheckpoint(chain, { size: 260, root: new Uint8Array(32) }, key, sha256);
  await assert.rejects(exportTlog(store, chain, keep, sha256, { checkpoint: false_, trust }), TilesDifferError);
  const beyond = signCheckpoint(chain, { size: 999, root: new Uint8Array(32) }, key, sha256);
  await assert.rejects(exportTlog(store, chain, keep, sha256, { checkpoint: beyond, trust }), /has 307/);
});

test('[R91] tile paths are written in groups of three digits', () => {
  assert.equal(tilePath(0, 1_234_067, 256), 'tile/0/x001/x234/067');
  assert.equal(tilePath('entries', 5, 17), 'tile/entries/005.p/17');
});
