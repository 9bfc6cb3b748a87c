import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { archiveRecording } from '../../archive/archive-recording.ts';
import { ColdArchive } from '../../archive/cold-archive.ts';
import { openMoved } from '../../archive/mark.ts';
import { folderObjects } from '../../archive/objects/folder.ts';
import { releasable } from '../../archive/release.ts';
import { tieredRecording } from '../../archive/tiered-recording.ts';
import { type SealedBlock, StoreCorruptError, siteHead, verify } from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { chainWithGap } from '../../testing/dropped-blocks.ts';
import { sha256 } from '../sqlite/sha256.ts';
import { openPostgres, type PostgresRecordings } from './postgres-store.ts';
import { releaseFromPostgres } from './release.ts';
import { packedRuns } from './testing/packed-runs.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-release-pg-'));
const place = join(home, 'archive');
let server: TestServer;
let recordings: PostgresRecordings;

before(async () => {
  server = await startTestServer();
  recordings = await openPostgres(server.url);
});
after(async () => {
  await recordings.close();
  await server.stop();
  rmSync(home, { recursive: true });
});

describe("the beginning of a hub's recording is moved to its archive", () => {
  test('[R164][R165] in one transaction with its mark, while the recording goes on', async () => {
    const store = recordings.recording('acme');
    const chain = testChain('r1', sha256);
    const other = testChain('r1', sha256, { tenant: 'globex' });
    await store.append([chain.begin(), ...Array.from({ length: 10 }, () => chain.notes(3))]);
    await recordings.recording('globex').append([other.begin(), other.notes(4), other.notes(4), other.notes(4)]);
    await archiveRecording(store, folderObjects(place), { sha256 });
    const cold = await ColdArchive.open(folderObjects(place), { cacheDir: join(home, 'cache') });
    const moved = await releasable(store, cold, () => Number.MAX_SAFE_INTEGER);
    await cold.close();
    const head = siteHead(await store.heads(), sha256);

    const altered = moved.map((end) => ({ ...end, hash: new Uint8Array(32) }));
    await assert.rejects(releaseFromPostgres(server.ownerUrl, 'acme', altered), StoreCorruptError);
    await assert.rejects(releaseFromPostgres(server.ownerUrl, 'globex', moved), /is not in it/);
    assert.deepEqual(await recordings.moved('acme'), []);
    await assert.rejects(releaseFromPostgres(server.url, 'acme', moved), /permission denied|may not|row-level/i);

    await releaseFromPostgres(server.ownerUrl, 'acme', moved);
    await releaseFromPostgres(server.ownerUrl, 'acme', moved);
    assert.deepEqual(await recordings.moved('acme'), moved);
    assert.deepEqual(await recordings.moved('globex'), []);
    const [left] = await server.asOwner(`SELECT count(*)::int AS n FROM recorder.blocks WHERE tenant = 'acme'`);
    assert.equal(left?.['n'], 3, 'the opening and the last two');

    const open = async (address: string) => folderObjects(address);
    const whole = tieredRecording(store, await openMoved(await recordings.moved('acme'), open, { cacheDir: home }));
    const report = await verify(whole, { sha256, reexecutors: {} });
    assert.deepEqual([report.ok, report.head], [true, head]);
    await store.append([chain.notes(2)]);
    const anew = await openPostgres(server.url);
    await anew.recording('acme').append([chain.notes(2)]);
    await anew.close();
    assert.equal((await verify(whole, { sha256, reexecutors: {} })).ok, true);
    assert.equal((await verify(recordings.recording('globex'), { sha256, reexecutors: {} })).ok, true);
  });

  test('[R165] [R195] also where what goes ends within a pack: its blocks are rows again', async () => {
    const store = recordings.recording('packs');
    const chain = testChain('r1', sha256, { tenant: 'packs' });
    const blocks = [chain.begin(), ...Array.from({ length: 10 }, () => chain.notes(3))];
    await store.appendPacked(packedRuns(blocks));
    await archiveRecording(store, folderObjects(join(home, 'packs')), { sha256 });
    const cold = await ColdArchive.open(folderObjects(join(home, 'packs')), { cacheDir: join(home, 'cache-packs') });
    const moved = await releasable(store, cold, () => Number.MAX_SAFE_INTEGER);
    await cold.close();
    const head = siteHead(await store.heads(), sha256);
    await releaseFromPostgres(server.ownerUrl, 'packs', moved);
    const left = await server.asOwner(
      `SELECT version::int, ordinal::int, packed FROM recorder.blocks WHERE tenant = 'packs' ORDER BY version`,
    );
    assert.deepEqual(
      left,
      [1, 10, 11].map((n) => ({ version: n, ordinal: n, packed: 0 })),
      'the opening and the last two',
    );
    const open = async (address: string) => folderObjects(address);
    const whole = tieredRecording(store, await openMoved(await recordings.moved('packs'), open, { cacheDir: home }));
    const report = await verify(whole, { sha256, reexecutors: {} });
    assert.deepEqual([report.ok, report.head], [true, head]);
    await store.append([chain.notes(2)]);
    assert.equal((await verify(whole, { sha256, reexecutors: {} })).ok, true);
  });

  test('[R108] the login that records reads marks of its tenant, and writes none', async () => {
    const client = new pg.Client(server.url);
    await client.connect();
    try {
      assert.equal((await client.query('SELECT * FROM recorder.archived')).rows.length, 0);
      await client.query(`SELECT set_config('sigma.tenant', 'acme', false)`);
      assert.equal((await client.query('SELECT * FROM recorder.archived')).rows.length, 1);
      for (const sql of ['DELETE FROM recorder.archived', `UPDATE recorder.archived SET archive = 'elsewhere'`]) {
        await assert.rejects(client.query(sql), /permission denied/);
      }
    } finally {
      await client.end();
    }
  });

  test('[R165] [R195] [R127] a stub among the rows that a pack becomes again counts as what it stands for', async () => {
    const store = recordings.recording('acme');
    const [opening, gone, ...left] = chainWithGap('r9', sha256) as [SealedBlock, SealedBlock, ...SealedBlock[]];
    await store.appendPacked(packedRuns([opening, gone, ...left]));
    const { source, epoch, hash, lastAtUs: atUs } = gone;
    const end = { tenant: 'acme', source, epoch, sequence: 4, hash, atUs };
    const to = { archive: place, manifest: 1, manifestSha256: '00'.repeat(32) };
    await releaseFromPostgres(server.ownerUrl, 'acme', [{ ...end, ...to }]);
    const rows = await server.asOwner(
      `SELECT first_sequence::int AS first, ordinal::int, packed FROM recorder.blocks
       JOIN recorder.chains USING (tenant, chain) WHERE source = 'r9' ORDER BY version`,
    );
    const ordinals = [1, 3, 6, 7, 8, 9];
    assert.deepEqual(
      rows,
      [opening, ...left].map(({ firstSequence: first }, n) => ({ first, ordinal: ordinals[n], packed: 0 })),
    );
  });
});
