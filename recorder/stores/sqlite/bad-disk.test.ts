import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import {
  type BlockStore,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  StoreError,
  StoreFailedError,
  StoreFullError,
  StoreNewerError,
  StoreReadOnlyError,
  verify,
} from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { LANDING_BYTES } from './landing.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';
import { openSqliteRecorder, openSqliteRecording, openSqliteStore, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-bad-disk-'));
after(() => {
  chmodSync(home, 0o755);
  rmSync(home, { recursive: true });
});
const pathOf = (name: string): string => join(home, `${name}.db`);

/** An error of that class whose message names the file and a way out. */
const says = (kind: abstract new (...args: never[]) => StoreError, what: RegExp) => (error: unknown) => {
  assert.ok(error instanceof kind, `${(error as Error).name}: ${(error as Error).message}`);
  assert.match(error.message, what);
  assert.ok(error.message.startsWith(error.path) && error.message.includes(error.wayOut) && error.wayOut.length > 10);
  return true;
};

async function recordedTo(
  path: string,
): Promise<{ readonly head: number; readonly chain: ReturnType<typeof testChain> }> {
  const store = openSqliteStore(path);
  const chain = testChain('r01', sha256);
  await store.append([chain.begin(), chain.notes(5), chain.notes(5)]);
  await store.close();
  return { head: 11, chain };
}

async function endOf(store: BlockStore): Promise<number | undefined> {
  return (await store.heads())[0]?.sequence;
}

/** Runs as a user who owns nothing here when the tests run as root, whom no permission stops. */
function asNobody<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(65_534);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}

for (const threads of ['same thread', 'worker thread'] as const) {
  const open = async (path: string, limitBytes?: number): Promise<BlockStore> => {
    const options = limitBytes === undefined ? {} : { limitBytes };
    return threads === 'same thread' ? openSqliteStore(path, options) : openSqliteRecorder(path, options);
  };

  test(`[R48] [L3] a full disk (${threads}): a typed error to all who wait, no more is taken, what was acknowledged stays`, async () => {
    const path = pathOf(`full-${threads[0]}`);
    const store = await open(path, 200_000);
    const chain = testChain('r01', sha256);
    await store.append([chain.begin()]);
    let acknowledged = 1;
    await assert.rejects(
      async () => {
        for (;;) {
          const block = chain.notes(20, 300);
          await store.append([block]);
          acknowledged = block.firstSequence + block.count - 1;
        }
      },
      says(StoreFullError, /no room is left/),
    );
    const late = [chain.notes(1), chain.notes(1)].map((block) => store.append([block]));
    for (const append of late) await assert.rejects(append, says(StoreFullError, /no room/), 'final: it takes no more');
    await store.close();
    const again = await open(path, 400_000);
    assert.equal(await endOf(again), acknowledged);
    assert.equal((await verify(again, { sha256, reexecutors: {} })).ok, true);
    await again.close();
  });

  test(`[R46] a recording that cannot be opened (${threads}) says why at once`, async () => {
    await assert.rejects(
      open(join(home, 'no', 'such', 'folder.db')),
      says(StoreReadOnlyError, /Check that the folder exists/),
    );
    const text = pathOf(`text-${threads[0]}`);
    writeFileSync(text, 'a text file and no database at all, long enough to be looked at'.repeat(20));
    await assert.rejects(open(text), says(StoreCorruptError, /no recording/));
  });
}

