import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sealStub } from '../gap.ts';
import { outgoingBlock } from '../outgoing.ts';
import { fitting, type OutgoingBlock } from './sending-chain.ts';

const HASH = new Uint8Array(32).fill(7);
const stub = outgoingBlock(
  sealStub({
    ...{ tenant: 'acme', source: 'r1', epoch: 0, firstSequence: 2, previousHash: HASH, lastAtUs: 1 },
    dropped: [{ hash: HASH, count: 1 }],
  }),
);
const block = (bytes: number): OutgoingBlock => ({ ...stub, bytes: new Uint8Array(bytes) });
const chain = fc.array(fc.oneof(fc.constant(stub), fc.integer({ min: 1, max: 400 }).map(block)), { maxLength: 12 });
const sizeOf = (blocks: readonly OutgoingBlock[]): number => blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);

test('[R124] [R127] a batch is no more than may be sent and ends with no stub; only what is alone goes whatever its size, and then no more than must', () => {
  fc.assert(
    fc.property(chain, fc.nat(1_200), fc.boolean(), (blocks, mostBytes, alone) => {
      const chosen = fitting(blocks, mostBytes, alone);
      assert.deepEqual(chosen, blocks.slice(0, chosen.length), 'in order, from the first on');
      assert.notEqual(chosen.at(-1), stub);
      const [firstEnd, next] = [0, chosen.length].map((from) =>
        blocks.findIndex((one, i) => i >= from && one !== stub),
      );
      if (sizeOf(chosen) > mostBytes) assert.ok(alone && chosen.length - 1 === firstEnd);
      const more = blocks.slice(0, (next as number) + 1);
      const nothingMore = next === -1 || sizeOf(more) > mostBytes;
      assert.ok(nothingMore && (chosen.length > 0 || !alone || firstEnd === -1), 'as many as fit');
    }),
    { seed: 124, numRuns: 2_000 },
  );
});
