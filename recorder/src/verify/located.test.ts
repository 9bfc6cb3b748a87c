import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { note, testChain, testOpening } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import {
  type ChainId,
  ChainWriter,
  type EventDraft,
  encodeEnvelope,
  hexOfBytes,
  NO_BLOCK,
  openingEvent,
  type SealedBlock,
  type Sha256,
  type VerifyProgress,
  type VerifyReport,
  verify,
  WireWriter,
} from '../index.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const hex = (bytes: Uint8Array | undefined): string => hexOfBytes(bytes ?? new Uint8Array());
const opening = testOpening('r01');

/** Opening (event 1), then blocks of 3 events: 2 to 4, 5 to 7, and so on. */
function honest(blocks = 5): SealedBlock[] {
  const chain = testChain('r01', sha256);
  return [chain.begin(), ...Array.from({ length: blocks }, () => chain.notes(3))];
}

function storeOf(rows: readonly SealedBlock[]): MemoryStore {
  const store = new MemoryStore();
  store.rows.push(...rows);
  return store;
}

const judge = (rows: readonly SealedBlock[], more = {}): Promise<VerifyReport> =>
  verify(storeOf(rows), { sha256, reexecutors: {}, ...more });

/** A row whose bytes were sealed by a forger: hash and link are in order. */
function raw(
  chain: ChainId,
  first: number,
  previousHash: Uint8Array,
  events: readonly (readonly [number, EventDraft])[],
) {
  const wire = new WireWriter();
  wire.uint(1, 1);
  wire.string(2, chain.tenant);
  wire.string(3, chain.source);
  wire.uint(4, chain.epoch);
  wire.uint(5, first);
  wire.bytes(6, previousHash);
  for (const [sequence, event] of events) {
    const mark = wire.open(7);
    encodeEnvelope(wire, sequence, event);
    wire.close(mark);
  }
  const bytes = wire.take();
  const { tenant, source, epoch } = opening;
  const place = { firstSequence: first, count: events.length, firstAtUs: 0, lastAtUs: 0, snapshots: [] };
  return { tenant, source, epoch, ...place, bytes, hash: sha256(bytes), previousHash };
}

const begun = (): SealedBlock => honest()[0] as SealedBlock;

test('[R61] [L4] a damaged block is named by its first event, with both hashes, and all that it covers counts as failed', async () => {
  const rows = honest();
  const victim = rows[2] as SealedBlock;
  const bytes = victim.bytes.with(80, (victim.bytes[80] as number) ^ 1);
  const report = await judge(rows.with(2, { ...victim, bytes }));
  assert.deepEqual(report.chains[0]?.failures, [
    {
      kind: 'bytes',
      fromSequence: 5,
      toSequence: 5,
      message:
        'acme/r01 epoch 0, event 5: the block that begins here does not hold the bytes that were hashed when it was written',
      recorded: hex(victim.hash),
      expected: hex(sha256(bytes)),
    },
  ]);
  assert.deepEqual(report.chains[0]?.stretches, [
    { fromSequence: 1, toSequence: 4, result: 'chain-only' },
    { fromSequence: 5, toSequence: 7, result: 'failed' },
    { fromSequence: 8, toSequence: 16, result: 'chain-only' },
  ]);
  assert.equal(report.events, 13, 'events of the damaged block are not counted');
  assert.equal(report.chains[0]?.tree, null, 'nobody knows the leaves behind it');
});

test('[R61] [R62] a damaged block and a missing one behind it are two failures', async () => {
  const rows = honest();
  const victim = rows[2] as SealedBlock;
  const damaged = { ...victim, bytes: victim.bytes.with(80, (victim.bytes[80] as number) ^ 1) };
  const { chains } = await judge([...rows.slice(0, 2), damaged, ...rows.slice(4)]);
  assert.deepEqual(
    chains[0]?.failures.map(({ kind, fromSequence, toSequence }) => [kind, fromSequence, toSequence]),
    [
      ['bytes', 5, 5],
      ['missing', 6, 10],
    ],
  );
});

