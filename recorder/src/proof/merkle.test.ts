import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hexOfBytes, type Sha256, sameBytes } from '../event.ts';
import { leafHash, leafHasher, nodeHasher, TreeFrontier } from './merkle.ts';
import {
  consistencyProof,
  firstDifference,
  inclusionProof,
  type NodeAt,
  type TreeHead,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle-proof.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The leaves and roots that Certificate Transparency tests its RFC 6962 trees with; RFC 9162 has the same tree. */
const CT_LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const CT_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** The tree as the RFC defines it, by recursion over all leaves: slow, and too short to be wrong. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array());
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1, ...naiveRoot(leaves.slice(0, split)), ...naiveRoot(leaves.slice(split))));
}

const naiveNodes =
  (leaves: readonly Uint8Array[]): NodeAt =>
  async (height, index) => {
    const [from, to] = [index * 2 ** height, (index + 1) * 2 ** height];
    assert.ok(to <= leaves.length, 'only complete subtrees are asked for');
    return naiveRoot(leaves.slice(from, to));
  };

const numbered = (count: number, salt = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => leafHash(Uint8Array.of(i & 255, i >> 8, salt), sha256));

test('[R90] the roots of the Certificate Transparency vectors, leaf by leaf', () => {
  const tree = new TreeFrontier(sha256);
  assert.equal(hexOfBytes(tree.root()), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  CT_LEAVES.forEach((leaf, i) => {
    tree.push(leafHash(bytesOf(leaf), sha256));
    assert.equal(hexOfBytes(tree.root()), CT_ROOTS[i]);
  });
});

test('[R92] the proofs of the Certificate Transparency vectors', async () => {
  const nodes = naiveNodes(CT_LEAVES.map((leaf) => leafHash(bytesOf(leaf), sha256)));
  const path = async (leaf: number, size: number) => (await inclusionProof(leaf, size, nodes, sha256)).map(hexOfBytes);
  const growth = async (a: number, b: number) => (await consistencyProof(a, b, nodes, sha256)).map(hexOfBytes);
  const left = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e';
  const right = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4';
  assert.deepEqual(await path(0, 1), []);
  assert.deepEqual(await path(0, 8), ['96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7', left, right]);
  assert.deepEqual(await path(5, 8), [
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    CT_ROOTS[3],
  ]);
  assert.deepEqual(await path(2, 3), [CT_ROOTS[1]]);
  assert.deepEqual(await growth(1, 8), [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    left,
    right,
  ]);
  assert.deepEqual(await growth(6, 8), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    CT_ROOTS[3],
  ]);
  assert.deepEqual(await growth(2, 5), [left, 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b']);
  assert.deepEqual(await growth(4, 4), []);
});

test('[R90] the growing tree has the root of the naive one at every size, and can be resumed at any', async () => {
  const leaves = numbered(300);
  const tree = new TreeFrontier(sha256);
  for (let size = 0; size <= leaves.length; size++) {
    if (size % 7 === 0 || size > 250) assert.ok(sameBytes(tree.root(), naiveRoot(leaves.slice(0, size))), `${size}`);
    if (size < leaves.length) tree.push(leaves[size] as Uint8Array);
  }
  const nodes = naiveNodes(leaves);
  const peaks = new Map<number, Uint8Array>();
  for (let height = 0, at = 201; height < 9; height++, at = Math.floor(at / 2)) {
    if (at % 2 === 1) peaks.set(height, await nodes(height, at - 1));
  }
  const again = new TreeFrontier(sha256);
  again.resume(201, (height) => peaks.get(height) as Uint8Array);
  for (const leaf of leaves.slice(201)) again.push(leaf);
  assert.ok(sameBytes(again.root(), naiveRoot(leaves)));
});

test('[R92] every leaf of every tree has a proof that holds, and holds for nothing else', async () => {
  const all = numbered(70);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), async (size, place, spoil) => {
      const leaves = all.slice(0, size);
      const head = { size, root: naiveRoot(leaves) };
      const index = place % size;
      const leaf = leaves[index] as Uint8Array;
      const proof = await inclusionProof(index, size, naiveNodes(leaves), sha256);
      const holds = (at: number, of: Uint8Array, by: readonly Uint8Array[], under = head) =>
        verifyInclusion(of, at, under, by, sha256);
      assert.equal(holds(index, leaf, proof), true);
      assert.ok(proof.length <= Math.ceil(Math.log2(size)));
      if (size > 1) assert.equal(holds((index + 1) % size, leaf, proof), false, 'another place');
      assert.equal(holds(index, numbered(1, 9)[0] as Uint8Array, proof), false, 'another leaf');
      assert.equal(holds(index, leaf, [...proof, leaf]), false, 'a hash too many');
      assert.equal(holds(size, leaf, proof), false, 'beyond the tree');
      if (proof.length > 0) {
        assert.equal(holds(index, leaf, proof.slice(1)), false, 'a hash missing');
        const altered = proof.map((part, i) => (i === spoil % proof.length ? part.map((byte) => byte ^ 1) : part));
        assert.equal(holds(index, leaf, altered), false, 'a hash altered');
      }
    }),
    { seed: 9162, numRuns: 120 },
  );
});

