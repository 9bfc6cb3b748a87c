import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MissionService } from '@sigma/proto';
import { StoreFailedError, verify } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { handsOf, signIn } from '../../testing/hub-people.ts';
import { layDatabase } from '../../testing/laid-database.ts';
import { oneAtATime } from '../../testing/one-at-a-time.ts';
import { type Hub, startHub } from '../main.ts';
import { takeDataDir } from './data-dir.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { openRecordingAt } from './recording.ts';

let directory = '';
let server: EmbeddedPostgres;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sigma-site-database-'));
  takeDataDir(directory)();
  server = await startEmbedded(await layDatabase(directory));
});

after(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const start = (tenant: string): Promise<Hub> =>
  startHub({
    tenant,
    dataDir: join(directory, 'hub'),
    databaseUrl: server.url,
    port: 0,
    site: { json: '{"name":"yard"}', digest: 'd1' },
    supervisor: oneAtATime,
  });

test("[L3] [L7] with a site's own PostgreSQL the hub records there: it verifies, goes on after a restart, and no other tenant sees it", async () => {
  const first = await start('acme');
  const { email, password } = first.operator;
  const missions = handsOf(first.url, await signIn(first.url, email, password ?? ''))(MissionService);
  await missions.createMission({
    name: 'round',
    goal: { goal: { case: 'patrol', value: { points: [{ xM: 1, yM: 1 }], rounds: 1 } } },
    priority: 1,
    idempotencyKey: '',
  });
  const address = first.recordingPath;
  await first.close();
  const second = await start('acme');
  await second.close();

  assert.ok(!existsSync(join(directory, 'hub', 'hub.sqlite')), 'there is no second record beside it');
  assert.ok(!address.includes(':@') && new URL(address).password === '', 'the address may be shown to anybody');
  const { store, close } = await openRecordingAt(address, join(directory, 'hub'));
  const heads = await store.heads();
  assert.deepEqual(
    heads.map(({ tenant, source, epoch }) => [tenant, source, epoch]),
    [
      ['acme', 'hub', 0],
      ['acme', 'hub', 1],
    ],
  );
  assert.ok((heads[0]?.sequence ?? 0) >= 3, 'opening, first account, mission');
  const report = await verify(store, { sha256, reexecutors: {} });
  assert.equal(report.firstFailure, null);
  await close();

  const stranger = await openRecordingAt(address.replace('tenant=acme', 'tenant=other'), join(directory, 'hub'));
  assert.deepEqual(await stranger.store.heads(), []);
  await stranger.close();
});

test('a recording in a database that cannot be reached, or without a tenant, is refused by its address and without a secret', async () => {
  const nowhere = 'postgres://sigma_app:s3cret@127.0.0.1:1/sigma?tenant=acme';
  await assert.rejects(openRecordingAt(nowhere, directory), (error: Error) => {
    assert.ok(error instanceof StoreFailedError);
    assert.match(error.message, /127\.0\.0\.1:1/);
    assert.ok(!error.message.includes('s3cret'));
    return true;
  });
  await assert.rejects(openRecordingAt('postgres://127.0.0.1/sigma', directory), RangeError);
});
