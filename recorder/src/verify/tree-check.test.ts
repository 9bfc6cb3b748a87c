import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import {
  type ChainId,
  ChainWriter,
  decodeBlock,
  decodeEnvelope,
  type EventDraft,
  hexOfBytes,
  logKey,
  memoryShelf,
  openTree,
  type Sha256,
  signCheckpoint,
  type TileShelf,
  type VerifyReport,
  verify,
} from '../index.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const key = ed25519Key(new Uint8Array(32).fill(1));
const { opening } = testChain('r17', sha256);
const trust = { keys: [logKey(opening, key.publicKey)], ed25519: ed25519Verify };

async function honest(blocks = 40): Promise<MemoryStore> {
  const store = new MemoryStore();
  const chain = testChain('r17', sha256);
  await store.append([chain.begin(), ...Array.from({ length: blocks }, () => chain.notes(10))]);
  return store;
}

/** The history written anew by somebody who can seal blocks: hashes and links are all in order. */
async function rewritten(change: (event: EventDraft, sequence: number) => readonly EventDraft[]): Promise<MemoryStore> {
  const writer = new ChainWriter(opening, sha256);
  const store = new MemoryStore();
  for (const { bytes } of (await honest()).rows) {
    const events = decodeBlock(bytes).events.map(decodeEnvelope);
    await store.append([writer.seal(events.flatMap((event) => change(event, event.sequence)))]);
  }
  return store;
}

/** Checkpoints of the honest recording at some sizes, and its tiles. */
async function remembered(...sizes: readonly number[]) {
  const shelf = memoryShelf();
  const tree = await openTree(await honest(), opening, sha256, shelf);
  const notes = await Promise.all(
    sizes.map(async (size) => signCheckpoint(opening, await tree.head(size), key, sha256)),
  );
  return { shelf, notes };
}

const judge = (store: MemoryStore, notes: readonly string[], shelf?: TileShelf): Promise<VerifyReport> =>
  verify(store, { sha256, reexecutors: {}, checkpoints: { notes, trust }, ...(shelf === undefined ? {} : { shelf }) });

test('[R97] an honest recording meets every checkpoint, in the middle of a block too, and says its tree head', async () => {
  const { notes, shelf } = await remembered(401, 1, 17, 300);
  const store = await honest();
  const report = await judge(store, notes, shelf);
  assert.equal(report.firstFailure, null);
  assert.equal(report.chains[0]?.checkpointsMet, 4);
  assert.deepEqual(report.chains[0]?.tree, await (await openTree(store, opening, sha256)).head());
  const grown = await judge(await honest(60), notes);
  assert.equal(grown.firstFailure, null, 'a log may have grown since');
});

test('[R97] [R99] [L4] one rewritten event is found, and with the tiles of an earlier look it is named', async () => {
  const { notes, shelf } = await remembered(100, 300, 401);
  for (const victim of [101, 137, 256, 257, 299, 300]) {
    const forgery = await rewritten((event, n) => [n === victim ? { ...event, subject: 'another' } : event]);
    assert.equal((await judge(forgery, [])).ok, true, 'nothing in the chain itself betrays it');
    const rough = await judge(forgery, notes);
    assert.equal(rough.firstFailure?.kind, 'tree');
    assert.deepEqual([rough.firstFailure?.fromSequence, rough.firstFailure?.toSequence], [101, 300]);
    const exact = await judge(forgery, notes, shelf);
    assert.deepEqual([exact.firstFailure?.fromSequence, exact.firstFailure?.toSequence], [victim, victim]);
    assert.match(exact.firstFailure?.message ?? '', new RegExp(`acme/r17 epoch 0, event ${victim}: .*rewritten`));
    assert.equal(exact.chains[0]?.checkpointsMet, 1);
  }
});

test('[R97] [R99] [L4] reordered, inserted and removed events are named by the first that differs', async () => {
  const { notes, shelf } = await remembered(401);
  const made = {
    ...decodeEnvelope(decodeBlock((await honest(1)).rows[1]?.bytes as Uint8Array).events[0] as Uint8Array),
  };
  const all = (await honest()).rows.flatMap(({ bytes }) => decodeBlock(bytes).events.map(decodeEnvelope));
  const [before, after] = [all[149] as EventDraft, all[150] as EventDraft];
  const vandals: readonly (readonly [string, (event: EventDraft, n: number) => readonly EventDraft[]])[] = [
    ['reordered', (event, n) => [n === 150 ? after : n === 151 ? before : event]],
    ['inserted', (event, n) => (n === 150 ? [made, event] : [event])],
    ['removed', (event, n) => (n === 150 ? [] : [event])],
  ];
  for (const [name, change] of vandals) {
    const { firstFailure } = await judge(await rewritten(change), notes, shelf);
    assert.equal(firstFailure?.kind, 'tree', name);
    assert.equal(firstFailure?.fromSequence, 150, name);
  }
});

