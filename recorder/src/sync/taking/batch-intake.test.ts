import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { zstandard } from '../../../stores/zstandard.ts';
import { testChain } from '../../../testing/chains.ts';
import { MemoryStore } from '../../../testing/memory-store.ts';
import type { SealedBlock } from '../../chain-writer.ts';
import { hexOfBytes } from '../../event.ts';
import { packBlocks } from '../packed-blocks.ts';
import type { BlockBatch } from '../sync-words.ts';
import { BatchIntake } from './batch-intake.ts';
import { blocksOf, isPack, type PackStore } from './sealed-pack.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const door = { tenant: 'acme', sources: new Set(['r1']) };
const LONG_AGO = { us: 1_600_000_000_000_000, count: 0 };

function packed(sent: readonly SealedBlock[]): BlockBatch {
  const [first, last] = [sent[0], sent.at(-1)] as [SealedBlock, SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const pack = packBlocks(
    sent.map(({ bytes }) => bytes),
    zstandard,
  );
  const place = { tenant, source, epoch, firstSequence, previousHash, hash: last.hash, time: LONG_AGO };
  return { ...place, blocks: [], packed: pack };
}

/** A chain that is another from that block on where it is told so. */
function history(otherFrom = 9): readonly SealedBlock[] {
  const chain = testChain('r1', sha256);
  return [chain.begin(), ...[1, 2, 3, 4].map((n) => chain.notes(2, n >= otherFrom ? 5 : 0))];
}

const hashesOf = (blocks: readonly SealedBlock[]): readonly string[] => blocks.map(({ hash }) => hexOfBytes(hash));

test('[R195] [R43] a pack goes as one to a store that keeps packs, and as its blocks to one that keeps none', async () => {
  const blocks = history();
  const batch = packed(blocks.slice(1));
  const kept: string[] = [];
  const keeps: PackStore = {
    appendPacked: async (units) => {
      for (const unit of units) kept.push(isPack(unit) ? `${unit.blocks}: ${unit.bytes.length}` : 'a block');
    },
  };
  const none = new MemoryStore();
  await none.append(blocks.slice(0, 1));
  const outcomes = [];
  for (const store of [Object.assign(new MemoryStore(), keeps), none]) {
    outcomes.push(await new BatchIntake({ store, sha256, packing: zstandard }).take(batch, door));
  }
  for (const outcome of outcomes) {
    assert.ok(outcome.type === 'stored');
    assert.deepEqual([outcome.sequence, outcome.blocks], [9, 4]);
    assert.deepEqual(hashesOf(outcome.sealed()), hashesOf(blocks.slice(1)));
    assert.deepEqual(outcome.pack && hashesOf(blocksOf(outcome.pack, outcome.pack)), hashesOf(blocks.slice(1)));
  }
  assert.deepEqual(kept, [`4: ${batch.packed?.bytes.length}`]);
  const [head] = await none.heads();
  assert.deepEqual([head?.sequence, hexOfBytes(head?.hash ?? new Uint8Array())], [9, hashesOf(blocks).at(-1)]);
});

test('[R123] [L4] of a pack that is another history than the recorded one the block is named that differs first', async () => {
  const [ours, theirs] = [history(), history(3)];
  const store = new MemoryStore();
  await store.append(ours.slice(0, 4));
  const intake = new BatchIntake({ store, sha256, packing: zstandard });
  const outcome = await intake.take(packed(theirs.slice(1)), door);
  assert.ok(outcome.type === 'foreign');
  assert.equal(outcome.sequence, 6);
  assert.deepEqual(
    [outcome.block?.previousHash, outcome.block?.hash].map((hash) => hexOfBytes(hash ?? new Uint8Array())),
    hashesOf(theirs).slice(2, 4),
  );
  assert.equal((await store.heads())[0]?.sequence, 7);
});
