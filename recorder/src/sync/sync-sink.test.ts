import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { type SinkWord, SyncSink } from './sync-sink.ts';
import { heldFrame } from './sync-wire.ts';

test('[R125] however many edges share the room of a hub, each is allowed whole bytes, which its frame can say', async () => {
  const failed: Error[] = [];
  const sink = new SyncSink({
    tenant: 'acme',
    store: new MemoryStore(),
    sha256,
    wallUs: () => 1_700_000_000_000_000,
    paceTime: { nowUs: () => 0, after: () => undefined },
    found: (finding) => finding.type === 'failed' && failed.push(finding.error),
  });
  const allowed: bigint[] = [];
  const say = (word: SinkWord): void => {
    if (word.type === 'held')
      allowed.push(heldFrame(word.chains, word.allowedBytes, word.time, word.unpacks).allowedBytes);
  };
  for (let n = 1; n <= 40; n++) {
    const link = sink.linked({ edgeId: `e${n}`, sources: new Set([`r${n}`]), say });
    link.hear({ type: 'shown', chains: [], time: { us: 1_700_000_000_000_000, count: 0 } });
  }
  await sink.settled();
  assert.deepEqual(failed, []);
  assert.equal(allowed.length, 40);
  assert.equal(allowed[0], 16n * 1024n * 1024n);
  assert.equal(allowed[39], BigInt(Math.floor((128 * 1024 * 1024) / 40)));
});