test('[R61] when the last block is damaged nobody knows its reach: everything up to the head counts as failed, once', async () => {
  const rows = honest();
  const last = rows[5] as SealedBlock;
  const { chains } = await judge(rows.with(5, { ...last, bytes: last.bytes.slice(0, -1) }));
  assert.deepEqual(
    chains[0]?.failures.map(({ kind }) => kind),
    ['bytes'],
  );
  assert.deepEqual(chains[0]?.stretches.at(-1), { fromSequence: 14, toSequence: 16, result: 'failed' });
});

test('[R62] a hole is named by its first and last event, and the rest is checked', async () => {
  const rows = honest();
  const { chains, ok } = await judge([...rows.slice(0, 3), ...rows.slice(4)]);
  assert.equal(ok, false);
  assert.deepEqual(chains[0]?.failures, [
    {
      kind: 'missing',
      fromSequence: 8,
      toSequence: 10,
      message: 'acme/r01 epoch 0, events 8 to 10: these are gone',
      recorded: null,
      expected: null,
    },
  ]);
  assert.equal(chains[0]?.events, 13);
  assert.deepEqual(
    chains[0]?.stretches.map(({ result }) => result),
    ['chain-only', 'failed', 'chain-only'],
  );
});

test('[R62] a block twice, and one of a later place, say which event belongs there', async () => {
  const rows = honest();
  const doubled = await judge([...rows.slice(0, 3), rows[2] as SealedBlock, ...rows.slice(3)]);
  assert.equal(doubled.firstFailure?.message, 'acme/r01 epoch 0, events 5 to 7: 8 belongs here');
  assert.equal(doubled.firstFailure?.kind, 'order');
  const misfiled = await judge([rows[0] as SealedBlock, { ...(rows[2] as SealedBlock), firstSequence: 2 }]);
  assert.match(misfiled.firstFailure?.message ?? '', /a block that begins with event 5 stands where 2 belongs/);
});

test('[R62] a foreign block is known by tenant, source or epoch alone, and both owners are named', async () => {
  for (const other of [{ tenant: 'bmce' }, { source: 'r02' }, { epoch: 3 }]) {
    const before = begun();
    const chain = { ...opening, ...other };
    const { firstFailure } = await judge([before, raw(chain, 2, before.hash, [[2, note(1)]])]);
    const owner = `${chain.tenant}/${chain.source} epoch ${chain.epoch}`;
    assert.deepEqual(
      [firstFailure?.kind, firstFailure?.message, firstFailure?.recorded, firstFailure?.expected],
      ['foreign', `acme/r01 epoch 0, event 2: the block belongs to ${owner}`, owner, 'acme/r01 epoch 0'],
    );
  }
});

test('[R61] a block that does not link is named, with the hash it carries and the one it should', async () => {
  const before = begun();
  const stray = sha256(Uint8Array.of(1));
  const { firstFailure } = await judge([before, raw(opening, 2, stray, [[2, note(1)]])]);
  assert.equal(firstFailure?.kind, 'link');
  assert.deepEqual([firstFailure?.recorded, firstFailure?.expected], [hex(stray), hex(before.hash)]);
  const first = raw(opening, 1, stray, [[1, openingEvent(opening)]]);
  const beginning = await judge([first]);
  assert.deepEqual([beginning.firstFailure?.kind, beginning.firstFailure?.expected], ['link', hex(NO_BLOCK)]);
});

