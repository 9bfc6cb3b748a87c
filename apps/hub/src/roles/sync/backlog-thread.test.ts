import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { after, before, type TestContext, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BlocksSentSchema } from '@sigma/proto';
import {
  type BatchAnswer,
  type BlockBatch,
  batchBytes,
  type EventDraft,
  type HybridMark,
  hexOfBytes,
  type SealedBlock,
  type SinkFinding,
  SyncSink,
  sentFrame,
  sentOf,
  signalEvent,
  WireWriter,
} from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { openPostgres, type PostgresRecordings } from '@sigma/recorder/postgres';
import { startTestServer, type TestServer } from '@sigma/recorder/postgres/testing';
import { sha256 } from '@sigma/recorder/sqlite';
import { testChain } from '@sigma/recorder/testing';
import pg from 'pg';
import { type AlongIndex, BacklogThread } from './backlog-thread.ts';

const TENANT = 'acme';
const NOW_US = 1_800_000_000_000_000;

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

const nobodyLooks: AlongIndex = { readFrom: () => null, found: () => assert.fail('nobody asked for it') };

/** The sink of a hub with its thread, and one edge that has linked; closed when the test ends. */
function hub(
  t: TestContext,
  sources: readonly string[],
  keep: (mark: HybridMark) => Promise<void> = async () => undefined,
  index: AlongIndex = nobodyLooks,
) {
  const threads: Worker[] = [];
  const born = (message: unknown): void => void threads.push((message as { readonly worker: Worker }).worker);
  subscribe('worker_threads', born);
  const thread = new BacklogThread({ url: server.url, tenant: TENANT, index, dataPort: null, keep });
  const store = recordings.recording(TENANT);
  const found: SinkFinding[] = [];
  const answers: BatchAnswer[] = [];
  const sink = new SyncSink({
    tenant: TENANT,
    store,
    sha256,
    packing: zstandard,
    backlogs: thread,
    wallUs: () => NOW_US,
    paceTime: { nowUs: () => 0, after: () => undefined },
    found: (finding) => void found.push(finding),
  });
  const link = sink.linked({
    edgeId: 'e1',
    sources: new Set(sources),
    say: (word) => void (word.type === 'answered' && answers.push(word.answer)),
  });
  const hear = (batch: BlockBatch): void => link.hear({ type: 'sent', batch });
  /** @returns what the hub answers to these, by their first events */
  const send = async (...batches: readonly BlockBatch[]): Promise<readonly BatchAnswer[]> => {
    const from = answers.length;
    for (const batch of batches) hear(batch);
    await sink.settled();
    return answers.slice(from).sort((a, b) => a.firstSequence - b.firstSequence);
  };
  const stored = async (source: string): Promise<readonly string[]> => {
    const hashes: string[] = [];
    for await (const { hash } of store.blocks({ tenant: TENANT, source, epoch: 0 }, 1, Number.MAX_SAFE_INTEGER)) {
      hashes.push(hexOfBytes(hash));
    }
    return hashes;
  };
  t.after(async () => {
    await thread.close();
    await store.close();
    unsubscribe('worker_threads', born);
  });
  return { sink, hear, send, answers, found, stored, threads };
}

