import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BlocksAnsweredSchema } from '@sigma/proto';
import { sha256 } from '../../../stores/sqlite/sqlite-store.ts';
import { testChain } from '../../../testing/chains.ts';
import { MemoryStore } from '../../../testing/memory-store.ts';
import { batchAnsweredFrame, batchAnswerOf, heldFrame } from '../sync-wire.ts';
import { type BatchAnswer, type BlockBatch, batchBytes } from '../sync-words.ts';
import type { BatchOutcome, BatchTaker } from './batch-intake.ts';
import { type SinkWord, SyncSink } from './sync-sink.ts';

test('[R125] however many edges share the room of a hub, each is allowed whole bytes, which its frame can say', async () => {
  const failed: Error[] = [];
  const sink = new SyncSink({
    tenant: 'acme',
    store: new MemoryStore(),
    sha256,
    wallUs: () => 1_700_000_000_000_000,
    paceTime: { nowUs: () => 0, after: () => undefined },
    found: (finding) => finding.type === 'failed' && failed.push(finding.error),
  });
  const allowed: bigint[] = [];
  const say = (word: SinkWord): void => {
    if (word.type === 'held')
      allowed.push(heldFrame(word.chains, word.allowedBytes, word.time, word.unpacks).allowedBytes);
  };
  for (let n = 1; n <= 40; n++) {
    const link = sink.linked({ edgeId: `e${n}`, sources: new Set([`r${n}`]), say });
    link.hear({ type: 'shown', chains: [], time: { us: 1_700_000_000_000_000, count: 0 } });
  }
  await sink.settled();
  assert.deepEqual(failed, []);
  assert.equal(allowed.length, 40);
  assert.equal(allowed[0], 16n * 1024n * 1024n);
  assert.equal(allowed[39], BigInt(Math.floor((128 * 1024 * 1024) / 40)));
});

const NOW_US = 1_800_000_000_000_000;

/** A hub with somebody who takes in backlogs, and answers when it is told to; what it takes itself is stored at once. */
function hub() {
  const apart: { readonly first: number; readonly outcome: PromiseWithResolvers<BatchOutcome> }[] = [];
  const backlogs: BatchTaker = {
    take: ({ firstSequence: first }) => {
      const outcome = Promise.withResolvers<BatchOutcome>();
      apart.push({ first, outcome });
      return outcome.promise;
    },
  };
  const store = new MemoryStore();
  const gate: { held: Promise<void> | null } = { held: null };
  const time = { nowUs: 0 };
  const append = store.append.bind(store);
  store.append = async (blocks) => {
    await gate.held;
    return append(blocks);
  };
  const answers: BatchAnswer[] = [];
  const failed: string[] = [];
  const sink = new SyncSink({
    tenant: 'acme',
    store,
    sha256,
    backlogs,
    wallUs: () => NOW_US,
    paceTime: { nowUs: () => time.nowUs, after: () => undefined },
    found: (finding) => finding.type === 'failed' && failed.push(finding.error.message),
  });
  const say = (word: SinkWord): void => void (word.type === 'answered' && answers.push(word.answer));
  const link = sink.linked({ edgeId: 'e1', sources: new Set(['r1']), say });
  const chain = testChain('r1', sha256);
  const blocks = [chain.begin(), ...Array.from({ length: 5 }, () => chain.notes(1))];
  /** One block of the chain, by the number of its event. */
  const batch = (sequence: number, when: 'long ago' | 'now'): BlockBatch => {
    const { tenant, source, epoch, bytes, hash, previousHash } = blocks[sequence - 1] as (typeof blocks)[number];
    const time = { us: when === 'now' ? NOW_US : NOW_US - 11_000_000, count: 0 };
    return { tenant, source, epoch, firstSequence: sequence, previousHash, hash, blocks: [bytes], time };
  };
  const hear = (...heard: readonly BlockBatch[]): void => {
    for (const one of heard) link.hear({ type: 'sent', batch: one });
  };
  /** Whoever takes in backlogs has stored the batches that it has. */
  const settle = async (): Promise<void> => {
    for (const { first: sequence, outcome } of apart) {
      outcome.resolve({ type: 'stored', sequence, blocks: 1, sealed: () => [] });
    }
    await setImmediate();
  };
  return { sink, store, gate, time, blocks, batch, hear, apart, settle, answers, failed };
}