test('[R10] [R14] events out of sequence or out of time within a block are named', async () => {
  const before = begun();
  const sealed = (events: readonly (readonly [number, EventDraft])[]) =>
    judge([before, raw(opening, 2, before.hash, events)]);
  const gap = await sealed([
    [2, note(1)],
    [4, note(2)],
  ]);
  assert.deepEqual(
    [gap.firstFailure?.kind, gap.firstFailure?.message],
    ['order', 'acme/r01 epoch 0, events 2 to 3: event 4 stands where 3 belongs'],
  );
  const late = await sealed([
    [2, note(1, 5000)],
    [3, note(2, 4999)],
  ]);
  assert.match(late.firstFailure?.message ?? '', /event 3 is dated 4999 us, after one of 5000 us/);
  const level = await sealed([
    [2, note(1, 5000)],
    [3, note(2, 5000)],
  ]);
  assert.equal(level.ok, true, 'the same time is in order');
  const between = raw(opening, 2, before.hash, [[2, note(1, 5000)]]);
  const across = await judge([before, between, raw(opening, 3, between.hash, [[3, note(2, 4000)]])]);
  assert.match(across.firstFailure?.message ?? '', /event 3: event 3 is dated 4000 us, after one of 5000 us/);
});

test('[R61] bytes that are no block, hashed as they are, are a failure of format', async () => {
  const before = begun();
  const bytes = new TextEncoder().encode('nothing of the kind');
  const row = { ...raw(opening, 2, before.hash, [[2, note(1)]]), bytes, hash: sha256(bytes) };
  const { firstFailure, chains } = await judge([before, row]);
  assert.equal(firstFailure?.kind, 'format');
  assert.match(firstFailure?.message ?? '', /Malformed bytes/);
  assert.equal(chains[0]?.failures.length, 1);
});

test('[R12] a chain that begins with something else, or with the opening of another, is named', async () => {
  const wrong = await judge([raw(opening, 1, NO_BLOCK, [[1, note(1)]])]);
  assert.deepEqual(
    [wrong.firstFailure?.kind, wrong.firstFailure?.message],
    ['opening', 'acme/r01 epoch 0, event 1: the chain begins with sigma.signal.v1 instead of sigma.opening.v1'],
  );
  for (const other of [{ tenant: 'bmce' }, { source: 'r02' }, { epoch: 3 }]) {
    const foreign = await judge([raw(opening, 1, NO_BLOCK, [[1, openingEvent(testOpening('r01', other))]])]);
    assert.match(foreign.firstFailure?.message ?? '', /event 1: the opening is that of another chain/);
    assert.equal(foreign.chains[0]?.stretches[0]?.result, 'failed');
  }
  const garbled = { ...openingEvent(opening), data: Uint8Array.of(0xff) };
  const unreadable = await judge([raw(opening, 1, NO_BLOCK, [[1, garbled]])]);
  assert.equal(unreadable.firstFailure?.kind, 'format');
  const again = await judge([
    raw(opening, 1, NO_BLOCK, [
      [1, openingEvent(opening)],
      [2, openingEvent(opening)],
    ]),
  ]);
  assert.match(again.firstFailure?.message ?? '', /event 2: a second opening: a new life of the writer is a new epoch/);
});

test('[R63] an epoch is held against the opening of the next one of its own source, and of no other', async () => {
  const epochs = (previousEpochHash: Uint8Array, source = 'r01'): SealedBlock[] => {
    const next = new ChainWriter(testOpening(source, { epoch: 1, atUs: 90_000 }), sha256);
    return [
      ...honest(1),
      next.seal([openingEvent(testOpening(source, { epoch: 1, atUs: 90_000, previousEpochHash }))]),
    ];
  };
  const end = honest(1)[1]?.hash as Uint8Array;
  assert.equal((await judge(epochs(end))).ok, true);
  assert.equal((await judge(epochs(new Uint8Array()))).ok, true, 'an opening that names none');
  assert.equal((await judge(epochs(NO_BLOCK, 'r02'))).ok, true, 'another source');
  const { firstFailure } = await judge(epochs(NO_BLOCK));
  assert.deepEqual(firstFailure, {
    kind: 'cut_short',
    fromSequence: 1,
    toSequence: 1,
    message: 'acme/r01 epoch 1, event 1: epoch 0 does not end where this opening saw it end',
    recorded: hex(end),
    expected: hex(NO_BLOCK),
  });
});

