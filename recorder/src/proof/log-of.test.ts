import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { decodeBlock } from '../block.ts';
import { hexOfBytes } from '../event.ts';
import { NO_CHANGE } from '../fork/change.ts';
import { chainOfOrigin, logKey, openCheckpoint, originOf } from './checkpoint.ts';
import { checkProof, proveEvent, signHead } from './event-proof.ts';
import { exportTlog } from './export-tlog.ts';
import { logOf } from './log-of.ts';
import { leafHash } from './merkle.ts';

const key = ed25519Key(new Uint8Array(32).fill(4));
const lineage = {
  recording: 'site.sqlite',
  siteHead: new Uint8Array(32).fill(1),
  sequence: 4,
  blockHash: new Uint8Array(32).fill(2),
  atUs: 900,
  change: NO_CHANGE,
};

async function recorded(forked: boolean, atUs = 900): Promise<MemoryStore> {
  const chain = testChain('r1', sha256, forked ? { lineage: { ...lineage, atUs } } : {});
  const store = new MemoryStore();
  await store.append([chain.begin(), chain.notes(3)]);
  return store;
}
const r1 = { tenant: 'acme', source: 'r1', epoch: 0 };

test('[R93] [R110] a chain is its own log, and a fork is another, named by the opening that bears its lineage', async () => {
  assert.deepEqual(await logOf(await recorded(false), r1, sha256), r1);
  const store = await recorded(true);
  const log = await logOf(store, r1, sha256);
  const opening = decodeBlock(store.rows[0]?.bytes ?? new Uint8Array()).events[0] as Uint8Array;
  assert.equal(log.fork, hexOfBytes(leafHash(opening, sha256)).slice(0, 32));
  assert.equal(originOf(log), `sigma/acme/r1/0/fork/${log.fork}`);
  assert.equal(chainOfOrigin(originOf(log)), null, 'nobody takes it for a chain that is recorded');
  assert.notEqual((await logOf(await recorded(true, 901), r1, sha256)).fork, log.fork);
});

test('[R110] neither an export nor a proof of a fork is signed as its parent is', async () => {
  const store = await recorded(true);
  const log = await logOf(store, r1, sha256);
  const files = new Map<string, Uint8Array>();
  const exported = await exportTlog(store, r1, (path, bytes) => void files.set(path, bytes), sha256, { key });
  assert.equal(exported.origin, originOf(log));
  const proof = await proveEvent(store, r1, 2, { key }, sha256);
  const parents = { keys: [logKey(r1, key.publicKey)], ed25519: ed25519Verify, sha256 };
  const own = { ...parents, keys: [logKey(exported.log, key.publicKey)] };
  for (const note of [new TextDecoder().decode(files.get('checkpoint')), await signHead(store, r1, key, sha256)]) {
    assert.equal(openCheckpoint(note, own).size, 4);
    assert.throws(() => openCheckpoint(note, parents), /no known key/);
  }
  assert.equal(checkProof(proof.envelope, proof.proof, own).sequence, 2);
  assert.throws(() => checkProof(proof.envelope, proof.proof, parents), /no known key/);
});
