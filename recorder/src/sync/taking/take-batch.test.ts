import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstandard } from '../../../stores/zstandard.ts';
import { testChain } from '../../../testing/chains.ts';
import { decodeBlock } from '../../block.ts';
import type { SealedBlock } from '../../chain-writer.ts';
import { NO_CHANGE } from '../../fork/change.ts';
import { snapshotEvent } from '../../payload/snapshot.ts';
import { packBlocks } from '../packed-blocks.ts';
import type { BlockBatch } from '../sync-words.ts';
import { blocksOf } from './sealed-pack.ts';
import { type BatchDoor, takeBatch } from './take-batch.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const door: BatchDoor = { tenant: 'acme', sources: new Set(['r1', 'r2']) };
const chain = testChain('r1', sha256);
const blocks = [chain.begin(), chain.notes(3), chain.notes(1), chain.notes(2, 40)];

function batchOf(sent: readonly SealedBlock[], over: Partial<BlockBatch> = {}): BlockBatch {
  const [first] = sent as [SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const hash = (sent.at(-1) as SealedBlock).hash;
  const time = { us: 1, count: 0 };
  return {
    tenant,
    source,
    epoch,
    firstSequence,
    previousHash,
    hash,
    time,
    blocks: sent.map(({ bytes }) => bytes),
    ...over,
  };
}

/** In bytes of their own, whoever else they lie with. */
const plain = (sealed: readonly SealedBlock[]) =>
  sealed.map((block) => ({
    ...block,
    bytes: Uint8Array.from(block.bytes),
    hash: Uint8Array.from(block.hash),
    previousHash: Uint8Array.from(block.previousHash),
  }));

const refusalOf = (batch: BlockBatch): string => {
  const taken = takeBatch(batch, door, sha256);
  return 'refusal' in taken ? taken.refusal : 'taken';
};

test('[R120] an honest batch gives back the blocks as their writer sealed them, from any place of the chain', () => {
  for (const from of [0, 1, 2]) {
    const taken = takeBatch(batchOf(blocks.slice(from)), door, sha256);
    assert.ok('blocks' in taken);
    assert.deepEqual(taken.blocks, blocks.slice(from));
  }
});

test('[R195] a packed batch is judged as what it unpacks to, and keeps its pack; one that nobody asked for is damaged', () => {
  const sent = blocks.slice(1);
  const packed = packBlocks(
    sent.map(({ bytes }) => bytes),
    zstandard,
  );
  const batch = batchOf(sent, { blocks: [], packed });
  const taken = takeBatch(batch, door, sha256, zstandard);
  assert.ok('pack' in taken);
  assert.deepEqual([taken.pack.bytes, taken.pack.blocks, taken.pack.count], [packed.bytes, 3, 6]);
  assert.deepEqual(plain(blocksOf(taken.pack, taken.pack)), plain(sent));
  const refusals: [string, BlockBatch, typeof zstandard | undefined][] = [
    ['not asked for', batch, undefined],
    ['both', { ...batch, blocks: [(sent[0] as SealedBlock).bytes] }, zstandard],
    ['another length', { ...batch, packed: { ...packed, unpackedBytes: packed.unpackedBytes + 1 } }, zstandard],
    ['another hash', { ...batch, hash: (blocks[0] as SealedBlock).hash }, zstandard],
    ['another place', { ...batch, firstSequence: 7 }, zstandard],
  ];
  for (const [what, wrong, packing] of refusals) {
    const refused = takeBatch(wrong, door, sha256, packing);
    assert.equal('refusal' in refused ? refused.refusal : 'taken', 'damaged', what);
  }
});

test('[R120] snapshots are found where their writer marked them', () => {
  const other = testChain('r2', sha256);
  const begin = other.begin();
  const sealed = other.writer.seal([snapshotAt(5_000), snapshotAt(9_000)]);
  const taken = takeBatch(batchOf([begin, sealed]), door, sha256);
  assert.ok('blocks' in taken);
  assert.deepEqual(taken.blocks[1]?.snapshots, sealed.snapshots);
  assert.equal(sealed.snapshots.length, 2);
});

const snapshotAt = (atUs: number) =>
  snapshotEvent(
    {
      inputSequence: 1,
      atUs,
      state: new Uint8Array([1]),
      stateHash: new Uint8Array(32),
      model: '',
      modelVersion: 1,
      flags: [],
      policyHash: '',
    },
    1,
  );

test('[R120] [R123] [L4] half a batch, one with a hole, blocks in another order, or a byte that turned: refused as damaged', () => {
  const whole = batchOf(blocks);
  const half = { ...whole, blocks: whole.blocks.slice(0, 2) };
  const torn = { ...whole, blocks: [...whole.blocks.slice(0, 3), (whole.blocks[3] as Uint8Array).subarray(0, 20)] };
  const hole = { ...whole, blocks: whole.blocks.filter((_, i) => i !== 1) };
  const turned = { ...whole, blocks: [0, 2, 1, 3].map((i) => whole.blocks[i] as Uint8Array) };
  for (const batch of [half, torn, hole, turned, { ...whole, blocks: [] }, { ...whole, hash: new Uint8Array(32) }]) {
    assert.equal(refusalOf(batch), 'damaged');
  }
  const third = blocks[2] as SealedBlock;
  for (let at = 0; at < third.bytes.length; at++) {
    const bent = third.bytes.slice();
    bent[at] = (bent[at] as number) ^ 1;
    const refusal = refusalOf({ ...whole, blocks: whole.blocks.map((bytes, i) => (i === 2 ? bent : bytes)) });
    assert.ok(refusal === 'damaged' || refusal === 'tenant', `byte ${at}: ${refusal}`);
  }
});

test('[R123] [L7] another tenant, in the batch or in one of its blocks, and a source that nobody said hello for', () => {
  assert.equal(refusalOf(batchOf(blocks, { tenant: 'evil' })), 'tenant');
  const theirs = testChain('r1', sha256, { tenant: 'evil' });
  const smuggled = batchOf([theirs.begin(), theirs.notes(1)], { tenant: 'acme' });
  assert.equal(decodeBlock(smuggled.blocks[0] as Uint8Array).tenant, 'evil');
  assert.equal(refusalOf(smuggled), 'tenant');
  const stranger = testChain('r9', sha256);
  assert.equal(refusalOf(batchOf([stranger.begin()])), 'stranger');
  const posing = batchOf([testChain('r2', sha256).begin()], { source: 'r1' });
  assert.equal(refusalOf(posing), 'damaged');
});

test('[R110] [R123] a fork is what might have been: a hub does not take it for a chain that it has not seen yet', () => {
  const hash = new Uint8Array(32).fill(1);
  const lineage = {
    recording: 'site.sqlite',
    siteHead: hash,
    sequence: 40,
    blockHash: hash,
    atUs: 9,
    change: NO_CHANGE,
  };
  const fork = testChain('r1', sha256, { lineage });
  const refused = takeBatch(batchOf([fork.begin(), fork.notes(2)]), door, sha256);
  assert.ok('refusal' in refused);
  assert.equal(refused.refusal, 'stranger');
  assert.match(refused.message, /acme\/r1 epoch 0 is a fork/);
});
