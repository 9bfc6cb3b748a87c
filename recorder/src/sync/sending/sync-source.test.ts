import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { testChain } from '../../../testing/chains.ts';
import { MemoryStore } from '../../../testing/memory-store.ts';
import { hexOfBytes } from '../../event.ts';
import { SyncSource } from './sync-source.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const HUB = new Uint8Array(32).fill(5);

test('[R127] [R120] an edge that has not met its hub again knows what that has; of another hub it assumes nothing', async () => {
  const recording = new MemoryStore();
  const chain = testChain('r1', sha256);
  const [begin, acknowledged] = [chain.begin(), chain.notes(3)];
  await recording.append([begin, acknowledged, chain.notes(5)]);
  const kept = { source: 'r1', epoch: 0, sequence: 4, hash: acknowledged.hash };
  const source = new SyncSource({
    tenant: 'acme',
    sources: new Set(['r1']),
    growing: [],
    recordings: [{ path: 'a', recording }],
    memory: {
      lastHub: () => hexOfBytes(HUB),
      acknowledged: (hub) => (hub === hexOfBytes(HUB) ? [kept] : []),
      acknowledge: () => undefined,
      urgent: () => [],
      remindOf: () => undefined,
    },
    bytesPerS: Number.POSITIVE_INFINITY,
    say: () => undefined,
    note: () => undefined,
    nowUs: () => 0,
    wallUs: () => 0,
    after: () => undefined,
  });
  const stands = () => source.standings().map(({ recorded, acknowledged: sequence }) => [recorded, sequence]);
  await source.open();
  assert.deepEqual(stands(), [[9, 4]]);
  await source.whenSettled();
  source.linked(HUB);
  assert.deepEqual(stands(), [[9, 4]]);
  source.linked(new Uint8Array(32).fill(6));
  assert.deepEqual(stands(), [[9, 0]]);
});
