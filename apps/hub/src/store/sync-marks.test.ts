import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type BlockStore,
  ChainMoments,
  compareHybrid,
  HybridClock,
  type HybridMark,
  type HybridMarks,
} from '@sigma/recorder';
import { openHybridMarks, readHybridMarks } from '@sigma/recorder/marks';
import { sha256 } from '@sigma/recorder/sqlite';
import { MemoryStore, testChain } from '@sigma/recorder/testing';
import { layDatabase } from '../../testing/laid-database.ts';
import { takeDataDir } from './data-dir.ts';
import { type Database, openDatabase } from './database.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { inHybridTime, postgresSyncMarks } from './sync-marks.ts';

let directory = '';
let server: EmbeddedPostgres;
let database: Database;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sigma-sync-marks-'));
  takeDataDir(directory)();
  server = await startEmbedded(await layDatabase(directory));
  database = await openDatabase(server.url, 'p');
});

after(async () => {
  await database.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const mark = (source: string, firstSequence: number, lastSequence: number, us: number, count = 0): HybridMark => ({
  source,
  epoch: 1,
  firstSequence,
  lastSequence,
  time: { us, count },
});

async function keeps(marks: HybridMarks): Promise<void> {
  assert.equal(await marks.newest(), null);
  const kept = [mark('r1', 4, 9, 500, 2), mark('r1', 1, 3, 400), mark('r2', 1, 1, 500, 3)];
  await Promise.all(kept.map((one) => marks.add(one)));
  await marks.add(mark('r1', 1, 3, 900));
  assert.deepEqual(await marks.of({ tenant: 'a', source: 'r1', epoch: 1 }), [kept[1], kept[0]], 'the first stands');
  assert.deepEqual(await marks.of({ tenant: 'a', source: 'r1', epoch: 2 }), []);
  assert.deepEqual(await marks.newest(), { us: 500, count: 3 });
}

test('[R128] [L7] marks are kept in a database of many tenants, of which each sees its own', async () => {
  await keeps(postgresSyncMarks(database, 'a'));
  const other = postgresSyncMarks(database, 'b');
  assert.equal(await other.newest(), null);
  assert.deepEqual(await other.of({ tenant: 'a', source: 'r1', epoch: 1 }), []);
  await assert.rejects(
    database.asTenant('b', (tx) => tx.execute(`INSERT INTO sync_marks VALUES ('a', 'r1', 1, 20, 20, 1, 1)`)),
  );
});

test('[R128] and beside a recording that is a file, where they are read without whoever writes them', async () => {
  const path = join(directory, 'hub.sqlite');
  assert.deepEqual(readHybridMarks(path, { tenant: 'a', source: 'r1', epoch: 1 }), []);
  const marks = openHybridMarks(path, 'a');
  await keeps(marks);
  assert.equal(readHybridMarks(path, { tenant: 'a', source: 'r1', epoch: 1 }).length, 2);
  assert.equal(readHybridMarks(path, { tenant: 'b', source: 'r1', epoch: 1 }).length, 0);
  marks.close();
});

test('[R128] what the hub records after it has heard of an edge whose clock is a day ahead stands behind that, and is marked only then', async () => {
  const kept: HybridMark[] = [];
  const clock = new HybridClock();
  const store: BlockStore = inHybridTime(new MemoryStore(), clock, async (one) => void kept.push(one));
  const chain = testChain('hub', sha256);
  await store.append([chain.begin()]);
  await store.append([chain.notes(2)]);
  assert.deepEqual(kept, []);
  const heard = { us: 1_700_000_000_000_000 + 86_400_000_000, count: 7 };
  clock.hear(heard, 1_700_000_000_000_000);
  await store.append([chain.notes(2)]);
  assert.deepEqual(
    kept.map(({ firstSequence, lastSequence }) => [firstSequence, lastSequence]),
    [[4, 5]],
  );
  const moments = new ChainMoments(kept);
  assert.ok(compareHybrid(moments.at(3, 1_700_000_000_000_000), heard) < 0);
  assert.ok(compareHybrid(moments.at(4, 1_700_000_000_000_000), heard) > 0);
  assert.ok(compareHybrid(moments.at(6, 1_700_000_000_000_000), heard) > 0, 'nor does what follows go back');
});
