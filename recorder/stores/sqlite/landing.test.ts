import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { draw } from '@sigma/kernel';
import {
  eventsOf,
  type Recording,
  type SealedBlock,
  StoreBusyError,
  StoreCorruptError,
  StoreNewerError,
  verify,
} from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { releaseFromSqlite } from './release.ts';
import { copySqlite, openSqliteRecording, openSqliteStore, removeRecording, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-landing-'));
after(() => rmSync(home, { recursive: true }));
const pathOf = (name: string): string => join(home, `${name}.db`);

/** The files as they lie while the writer has them open: what a kill leaves. */
function killedCopy(path: string, name: string): string {
  const folder = join(home, name);
  mkdirSync(folder);
  for (const end of ['', '-wal', '-landing']) {
    if (existsSync(path + end)) copyFileSync(path + end, join(folder, basename(path) + end));
  }
  return join(folder, basename(path));
}

const rowsIn = (path: string): unknown => {
  const db = new DatabaseSync(path, { readOnly: true });
  const count = db.prepare('SELECT count(*) AS n FROM blocks').get()?.n;
  db.close();
  return count;
};

async function ends(recording: Recording): Promise<readonly string[]> {
  return (await recording.heads()).map(({ source, sequence, blocks }) => `${source} ${sequence} in ${blocks}`);
}

/** A store with a landing: an opening in the database, and three blocks of r01 and one of r02 that have landed. */
async function landed(name: string): Promise<{
  readonly path: string;
  readonly store: ReturnType<typeof openSqliteStore>;
  readonly chain: ReturnType<typeof testChain>;
}> {
  const path = pathOf(name);
  const chain = testChain('r01', sha256);
  const first = openSqliteStore(path);
  await first.append([chain.begin()]);
  await first.close();
  const store = openSqliteStore(path, { landing: true });
  await store.append([chain.notes(5)]);
  await store.append([chain.notes(2), chain.notes(3)]);
  await store.append([testChain('r02', sha256).begin()]);
  return { path, store, chain };
}

const WHOLE = ['r01 11 in 4', 'r02 1 in 1'];

test('[R137] small commits land beside the database, many go into it together, and an orderly end leaves one file', async () => {
  const { path, store, chain } = await landed('few');
  assert.equal(rowsIn(path), 1, 'nothing of what landed');
  for (let n = 0; n < 130; n++) await store.append([chain.notes(1)]);
  assert.equal(rowsIn(path), 1 + 4 + 124, 'what had landed when there were 128');
  await store.append([chain.notes(40, 3000)]);
  assert.equal(rowsIn(path), 1 + 4 + 130 + 1, 'a large one goes straight in, behind what had landed');
  await store.close();
  assert.equal(existsSync(`${path}-landing`), false);
  const reader = openSqliteRecording(path);
  assert.deepEqual(await ends(reader), ['r01 181 in 135', 'r02 1 in 1']);
  assert.equal((await verify(reader, { sha256, reexecutors: {} })).ok, true);
  await reader.close();
});

test('[R138] [L3] a killed writer leaves what had landed: it is read at once, and in the database after the next opening', async () => {
  const { path, store } = await landed('killed');
  const left = killedCopy(path, 'left');
  await store.close();
  const reader = openSqliteRecording(left);
  assert.deepEqual(await ends(reader), WHOLE);
  assert.equal((await verify(reader, { sha256, reexecutors: {} })).events, 12);
  await reader.close();
  assert.equal(rowsIn(left), 1, 'a reader changes nothing');
  for (const options of [{}, { landing: true }]) {
    const next = openSqliteStore(left, options);
    assert.deepEqual(await ends(next), WHOLE);
    assert.equal(rowsIn(left), 5);
    await next.close();
  }
});

test('[R138] [R45] at every step a reader sees what was acknowledged, as another store tells it', async () => {
  const path = pathOf('watched');
  const store = openSqliteStore(path, { landing: true, mostLanded: 5 });
  const memory = new MemoryStore();
  const { blocks } = tramDay({ seed: 11, wakes: 260, sha256 });
  const other = testChain('zebra', sha256);
  const reader = openSqliteRecording(path);
  for (const [n, block] of [other.begin(), ...blocks].entries()) {
    const group: SealedBlock[] = n % 7 === 3 ? [block, other.notes(2)] : [block];
    await store.append(group);
    await memory.append(group);
    const { tenant, source, epoch, firstSequence, lastAtUs } = block;
    const chain = { tenant, source, epoch };
    assert.deepEqual(await reader.heads(), await memory.heads());
    const atUs = draw(n, 1, 0, 3, 0) % (lastAtUs + 2);
    assert.deepEqual(await reader.snapshotBefore(chain, atUs), await memory.snapshotBefore(chain, atUs), `at ${atUs}`);
    const from = Math.max(1, firstSequence - (draw(n, 2, 0, 3, 0) % 40));
    for (const recording of [reader, store]) {
      assert.deepEqual(
        await hashes(recording.blocks(chain, from, firstSequence)),
        await hashes(memory.blocks(chain, from, firstSequence)),
        `from ${from} at step ${n}`,
      );
    }
  }
  await store.close();
  assert.deepEqual(await reader.heads(), await memory.heads(), 'when the landing is gone too');
  await reader.close();
});

async function hashes(blocks: AsyncIterable<{ readonly hash: Uint8Array }>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { hash } of blocks) found.push(Buffer.from(hash).toString('hex'));
  return found;
}