const TAKEN_AWAY: readonly (readonly [string, (path: string) => void])[] = [
  ['the database is removed', (path) => rmSync(path)],
  ['the log is removed', (path) => rmSync(`${path}-wal`)],
  ['the landing is removed', (path) => rmSync(`${path}-landing`)],
  ['the database is renamed', (path) => renameSync(path, `${path}.old`)],
  [
    'the database is replaced by a copy',
    (path) => {
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  ],
  ['its folder is moved away', (path) => renameSync(dirname(path), `${dirname(path)}.away`)],
];

for (const [what, takeAway] of TAKEN_AWAY) {
  test(`[R133] [L3] while it is open ${what}: nothing is acknowledged any more, and the error names the file`, async () => {
    const landing = (path: string): BlockStore => openSqliteStore(path, { landing: true });
    const straight = (path: string): BlockStore => openSqliteStore(path);
    for (const open of what.includes('landing')
      ? [landing, openSqliteRecorder]
      : [straight, landing, openSqliteRecorder]) {
      const folder = mkdtempSync(join(home, 'gone-'));
      const path = join(folder, 'gone.db');
      const store = await open(path);
      const chain = testChain('r01', sha256);
      await store.append([chain.begin()]);
      takeAway(path);
      const gone = says(StoreFailedError, /gone\.db(-wal|-landing)? was removed, renamed or replaced/);
      await assert.rejects(store.append([chain.notes(1)]), gone);
      await assert.rejects(store.append([chain.notes(1)]), gone, 'final');
      await store.close();
    }
  });
}

const FILE_LIMIT_BYTES = 400 * 512;

/** A limit on the size of files makes the operating system refuse the write itself, as a failing disk does. */
function underFileLimit(program: string): { readonly stdout: string; readonly stderr: string } {
  const script = `ulimit -f ${FILE_LIMIT_BYTES / 512}; trap "" XFSZ; exec "$0" --no-warnings --input-type=module -e "$1"`;
  return spawnSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8' });
}

test('[R48] [L3] a disk that fails while writing: the error is final, and opening again finds what was acknowledged', async () => {
  const path = pathOf('failing');
  const program = `
    import { openSqliteStore, sha256 } from ${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)};
    import { testChain } from ${JSON.stringify(new URL('../../testing/chains.ts', import.meta.url).href)};
    const store = openSqliteStore(${JSON.stringify(path)});
    const chain = testChain('r01', sha256);
    await store.append([chain.begin()]);
    let acknowledged = 1;
    try {
      for (;;) { const block = chain.notes(20, 300); await store.append([block]); acknowledged = block.firstSequence + block.count - 1; }
    } catch (error) {
      const second = await store.append([chain.notes(1)]).catch((again) => again);
      console.log(JSON.stringify({ acknowledged, name: error.name, message: error.message, final: second === error }));
    }`;
  const { stdout, stderr } = underFileLimit(program);
  assert.notEqual(stdout, '', stderr);
  const said = JSON.parse(stdout) as { acknowledged: number; name: string; message: string; final: boolean };
  assert.ok([StoreFailedError.name, StoreFullError.name].includes(said.name), said.message);
  assert.ok(said.message.startsWith(path));
  assert.equal(said.final, true);
  const store = openSqliteStore(path);
  assert.ok(((await endOf(store)) ?? 0) >= said.acknowledged && said.acknowledged > 1);
  assert.equal((await verify(store, { sha256, reexecutors: {} })).ok, true);
  await store.close();
});

test('[R136] [R47] the landing takes its room at opening and gives it back at the end; where there is none, commits go straight into the database', async () => {
  const path = pathOf('laid-out');
  const chain = testChain('r01', sha256);
  for (const blocks of [[chain.begin(), chain.notes(20, 300)], [chain.notes(20, 300)]]) {
    const store = openSqliteStore(path, { landing: true });
    assert.equal(statSync(`${path}-landing`).size, LANDING_BYTES);
    for (const block of blocks) await store.append([block]);
    assert.equal(statSync(`${path}-landing`).size, LANDING_BYTES);
    await store.close();
    assert.equal(existsSync(`${path}-landing`), false);
  }
  const whole = openSqliteStore(path);
  assert.equal((await verify(whole, { sha256, reexecutors: {} })).ok, true);
  assert.equal(await endOf(whole), 41);
  await whole.close();

  const cramped = pathOf('cramped');
  const program = `
    import { openSqliteStore, sha256 } from ${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)};
    import { testChain } from ${JSON.stringify(new URL('../../testing/chains.ts', import.meta.url).href)};
    import { existsSync } from 'node:fs';
    const store = openSqliteStore(${JSON.stringify(cramped)}, { landing: true });
    const chain = testChain('r01', sha256);
    await store.append([chain.begin()]);
    await store.append([chain.notes(3)]);
    console.log(existsSync(${JSON.stringify(`${cramped}-landing`)}));`;
  const { stdout, stderr } = underFileLimit(program);
  assert.equal(stdout.trim(), 'false', stderr);
  const kept = openSqliteRecording(cramped);
  assert.equal((await kept.heads())[0]?.sequence, 4);
  await kept.close();
});

test('[R49] a file or folder that may not be written is named, with the way out; reading goes on', async () => {
  const folder = join(home, 'read-only');
  mkdirSync(folder);
  const path = join(folder, 'kept.db');
  await recordedTo(path);
  // A reader that ends last leaves an empty log.
  writeFileSync(`${path}-wal`, '', { mode: 0o444 });
  chmodSync(home, 0o755);
  chmodSync(path, 0o444);
  chmodSync(folder, 0o555);
  assert.throws(
    () => asNobody(() => openSqliteStore(path)),
    says(StoreReadOnlyError, /right to write|may read and write/),
  );
  assert.throws(() => asNobody(() => openSqliteStore(join(folder, 'new.db'))), says(StoreReadOnlyError, /folder/));
  const reader = asNobody(() => openSqliteRecording(path));
  const report = await verify(reader, { sha256, reexecutors: {} });
  assert.equal(report.ok, true);
  assert.equal(report.events, 11);
  await reader.close();
  chmodSync(folder, 0o755);
});

test('[R49] [R138] what a killed writer left on a medium that cannot be written is read whole: log, landing, and by a link', async () => {
  const path = pathOf('left');
  const store = openSqliteStore(path, { landing: true, mostLanded: 3 });
  const chain = testChain('r01', sha256);
  for (const block of [chain.begin(), ...Array.from({ length: 7 }, () => chain.notes(1))]) await store.append([block]);
  const folder = join(home, 'medium');
  mkdirSync(folder);
  for (const end of ['', '-wal', '-landing']) {
    copyFileSync(path + end, join(folder, `left.db${end}`));
    chmodSync(join(folder, `left.db${end}`), 0o444);
  }
  await store.close();
  const link = pathOf('link-to-left');
  symlinkSync(join(folder, 'left.db'), link);
  chmodSync(home, 0o755);
  chmodSync(folder, 0o555);
  for (const named of [join(folder, 'left.db'), link]) {
    const reader = asNobody(() => openSqliteRecording(named));
    const { ok, events } = await verify(reader, { sha256, reexecutors: {} });
    assert.deepEqual([ok, events], [true, 8], named);
    await reader.close();
  }
  assert.deepEqual(readdirSync(folder).sort(), ['left.db', 'left.db-landing', 'left.db-wal']);
  chmodSync(folder, 0o755);
});

test('[R46] [R138] a recording is one file again when its last reader has closed it, and untouched', async () => {
  const folder = join(home, 'one-file');
  mkdirSync(folder);
  const path = join(folder, 'day.db');
  const { chain } = await recordedTo(path);
  const [before, { mtimeMs }] = [readFileSync(path), statSync(path)];
  const link = join(home, 'link-to-one-file');
  symlinkSync(path, link);
  const [first, last] = [openSqliteRecording(path), openSqliteRecording(link)];
  const heads = await first.heads();
  await first.close();
  assert.deepEqual(await last.heads(), heads, 'whoever still reads is left what that takes');
  await last.close();
  assert.deepEqual(readdirSync(folder), ['day.db']);
  assert.deepEqual([readFileSync(path), statSync(path).mtimeMs], [before, mtimeMs]);

  const reader = openSqliteRecording(path);
  const writer = openSqliteStore(path);
  await reader.heads();
  await reader.close();
  await writer.append([chain.notes(1)]);
  const beside = openSqliteRecording(path);
  await beside.close();
  assert.ok(existsSync(`${path}-wal`), 'of whoever writes it stays');
  await writer.append([chain.notes(1)]);
  await writer.close();
  assert.deepEqual(readdirSync(folder), ['day.db']);

  const staying = openSqliteRecording(path);
  await staying.heads();
  const again = openSqliteStore(path);
  await again.append([chain.notes(1)]);
  await again.close();
  const alone = pathOf('alone');
  copyFileSync(path, alone);
  const copy = openSqliteRecording(alone);
  assert.deepEqual(await copy.heads(), await staying.heads(), 'whoever copies the file alone has all of it');
  await copy.close();
  await staying.close();
  assert.deepEqual(readdirSync(folder), ['day.db']);

  const moved = openSqliteRecording(path);
  await moved.heads();
  renameSync(path, `${path}.away`);
  await moved.close();
  assert.equal(existsSync(path), false, 'no empty file takes its place');
});

test('[R46] a reader of a file that is not there gets an error that names it, and creates nothing', () => {
  assert.throws(() => openSqliteRecording(pathOf('nowhere')), says(StoreError, /cannot be opened/));
  assert.equal(existsSync(pathOf('nowhere')), false);
});

test('[R4] a recording of a newer schema is refused by its number, and not changed', async () => {
  const path = pathOf('newer');
  await recordedTo(path);
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 7}`);
  db.close();
  const before = readFileSync(path);
  const newer = new RegExp(`version ${SCHEMA_VERSION + 7}; this program knows versions up to ${SCHEMA_VERSION}`);
  assert.throws(() => openSqliteStore(path), says(StoreNewerError, newer));
  assert.throws(() => openSqliteRecording(path), says(StoreNewerError, newer));
  await assert.rejects(openSqliteRecorder(path), says(StoreNewerError, newer));
  assert.deepEqual(readFileSync(path), before);
});

test('[R4] a recording of an older schema is brought up to date when it is opened for writing, and loses nothing', async () => {
  const path = pathOf('older');
  const { blocks, opening } = tramDay({ seed: 9, wakes: 100, sha256 });
  const store = openSqliteStore(path);
  await store.append(blocks);
  const head = await store.heads();
  await store.close();
  const db = new DatabaseSync(path);
  db.exec('DROP TABLE snapshots; DROP TABLE lives; DROP TABLE packs; PRAGMA user_version = 1');
  db.close();
  assert.equal(MIGRATIONS.length, 4, 'a new migration needs its own test here');
  assert.throws(
    () => openSqliteRecording(path),
    says(StoreCorruptError, /version 1, older than 2.*Open it once for writing/),
  );
  const again = openSqliteStore(path);
  assert.deepEqual(await again.heads(), head);
  for (const mark of blocks.flatMap(({ snapshots }) => snapshots)) {
    assert.equal((await again.snapshotBefore(opening, mark.atUs))?.sequence, mark.sequence);
  }
  await again.close();
});

test('[R4] a recording of schema 2 is read as it is, and counts its lives once it is opened for writing', async () => {
  const path = pathOf('before-lives');
  const { head } = await recordedTo(path);
  const older = new DatabaseSync(path);
  older.exec('DROP TABLE lives; DROP TABLE packs; PRAGMA user_version = 2');
  older.close();
  const before = readFileSync(path);
  const reader = openSqliteRecording(path);
  assert.equal((await reader.heads())[0]?.sequence, head);
  await reader.close();
  assert.deepEqual(readFileSync(path), before);
  for (const life of [1, 2]) {
    await openSqliteStore(path).close();
    const db = new DatabaseSync(path, { readOnly: true });
    assert.deepEqual({ ...db.prepare('SELECT life FROM lives').get() }, { life });
    db.close();
  }
});

test('[R4] [R196] a recording of schema 3 is read as it is, and packs once it is opened for writing', async () => {
  const path = pathOf('before-packs');
  const { head } = await recordedTo(path);
  const older = new DatabaseSync(path);
  older.exec('DROP TABLE packs; PRAGMA user_version = 3');
  older.close();
  const before = readFileSync(path);
  const reader = openSqliteRecording(path);
  assert.equal((await reader.heads())[0]?.sequence, head);
  await reader.close();
  assert.deepEqual(readFileSync(path), before);
  await openSqliteStore(path, { packBytes: 1_000 }).close();
  const db = new DatabaseSync(path, { readOnly: true });
  assert.deepEqual({ ...db.prepare('PRAGMA user_version').get() }, { user_version: 4 });
  db.close();
});

test('[R4] an SQLite file that is something else is left alone', () => {
  const path = pathOf('other');
  const db = new DatabaseSync(path);
  db.exec('CREATE TABLE recipes (name TEXT)');
  db.close();
  assert.throws(() => openSqliteStore(path), says(StoreCorruptError, /an SQLite file but no recording/));
});

test('[R47] [L4] a last block that is altered, foreign, or not linked keeps the recording from being written, by source and sequence', async () => {
  const damages: readonly (readonly [string, string, RegExp])[] = [
    ['bytes', `UPDATE blocks SET bytes = CAST(bytes || x'00' AS BLOB) WHERE ordinal = 3`, /do not have the hash/],
    ['sequence', 'UPDATE blocks SET first_sequence = 8 WHERE ordinal = 3', /holds the events 7 to 11/],
    ['hole', 'DELETE FROM blocks WHERE ordinal = 2', /events after 1 are missing/],
    ['owner', `UPDATE chains SET source = 'r99'`, /belongs to acme\/r01/],
    ['link', `UPDATE blocks SET hash = zeroblob(32) WHERE ordinal = 2`, /does not carry the hash of the block before/],
  ];
  for (const [name, sql, what] of damages) {
    const path = pathOf(`tail-${name}`);
    await recordedTo(path);
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    const source = name === 'owner' ? 'r99' : 'r01';
    assert.throws(() => openSqliteStore(path), says(StoreCorruptError, what), name);
    assert.throws(() => openSqliteStore(path), new RegExp(`acme/${source} epoch 0 at sequence 1[12]`));
    const reader = openSqliteRecording(path);
    assert.equal((await verify(reader, { sha256, reexecutors: {} })).ok, false, `${name}: verify finds it too`);
    await reader.close();
  }
});

test('[L4] a file cut short in the middle is refused, or its damage is found by verify: never taken for whole', async () => {
  const whole = pathOf('whole');
  const store = openSqliteStore(whole);
  const chain = testChain('r01', sha256);
  await store.append([chain.begin(), ...Array.from({ length: 40 }, () => chain.notes(20, 200))]);
  const knownHeads = await store.heads();
  await store.close();
  const size = readFileSync(whole).length;
  for (let part = 1; part < 10; part++) {
    const path = pathOf(`cut-${part}`);
    writeFileSync(path, readFileSync(whole));
    truncateSync(path, Math.floor((size * part) / 10));
    await assert.rejects(async () => {
      const reader = openSqliteRecording(path);
      const report = await verify(reader, { sha256, reexecutors: {}, knownHeads }).finally(() => reader.close());
      if (!report.ok) throw new StoreCorruptError(path, report.firstFailure?.message ?? '', 'found by verify');
    }, StoreCorruptError);
  }
});

test('[L4] bytes overwritten anywhere in the file are found, or lie where nothing is kept', async () => {
  const whole = pathOf('whole-2');
  const { chain } = await recordedTo(whole);
  const more = openSqliteStore(whole);
  await more.append([chain.notes(20, 300), chain.notes(20, 300)]);
  await more.close();
  const size = readFileSync(whole).length;
  let found = 0;
  for (let n = 0; n < 60; n++) {
    const path = pathOf('rotten');
    writeFileSync(path, readFileSync(whole));
    const file = openSync(path, 'r+');
    writeSync(file, new Uint8Array(16).fill(0xa5), 0, 16, Math.floor((size * n) / 60));
    closeSync(file);
    try {
      const reader = openSqliteRecording(path);
      const report = await verify(reader, { sha256, reexecutors: {} }).finally(() => reader.close());
      if (!report.ok) found++;
      else assert.equal(report.chains[0]?.head.sequence, chain.writer.head.sequence, `at ${n}/60 of the file`);
    } catch (error) {
      assert.ok(error instanceof StoreError, String(error));
      found++;
    }
  }
  assert.ok(found > 5, `${found} of 60`);
});

test('[R42] a second process that writes the same recording is found before anything is written twice', async () => {
  const path = pathOf('twice');
  const first = openSqliteStore(path);
  const chain = testChain('r01', sha256);
  await first.append([chain.begin()]);
  const second = openSqliteStore(path);
  const other = testChain('r02', sha256);
  await second.append([other.begin()]);
  await assert.rejects(first.append([chain.notes(1)]), says(StoreBusyError, /another process/));
  await second.append([other.notes(1)]);
  await first.close();
  await second.close();
  await assert.rejects(first.append([chain.notes(1)]), StoreError);
  await assert.rejects(second.append([other.notes(1)]), says(StoreClosedError, /closed/));
});
