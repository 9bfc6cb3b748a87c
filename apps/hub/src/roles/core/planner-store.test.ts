import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { layDatabase } from '../../../testing/laid-database.ts';
import { keptSecret, takeDataDir } from '../../store/data-dir.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../store/embedded.ts';
import { type PlannerStore, postgresPlanner } from './planner-memory.ts';

let directory = '';
let server: EmbeddedPostgres;
let database: Database;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sigma-planner-'));
  takeDataDir(directory)();
  server = await startEmbedded(await layDatabase(directory));
  database = await openDatabase(server.url, keptSecret(directory, 'app-role', 24));
});

after(async () => {
  await database.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

type Saved = Parameters<PlannerStore['save']>[0];
const saved = (atUs: number, put: Record<string, string>, more: Partial<Saved> = {}): Saved => ({
  version: 'v1',
  atUs,
  whole: false,
  put: new Map(Object.entries(put)),
  drop: [],
  ...more,
});

test('[L3] changes part by part leave what the last of them left, quotes and all; each tenant keeps its own', async () => {
  const store = postgresPlanner(database, 'acme');
  const other = postgresPlanner(database, 'other');
  assert.equal(await store.load(), null);
  await store.save(saved(1, { a: '{"x":"it\'s \\"so\\", {1}"}', b: '2', c: '3' }, { whole: true }));
  await other.save(saved(1, { a: '7' }, { whole: true }));
  await store.save(saved(2, { b: '22', d: '4' }, { drop: ['c'] }));
  const kept = await store.load();
  assert.deepEqual([kept?.version, kept?.atUs], ['v1', 2]);
  const parts = Object.fromEntries(kept?.parts ?? []);
  assert.deepEqual(parts, { a: '{"x":"it\'s \\"so\\", {1}"}', b: '22', d: '4' });
  assert.deepEqual(Object.fromEntries((await other.load())?.parts ?? []), { a: '7' });
});

test('[L3] changes that come late, or to another state, change nothing; a whole state replaces any', async () => {
  const store = postgresPlanner(database, 'late');
  await store.save(saved(10, { a: '1', b: '1' }, { whole: true }));
  await assert.rejects(store.save(saved(9, { a: '0' })), /newer than these changes/);
  await assert.rejects(store.save(saved(11, { a: '0' }, { version: 'v2' })), /newer than these changes/);
  assert.deepEqual(Object.fromEntries((await store.load())?.parts ?? []), { a: '1', b: '1' });
  await store.save(saved(5, { b: '5' }, { version: 'v2', whole: true }));
  const kept = await store.load();
  assert.deepEqual([kept?.version, Object.fromEntries(kept?.parts ?? [])], ['v2', { b: '5' }]);
});
