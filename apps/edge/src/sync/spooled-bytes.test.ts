import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { testChain } from '@sigma/recorder/testing';
import { spooledBytes } from './spooled-bytes.ts';

test('[R127] the bound of a recording is for what this run records: an earlier one that filled it leaves this one its room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-spooled-'));
  const path = join(folder, 'edge.sqlite');
  const store = openSqliteStore(path);
  const [first, second] = [0, 1].map((epoch) => testChain('r01', sha256, { epoch }));
  await store.append([first?.begin(), first?.notes(400, 1_000)].flatMap((block) => block ?? []));
  const spooled = spooledBytes(path);
  assert.equal(spooled(), 0);
  await store.append([second?.begin(), second?.notes(200, 1_000)].flatMap((block) => block ?? []));
  const grown = spooled();
  assert.ok(grown > 150_000 && grown < 300_000, String(grown));
  await store.close();
  rmSync(folder, { recursive: true });
});
