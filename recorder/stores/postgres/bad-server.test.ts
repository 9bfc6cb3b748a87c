import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import {
  ForeignBlockError,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  type StoreError,
  StoreFailedError,
  StoreFullError,
  StoreNewerError,
  StoreReadOnlyError,
  verify,
} from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { durabilityFault } from './durability.ts';
import { openPostgres, type PostgresOptions, type PostgresRecordings, type PostgresStore } from './postgres-store.ts';
import { startTestServer, type TestServer } from './testing/server.ts';
import { wireTo } from './testing/wire.ts';

const sha256 = (bytes: Uint8Array) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const APPENDER = fileURLToPath(new URL('./testing/append-until-killed.ts', import.meta.url));
let server: TestServer;
const opened: PostgresRecordings[] = [];
before(async () => {
  server = await startTestServer();
});
beforeEach(() => server.asOwner('TRUNCATE recorder.tenants, recorder.chains, recorder.blocks, recorder.snapshots'));
after(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await server.stop();
});

async function open(url = server.url, options: PostgresOptions = {}): Promise<PostgresStore> {
  const recordings = await openPostgres(url, options);
  opened.push(recordings);
  return recordings.recording('acme');
}

/** Asserts a StoreError of that class whose text says all of that, and how to go on. */
function told(type: new (...args: never[]) => StoreError, ...says: readonly RegExp[]) {
  return (error: unknown): true => {
    assert.ok(error instanceof type, `${error}`);
    for (const words of says) assert.match(error.message, words);
    assert.ok(error.message.startsWith(error.path) && error.message.endsWith(error.wayOut));
    assert.doesNotMatch(error.message, /secret/);
    return true;
  };
}

const verified = async (store: PostgresStore): Promise<number> => {
  const report = await verify(store, { sha256, reexecutors: {} });
  assert.equal(report.firstFailure, null);
  return report.events;
};

test('[R105] a server that does not keep what it acknowledges is refused, and Neon, which keeps it elsewhere, is not', async () => {
  const whole = { fsync: 'on', full_page_writes: 'on', standbys: '', neon: null };
  assert.equal(durabilityFault(whole), null);
  assert.match(durabilityFault({ ...whole, full_page_writes: 'off' })?.what ?? '', /full_page_writes=off/);
  assert.equal(durabilityFault({ fsync: 'off', full_page_writes: 'off', standbys: 'walproposer', neon: 'a1' }), null);
  assert.match(durabilityFault({ ...whole, fsync: 'off', neon: 'a1' })?.what ?? '', /fsync=off/);
  await server.kill();
  await server.start(['fsync=off']);
  await assert.rejects(open(), told(StoreFailedError, /fsync=off/, /Set fsync = on/));
  await server.kill();
  await server.start();
});

test('[R105] [R107] a superuser, an owner, a stranger and a closed door are refused by name', async () => {
  await assert.rejects(open(server.ownerUrl), told(StoreFailedError, /owner is above row-level security/));
  const stranger = server.url.replace('recorder_test', 'nobody_here:secret');
  await assert.rejects(open(stranger), told(StoreFailedError, /"nobody_here" does not exist/, /user, password/));
  const nowhere = new URL(server.url);
  nowhere.port = '1';
  await assert.rejects(open(nowhere.href), told(StoreFailedError, /gone or cannot be reached/, /Start it/));
  await server.asOwner('CREATE DATABASE empty');
  await assert.rejects(open(server.url.replace('/postgres', '/empty')), told(StoreCorruptError, /preparePostgres/));
});

test('[R4] recordings of a newer program are refused by their number', async () => {
  await server.asOwner(`INSERT INTO recorder.migrations (hash, created_at) VALUES ('from tomorrow', 9e15)`);
  try {
    await assert.rejects(open(), told(StoreNewerError, /schema version 6; this program knows versions up to 5/));
  } finally {
    await server.asOwner(`DELETE FROM recorder.migrations WHERE hash = 'from tomorrow'`);
  }
  await open();
});

test('[R48] [R107] a full disk is told, ends the store, and loses nothing acknowledged', async () => {
  const store = await open();
  const a = testChain('r01', sha256);
  await store.append([a.begin()]);
  await server.asOwner(`
    CREATE FUNCTION recorder.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
    GRANT EXECUTE ON FUNCTION recorder.full_disk TO sigma_recorder;
    CREATE TRIGGER full_disk BEFORE INSERT ON recorder.blocks FOR EACH ROW EXECUTE FUNCTION recorder.full_disk()`);
  const block = a.notes(1);
  const full = told(StoreFullError, /tenant acme/, /No space left/, /Free space/);
  await assert.rejects(store.append([block]), full);
  await server.asOwner('DROP TRIGGER full_disk ON recorder.blocks; DROP FUNCTION recorder.full_disk');
  await assert.rejects(store.append([block]), full);
  const again = await open();
  assert.equal((await again.heads())[0]?.sequence, 1);
  await again.append([block]);
  assert.equal(await verified(again), 2);
});

