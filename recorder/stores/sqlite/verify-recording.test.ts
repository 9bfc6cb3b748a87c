import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import {
  ChainWriter,
  coarse,
  cosign,
  decodeStub,
  exportTlog,
  formatNoteKey,
  logKey,
  openingEvent,
  openTree,
  parseCheckpoint,
  type SealedBlock,
  type Snapshot,
  type Stub,
  sealStub,
  signCheckpoint,
  signHead,
  siteHead,
  snapshotEvent,
} from '../../src/index.ts';
import { testChain, testOpening } from '../../testing/chains.ts';
import { chainWithGap, epochsWithGap } from '../../testing/dropped-blocks.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { openProofShelf } from './proof-shelf.ts';
import { type BoundedStore, openSqliteStore, sha256 } from './sqlite-store.ts';

const SCRIPT = fileURLToPath(new URL('../../../tools/verify-recording.py', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sigma-python-'));
after(() => rmSync(home, { recursive: true }));

const python = spawnSync('python3', ['-c', 'import sqlite3; assert sqlite3.sqlite_version_info >= (3, 37)']);
const skip = python.status === 0 ? false : 'needs python3 with SQLite 3.37 or newer: apt-get install python3';

function judged(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('python3', [SCRIPT, ...args], { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}`.trim() };
}

const key = ed25519Key(new Uint8Array(32).fill(7));
const witnessKey = ed25519Key(new Uint8Array(32).fill(8));
const day = tramDay({ seed: 5, wakes: 400, sha256 });
const trusted = formatNoteKey(logKey(day.opening, key.publicKey), sha256);

/** A recording of a tram's day and of a source with two lives, with shelf and signed checkpoints, checked as honest. */
async function recorded(
  name: string,
): Promise<{ readonly path: string; readonly head: string; readonly early: string }> {
  const path = join(home, `${name}.sqlite`);
  const store = openSqliteStore(path);
  const first = testChain('caf\u00e9 +1', sha256);
  await store.append([...day.blocks, first.begin(), first.notes(3)]);
  const previousEpochHash = first.writer.head.hash;
  const second = testChain('caf\u00e9 +1', sha256, { epoch: 1, atUs: 50_000, previousEpochHash });
  await store.append([second.begin(), second.notes(300)]);
  const shelf = openProofShelf(path);
  const tree = await openTree(store, day.opening, sha256, shelf);
  const early = signCheckpoint(day.opening, await tree.head(150), key, sha256);
  await shelf.keep(day.opening, 150, early);
  await shelf.keep(day.opening, tree.size, await signHead(store, day.opening, key, sha256, shelf));
  const head = siteHead(await store.heads(), sha256);
  await shelf.close();
  await store.close();
  return { path, head, early };
}

const altered = (path: string, sql: string): void => {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
  db.close();
};

test('[R102] [R150] [R151] [R153] [R155] an independent verifier in Python accepts an honest recording, and finds the same site head', {
  skip,
}, async () => {
  const { path, head } = await recorded('honest');
  const { status, said } = judged(path, '--key', trusted);
  assert.equal(status, 0, said);
  assert.match(said, new RegExp(`ok: 3 chains, \\d+ events, head ${head}$`));
  assert.match(said, /sigma\/acme\/tram-1\/0: \d+ events, root [0-9a-f]{64}, 2 checkpoints/);
  assert.match(judged(path).said, /signatures not checked: no --key given/);
  assert.equal(judged(join(home, 'nothing')).status, 2);
});

test('[R102] [R138] [R150] the independent verifier reads what has landed beside a recording that is being written', {
  skip,
}, async () => {
  const path = join(home, 'landing.sqlite');
  const store = openSqliteStore(path, { landing: true, mostLanded: 4 });
  const [first, second] = [testChain('r01', sha256), testChain('r02', sha256)];
  for (const block of [
    first.begin(),
    first.notes(3),
    second.begin(),
    first.notes(2),
    second.notes(5),
    first.notes(1),
  ]) {
    await store.append([block]);
    const head = siteHead(await store.heads(), sha256);
    const { status, said } = judged(path);
    assert.equal(status, 0, said);
    assert.match(said, new RegExp(`head ${head}`));
  }
  const left = join(home, 'left.sqlite');
  for (const end of ['', '-wal', '-landing']) copyFileSync(path + end, left + end);
  await store.close();
  assert.equal(judged(left).status, 0, 'what a killed writer leaves');
  const landing = readFileSync(`${left}-landing`);
  landing.writeUInt8(landing.readUInt8(60) ^ 1, 60);
  writeFileSync(`${left}-landing`, landing);
  const { status, said } = judged(left);
  assert.deepEqual(
    [status, said.split('\n').at(-1)],
    [1, 'failed: acme/r01 epoch 0, event 7: what has landed does not go on from there, and reaches 7'],
  );
});

test('[R102] [R127] [R151] the independent verifier accepts a chain with a stub that another edge dropped blocks for, landed, packed, or as it is', {
  skip,
}, async () => {
  for (const options of [{}, { landing: true }, { packBytes: 250 }]) {
    const path = join(home, `stubs-${Object.keys(options).join()}.sqlite`);
    const store = openSqliteStore(path, options);
    for (const block of chainWithGap('r01', sha256)) await store.append([block]);
    const [end] = await store.heads();
    assert.equal(end?.blocks, 9, 'as the edge counts them: a stub as the three that it stands for');
    const open = judged(path);
    await store.close();
    for (const { status, said } of [open, judged(path)]) assert.equal(status, 0, said);
  }
});

test('[R102] [R127] the independent verifier counts the blocks of a stretch of which the end alone is still known', {
  skip,
}, async () => {
  const path = join(home, 'coarse.sqlite');
  const store = openSqliteStore(path);
  for (const block of chainWithGap('r01', sha256)) await store.append([block]);
  const heads = await store.heads();
  const stub = await stubAt(store, 5);
  const rough = coarse(stub);
  const count = rough.dropped[0]?.count ?? 0;
  const lies: readonly Stub[] = [
    { ...rough, dropped: [{ hash: stub.dropped[0]?.hash as Uint8Array, count, blocks: 3 }] },
    { ...rough, dropped: [{ hash: stub.dropped[2]?.hash as Uint8Array, count, blocks: 2 }] },
    { ...rough, dropped: [{ hash: stub.dropped[2]?.hash as Uint8Array, count: count + 3, blocks: 3 }] },
  ];
  for (const lie of lies) assert.equal(store.drop([sealStub(lie)]), 0, JSON.stringify(lie.dropped));
  assert.equal(store.drop([sealStub(rough)]), 1);
  assert.deepEqual(await stubAt(store, 5), rough);
  assert.deepEqual(await store.heads(), heads);
  await store.close();
  const { status, said } = judged(path);
  assert.equal(status, 0, said);
});

test('[R127] a stub that draws the line between two rows of blocks where none was takes no place', async () => {
  const store = openSqliteStore(join(home, 'lines.sqlite'));
  const chain = testChain('r01', sha256);
  const blocks = [chain.begin(), ...Array.from({ length: 4 }, () => chain.notes(3))];
  await store.append(blocks);
  const [, first, second, third] = blocks as [unknown, SealedBlock, SealedBlock, SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const whole = { tenant, source, epoch, firstSequence, previousHash, lastAtUs: third.lastAtUs };
  const drawn = (count: number): SealedBlock =>
    sealStub({
      ...whole,
      dropped: [
        { hash: second.hash, count, blocks: 2 },
        { hash: third.hash, count: 9 - count },
      ],
    });
  for (const count of [5, 7]) assert.equal(store.drop([drawn(count)]), 0);
  assert.equal(store.drop([drawn(6)]), 1);
  await store.close();
});

async function stubAt(store: BoundedStore, sequence: number): Promise<Stub> {
  const chain = { tenant: 'acme', source: 'r01', epoch: 0 };
  for await (const { bytes } of store.blocks(chain, sequence, sequence)) return decodeStub(bytes);
  throw new Error(`nothing stands at ${sequence}`);
}

test('[R102] [R127] the independent verifier finds in a later epoch what accounts for a stub, and misses it by its chain', {
  skip,
}, async () => {
  const blocks = epochsWithGap('r01', sha256, 1);
  const judgedOf = async (name: string, some: typeof blocks) => {
    const path = join(home, `${name}.sqlite`);
    const store = openSqliteStore(path);
    for (const block of some) await store.append([block]);
    await store.close();
    return judged(path);
  };
  const told = await judgedOf('told-later', blocks);
  assert.equal(told.status, 0, told.said);
  const first = blocks.filter(({ epoch }) => epoch === 0);
  for (const [name, others] of [
    ['first', epochsWithGap('r02', sha256, 1)],
    ['only', []],
  ] as const) {
    const untold = await judgedOf(`untold-${name}`, [...first, ...others]);
    assert.equal(untold.status, 1, untold.said);
    assert.match(untold.said, /acme\/r01 epoch 0, event 5 to 13: missing/);
  }
});

test('[R102] [R151] [R153] [L4] the independent verifier rejects every altered recording, and names the event', {
  skip,
}, async () => {
  const first = (n: number): number => day.blocks[n]?.firstSequence ?? 0;
  const chain = `chain = (SELECT chain FROM chains WHERE source = 'tram-1')`;
  const block = (n: number): string => `${chain} AND first_sequence = ${first(n)}`;
  const vandalisms: readonly (readonly [string, string, RegExp])[] = [
    [
      'bytes',
      `UPDATE blocks SET bytes = CAST(bytes || x'00' AS BLOB) WHERE ${block(4)}`,
      new RegExp(`event ${first(4)}: .*do not have the hash`),
    ],
    ['removed', `DELETE FROM blocks WHERE ${block(4)}`, new RegExp(`event ${first(4)}: missing`)],
    ['cut', `DELETE FROM blocks WHERE ${chain} AND first_sequence > ${first(20)}`, /missing: the chain ends at/],
    ['gone', `DELETE FROM blocks WHERE ${chain}; DELETE FROM chains WHERE source = 'tram-1'`, /whole chain is gone/],
    [
      'owner',
      `UPDATE chains SET source = 'tram-2' WHERE source = 'tram-1'`,
      /event 1: the block belongs to acme\/tram-1/,
    ],
    [
      'refiled',
      `UPDATE blocks SET first_sequence = first_sequence + 1 WHERE ${block(40)}`,
      new RegExp(`event ${first(40)}: missing`),
    ],
    [
      'epoch',
      `DELETE FROM blocks WHERE block = (SELECT block FROM blocks WHERE chain = (SELECT chain FROM chains WHERE source LIKE 'caf%' AND epoch = 0) ORDER BY ordinal DESC LIMIT 1)`,
      /epoch 1, event 1: the epoch before does not end/,
    ],
  ];
  for (const [name, sql, what] of vandalisms) {
    const { path } = await recorded(name);
    altered(path, sql);
    const { status, said } = judged(path, '--key', trusted);
    assert.equal(status, 1, `${name}: ${said}`);
    assert.match(said, what, name);
  }
});

const library = spawnSync('python3', [
  '-c',
  'import ctypes.util, sys; assert sys.version_info >= (3, 14) or ctypes.util.find_library("zstd")',
]);
const skipPacked = skip || (library.status === 0 ? false : 'needs libzstd: apt-get install libzstd1');

test('[R102] [R150] [R196] the independent verifier reads packed blocks, and names the event where a pack was altered', {
  skip: skipPacked,
}, async () => {
  const packed = async (name: string): Promise<{ readonly path: string; readonly first: number }> => {
    const path = join(home, `packed-${name}.sqlite`);
    const store = openSqliteStore(path, { packBytes: 16 * 1024 });
    for (let from = 0; from < day.blocks.length; from += 20) await store.append(day.blocks.slice(from, from + 20));
    await store.close();
    const db = new DatabaseSync(path, { readOnly: true });
    const rows = db.prepare(`SELECT first_sequence AS first FROM packs ORDER BY first`).all();
    db.close();
    assert.ok(rows.length > 2, `${rows.length} packs`);
    return { path, first: rows[1]?.first as number };
  };
  const { path } = await packed('honest');
  const { status, said } = judged(path);
  assert.equal(status, 0, said);
  const other = join(home, 'unpacked.sqlite');
  const store = openSqliteStore(other);
  await store.append(day.blocks);
  await store.close();
  assert.equal(said, judged(other).said, 'tree, events and site head are the same');
  for (const [name, set, what] of [
    ['content', `bytes = CAST(substr(bytes, 1, 300) || x'0000' || substr(bytes, 303) AS BLOB)`, /cannot be unpacked/],
    ['cut', `bytes = CAST(substr(bytes, 1, 300) AS BLOB)`, /cut short|cannot be unpacked/],
    ['count', 'count = count - 1', /is not filed as what it holds|missing/],
    ['times', 'last_at_us = last_at_us + 1', /is not filed as what it holds/],
    ['hash', 'hash = zeroblob(32)', /do not have the hash stored beside them/],
  ] as const) {
    const one = await packed(name);
    altered(one.path, `UPDATE blocks SET ${set} WHERE first_sequence = ${one.first}`);
    const verdict = judged(one.path);
    assert.equal(verdict.status, 1, `${name}: ${verdict.said}`);
    assert.match(verdict.said, what, name);
  }
});

test('[R150] [R155] a recording and its shelf say what they are, and hold the tables and columns of the page', async () => {
  const { path } = await recorded('tables');
  const holds = (file: string) => {
    const db = new DatabaseSync(file, { readOnly: true });
    const names = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all();
    const columns = names.map(({ name }) => [
      name,
      db.prepare(`SELECT group_concat(name, ' ') AS all_of_it FROM pragma_table_info(?)`).get(name as string)
        ?.all_of_it,
    ]);
    const said = ['application_id', 'user_version'].map((pragma) => db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
    return { db, said, tables: Object.fromEntries(columns) as Record<string, string> };
  };
  const recording = holds(path);
  assert.deepEqual(recording.said, [0x53676d52, 4]);
  assert.equal(recording.tables.chains, 'chain tenant source epoch');
  assert.equal(recording.tables.blocks, 'block chain ordinal first_sequence count first_at_us last_at_us hash bytes');
  assert.deepEqual(Object.keys(recording.tables), ['blocks', 'chains', 'lives', 'packs', 'snapshots']);
  const shelf = holds(`${path}.proofs`);
  assert.deepEqual(shelf.said, [0x53676d50, 1]);
  assert.deepEqual(shelf.tables, {
    checkpoints: 'origin size note',
    marks: 'origin hash',
    tiles: 'origin level tile hashes',
    trees: 'origin size',
  });
  const last = recording.db
    .prepare('SELECT hash, first_sequence + count - 1 AS size FROM blocks WHERE chain = 1 ORDER BY first_sequence DESC')
    .get();
  const origin = 'sigma/acme/tram-1/0';
  assert.deepEqual({ ...shelf.db.prepare('SELECT * FROM marks').get() }, { origin, hash: last?.hash });
  assert.deepEqual({ ...shelf.db.prepare('SELECT * FROM trees').get() }, { origin, size: last?.size });
  for (const { db } of [recording, shelf]) db.close();
});

test('[R150] [R155] [L4] the independent verifier takes no other file, no newer recording, and no shelf of another tree', {
  skip,
}, async () => {
  for (const [name, end, sql, what] of [
    ['letters', '', 'PRAGMA application_id = 7', /letters\.sqlite: not a file of this kind/],
    ['newer', '', 'PRAGMA user_version = 5', /schema version 5; this script reads versions up to 4/],
    ['no-shelf', '.proofs', 'PRAGMA application_id = 7', /no-shelf\.sqlite\.proofs: not a file of this kind/],
    [
      'tile',
      '.proofs',
      'UPDATE tiles SET hashes = CAST(substr(hashes, 1, 64) || zeroblob(32) || substr(hashes, 97) AS BLOB) WHERE level = 0 AND tile = 0',
      /tram-1 epoch 0, event 3: the tile 0\/0 of the shelf differs from the tree/,
    ],
  ] as const) {
    const { path } = await recorded(name);
    altered(path + end, sql);
    const { status, said } = judged(path);
    assert.equal(status, 1, `${name}: ${said}`);
    assert.match(said, what);
  }
});

test('[R153] [R154] [L4] the independent verifier reads openings and snapshots: false ones in blocks that are whole are named', {
  skip,
}, async () => {
  const state = new TextEncoder().encode('{"xM":1}');
  const snapshot: Snapshot = {
    inputSequence: 1,
    atUs: 10,
    state,
    stateHash: sha256(state),
    model: '',
    modelVersion: 1,
    flags: [],
    policyHash: '',
  };
  const kept = async (name: string, said: Partial<typeof opening>, of: Snapshot) => {
    const path = join(home, `of-${name}.sqlite`);
    const store = openSqliteStore(path);
    const writer = new ChainWriter(opening, sha256);
    await store.append([writer.seal([openingEvent({ ...opening, ...said }), snapshotEvent(of, 0)])]);
    await store.close();
    return judged(path);
  };
  const opening = testOpening('r01');
  const sound = await kept('sound', {}, snapshot);
  assert.equal(sound.status, 0, sound.said);
  const foreign = /event 1: the opening is that of another chain/;
  for (const [name, said] of Object.entries({
    tenant: { tenant: 'other' },
    source: { source: 'r02' },
    epoch: { epoch: 1 },
  })) {
    assert.match((await kept(name, said, snapshot)).said, foreign, name);
  }
  const torn = await kept('torn', {}, { ...snapshot, state: new TextEncoder().encode('{"xM":2}') });
  assert.match(torn.said, /event 2: the snapshot's state does not have the hash it names/);
});

test('[R102] [R97] [L4] a rewritten history that is whole in itself is betrayed by its checkpoints', {
  skip,
}, async () => {
  const { path, early } = await recorded('rewritten');
  rmSync(path);
  const store = openSqliteStore(path);
  await store.append(tramDay({ seed: 6, wakes: 500, sha256 }).blocks);
  await store.close();
  assert.match(
    judged(path, '--key', trusted).said,
    /failed: .*events? 1 to 150: the tree is not the one that was signed/,
  );
  rmSync(`${path}.proofs`);
  assert.equal(judged(path, '--key', trusted).status, 0, 'nothing is left that knows better');
  const kept = join(home, 'early.note');
  writeFileSync(kept, early);
  assert.match(judged(path, '--key', trusted, '--checkpoint', kept).said, /failed: .*1 to 150/);
  writeFileSync(kept, early.replace('\n150\n', '\n149\n'));
  assert.match(judged(path, '--key', trusted, '--checkpoint', kept).said, /failed: .*signature of .* is false/);
});

test('[R98] [R95] the independent verifier accepts an exported log, cosignature and all, and no altered one', {
  skip,
}, async () => {
  const { path } = await recorded('exported');
  const store = openSqliteStore(path);
  const alone = await signHead(store, day.opening, key, sha256);
  const note = alone + cosign(parseCheckpoint(alone), 1_700_000_000, 'sigma/acme/hub', witnessKey, sha256);
  const hub = { name: 'sigma/acme/hub', role: 'witness', publicKey: witnessKey.publicKey } as const;
  const folder = join(home, 'tlog');
  const trust = { keys: [logKey(day.opening, key.publicKey)], ed25519: ed25519Verify, sha256 };
  const write = (name: string, content: Uint8Array): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  const { size, files } = await exportTlog(store, day.opening, write, sha256, { checkpoint: note, trust });
  assert.ok(size > 256 && files >= 5, `${size} events in ${files} files`);
  const keys = ['--key', trusted, '--key', formatNoteKey(hub, sha256)];
  const { status, said } = judged(folder, ...keys);
  assert.equal(status, 0, said);
  assert.match(said, /signed by sigma\/acme\/tram-1\/0, sigma\/acme\/hub/);
  const tile = new Uint8Array(8192).fill(1);
  write('tile/0/000', tile);
  assert.match(judged(folder, ...keys).said, /failed: .*tile 0\/0 is not over the entries/);
  await store.close();
});
