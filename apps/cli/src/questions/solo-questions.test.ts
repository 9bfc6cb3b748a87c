import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deriveSite, fleetSupervisor, parseMovingAiMap } from '@sigma/fleet-model';
import { type Question, QuestionRefusal, type Supervisor, startHub } from '@sigma/hub';
import { layDatabase } from '@sigma/hub/testing';
import { openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { testChain } from '@sigma/recorder/testing';
import { signIn } from '../hub-access.ts';
import { runSigma, startSigma } from '../testing/run-sigma.ts';
import { SoloQuestions } from './solo-questions.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sigma-questions-'));
const [recording, archive] = [join(folder, 'site.sqlite'), join(folder, 'cold')];
const desk = new SoloQuestions({ tenant: 'acme', root, dataDir: folder, places: () => [recording, archive] });
const signal = new AbortController().signal;
const ask = (sql: string, more: Partial<Question> = {}, until = signal) =>
  desk.ask({ sql, sources: [], fromTimeUs: 0, toTimeUs: 0, rows: 100, timeoutS: 20, texts: null, ...more }, until);
/** A file of another tenant's events. */
let theirs = '';

before(async () => {
  const store = openSqliteStore(recording);
  const [ours, others] = [testChain('r1', sha256), testChain('r1', sha256, { tenant: 'rival' })];
  await store.append([ours.begin(), ours.notes(9), others.begin(), others.notes(4)]);
  await store.close();
  const put = await runSigma(['archive', recording, '--to', archive, '--json'], {});
  assert.equal(put.code, 0, put.error);
  const objects = join(archive, 'rival', 'objects', 'r1', '0');
  theirs = join(objects, readdirSync(objects).find((name) => name.endsWith('.events.parquet')) as string);
  const again = openSqliteStore(recording);
  await again.append([ours.notes(5), others.notes(3)]);
  await again.close();
});
after(() => rmSync(folder, { recursive: true, force: true }));

const refused = (kind: QuestionRefusal['kind'], words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof QuestionRefusal, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, words);
  return true;
};

test('[L7] [R168] a hub’s question sees the hot and the cold events of its own tenant, and no other’s', async () => {
  const { rows, columns, hotEvents } = await ask('SELECT tenant, count(*) AS n FROM events GROUP BY 1 -- all');
  assert.deepEqual(rows, [['acme', 15]]);
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['tenant', 'n'],
  );
  assert.equal(hotEvents, 5);
  assert.deepEqual((await ask("SELECT count(*) FROM events WHERE tenant = 'rival'")).rows, [[0]]);
  assert.deepEqual((await ask('SELECT count(*) FROM events', { sources: ['r2'] })).rows, [[0]]);
});

test('[L7] [R168] SQL by strangers reads no file, neither another tenant’s nor the machine’s, is no option and no file name', async () => {
  for (const sql of [
    `SELECT count(*) FROM read_parquet('${theirs}')`,
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    `COPY (SELECT 1) TO '${join(folder, 'out.csv')}'`,
    'SET enable_external_access = true',
    'SELECT 1; SELECT 2',
    '@/etc/passwd',
    `--over=${theirs}`,
  ])
    await assert.rejects(ask(sql), refused('invalid', /./), sql);
  assert.equal(existsSync(join(folder, 'out.csv')), false);
});

test('[R168] [L8] a question that never ends is ended, one that answers too much is cut, and there is an end to the queue', async () => {
  const endless = 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t';
  await assert.rejects(ask(endless, { timeoutS: 1 }), refused('bound', /ran for 1 s|needs more than 512 MB/));
  const { rows, cut } = await ask('SELECT sequence FROM events', { rows: 3 });
  assert.deepEqual([rows.length, cut], [3, true]);
  await assert.rejects(ask("SELECT repeat('x', 1000000) FROM range(20)"), refused('bound', /longer than 8 MB/));
  const leaves = new AbortController();
  const waiting = Array.from({ length: 4 }, () => ask('SELECT 1', {}, leaves.signal));
  await assert.rejects(ask('SELECT 2'), refused('busy', /4 other questions/));
  leaves.abort(new Error('nobody waits any more'));
  for (const one of await Promise.allSettled(waiting)) assert.equal(one.status, 'rejected');
  assert.deepEqual((await ask('SELECT 3')).rows, [[3]]);
});

test('[L7] whoever has only the address of a hub asks it, as a viewer; without signing in nobody does', async () => {
  const map = ['type octile', 'height 4', 'width 6', 'map', ...Array.from({ length: 4 }, () => '.'.repeat(6)), ''];
  const site = deriveSite(parseMovingAiMap(map.join('\n'), 'yard.map'));
  const hub = await startHub({
    ...{
      tenant: 'acme',
      dataDir: await layDatabase(join(folder, 'hub')),
      port: 0,
      site: { json: '{}', digest: site.digest },
    },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
    questions: (own) => new SoloQuestions({ tenant: 'acme', root, dataDir: folder, places: () => [own, archive] }),
  });
  try {
    const admin = await signIn(hub.url, hub.operator.email, hub.operator.password ?? '');
    const sigma = (token: string, ...args: readonly string[]) =>
      runSigma(args, { SIGMA_DATA: join(folder, 'mine'), SIGMA_TOKEN: token });
    const made = await sigma(
      admin,
      'account',
      'create',
      'ann@example.org',
      '--role',
      'viewer',
      '--json',
      '--hub',
      hub.url,
    );
    const ann = await signIn(hub.url, 'ann@example.org', (JSON.parse(made.out) as { password: string }).password);
    const sql = "SELECT tenant, source, count(*) AS n FROM events WHERE source IN ('r1') GROUP BY ALL";
    const told = await sigma(ann, 'query', sql, '--hub', hub.url, '--json');
    assert.equal(told.code, 0, told.error);
    assert.deepEqual((JSON.parse(told.out) as { rows: unknown }).rows, [['acme', 'r1', 10]]);
    const table = await sigma(ann, 'query', 'SELECT count(*) AS events FROM decisions', '--hub', hub.url);
    assert.match(table.out, /events\n0\n1 row;/);
    const count = ['query', 'SELECT count(*) AS n FROM events', '--hub', hub.url, '--format', 'csv'];
    const absent = await startSigma([...count, '--source', 'r9', '--source', 'r1', '--from', '2099-01-01'], {
      ...{ SIGMA_DATA: join(folder, 'mine'), SIGMA_TOKEN: ann },
    });
    assert.deepEqual([absent.code, absent.out], [0, 'n\n0\n'], absent.error);
    assert.match(absent.error, /^the hub shows nothing of r9; `sigma robot list`/);
    const broken = await sigma(ann, 'query', 'SELEC 1', '--hub', hub.url);
    assert.match(broken.error, /syntax error/);
    assert.notEqual(broken.code, 0);
    const nobody = await sigma('', 'query', 'SELECT 1', '--hub', hub.url);
    assert.notEqual(nobody.code, 0);
    assert.match((await sigma(ann, 'query', 'SELECT 1', '--hub', hub.url, '--over', archive)).error, /its own tenant/);
    assert.match((await sigma(ann, 'query', 'SELECT 1')).error, /Give --over PLACE, or --hub/);
  } finally {
    await hub.close();
  }
});