/** Of a backlog, unless told otherwise; as it comes off the wire, in the middle of other bytes. */
function batchOf(sent: readonly SealedBlock[], over: Partial<BlockBatch> = {}): BlockBatch {
  const [first, last] = [sent[0] as SealedBlock, sent.at(-1) as SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const blocks = sent.map(({ bytes }) => Uint8Array.from([1, ...bytes, 2]).subarray(1, bytes.length + 1));
  return { tenant, source, epoch, firstSequence, previousHash, hash: last.hash, blocks, time: LONG_AGO, ...over };
}
const LONG_AGO = { us: 1_700_000_000_000_000, count: 1 };

function history(source: string, notes: number, paddedFrom = notes): readonly SealedBlock[] {
  const chain = testChain(source, sha256);
  return [chain.begin(), ...Array.from({ length: notes }, (_, i) => chain.notes(2, i >= paddedFrom ? 9 : 0))];
}

const hashesOf = (blocks: readonly SealedBlock[]): readonly string[] => blocks.map(({ hash }) => hexOfBytes(hash));
const refusals = (answers: readonly BatchAnswer[]): readonly (string | null)[] => answers.map(({ refusal }) => refusal);

test('[R120] [R125] [R128] what the thread of backlogs takes is stored byte for byte, its moment kept before it, and nothing of it comes back', async (t) => {
  const kept: string[] = [];
  const { send, found, stored, threads } = hub(t, ['r1'], async ({ firstSequence, lastSequence, time }) => {
    kept.push(`${firstSequence} ${lastSequence} ${time.count} beside ${(await stored('r1')).length}`);
  });
  const blocks = history('r1', 6);
  const answers = await send(batchOf(blocks.slice(0, 3)), batchOf(blocks.slice(3)), batchOf(blocks.slice(3)));
  assert.deepEqual(refusals(answers), [null, null, null]);
  assert.deepEqual(await stored('r1'), hashesOf(blocks));
  assert.deepEqual(
    found.map((finding) => (finding.type === 'stored' ? [finding.sequence, finding.stored()] : finding)),
    [5, 13, 13].map((sequence) => [sequence, []]),
  );
  assert.equal(kept[0], '1 5 1 beside 0');
  assert.equal(threads.length, 1);
});

/** The same packed, as it comes off the wire: in one message with all else that it says. */
function packedBatchOf(sent: readonly SealedBlock[]): BlockBatch {
  const batch = batchOf(sent);
  return sentOf(fromBinary(BlocksSentSchema, toBinary(BlocksSentSchema, sentFrame(packed(batch)))));
}
const packed = (batch: BlockBatch): BlockBatch => {
  const content = new WireWriter();
  for (const block of batch.blocks) content.bytesPresent(7, block);
  return {
    ...batch,
    blocks: [],
    packed: { bytes: zstandard.pack(content.take()), unpackedBytes: batchBytes(batch) },
  };
};

test('[R120] [R125] [R195] a pack goes to the thread of backlogs with the memory it lies in, and rests as one', async (t) => {
  const { send, hear, sink, answers, stored, threads } = hub(t, ['r8']);
  const chain = testChain('r8', sha256);
  const noise = (n: number): EventDraft =>
    signalEvent('test.noise', { text: randomBytes(3_000).toString('base64') }, n * 1000, LONG_AGO.us);
  const blocks = [chain.begin(), ...Array.from({ length: 60 }, (_, n) => chain.writer.seal([noise(n)]))];
  assert.deepEqual(refusals(await send(batchOf(blocks.slice(0, 1)))), [null]);
  const message = packedBatchOf(blocks.slice(1));
  const length = message.packed?.bytes.length ?? 0;
  assert.ok(length > 128 * 1024);
  const [answer] = await send(message);
  assert.deepEqual([answer?.refusal, answer?.held.sequence], [null, 61]);
  assert.equal(hexOfBytes(answer?.held.hash ?? new Uint8Array()), hashesOf(blocks).at(-1));
  assert.equal(message.packed?.bytes.length, 0, 'it was not copied');
  assert.deepEqual(await stored('r8'), hashesOf(blocks));
  const rows = await server.asOwner(`SELECT packed, length(bytes) FROM recorder.blocks WHERE packed = 60`);
  assert.deepEqual(rows, [{ packed: 60, length }]);
  hear(packedBatchOf(blocks.slice(1)));
  hear(packedBatchOf([...blocks.slice(1, 20), ...blocks.slice(21)]));
  await sink.settled();
  assert.deepEqual(
    new Set(refusals(answers.slice(-2))),
    new Set([null, 'damaged']),
    'what is there already is acknowledged',
  );
  assert.equal(threads.length, 1);
});

test('[R123] [R124] [R125] by the thread too a batch is refused by name, with both hashes of a fork, and its credit comes back', async (t) => {
  const { sink, send, stored } = hub(t, ['r2']);
  const ours = history('r2', 6);
  const theirs = history('r2', 6, 2);
  assert.deepEqual(refusals(await send(batchOf(ours.slice(0, 4)))), [null]);
  const half = batchOf(ours.slice(4));
  const stranger = testChain('r9', sha256).begin();
  const evil = testChain('r2', sha256, { tenant: 'evil' }).begin();
  const wrong = [
    batchOf(theirs.slice(4)),
    batchOf(ours.slice(5)),
    { ...half, blocks: half.blocks.slice(0, 1) },
    batchOf([stranger]),
    batchOf([evil]),
    batchOf([evil], { tenant: TENANT }),
  ];
  const said: (string | null)[] = [];
  for (const batch of wrong) {
    const [answer] = await send(batch);
    said.push(answer?.refusal ?? null);
    if (answer?.refusal !== 'fork') continue;
    assert.equal(hexOfBytes(answer.standingHash), hashesOf(ours)[3]);
    assert.equal(hexOfBytes(answer.refusedHash), hashesOf(theirs)[3]);
  }
  assert.deepEqual(said, ['fork', 'missing', 'damaged', 'stranger', 'tenant', 'tenant']);
  assert.deepEqual(await stored('r2'), hashesOf(ours.slice(0, 4)));
  assert.equal(sink.waitingBytes, 0);
  const [last] = await send(batchOf(ours.slice(4)));
  const settled = [batchOf(ours), ...wrong].reduce((sum, batch) => sum + batchBytes(batch), 0);
  assert.deepEqual([last?.refusal, last?.allowedBytes], [null, 16 * 1024 * 1024 + settled]);
});

test('[R122] [R125] [L3] a thread of backlogs that is killed while its batches are with the store loses none, and the link goes on', async (t) => {
  const { sink, hear, send, answers, found, stored, threads } = hub(t, ['r3', 'r4']);
  const blocks = history('r3', 8);
  assert.deepEqual(refusals(await send(batchOf(blocks.slice(0, 2)))), [null]);
  const holder = new pg.Client(server.ownerUrl);
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE recorder.blocks IN ACCESS EXCLUSIVE MODE');
  const before = answers.length;
  hear(batchOf(blocks.slice(2, 5)));
  hear(batchOf(blocks.slice(5)));
  await waitsForLock(holder);
  await threads[0]?.terminate();
  await holder.query('COMMIT');
  await holder.end();
  await sink.settled();
  assert.deepEqual(refusals(answers.slice(before)), ['later', 'later']);
  assert.match(found.map((finding) => (finding.type === 'failed' ? finding.error.message : '')).join(), /is gone/);
  assert.equal(sink.waitingBytes, 0);
  const live = batchOf(history('r4', 1), { time: { us: NOW_US, count: 0 } });
  assert.deepEqual(refusals(await send(live)), [null], 'and what is live is taken by the hub itself');
  assert.equal(threads.length, 1);
  assert.deepEqual(refusals(await send(batchOf(blocks.slice(2, 5)), batchOf(blocks.slice(5)))), [null, null]);
  assert.equal(threads.length, 2);
  assert.deepEqual(await stored('r3'), hashesOf(blocks));
});

/** How this system ranks the threads of this program that have that name. */
const ranksOf = (name: string): readonly number[] =>
  readdirSync('/proc/self/task').flatMap((thread) => {
    const [comm = '', rest = ''] = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ');
    return comm.endsWith(`(${name}`) ? [Number(rest.split(' ')[16])] : [];
  });

test('[R125] [L8] the thread of backlogs stands behind the one that hears frames of the moment in the queue for the processor', {
  skip: process.platform === 'linux' ? false : 'only there has a thread a priority of its own',
}, async (t) => {
  const { send } = hub(t, ['r7']);
  assert.deepEqual(refusals(await send(batchOf(history('r7', 1)))), [null]);
  assert.deepEqual(ranksOf('backlogs'), [15]);
  assert.ok(getPriority() < 15);
});

/** Somebody waits for what this client has locked; asked of the server, which says when. */
async function waitsForLock(holder: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await holder.query('SELECT count(*)::int AS waiting FROM pg_locks WHERE NOT granted');
    if (rows[0].waiting > 0) return;
  }
}