test('[R49] a server that was set read-only says so, and can still be read', async () => {
  const a = testChain('r01', sha256);
  await (await open()).append([a.begin()]);
  await server.asOwner('ALTER ROLE recorder_test SET default_transaction_read_only = on');
  const store = await open();
  await assert.rejects(store.append([a.notes(1)]), told(StoreReadOnlyError, /read-only/, /primary/));
  assert.equal((await store.heads())[0]?.sequence, 1);
  await server.asOwner('ALTER ROLE recorder_test RESET default_transaction_read_only');
});

test('[R107] a server that is too slow gives up by itself, one that is silent is given up; both say what is known', async () => {
  const a = testChain('r01', sha256);
  await (await open()).append([a.begin()]);
  const locker = new pg.Client(server.ownerUrl);
  await locker.connect();
  await locker.query(`BEGIN; UPDATE recorder.tenants SET version = version WHERE tenant = 'acme'`);
  const slow = await open(server.url, { statementTimeoutMs: 100 });
  const block = a.notes(1);
  await assert.rejects(slow.append([block]), told(StoreFailedError, /too slow/, /nothing of it was written/));
  await locker.query('ROLLBACK');
  await locker.end();
  const wire = await wireTo(server.url);
  const silent = await open(wire.url, { statementTimeoutMs: 100 });
  await silent.heads();
  wire.fallSilent();
  await assert.rejects(silent.append([block]), told(StoreFailedError, /gone|nobody can know/));
  await wire.close();
  const again = await open();
  await again.append([block]);
  assert.equal(await verified(again), 2);
});

test('[R104] a connection lost in the middle of a commit: the store takes no more, and opening it again tells', async () => {
  const wire = await wireTo(server.url);
  const store = await open(wire.url, { connections: 1 });
  const a = testChain('r01', sha256);
  await store.append([a.begin()]);
  const block = a.notes(1);
  // Behind whatever still uses the one connection.
  await store.heads();
  wire.cutBeforeAnswer();
  const lost = told(StoreFailedError, /middle of a commit/, /nobody can know/, /Open the recording again/);
  await assert.rejects(store.append([block]), lost);
  await assert.rejects(store.append([a.notes(1)]), lost, 'it takes no more');
  await wire.close();
  const again = await open();
  // The server had the commit and finishes it whether or not somebody hears of it; sent again it is acknowledged.
  await again.append([block]);
  assert.equal((await again.heads())[0]?.sequence, 2);
  assert.equal(await verified(again), 2);
});