test('[R92] growth is proved between all sizes, and a rewritten past is not', async () => {
  const leaves = numbered(40);
  const nodes = naiveNodes(leaves);
  for (let second = 1; second <= 40; second += second > 12 ? 5 : 1) {
    for (let first = 0; first <= second; first++) {
      const a = { size: first, root: naiveRoot(leaves.slice(0, first)) };
      const b = { size: second, root: naiveRoot(leaves.slice(0, second)) };
      const proof = await consistencyProof(first, second, nodes, sha256);
      assert.equal(verifyConsistency(a, b, proof, sha256), true, `${first} to ${second}`);
      if (first === 0) continue;
      const other = {
        size: first,
        root: naiveRoot([...leaves.slice(0, first - 1), leaves[0] as Uint8Array].reverse()),
      };
      if (first > 1)
        assert.equal(verifyConsistency(other, b, proof, sha256), false, `${first} to ${second}, rewritten`);
      const changed = { size: second, root: a.root.map((byte) => byte ^ 1) };
      assert.equal(verifyConsistency(a, changed, proof, sha256), false);
      assert.equal(verifyConsistency(a, b, [...proof, a.root], sha256), false);
      if (proof.length > 0) assert.equal(verifyConsistency(a, b, proof.slice(0, -1), sha256), false);
      if (first < second) assert.equal(verifyConsistency(b, a, proof, sha256), false, 'no tree shrinks');
    }
  }
});

test('[R92] a node of the tree does not pass for a leaf, nor a shorter path for a proof', async () => {
  const leaves = numbered(8);
  const nodes = naiveNodes(leaves);
  const head = { size: 8, root: naiveRoot(leaves) };
  const path = await inclusionProof(0, 8, nodes, sha256);
  assert.equal(verifyInclusion(await nodes(1, 0), 0, head, path.slice(1), sha256), false);
  assert.equal(verifyInclusion(head.root, 0, head, [], sha256), false);
  const whole = { size: 4, root: head.root };
  assert.equal(verifyConsistency(whole, head, [], sha256), false);
});

test('[R92] a proof that nobody can give is refused by its numbers', async () => {
  const nodes = naiveNodes(numbered(4));
  await assert.rejects(inclusionProof(4, 4, nodes, sha256), /Leaf 4 is not between 0 and 3/);
  await assert.rejects(inclusionProof(0, 0, nodes, sha256), /Tree size 0/);
  await assert.rejects(consistencyProof(5, 4, nodes, sha256), /Earlier tree size 5/);
  await assert.rejects(inclusionProof(0.5, 4, nodes, sha256), RangeError);
});

test('[R99] the event in which two histories part is found from their trees', async () => {
  const leaves = numbered(77);
  for (const place of [0, 1, 31, 63, 64, 75, 76]) {
    const other = leaves.with(place, numbered(1, 5)[0] as Uint8Array);
    assert.equal(await firstDifference(naiveNodes(leaves), naiveNodes(other), 77), place);
    assert.equal(await firstDifference(naiveNodes(leaves), naiveNodes(other), place), null);
  }
});

test('[R90] leaves hashed in place within their block are those hashed alone, and the block stays as it is', () => {
  const block = Uint8Array.from({ length: 400 }, (_, i) => i & 255);
  const before = block.slice();
  const inPlace = leafHasher(sha256);
  for (const [from, to] of [
    [3, 50],
    [52, 52],
    [54, 400],
  ] as const) {
    const envelope = block.subarray(from, to);
    assert.ok(sameBytes(inPlace(block, from, to), leafHash(envelope, sha256)));
  }
  assert.deepEqual(block, before);
  const offset = block.subarray(100, 300);
  assert.ok(sameBytes(inPlace(offset, 10, 60), leafHash(block.subarray(110, 160), sha256)));
});