test('[R125] [L8] what is of backlogs is taken in apart, what is live is not, and a chain changes over when what is under way is settled', async () => {
  const { sink, store, gate, blocks, batch, hear, apart, settle } = hub();
  hear(batch(1, 'long ago'), batch(2, 'now'));
  assert.deepEqual(
    apart.map(({ first }) => first),
    [1, 2],
    'what is live stands behind its own backlog',
  );
  await store.append(blocks.slice(0, 2));
  await settle();
  const held = Promise.withResolvers<void>();
  gate.held = held.promise;
  hear(batch(3, 'now'), batch(4, 'long ago'));
  assert.equal(apart.length, 2, 'and a backlog behind what is live');
  held.resolve();
  await sink.settled();
  assert.equal(store.rows.length, 4);
  hear(batch(5, 'long ago'));
  assert.equal(apart.at(-1)?.first, 5);
  await settle();
  await sink.settled();
});

test('[R197] what comes out of band while its chain is live is to come again, and is told so behind what is under way', async () => {
  const { sink, gate, batch, hear, apart, answers } = hub();
  const held = Promise.withResolvers<void>();
  gate.held = held.promise;
  const outOfBand = { connection: 'c', number: 1, bytes: 100, unpackedBytes: 100 };
  hear(batch(1, 'now'), { ...batch(2, 'now'), blocks: [], outOfBand });
  await setImmediate();
  assert.deepEqual(answers, [], 'where the chain ends is not known yet');
  held.resolve();
  await sink.settled();
  assert.deepEqual(
    answers.map(({ refusal, held: { sequence } }) => [refusal, sequence]),
    [
      [null, 1],
      ['later', 1],
    ],
  );
  hear({ ...batch(2, 'now'), blocks: [], outOfBand });
  assert.equal(apart.length, 1, 'and goes to who has it when nothing else of its chain is');
  apart[0]?.outcome.resolve({ type: 'refused', refusal: 'later', message: 'not come' });
  await sink.settled();
});

test('[R123] [R124] [R125] what is taken in apart is answered by name when that is known, and its credit comes back, whatever became of it', async () => {
  const { sink, batch, hear, apart, answers, failed } = hub();
  const outcomes: readonly (BatchOutcome | Error)[] = [
    { type: 'refused', refusal: 'damaged', message: 'a byte turned' },
    {
      type: 'foreign',
      sequence: 1,
      what: 'two histories',
      block: { hash: new Uint8Array(), previousHash: new Uint8Array([7]) },
    },
    new Error('the thread is gone'),
    { type: 'stored', sequence: 1, blocks: 1, sealed: () => [] },
  ];
  let settled = 0;
  for (const [i, outcome] of outcomes.entries()) {
    const sent = batch(1, 'long ago');
    hear(sent);
    await setImmediate();
    assert.equal(answers.length, i, 'nothing is said before it is known');
    assert.equal(sink.waitingBytes, batchBytes(sent));
    if (outcome instanceof Error) apart[i]?.outcome.reject(outcome);
    else apart[i]?.outcome.resolve(outcome);
    await sink.settled();
    settled += batchBytes(sent);
    assert.deepEqual([sink.waitingBytes, answers[i]?.allowedBytes], [0, 16 * 1024 * 1024 + settled]);
  }
  assert.deepEqual(
    answers.map(({ refusal }) => refusal),
    ['damaged', 'fork', 'later', null],
  );
  assert.deepEqual(answers[1]?.refusedHash, new Uint8Array([7]));
  assert.deepEqual(failed, ['the thread is gone']);
});

test('[R125] an answer says how long the hub had the batch, from hearing it to the disk: that was no delay of the link', async () => {
  const { sink, gate, time, batch, hear, answers } = hub();
  const held = Promise.withResolvers<void>();
  gate.held = held.promise;
  time.nowUs = 1_000;
  hear(batch(1, 'now'));
  await setImmediate();
  time.nowUs = 31_000.4;
  held.resolve();
  await sink.settled();
  const heard = answers.map((answer) =>
    batchAnswerOf(fromBinary(BlocksAnsweredSchema, toBinary(BlocksAnsweredSchema, batchAnsweredFrame(answer)))),
  );
  assert.deepEqual(
    heard.map(({ refusal, tookUs }) => [refusal, tookUs]),
    [[null, 30_000]],
  );
});
