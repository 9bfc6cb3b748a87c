import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { postgresMissions } from '../roles/arbitration/mission-ledger.ts';
import type { MissionStatus, MissionView } from '../roles/core/supervisor.ts';
import { DataDirError, keptSecret, takeDataDir } from './data-dir.ts';
import { type Database, NewerSchemaError, openDatabase } from './database.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { marks, missions, settings } from './schema.ts';

let directory = '';
let server: EmbeddedPostgres;
let database: Database;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sigma-hub-'));
  const release = takeDataDir(directory);
  release();
  server = await startEmbedded(directory);
  database = await openDatabase(server.url, keptSecret(directory, 'app-role', 24));
});

after(async () => {
  await database.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const journal = new URL('../../migrations/meta/_journal.json', import.meta.url);
const schemas = (JSON.parse(readFileSync(journal, 'utf8')) as { entries: { tag: string; when: number }[] }).entries;
const newestSchema = schemas.at(-1)?.tag ?? '';

const mission = (id: string) => ({ id, status: 'queued', createdTimeUs: 1, view: {} });

test('[L7] tenant B sees, changes and deletes nothing of A, and cannot write in its name', async () => {
  await database.asTenant('a', (tx) => tx.insert(missions).values(mission('m1')));
  await database.asTenant('b', async (tx) => {
    assert.deepEqual(await tx.select().from(missions), []);
    assert.equal((await tx.update(missions).set({ status: 'done' })).rowCount, 0);
    assert.equal((await tx.delete(missions)).rowCount, 0);
    await tx.insert(missions).values(mission('m1'));
  });
  await assert.rejects(
    database.asTenant('b', (tx) => tx.insert(missions).values({ ...mission('m2'), tenant: 'a' })),
    (error: Error) => /row-level security/.test(String(error.cause)),
  );
  const seen = await database.asTenant('a', (tx) => tx.select().from(missions));
  assert.deepEqual(
    seen.map(({ tenant, id, status }) => ({ tenant, id, status })),
    [{ tenant: 'a', id: 'm1', status: 'queued' }],
  );
});

test('missions are written many at a time: the new appear, the known change, and no other tenant sees either', async () => {
  const store = postgresMissions(database, 'c');
  const entry = (id: string, status: MissionStatus, finishedTimeUs: number) => ({
    view: { ...(mission(id).view as MissionView), id, status },
    createdTimeUs: 7,
    finishedTimeUs,
  });
  assert.equal(await store.insert(entry('m1', 'queued', 0), null), null);
  await store.update([entry('m1', 'done', 9), entry('m2', 'active', 0)]);
  const kept = (await store.load(10)).map(({ view, finishedTimeUs }) => [view.id, view.status, finishedTimeUs]);
  assert.deepEqual(kept.sort(), [
    ['m1', 'done', 9],
    ['m2', 'active', 0],
  ]);
  assert.deepEqual(
    (await store.unfinished()).map(({ view }) => view.id),
    ['m2'],
  );
  assert.deepEqual(await postgresMissions(database, 'd').load(10), []);
});

test('[L7] the setting ends with its transaction, and without one there are no rows', async () => {
  await database.asTenant('a', (tx) => tx.insert(settings).values({ name: 'x', value: '1' }));
  const bound = database.bound('nobody-yet');
  assert.deepEqual(await bound.select().from(settings), []);
  const rows = await database.asTenant('a', (tx) =>
    tx.execute(
      sql`select current_user, (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as free`,
    ),
  );
  assert.deepEqual(rows.rows, [{ current_user: 'sigma_app', free: false }]);
});

test('[L7] every table has its tenant, its policy and no owner in the application', async () => {
  const owner = new pg.Client(server.url);
  await owner.connect();
  const tables = await owner.query(`select c.relname, c.relrowsecurity as secured, pg_get_userbyid(c.relowner) as owner,
      exists (select from pg_policy p where p.polrelid = c.oid) as policed,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant' and a.attnotnull) as owned
    from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`);
  await owner.end();
  assert.ok(tables.rows.length >= 9);
  for (const table of tables.rows) {
    assert.deepEqual(
      { ...table, relname: '' },
      { relname: '', secured: true, owner: 'sigma', policed: true, owned: true },
      table.relname,
    );
  }
});

test('a database of a newer hub is refused by name, and the same one opens again', async () => {
  const owner = new pg.Client(server.url);
  await owner.connect();
  await owner.query(`update settings set value = '0042_time_travel' where tenant = '-schema'`);
  await assert.rejects(openDatabase(server.url, keptSecret(directory, 'app-role', 24)), (error: Error) => {
    assert.ok(error instanceof NewerSchemaError);
    assert.ok(error.message.includes('0042_time_travel') && error.message.includes(newestSchema), error.message);
    return true;
  });
  await owner.query(`update settings set value = '${newestSchema}' where tenant = '-schema'`);
  await owner.end();
  await (await openDatabase(server.url, keptSecret(directory, 'app-role', 24))).close();
});

test('an older schema is migrated with its rows', async () => {
  const owner = new pg.Client(server.url);
  await owner.connect();
  await owner.query(
    `drop table acts, marks, silences, fences, active_faults, edge_keys, witnessed_heads, sync_marks, fence_notes,
      texts, read_places, reported_events`,
  );
  await owner.query(`alter table alerts drop column decision_epoch, drop column root_id`);
  await owner.query(`alter table decisions drop column authority, drop column words, drop column reported,
      drop column unprovable`);
  await owner.query(`alter table "user" drop column seen_time_us`);
  await owner.query('drop index alerts_raised, decisions_by_time');
  const { when } = schemas.find(({ tag }) => tag === '0002_restart') as (typeof schemas)[number];
  await owner.query('delete from drizzle.__drizzle_migrations where created_at > $1', [when]);
  await owner.query(`update settings set value = '0002_restart' where tenant = '-schema'`);
  await owner.end();
  await assert.rejects(database.asTenant('a', (tx) => tx.select().from(marks)));
  await (await openDatabase(server.url, keptSecret(directory, 'app-role', 24))).close();
  assert.equal((await database.asTenant('a', (tx) => tx.select().from(missions))).length, 1);
  assert.deepEqual(await database.asTenant('a', (tx) => tx.select().from(marks)), []);
});

test('connections that break in the middle of their work are told to who waits, and none is lost to the next', async () => {
  const asleep = Array.from({ length: 8 }, () =>
    database
      .asTenant('a', (tx) => tx.execute(sql`select pg_sleep(60)`))
      .then(
        () => 'slept',
        () => 'broken',
      ),
  );
  const owner = new pg.Client(server.url);
  await owner.connect();
  let settled = false;
  const all = Promise.all(asleep).finally(() => {
    settled = true;
  });
  // Some may not sleep yet when the first are woken: until all have been.
  while (!settled) {
    await owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sigma_app' and query like '%pg_sleep%'`,
    );
  }
  await owner.end();
  assert.deepEqual(new Set(await all), new Set(['broken']));
  const next = Array.from({ length: 16 }, () => database.asTenant('a', (tx) => tx.select().from(missions)));
  assert.equal((await Promise.all(next)).length, 16);
});

test('in a directory that nobody else may enter, root included, it runs all the same or says what to do', async () => {
  const closed = mkdtempSync(join(tmpdir(), 'sigma-closed-'));
  chmodSync(closed, 0o700);
  const inside = join(closed, 'data');
  takeDataDir(inside)();
  try {
    const hidden = await startEmbedded(inside);
    await (await openDatabase(hidden.url, 'secret-of-the-test')).close();
    await hidden.stop();
  } catch (error) {
    assert.ok(error instanceof DataDirError);
    assert.match(error.message, /may not enter .*chmod o\+x/);
  } finally {
    rmSync(closed, { recursive: true });
  }
});

test('the lock of a hub that was killed is taken over', () => {
  writeFileSync(join(directory, 'hub.pid'), '4194304 1\n');
  takeDataDir(directory)();
});

test('a directory in use is refused with the process that has it; secrets are for the owner alone', () => {
  const release = takeDataDir(directory);
  assert.throws(
    () => takeDataDir(directory),
    (error: Error) => error instanceof DataDirError && error.message.includes(`process ${process.pid}`),
  );
  release();
  takeDataDir(directory)();
  assert.equal(statSync(join(directory, 'keys', 'app-role')).mode & 0o777, 0o600);
  assert.ok(readFileSync(join(directory, 'keys', 'app-role'), 'utf8').length >= 32);
});

test('[L3] a server that outlived its hub is stopped, and what it had committed is there', async () => {
  const [, pid] = [0, Number(readFileSync(join(directory, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0])];
  await database.close();
  const again = await startEmbedded(directory);
  assert.throws(() => process.kill(pid, 0));
  server = again;
  database = await openDatabase(server.url, keptSecret(directory, 'app-role', 24));
  assert.equal((await database.asTenant('a', (tx) => tx.select().from(missions))).length, 1);
});