test('[R47] a chain whose end was altered is not written any more and is named; the others go on', async () => {
  const [a, b] = [testChain('r01', sha256), testChain('r02', sha256)];
  await (await open()).append([a.begin(), b.begin(), a.notes(2), b.notes(1)]);
  await server.asOwner(`UPDATE recorder.blocks SET bytes = set_byte(bytes, 40, 255 - get_byte(bytes, 40))
    WHERE chain = 1 AND first_sequence = 2`);
  const store = await open();
  const results = await Promise.allSettled([
    store.append([b.notes(1)]),
    store.append([a.notes(1)]),
    store.append([b.notes(1)]),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  told(StoreCorruptError, /acme\/r01 epoch 0 at sequence 3/)((results[1] as PromiseRejectedResult).reason);
  const { chains } = await verify(store, { sha256, reexecutors: {} });
  assert.deepEqual(
    chains.map(({ source, failures }) => [source, failures.length > 0]),
    [
      ['r01', true],
      ['r02', false],
    ],
  );
});

test('[R46] [R107] what is closed says so; writers that never stop overtaking are named', async () => {
  const store = await open();
  const a = testChain('r01', sha256);
  const appended = [a.begin(), a.notes(1), a.notes(1)].map((block) => store.append([block]));
  await store.close();
  await Promise.all(appended);
  const late = a.notes(1);
  await assert.rejects(store.append([late]), told(StoreClosedError, /is closed/));
  await assert.rejects(store.heads(), told(StoreClosedError, /is closed/));
  await server.asOwner(`
    CREATE FUNCTION recorder.overtake() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'somebody was first' USING ERRCODE = 'SR001'; END $$;
    CREATE TRIGGER overtake BEFORE INSERT ON recorder.blocks FOR EACH ROW EXECUTE FUNCTION recorder.overtake()`);
  await assert.rejects((await open()).append([late]), told(StoreBusyError, /other processes wrote/));
  await server.asOwner('DROP TRIGGER overtake ON recorder.blocks; DROP FUNCTION recorder.overtake');
});

test('[L3] [R47] a server killed at once with all its processes keeps what it acknowledged, however it was set', async () => {
  // Without a commit that waits for the disk, ten seconds of acknowledged blocks would be lost here.
  for (const settings of [[], ['synchronous_commit=off', 'wal_writer_delay=10s']]) {
    await server.kill();
    await server.start(settings);
    const store = await open();
    const chains = Array.from({ length: 8 }, (_, n) => testChain(`s${settings.length}r${n}`, sha256));
    await Promise.all(chains.map((chain) => store.append([chain.begin()])));
    const reached = chains.map(() => 1);
    let killed: Promise<void> | null = null;
    await Promise.all(
      chains.map(async (chain, n) => {
        for (;;) {
          const block = chain.notes(3);
          const failed = await store.append([block]).catch((error: unknown) => error);
          if (failed !== undefined) return told(StoreFailedError, /gone|lost/, /pen/)(failed);
          reached[n] = chain.writer.head.sequence;
          if (reached[n] === 40) killed ??= server.kill();
        }
      }),
    );
    await killed;
    await server.start();
    const again = await open();
    const heads = await again.heads();
    for (const [n, chain] of chains.entries()) {
      const end = heads.find(({ source }) => source === chain.opening.source)?.sequence ?? 0;
      assert.ok(end >= (reached[n] as number), `${end} of ${reached[n]} acknowledged events are there`);
      assert.ok(end <= (reached[n] as number) + 3, 'and at most the one under way');
    }
    await verified(again);
  }
});

test('[L3] [R40] a client killed in the middle of its commits leaves whole groups, and its successor goes on', async () => {
  const acknowledged = new Map<string, number>();
  for (const most of [3, 40, 90]) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', APPENDER, server.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await killAfter(child, most, acknowledged);
    const store = await open();
    for (const [source, sequence] of acknowledged) {
      const end = (await store.heads()).find((head) => head.source === source)?.sequence ?? 0;
      assert.ok(end >= sequence, `${source} ends at ${end}, ${sequence} were acknowledged`);
    }
    await verified(store);
    const halves = await server.asOwner(`SELECT count(*)::int AS n FROM recorder.chains c WHERE blocks <>
      (SELECT count(*) FROM recorder.blocks b WHERE b.tenant = c.tenant AND b.chain = c.chain)`);
    assert.equal(halves[0]?.n, 0);
  }
  assert.equal(acknowledged.size, 3);
});

async function killAfter(child: ChildProcess, lines: number, acknowledged: Map<string, number>): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  let text = '';
  let seen = 0;
  child.stdout?.on('data', (bytes: Buffer) => {
    const whole = (text + bytes.toString('utf8')).split('\n');
    text = whole.pop() ?? '';
    for (const line of whole) {
      const [source, sequence] = line.split(' ');
      acknowledged.set(source as string, Number(sequence));
    }
    seen += whole.length;
    if (seen >= lines) child.kill('SIGKILL');
  });
  await ended;
  assert.equal(child.signalCode, 'SIGKILL', 'it died by our hand');
}

test('[R40] [R42] a commit killed while it waits for a lock is there whole or not at all', async () => {
  const a = testChain('r01', sha256);
  const first = await open();
  await first.append([a.begin()]);
  const locker = new pg.Client(server.ownerUrl);
  await locker.connect();
  await locker.query(`BEGIN; UPDATE recorder.tenants SET version = version WHERE tenant = 'acme'`);
  const blocks = [a.notes(1), a.notes(2), a.notes(3)];
  const appending = first.append(blocks).catch((error: unknown) => error);
  for (let held = 0; held === 0; ) {
    const waiting = await server.asOwner(
      `SELECT count(pg_terminate_backend(pid))::int AS n FROM pg_stat_activity WHERE usename = 'recorder_test' AND wait_event_type = 'Lock'`,
    );
    held = waiting[0]?.n as number;
  }
  told(StoreFailedError, /middle of a commit/)(await appending);
  await locker.query('COMMIT');
  await locker.end();
  const again = await open();
  assert.equal((await again.heads())[0]?.sequence, 1);
  await again.append(blocks);
  assert.equal(await verified(again), 7);
});

test('[R48] a foreign block does not end the store', async () => {
  const store = await open();
  const a = testChain('r01', sha256);
  await assert.rejects(store.append([testChain('r02', sha256, { tenant: 'other' }).begin()]), ForeignBlockError);
  await store.append([a.begin()]);
});
