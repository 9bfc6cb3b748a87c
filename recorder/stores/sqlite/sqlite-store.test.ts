import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { StoreClosedError } from '../../src/index.ts';
import { blockStoreContract } from '../../testing/block-store-contract.ts';
import { testChain } from '../../testing/chains.ts';
import { openSqliteRecorder, openSqliteRecording, openSqliteStore, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-recorder-'));
after(() => rmSync(home, { recursive: true }));
let files = 0;
const freshPath = (): string => join(home, `${++files}.db`);

blockStoreContract({
  name: 'sqlite, same thread',
  sha256,
  open: async () => {
    const path = freshPath();
    return { store: openSqliteStore(path), reopen: async () => openSqliteStore(path) };
  },
});

blockStoreContract({
  name: 'sqlite, same thread with a landing',
  sha256,
  open: async () => {
    const path = freshPath();
    const options = { landing: true, mostLanded: 3 };
    return { store: openSqliteStore(path, options), reopen: async () => openSqliteStore(path, options) };
  },
});

blockStoreContract({
  name: 'sqlite, worker thread',
  sha256,
  open: async () => {
    const path = freshPath();
    return { store: await openSqliteRecorder(path), reopen: () => openSqliteRecorder(path) };
  },
});

test('[R45] a recording is read while it is written, and sees what was acknowledged', async () => {
  const path = freshPath();
  const recorder = await openSqliteRecorder(path);
  const a = testChain('r01', sha256);
  await recorder.append([a.begin()]);
  const reader = openSqliteRecording(path);
  for (let n = 1; n <= 20; n++) {
    await recorder.append([a.notes(2)]);
    assert.equal((await reader.heads())[0]?.sequence, 1 + 2 * n);
  }
  await reader.close();
  await recorder.close();
});

test('[R46] close waits for what was appended; after it every call says that the recording is closed', async () => {
  const path = freshPath();
  const recorder = await openSqliteRecorder(path);
  const a = testChain('r01', sha256);
  const appended = [a.begin(), a.notes(1), a.notes(1)].map((block) => recorder.append([block]));
  await recorder.close();
  await Promise.all(appended);
  await assert.rejects(recorder.append([a.notes(1)]), StoreClosedError);
  await assert.rejects(recorder.heads(), StoreClosedError);
  const reader = openSqliteRecording(path);
  assert.equal((await reader.heads())[0]?.sequence, 3);
  await reader.close();
});