test('[R97] [L4] a chain cut short, or gone, does not reach its checkpoint', async () => {
  const { notes } = await remembered(401);
  const cut = await judge(await honest(38), notes);
  assert.equal(cut.firstFailure?.kind, 'cut_short');
  assert.deepEqual([cut.firstFailure?.fromSequence, cut.firstFailure?.toSequence], [382, 401]);
  const gone = await judge(new MemoryStore(), notes);
  assert.match(gone.firstFailure?.message ?? '', /r17.*the whole chain is gone/);
});

test('[R97] [L4] two histories that were both signed cannot both be met', async () => {
  const { notes } = await remembered(200);
  const other = await openTree(
    await rewritten((event, n) => [n === 9 ? { ...event, subject: 'x' } : event]),
    opening,
    sha256,
  );
  const second = signCheckpoint(opening, await other.head(200), key, sha256);
  const report = await judge(await honest(), [...notes, second]);
  assert.deepEqual(
    report.chains[0]?.failures.map(({ kind }) => kind),
    ['tree'],
  );
});

test('[R97] [R94] a checkpoint with a false signature, or none by a known key, is a failure and is not compared', async () => {
  const { notes } = await remembered(100);
  const [note] = notes as [string];
  const stranger = ed25519Key(new Uint8Array(32).fill(5));
  const foreign = signCheckpoint(opening, { size: 50, root: new Uint8Array(32) }, stranger, sha256);
  for (const text of [note.replace('\n100\n', '\n101\n'), foreign]) {
    const { firstFailure } = await judge(await honest(), [text]);
    assert.equal(firstFailure?.kind, 'signature');
  }
  await assert.rejects(judge(await honest(), ['nonsense']), /no blank line stands between text and signatures/);
  const unknown: ChainId = { tenant: 'x', source: 'y', epoch: 0 };
  const odd = signCheckpoint(unknown, { size: 1, root: new Uint8Array(32) }, key, sha256).replaceAll(
    'sigma/',
    'other/',
  );
  await assert.rejects(judge(await honest(), [odd]), /no chain of a recording/);
});

test('[R97] [L4] behind damage nobody knows the tree, and no checkpoint is said to be met', async () => {
  const { notes } = await remembered(100, 401);
  const store = await honest();
  const row = store.rows[20] as (typeof store.rows)[number];
  store.rows[20] = { ...row, bytes: row.bytes.map((byte, i) => (i === 60 ? byte ^ 1 : byte)) };
  const report = await judge(store, notes);
  assert.equal(report.firstFailure?.kind, 'bytes');
  assert.equal(report.chains[0]?.tree, null);
  assert.equal(report.chains[0]?.checkpointsMet, 1);
});

test('[R67] [R12] a second opening is found in a chain that nobody re-executes, wherever it stands in its block', async () => {
  const first = decodeEnvelope(decodeBlock((await honest(1)).rows[0]?.bytes as Uint8Array).events[0] as Uint8Array);
  for (const victim of [22, 25, 31]) {
    const store = await rewritten((event, n) => [n === victim ? { ...first, atUs: event.atUs } : event]);
    const { firstFailure } = await judge(store, []);
    assert.deepEqual([firstFailure?.kind, firstFailure?.fromSequence], ['opening', victim]);
  }
});

const other = (victim: number) => rewritten((event, n) => [n === victim ? { ...event, subject: 'another' } : event]);
const rootAt = async (store: MemoryStore, size: number): Promise<string> =>
  hexOfBytes((await (await openTree(store, opening, sha256)).head(size)).root);

test('[R97] a difference shows both roots at the end of the chain, and only the signed one where the chain goes on', async () => {
  const { notes, shelf } = await remembered(401);
  const forgery = await other(300);
  const { firstFailure } = await judge(forgery, notes);
  assert.deepEqual(firstFailure, {
    kind: 'tree',
    fromSequence: 1,
    toSequence: 401,
    message:
      'acme/r17 epoch 0, events 1 to 401: the tree over the first 401 events is not the one that was signed: one of these was rewritten',
    recorded: await rootAt(forgery, 401),
    expected: await rootAt(await honest(), 401),
  });
  const exact = await judge(forgery, notes, shelf);
  assert.deepEqual(
    [exact.firstFailure?.message, exact.firstFailure?.recorded, exact.firstFailure?.expected],
    [
      'acme/r17 epoch 0, event 300: this event is not the one that was signed: it was rewritten',
      null,
      await rootAt(await honest(), 401),
    ],
  );
  const { notes: early } = await remembered(390);
  const sides = (await judge(forgery, early)).firstFailure;
  assert.deepEqual([sides?.recorded, sides?.expected], [null, await rootAt(await honest(), 390)]);
});

