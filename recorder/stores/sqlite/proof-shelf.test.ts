import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { checkProof, logKey, openTree, proveEvent, StoreCorruptError, signHead, verify } from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { openProofShelf } from './proof-shelf.ts';
import { openSqliteRecorder, openSqliteRecording, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-shelf-'));
after(() => rmSync(home, { recursive: true }));
const key = ed25519Key(new Uint8Array(32).fill(3));

test('[R100] [R45] proofs are made while the recording is written, and its writer never notices', async () => {
  const path = join(home, 'live.sqlite');
  const recorder = await openSqliteRecorder(path);
  const chain = testChain('r17', sha256);
  await recorder.append([chain.begin(), chain.notes(300)]);
  const trust = { keys: [logKey(chain.opening, key.publicKey)], ed25519: ed25519Verify, sha256 };
  const reader = openSqliteRecording(path);
  const shelf = openProofShelf(path);
  const first = await proveEvent(reader, chain.opening, 17, { key }, sha256, shelf);
  await recorder.append([chain.notes(500)]);
  const second = await proveEvent(reader, chain.opening, 700, { key }, sha256, shelf);
  await recorder.append([chain.notes(1)]);
  assert.equal(checkProof(first.envelope, first.proof, trust).checkpoint.size, 301);
  assert.equal(checkProof(second.envelope, second.proof, trust).checkpoint.size, 801);
  assert.equal(await shelf.size(chain.opening), 801);
  await shelf.close();
  await reader.close();
  await recorder.close();
});

test('[R100] [R97] what is on a shelf is there the next time: tiles, and checkpoints to verify by', async () => {
  const path = join(home, 'kept.sqlite');
  const recorder = await openSqliteRecorder(path);
  const chain = testChain('r17', sha256);
  await recorder.append([chain.begin(), chain.notes(400)]);
  const before = openProofShelf(path);
  const tree = await openTree(recorder, chain.opening, sha256, before);
  const note = await signHead(recorder, chain.opening, key, sha256, before);
  await before.keep(chain.opening, tree.size, note);
  await before.keep(chain.opening, tree.size, note);
  await before.close();
  const shelf = openProofShelf(path);
  const notes = await shelf.checkpoints(chain.opening);
  assert.deepEqual(notes, [note]);
  assert.equal((await shelf.tile(chain.opening, 0, 0))?.length, 8192);
  const trust = { keys: [logKey(chain.opening, key.publicKey)], ed25519: ed25519Verify };
  const report = await verify(recorder, { sha256, reexecutors: {}, checkpoints: { notes, trust }, shelf });
  assert.equal(report.firstFailure, null);
  assert.equal(report.chains[0]?.checkpointsMet, 1);
  await shelf.clear(chain.opening);
  assert.equal(await shelf.size(chain.opening), 0);
  assert.equal((await openTree(recorder, chain.opening, sha256, shelf)).size, 401);
  await shelf.close();
  await recorder.close();
});

test('[R100] a file that is no shelf is refused with the way out, and left as it is', () => {
  const path = join(home, 'other');
  writeFileSync(`${path}.proofs`, 'a letter to a friend, of some length, so that it is no empty file');
  const before = readFileSync(`${path}.proofs`);
  assert.throws(() => openProofShelf(path), StoreCorruptError);
  assert.deepEqual(readFileSync(`${path}.proofs`), before);
});
