import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { ForeignBlockError, hexOfBytes, NO_VERSION, verify } from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { openPostgres, type PostgresRecordings } from './postgres-store.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

const sha256 = (bytes: Uint8Array) => new Uint8Array(hash('sha256', bytes, 'buffer'));
let server: TestServer;
let recordings: PostgresRecordings;
before(async () => {
  server = await startTestServer();
  recordings = await openPostgres(server.url);
});
after(async () => {
  await recordings.close();
  await server.stop();
});

/** Names that mean something to SQL, to arrays, to JSON or to settings, when they are not kept apart from it. */
const NAMES = [
  `acme' OR '1'='1`,
  `acme'; DROP TABLE recorder.blocks; --`,
  `acme", "other`,
  '{acme,other}',
  '$1',
  '\\',
  `\\'; SELECT set_config('sigma.tenant', 'acme', true); --`,
  'NULL',
  '%',
  'acme ',
  'ACME',
  'Ünïcode ⛄',
  '../acme',
];

test('[L7] [R108] no tenant sees or continues what another wrote, whatever it is called', async () => {
  const ours = testChain('r01', sha256);
  const acme = recordings.recording('acme');
  await acme.append([ours.begin(), ours.notes(2)]);
  for (const tenant of NAMES) {
    const store = recordings.recording(tenant);
    assert.deepEqual(await store.heads(), [], tenant);
    assert.equal(await store.version(), NO_VERSION);
    for await (const block of store.blocks(ours.opening, 1, 99))
      assert.fail(`${tenant} was given ${block.firstSequence}`);
    for await (const block of store.changes(NO_VERSION)) assert.fail(`${tenant} was given ${block.version}`);
    assert.equal(await store.snapshotBefore(ours.opening, 1e9), null);
    await assert.rejects(store.append([ours.begin()]), (error) => {
      assert.ok(error instanceof ForeignBlockError);
      assert.ok(error.message.endsWith(`this is the recording of tenant ${tenant}`));
      return true;
    });
    const own = testChain(tenant, sha256, { tenant, epoch: 2 });
    const blocks = [own.begin(), own.notes(1)];
    await store.append(blocks);
    const [head] = await store.heads();
    assert.deepEqual([head?.tenant, head?.source, head?.epoch, head?.sequence], [tenant, tenant, 2, 2]);
    for await (const { firstSequence, bytes } of store.blocks(own.opening, 2, 2)) {
      assert.equal(hexOfBytes(bytes), hexOfBytes(blocks[firstSequence - 1]?.bytes ?? new Uint8Array()));
    }
  }
  assert.deepEqual(
    (await acme.heads()).map(({ source, sequence }) => [source, sequence]),
    [['r01', 3]],
  );
  assert.throws(() => recordings.recording(''), RangeError);
  assert.throws(() => recordings.recording('a\0b'), RangeError);
  const nul = testChain('r\0', sha256);
  await assert.rejects(acme.append([nul.begin()]), ForeignBlockError);
});

test('[L7] [R108] the role itself is bound: past the program too it reads and writes one tenant, and changes nothing', async () => {
  const ours = testChain('r01', sha256, { tenant: 'bound' });
  await recordings.recording('bound').append([ours.begin()]);
  const client = new pg.Client(server.url);
  await client.connect();
  const count = async (table: string): Promise<number> =>
    (await client.query(`SELECT count(*)::int AS n FROM recorder.${table}`)).rows[0].n;
  const refused = (sql: string, code: string): Promise<void> =>
    assert.rejects(client.query(sql), (error) => (error as { code: string }).code === code);
  try {
    for (const table of ['tenants', 'chains', 'blocks']) assert.equal(await count(table), 0, 'no tenant, no rows');
    await client.query(`SELECT set_config('sigma.tenant', 'bound', false)`);
    for (const table of ['tenants', 'chains', 'blocks']) assert.equal(await count(table), 1);
    await client.query(`SELECT set_config('sigma.tenant', 'evil', false)`);
    for (const table of ['tenants', 'chains', 'blocks']) assert.equal(await count(table), 0);
    await refused(`INSERT INTO recorder.blocks VALUES ('bound', 1, 99, 99, 1, 1, 0, 0, '\\x00', '\\x00')`, '42501');
    const changed = await client.query(`UPDATE recorder.chains SET sequence = 0 WHERE tenant = 'bound'`);
    assert.equal(changed.rowCount, 0);
    await client.query(`SELECT set_config('sigma.tenant', 'bound', false)`);
    await refused(`UPDATE recorder.chains SET tenant = 'evil'`, '42501');
    await refused(`UPDATE recorder.blocks SET bytes = '\\x00'`, '42501');
    await refused('DELETE FROM recorder.blocks', '42501');
    await refused('TRUNCATE recorder.blocks', '42501');
    for (let part = 0; part < 16; part++) await refused(`SELECT * FROM recorder.blocks_${part}`, '42501');
    await refused(`ALTER TABLE recorder.blocks DISABLE ROW LEVEL SECURITY`, '42501');
    await refused(`SET ROLE owner`, '42501');
  } finally {
    await client.end();
  }
});