test('[R197] [R122] a pack that does not come is told of behind what its chain has under way: the hub has forgotten nothing', async (t) => {
  const { sink, hear, send, answers } = hub(t, ['r5']);
  const blocks = history('r5', 8);
  assert.deepEqual(refusals(await send(batchOf(blocks.slice(0, 2)))), [null]);
  const holder = new pg.Client(server.ownerUrl);
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE recorder.blocks IN ACCESS EXCLUSIVE MODE');
  hear(batchOf(blocks.slice(2, 5)));
  const outOfBand = { connection: 'nobody', number: 1, bytes: 100, unpackedBytes: 100 };
  hear(batchOf(blocks.slice(5), { blocks: [], outOfBand }));
  await waitsForLock(holder);
  await holder.query('COMMIT');
  await holder.end();
  await sink.settled();
  const { firstSequence, count } = blocks[4] as SealedBlock;
  assert.deepEqual(
    answers.slice(-2).map(({ refusal, held }) => [refusal, held.sequence]),
    [
      [null, firstSequence + count - 1],
      ['later', firstSequence + count - 1],
    ],
  );
});

test('[R122] [R125] [L3] where the database of a thread of backlogs goes away nothing is acknowledged, and a new thread takes it when it is back', async (t) => {
  const { send, stored, threads } = hub(t, ['r5']);
  const blocks = history('r5', 4);
  assert.deepEqual(refusals(await send(batchOf(blocks.slice(0, 2)))), [null]);
  await server.kill();
  assert.deepEqual(refusals(await send(batchOf(blocks.slice(2)))), ['later']);
  await server.start();
  assert.deepEqual(refusals(await send(batchOf(blocks.slice(2)))), [null]);
  assert.deepEqual(await stored('r5'), hashesOf(blocks));
  assert.equal(threads.length, 2);
});

test('[R128] [R125] a moment that cannot be kept keeps its blocks from the disk, also by the thread of backlogs', async (t) => {
  let fails = true;
  const { send, stored } = hub(t, ['r6'], async () => {
    if (fails) throw new Error('no room for it');
  });
  const blocks = history('r6', 2);
  const [answer] = await send(batchOf(blocks));
  assert.deepEqual([answer?.refusal, answer?.message], ['later', 'no room for it']);
  assert.deepEqual(await stored('r6'), []);
  fails = false;
  assert.deepEqual(refusals(await send(batchOf(blocks))), [null]);
});