test('[R92] a proof among ten million events takes 768 bytes at most', async () => {
  const nowhere: NodeAt = async () => new Uint8Array(32);
  for (const index of [0, 1, 5_000_000, 8_388_607, 8_388_608, 9_999_999]) {
    const proof = await inclusionProof(index, 10_000_000, nowhere, sha256);
    assert.ok(proof.length * 32 <= 768, `${proof.length} hashes`);
  }
  assert.ok((await consistencyProof(8_388_607, 10_000_000, nowhere, sha256)).length * 32 <= 1000);
  assert.equal((await treeRoot(10_000_000, nowhere, sha256)).length, 32);
});

test('[R92] numbers that are none, and hashes of another length, prove nothing and break nothing', async () => {
  const leaves = numbered(8);
  const nodes = naiveNodes(leaves);
  const head = { size: 8, root: naiveRoot(leaves) };
  const leaf = leaves[2] as Uint8Array;
  const path = await inclusionProof(2, 8, nodes, sha256);
  assert.equal(verifyInclusion(leaf, 2, head, path, sha256), true);
  for (const index of [-1, 0.5, 2.5, Number.NaN, 8, 2 ** 53]) {
    assert.equal(verifyInclusion(leaf, index, head, path, sha256), false, `leaf ${index}`);
  }
  for (const size of [-8, 0, 2.5, 7.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(verifyInclusion(leaf, 2, { ...head, size }, path, sha256), false, `size ${size}`);
  }
  // A path that spells the same bytes in other pieces must not pass: 33 + 31 bytes hash to the same node as 32 + 32.
  const [first, second, third] = path as [Uint8Array, Uint8Array, Uint8Array];
  assert.equal(verifyInclusion(leaf, 2, head, [first.subarray(0, 31), second, third], sha256), false);
  assert.equal(verifyInclusion(leaf, 2, head, [Uint8Array.of(...first, 0), second, third], sha256), false);
  // In a tree of one leaf the leaf is the root, and no path leads further.
  const alone = { size: 1, root: leaf };
  assert.equal(verifyInclusion(leaf, 0, alone, [], sha256), true);
  const above = nodeHasher(sha256)(first, leaf);
  assert.equal(verifyInclusion(leaf, 0, { size: 1, root: above }, [first], sha256), false);
});

test('[R92] a growth proof is held to its numbers and to whole hashes too', async () => {
  const leaves = numbered(11);
  const nodes = naiveNodes(leaves);
  const headAt = (size: number) => ({ size, root: naiveRoot(leaves.slice(0, size)) });
  const growth = await consistencyProof(6, 11, nodes, sha256);
  const holds = (a: TreeHead, b: TreeHead, by: readonly Uint8Array[]) => verifyConsistency(a, b, by, sha256);
  assert.equal(holds(headAt(6), headAt(11), growth), true);
  for (const size of [-6, 5.5, Number.NaN, 12]) {
    assert.equal(holds({ ...headAt(6), size }, headAt(11), growth), false, `first ${size}`);
    // One size more has a proof of the same shape here: what binds a root to its size is the signature.
    if (size !== 12) assert.equal(holds(headAt(6), { ...headAt(11), size }, growth), false, `second ${size}`);
  }
  growth.forEach((hash, n) => {
    assert.equal(holds(headAt(6), headAt(11), growth.with(n, hash.subarray(0, 31))), false, `hash ${n} too short`);
    assert.equal(holds(headAt(6), headAt(11), growth.with(n, Uint8Array.of(...hash, 0))), false, `hash ${n} too long`);
  });
  assert.equal(holds(headAt(6), headAt(11), []), false);
  const empty = headAt(0);
  assert.equal(holds(empty, headAt(11), []), true);
  assert.equal(holds(empty, headAt(11), growth), false, 'from nothing nothing need be shown');
  assert.equal(holds({ size: 0, root: new Uint8Array(32) }, headAt(11), []), false, 'the empty tree has one root');
  assert.equal(holds({ size: 0, root: new Uint8Array(32) }, { size: 0, root: new Uint8Array(32) }, growth), false);
  assert.equal(holds({ size: -1, root: empty.root }, headAt(11), []), false);
  // Two trees of one size are one tree.
  assert.equal(holds(headAt(4), headAt(4), [leaves[0] as Uint8Array]), false);
  // A proof may not go on behind the root of the second tree.
  const two = headAt(2);
  const beyond = nodeHasher(sha256)(two.root, leaves[5] as Uint8Array);
  assert.equal(
    holds({ size: 1, root: leaves[0] as Uint8Array }, { size: 2, root: beyond }, [
      leaves[1] as Uint8Array,
      leaves[5] as Uint8Array,
    ]),
    false,
  );
});