test('[L7] [R108] policies bind the owner of the tables too', async () => {
  const tables = await server.asOwner(
    `SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE nspname = 'recorder' AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)`,
  );
  assert.deepEqual(
    tables.map(({ relname }) => relname),
    ['migrations'],
  );
});

test('[R103] many sources at once share their commits, and every version is given once', async () => {
  const stores = [recordings.recording('busy'), recordings.recording('busy')];
  const chains = Array.from({ length: 120 }, (_, n) => testChain(`r${n}`, sha256, { tenant: 'busy' }));
  await Promise.all(
    chains.map(async (chain, n) => {
      const store = stores[n % 2];
      await store?.append([chain.begin()]);
      for (let round = 0; round < 5; round++) await store?.append([chain.notes(2)]);
    }),
  );
  const [counted] = await server.asOwner(
    `SELECT count(*)::int AS blocks, count(DISTINCT xmin::text)::int AS commits, min(version)::int AS first, max(version)::int AS last,
       count(DISTINCT version)::int AS versions FROM recorder.blocks WHERE tenant = 'busy'`,
  );
  assert.deepEqual({ ...counted, commits: 0 }, { blocks: 720, commits: 0, first: 1, last: 720, versions: 720 });
  assert.ok((counted?.commits as number) < 120, `${counted?.commits} commits for 720 appends`);
  const report = await verify(stores[0] as never, { sha256, reexecutors: {} });
  assert.equal(report.firstFailure, null);
  assert.equal(report.events, 120 * 11);
});

test('[R44] [R103] heads, snapshots, ranges and changes are found by an index, never by reading the chain', async () => {
  const plans = [
    `SELECT sequence FROM recorder.snapshots WHERE tenant = 'acme' AND chain = 1 AND at_us <= 5 ORDER BY at_us DESC, sequence DESC LIMIT 1`,
    `SELECT bytes FROM recorder.blocks WHERE tenant = 'acme' AND chain = 1 AND first_sequence >= 5 ORDER BY first_sequence LIMIT 64`,
    `SELECT bytes FROM recorder.blocks WHERE tenant = 'acme' AND version > 5 ORDER BY version LIMIT 64`,
  ];
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    await client.query(`SELECT set_config('sigma.tenant', 'acme', false), set_config('enable_seqscan', 'off', false),
      set_config('enable_bitmapscan', 'off', false), set_config('enable_sort', 'off', false)`);
    for (const sql of plans) {
      const plan = (await client.query(`EXPLAIN ${sql}`)).rows.map((row) => row['QUERY PLAN']).join('\n');
      assert.match(plan, /Index.* Scan/, plan);
      assert.doesNotMatch(plan, /Seq Scan|Sort/, plan);
      assert.equal(plan.match(/Scan/g)?.length, 1, `one partition: ${plan}`);
    }
  } finally {
    await client.end();
  }
});

test('[R103] a commit that hangs keeps later versions of its tenant out of sight, and other tenants go on', async () => {
  const chainsOf = (tenant: string) => ['slow', 'quick'].map((source) => testChain(source, sha256, { tenant }));
  const [slow, quick] = chainsOf('line') as [ReturnType<typeof testChain>, ReturnType<typeof testChain>];
  const [first, second] = [recordings.recording('line'), recordings.recording('line')];
  await first.append([slow.begin(), quick.begin()]);
  await server.asOwner(`
    CREATE FUNCTION recorder.hang() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$;
    GRANT EXECUTE ON FUNCTION recorder.hang TO sigma_recorder;
    CREATE TRIGGER hang BEFORE INSERT ON recorder.blocks FOR EACH ROW
      WHEN (NEW.tenant = 'line' AND NEW.chain = 1) EXECUTE FUNCTION recorder.hang()`);
  const locker = new pg.Client(server.ownerUrl);
  await locker.connect();
  await locker.query('SELECT pg_advisory_lock(4711)');
  const waiting = async (count: number): Promise<void> => {
    const hung = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = 'recorder_test' AND wait_event_type = 'Lock'`;
    while ((await locker.query(hung)).rows[0].n !== count);
  };
  const appends = [first.append([slow.notes(1)])];
  await waiting(1);
  appends.push(second.append([quick.notes(1)]));
  const sooner = await Promise.race([waiting(2).then(() => 'waits'), appends[1]?.then(() => 'is there')]);
  assert.equal(sooner, 'waits', 'its version is greater than one that nobody can read yet');
  const before = await second.version();
  for await (const { source } of second.changes(before)) assert.fail(`${source} is visible`);
  const other = testChain('r01', sha256, { tenant: 'elsewhere' });
  await recordings.recording('elsewhere').append([other.begin()]);
  await locker.query('SELECT pg_advisory_unlock(4711)');
  await locker.end();
  await Promise.all(appends);
  const followed: string[] = [];
  for await (const { source } of second.changes(before)) followed.push(source);
  assert.deepEqual(followed, ['slow', 'quick']);
  await server.asOwner('DROP TRIGGER hang ON recorder.blocks; DROP FUNCTION recorder.hang');
});