test('[R97] [R99] a chain that is both shorter and rewritten is told of both: where it parted, and where it ends', async () => {
  const { notes, shelf } = await remembered(401);
  const forgery = await other(120);
  forgery.rows.splice(39);
  const failures = async (with_?: TileShelf) =>
    (await judge(forgery, notes, with_)).chains[0]?.failures.map(({ kind, fromSequence, toSequence }) => [
      kind,
      fromSequence,
      toSequence,
    ]);
  assert.deepEqual(await failures(shelf), [
    ['tree', 120, 120],
    ['cut_short', 382, 401],
  ]);
  assert.deepEqual(await failures(), [['cut_short', 382, 401]], 'without tiles nobody can tell');
  const { chains } = await judge(forgery, notes, shelf);
  assert.match(chains[0]?.failures[0]?.message ?? '', /event 120: this event is not the one that was signed/);
  const shorter = await honest(38);
  const cut = await judge(shorter, notes, shelf);
  assert.deepEqual(
    cut.chains[0]?.failures.map(({ kind }) => kind),
    ['cut_short'],
    'what is there is as it was signed',
  );
  const met = await judge(await honest(), notes, shelf);
  assert.deepEqual(met.chains[0]?.failures, [], 'a chain that reaches its checkpoint has no end to be traced');
});

test('[R99] tiles that do not reach the checkpoint, have a hole, or belong to another tree name no event', async () => {
  const { notes, shelf } = await remembered(401);
  const forgery = await other(300);
  const told = async (with_: TileShelf) => {
    const { firstFailure } = await judge(forgery, notes, with_);
    return [firstFailure?.kind, firstFailure?.fromSequence, firstFailure?.toSequence];
  };
  const rough = ['tree', 1, 401];
  assert.deepEqual(await told(shelf), ['tree', 300, 300]);
  assert.deepEqual(await told({ ...shelf, size: async () => 400 }), rough);
  assert.deepEqual(await told({ ...shelf, tile: async () => null }), rough);
  for (const stranger of [forgery, await other(50)]) {
    const tiles = memoryShelf();
    await openTree(stranger, opening, sha256, tiles);
    assert.deepEqual(await told(tiles), rough);
  }
});

test('[R97] a checkpoint of the empty tree asks nothing of a chain, and one of another chain nothing of this', async () => {
  const nothing = signCheckpoint(opening, { size: 0, root: sha256(new Uint8Array()) }, key, sha256);
  const { notes } = await remembered(401);
  const report = await judge(await honest(), [nothing, ...notes, nothing]);
  assert.deepEqual([report.ok, report.chains[0]?.checkpointsMet], [true, 1]);
  assert.equal((await judge(new MemoryStore(), [nothing])).ok, true, 'nor that there be a chain');
  const stranger = testChain('r18', sha256);
  const store = await honest();
  await store.append([stranger.begin(), stranger.notes(5)]);
  const both = await judge(store, notes);
  assert.deepEqual(
    both.chains.map(({ source, checkpointsMet, failures }) => [source, checkpointsMet, failures.length]),
    [
      ['r17', 1, 0],
      ['r18', 0, 0],
    ],
  );
});

test('[R97] [L4] behind a hole the tree is not compared: what is missing is told once, and no history is said to be rewritten', async () => {
  const { notes } = await remembered(100, 380, 391);
  const store = await honest();
  store.rows.splice(20, 1);
  const { chains } = await judge(store, notes);
  assert.deepEqual(
    chains[0]?.failures.map(({ kind, fromSequence, toSequence }) => [kind, fromSequence, toSequence]),
    [['missing', 192, 201]],
  );
  assert.deepEqual([chains[0]?.checkpointsMet, chains[0]?.tree], [1, null]);
});

test('[R97] [R94] a signature that does not hold is told with its reason, at the event that it was said to cover', async () => {
  const { notes } = await remembered(100);
  const [note = ''] = notes;
  const report = await judge(await honest(), [note.replace('\n100\n', '\n101\n')]);
  assert.deepEqual(
    report.chains[0]?.failures.map(({ kind, fromSequence, message }) => [kind, fromSequence, message]),
    [['signature', 101, 'acme/r17 epoch 0, event 101: the signature of sigma/acme/r17/0 is false']],
  );
  assert.equal(report.chains[0]?.checkpointsMet, 0);
});