test('[R63] a known head is met at its own event and by its own hash, and nothing else will do', async () => {
  const rows = honest();
  const headAt = (block: number, more = {}) => {
    const { hash: of, firstSequence, count } = rows[block] as SealedBlock;
    const { tenant, source, epoch } = opening;
    return {
      tenant,
      source,
      epoch,
      sequence: firstSequence + count - 1,
      hash: of,
      atUs: 0,
      blocks: block + 1,
      ...more,
    };
  };
  const meets = async (...knownHeads: readonly object[]) => (await judge(rows, { knownHeads })).firstFailure;
  assert.equal(await meets(headAt(5)), null);
  assert.equal(await meets(headAt(2)), null, 'it has grown since');
  const rewritten = await meets(headAt(2, { hash: NO_BLOCK }));
  assert.deepEqual(
    [rewritten?.kind, rewritten?.fromSequence, rewritten?.recorded, rewritten?.expected],
    ['head', 7, hex(rows[2]?.hash), hex(NO_BLOCK)],
  );
  assert.equal((await meets(headAt(2, { sequence: 6 })))?.kind, 'head', 'the right hash at another event');
  const longer = await meets(headAt(5, { sequence: 20 }));
  assert.deepEqual(
    [longer?.kind, longer?.fromSequence, longer?.toSequence, longer?.message],
    ['cut_short', 17, 20, 'acme/r01 epoch 0, events 17 to 20: the chain ends at 16'],
  );
});

test('[R63] a chain of which only the head is known is reported whole as gone', async () => {
  for (const other of [{ tenant: 'bmce' }, { source: 'r02' }, { epoch: 3 }]) {
    const { tenant, source, epoch } = { ...opening, ...other };
    const known = { tenant, source, epoch, sequence: 9, hash: NO_BLOCK, atUs: 5, blocks: 3 };
    const report = await judge(honest(), { knownHeads: [known] });
    assert.deepEqual(report.chains[1], {
      tenant,
      source,
      epoch,
      role: '',
      model: '',
      head: { tenant, source, epoch, sequence: 0, hash: NO_BLOCK, atUs: 0, blocks: 0 },
      tree: null,
      checkpointsMet: 0,
      events: 0,
      wakes: 0,
      reexecuted: 0,
      stretches: [{ fromSequence: 1, toSequence: 9, result: 'failed' }],
      failures: [
        {
          kind: 'cut_short',
          fromSequence: 1,
          toSequence: 9,
          message: `${tenant}/${source} epoch ${epoch}, events 1 to 9: the whole chain is gone`,
          recorded: null,
          expected: null,
        },
      ],
      chainOnlyBecause: null,
    });
    assert.equal(report.head, (await judge(honest())).head, 'what is not there has no part in the site head');
  }
});

test('[R60] the report sums up all chains, says who wrote each, and tells how far it is after every 64 blocks', async () => {
  const two = testChain('r02', sha256);
  const rows = [...honest(130), two.begin(), two.notes(4)];
  const seen: VerifyProgress[] = [];
  const report = await judge(rows, { progress: (at: VerifyProgress) => void seen.push(at) });
  assert.deepEqual([report.ok, report.events, report.wakes], [true, 396, 0]);
  assert.deepEqual(
    seen.map(({ chain, sequence, ofSequence }) => [chain.source, sequence, ofSequence]),
    [
      ['r01', 190, 391],
      ['r01', 382, 391],
      ['r01', 391, 391],
      ['r02', 5, 5],
    ],
  );
  const [first] = report.chains;
  assert.deepEqual([first?.role, first?.model, first?.chainOnlyBecause], ['carrier', '', 'its writer has no model']);
  assert.deepEqual(first?.stretches, [{ fromSequence: 1, toSequence: 391, result: 'chain-only' }]);
  const { hash: end, sequence, blocks, atUs } = first?.head ?? {};
  assert.deepEqual([hex(end), sequence, blocks, atUs], [hex(rows[130]?.hash), 391, 131, 390_000]);
  assert.equal(first?.tree?.size, 391);
});
