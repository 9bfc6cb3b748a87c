import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ConnectRequestSchema } from '@sigma/proto';
import { sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { note, testChain } from '../../testing/chains.ts';
import { encodeSent, passedOn, sentFrame, sentOf } from './sync-wire.ts';
import type { BlockBatch } from './sync-words.ts';

/** A batch of blocks of very different sizes. */
function batch(source: string, sizes: readonly number[]): BlockBatch {
  const { writer, begin } = testChain(source, sha256);
  const blocks = [begin(), ...sizes.map((size) => writer.seal([note(1, 5, size)]))];
  const { previousHash, firstSequence, tenant, epoch } = blocks[0] as (typeof blocks)[0];
  const time = { us: 1_700_000_000_000_000, count: 3 };
  const { hash } = writer.head;
  return { tenant, source, epoch, firstSequence, previousHash, hash, blocks: blocks.map(({ bytes }) => bytes), time };
}

test('[R120] a batch that is written once and passed on arrives as protobuf-es would have written it', () => {
  for (const sizes of [[], [1], [10, 3_000, 90], [70_000, 1, 200_000]]) {
    for (const source of ['r1', 'übergroße-näme-'.repeat(20)]) {
      const unpacked = batch(source, sizes);
      const packed = { bytes: Uint8Array.of(1, 2, 3), unpackedBytes: 70_000 };
      for (const whole of [unpacked, { ...unpacked, blocks: [], packed }]) {
        const frame = passedOn(encodeSent(whole));
        const heard = fromBinary(ConnectRequestSchema, toBinary(ConnectRequestSchema, frame)).frame;
        assert.equal(heard.case, 'blocksSent');
        assert.deepEqual(sentOf(heard.value as never), whole);
        assert.deepEqual(
          { ...heard.value, blocks: heard.value?.blocks.map((block) => [...block]) },
          { ...sentFrame(whole), blocks: whole.blocks.map((block) => [...block]) },
        );
      }
    }
  }
});

test('[R120] the buffer of a written batch belongs to nothing else, so that it may change hands', () => {
  const whole = batch('r1', [500]);
  const sent = encodeSent(whole);
  structuredClone(sent, { transfer: [sent.buffer] });
  assert.ok(whole.blocks.every(({ length }) => length > 0));
});