/** Changes bytes of a landing in place. */
function alter(path: string, change: (landing: Buffer) => void): void {
  const landing = readFileSync(`${path}-landing`);
  change(landing);
  writeFileSync(`${path}-landing`, landing);
}

/** Where the records of the landing begin. */
function records(landing: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 0; landing.readUInt32LE(at + 4) > 0; at += Math.ceil((20 + landing.readUInt32LE(at + 4)) / 8) * 8) {
    found.push(at);
  }
  return found;
}

test('[R137] [L3] a record that the power tore was promised to nobody: what lies before it is there', async () => {
  const { path, store } = await landed('torn');
  const left = killedCopy(path, 'torn-copy');
  await store.close();
  alter(left, (landing) => landing.fill(0, (records(landing).at(-1) ?? 0) + 100, landing.length));
  const reader = openSqliteRecording(left);
  assert.deepEqual(await ends(reader), ['r01 11 in 4']);
  await reader.close();
  const next = openSqliteStore(left);
  assert.deepEqual(await ends(next), ['r01 11 in 4']);
  await next.close();
});

test('[R138] [L4] a landing that was altered, or belongs to another copy, is named; nothing is written, nothing is lost', async () => {
  const { path, store, chain } = await landed('altered');
  const left = killedCopy(path, 'altered-copy');
  const older = killedCopy(path, 'older-copy');
  for (let n = 0; n < 200; n++) await store.append([chain.notes(1)]);
  const later = killedCopy(path, 'later-copy');
  await store.close();
  alter(left, (landing) =>
    landing.writeUInt8(landing.readUInt8((records(landing)[1] ?? 0) + 60) ^ 1, (records(landing)[1] ?? 0) + 60),
  );
  copyFileSync(`${later}-landing`, `${older}-landing`);
  for (const damaged of [left, older]) {
    const before = rowsIn(damaged);
    for (const options of [{}, { landing: true }]) {
      assert.throws(
        () => openSqliteStore(damaged, options),
        (error: unknown) =>
          error instanceof StoreCorruptError &&
          error.message.startsWith(`${damaged}-landing: holds events of acme/r0`) &&
          error.message.includes('do not follow'),
      );
    }
    assert.equal(rowsIn(damaged), before);
    const reader = openSqliteRecording(damaged);
    const { firstFailure, events } = await verify(reader, { sha256, reexecutors: {} });
    assert.equal(firstFailure?.kind, 'cut_short', 'verify says it without being told of any head');
    assert.ok(events > 0, 'and what does follow can be read');
    await reader.close();
    rmSync(`${damaged}-landing`);
    await openSqliteStore(damaged).close();
  }
});

/** A record with one block, as a landing of the first life and round begins with it. */
function recordOf(block: Uint8Array): Buffer {
  const record = Buffer.alloc(24 + block.length);
  for (const [n, value] of [0, block.length + 4, 1, 1, 0, block.length].entries()) record.writeUInt32LE(value, 4 * n);
  record.set(block, 24);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

test('[R3] [R138] blocks of a newer format that have landed are refused by its number, and not written over', async () => {
  const { path, store } = await landed('newer');
  const left = killedCopy(path, 'newer-copy');
  await store.close();
  const block = Buffer.from(testChain('r03', sha256).begin().bytes);
  assert.deepEqual([...block.subarray(0, 2)], [8, 1], 'the number of the format');
  block[1] = 2;
  alter(left, (landing) => recordOf(block).copy(landing));
  const before = readFileSync(`${left}-landing`);
  const reader = openSqliteRecording(left);
  const newer = (error: unknown): boolean =>
    error instanceof StoreNewerError && error.message.startsWith(`${left}-landing: holds blocks of format 2, newer`);
  await assert.rejects(reader.heads(), newer);
  await reader.close();
  for (const options of [{}, { landing: true }]) assert.throws(() => openSqliteStore(left, options), newer);
  assert.deepEqual(readFileSync(`${left}-landing`), before);
});

test('[R138] what was recorded may look like a record of another: it is not taken for one', async () => {
  const path = pathOf('lookalike');
  const store = openSqliteStore(path, { landing: true });
  const chain = testChain('r01', sha256);
  await store.append([chain.begin()]);
  const stranger = testChain('r66', sha256);
  stranger.begin();
  const forged = recordOf(stranger.notes(3).bytes);
  // One of eight stands where a record may begin.
  const data = new Uint8Array(Buffer.concat(Array.from({ length: 8 }, (_, n) => [forged, Buffer.alloc(n + 1)]).flat()));
  const event = { type: 'test.raw', subject: '', atUs: 1, timeUs: 1_700_000_000_000_000, traceparent: '', data };
  for (let n = 0; n < 8; n++) await store.append([chain.writer.seal([{ ...event, subject: 'x'.repeat(n) }])]);
  const left = killedCopy(path, 'lookalike-copy');
  await store.close();
  const next = openSqliteStore(left);
  assert.deepEqual(await ends(next), ['r01 9 in 9']);
  await next.close();
});

test('[R138] [R42] while something has landed nobody else opens the recording for writing; then whoever had it open before gives way', async () => {
  const { path, store, chain } = await landed('two');
  assert.throws(() => openSqliteStore(path, { busyTimeoutMs: 10 }), StoreBusyError);
  await store.append([chain.notes(40, 3000)]);
  const second = openSqliteStore(path, { landing: true });
  await assert.rejects(store.append([chain.notes(1)]), StoreBusyError);
  await store.close();
  await second.append([testChain('r03', sha256).begin()]);
  assert.equal(existsSync(`${path}-landing`), true, 'the one who gave way leaves the landing of the other');
  assert.deepEqual(await ends(second), ['r01 51 in 5', 'r02 1 in 1', 'r03 1 in 1']);
  await second.close();
});

test('[R138] [L3] who ends in order while another has begun a life leaves that one its landing, and what has landed in it', async () => {
  const path = pathOf('ended');
  const options = { landing: true, busyTimeoutMs: 10 };
  const first = openSqliteStore(path, options);
  const second = openSqliteStore(path, options);
  const chain = testChain('r01', sha256);
  await second.append([chain.begin()]);
  await first.close();
  const left = killedCopy(path, 'ended-copy');
  const reader = openSqliteRecording(left);
  assert.deepEqual(await ends(reader), ['r01 1 in 1'], 'what the second was promised');
  await reader.close();
  await second.append([chain.notes(2)]);
  await second.close();
  assert.equal(existsSync(`${path}-landing`), false);
});

test('[R137] a recording with a limit has no landing: what is beside it would not count', async () => {
  const path = pathOf('limited');
  const store = openSqliteStore(path, { landing: true, limitBytes: 1_000_000 });
  await store.append([testChain('r01', sha256).begin()]);
  assert.equal(existsSync(`${path}-landing`), false);
  assert.equal(rowsIn(path), 1);
  const events: number[] = [];
  for await (const { sequence } of eventsOf(store, { tenant: 'acme', source: 'r01', epoch: 0 })) events.push(sequence);
  assert.deepEqual(events, [1]);
  await store.close();
});

test('[R138] [R176] a copy that is made while the writer writes holds what has landed too', async () => {
  const { path, store } = await landed('copied');
  const to = pathOf('copy');
  await copySqlite(path, to);
  await store.close();
  assert.equal(existsSync(`${to}-landing`), false);
  const reader = openSqliteRecording(to);
  assert.deepEqual(await ends(reader), WHOLE);
  await reader.close();
  removeRecording(to);
  assert.equal(existsSync(to), false);
});

test('[R138] [R165] what landed before a kill is the end of its chain: the beginning is released, and the end stays', async () => {
  const path = pathOf('released');
  const store = openSqliteStore(path, { landing: true });
  const chain = testChain('r01', sha256);
  const large = [chain.begin(), chain.notes(40, 3000), chain.notes(40, 3000)];
  for (const block of large) await store.append([block]);
  for (let n = 0; n < 4; n++) await store.append([chain.notes(1)]);
  const left = killedCopy(path, 'released-copy');
  const moved = { tenant: 'acme', source: 'r01', epoch: 0, sequence: 81, hash: large[2]?.hash ?? new Uint8Array() };
  assert.throws(() => releaseFromSqlite(path, [moved]), StoreBusyError, 'not while somebody writes it');
  await store.append([chain.notes(1)]);
  await store.close();
  releaseFromSqlite(left, [moved]);
  assert.equal(rowsIn(left), 1 + 4, 'the opening, and what had landed');
  assert.equal(existsSync(`${left}-landing`), false);
  const next = openSqliteStore(left);
  assert.deepEqual(await ends(next), ['r01 85 in 7']);
  await next.close();
});

test('[R138] a landing without its recording is named, and kept', async () => {
  const { path, store } = await landed('alone');
  const left = killedCopy(path, 'alone-copy');
  await store.close();
  const before = readFileSync(`${left}-landing`);
  for (const end of ['', '-wal']) rmSync(left + end);
  for (const options of [{}, { landing: true }]) {
    assert.throws(
      () => openSqliteStore(left, options),
      (error: unknown) =>
        error instanceof StoreCorruptError &&
        error.message.startsWith(`${left}-landing: holds events of acme/r01 epoch 0 up to 11 that do not follow`),
    );
  }
  assert.deepEqual(readFileSync(`${left}-landing`), before);
});

test('[R138] by a symbolic link it is the same recording, with the same landing', async () => {
  const { path, store } = await landed('linked');
  const link = pathOf('link');
  symlinkSync(path, link);
  const reader = openSqliteRecording(link);
  assert.deepEqual(await ends(reader), WHOLE);
  await reader.close();
  const left = killedCopy(path, 'linked-copy');
  await store.close();
  rmSync(link);
  symlinkSync(left, link);
  const next = openSqliteStore(link, { landing: true });
  assert.deepEqual(await ends(next), WHOLE);
  await next.append([testChain('r03', sha256).begin()]);
  assert.deepEqual([existsSync(`${left}-landing`), existsSync(`${link}-landing`)], [true, false]);
  await next.close();
  assert.equal(existsSync(`${left}-landing`), false);
});
