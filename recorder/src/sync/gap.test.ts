import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { GapSchema } from '@sigma/proto';
import fc from 'fast-check';
import { testChain } from '../../testing/chains.ts';
import { epochsWithGap } from '../../testing/dropped-blocks.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { DroppedEventsError, decodeBlock } from '../block.ts';
import type { SealedBlock } from '../chain-writer.ts';
import { ForeignBlockError } from '../store.ts';
import { verify } from '../verify/verify.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import {
  accountsFor,
  coarse,
  decodeGap,
  decodeStub,
  type Gap,
  gapEvent,
  isStub,
  restOfStub,
  type Stub,
  sealStub,
} from './gap.ts';
import { chooseDrops, type SpooledBlock } from './sending/spool.ts';
import { takeBatch } from './taking/take-batch.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** A chain of which the blocks at these places were dropped, with the event that says so before its last block. */
function dropped(from: number, to: number, told: (gap: Gap) => Gap | null = (gap) => gap) {
  const chain = testChain('r1', sha256);
  const blocks = [chain.begin(), ...Array.from({ length: 6 }, () => chain.notes(3))];
  const stretch = blocks.slice(from, to + 1);
  const [first, last] = [stretch[0], stretch.at(-1)] as [SealedBlock, SealedBlock];
  const stub: Stub = {
    tenant: 'acme',
    source: 'r1',
    epoch: 0,
    firstSequence: first.firstSequence,
    previousHash: first.previousHash,
    dropped: stretch.map(({ hash, count }) => ({ hash, count })),
    lastAtUs: last.lastAtUs,
  };
  const lastSequence = last.firstSequence + last.count - 1;
  const hashes = stretch.map(({ hash }) => hash);
  const firstSequence = first.firstSequence;
  const gap: Gap = { epoch: 0, firstSequence, lastSequence, eventClass: 'stimulus', reason: 'full', hashes };
  const said = told(gap);
  if (said !== null) blocks.push(chain.writer.seal([gapEvent(said, 20_000, 1)]));
  blocks.push(chain.notes(2));
  return { blocks, stretch, stub, gap, kept: [...blocks.slice(0, from), sealStub(stub), ...blocks.slice(to + 1)] };
}

async function verified(blocks: readonly SealedBlock[]) {
  const store = new MemoryStore();
  await store.append(blocks);
  return verify(store, { sha256, reexecutors: {} });
}

test('[R127] [L8] a stretch that was dropped and accounted for is missing by a gap, not damaged; all else is checked', async () => {
  const { kept } = dropped(2, 4);
  const report = await verified(kept);
  assert.equal(report.firstFailure, null);
  assert.deepEqual(report.chains[0]?.stretches, [
    { fromSequence: 1, toSequence: 4, result: 'chain-only' },
    { fromSequence: 5, toSequence: 13, result: 'dropped' },
    { fromSequence: 14, toSequence: 22, result: 'chain-only' },
  ]);
  assert.equal(report.chains[0]?.tree, null, 'nobody knows the leaves of what is gone');
});

test('[R127] [L4] a stub that nothing accounts for is a hole; so is one whose gap names another range or other hashes', async () => {
  const lies: readonly ((gap: Gap) => Gap | null)[] = [
    () => null,
    (gap) => ({ ...gap, epoch: 1 }),
    (gap) => ({ ...gap, lastSequence: gap.lastSequence - 1 }),
    (gap) => ({ ...gap, firstSequence: gap.firstSequence + 1 }),
    (gap) => ({ ...gap, hashes: gap.hashes.map((hash, i) => (i === 1 ? new Uint8Array(32) : hash)) }),
  ];
  for (const lie of lies) {
    const { firstFailure } = await verified(dropped(2, 4, lie).kept);
    assert.deepEqual(
      [firstFailure?.kind, firstFailure?.fromSequence, firstFailure?.toSequence],
      ['missing', 5, 13],
      firstFailure?.message,
    );
  }
});

test('[R127] [L4] what an earlier life dropped, or what was dropped out of it since, a later epoch of its source may tell, and of no other source', async () => {
  const [r1, r2] = [epochsWithGap('r1', sha256, 1), epochsWithGap('r2', sha256, 1)];
  const whole = await verified([...r1, ...r2]);
  assert.equal(whole.firstFailure, null);
  assert.deepEqual(
    whole.chains.map(({ stretches }) => stretches.map(({ result }) => result)),
    [['chain-only', 'dropped', 'chain-only'], ['chain-only'], ['chain-only', 'dropped', 'chain-only'], ['chain-only']],
  );
  const untold = await verified([...r1.filter(({ epoch }) => epoch === 0), ...r2]);
  assert.deepEqual(
    untold.chains.flatMap(({ source, epoch, failures }) => failures.map(({ kind }) => [source, epoch, kind])),
    [['r1', 0, 'missing']],
  );
});

test('[R127] [L4] who turns damage into a gap of his own is found: the chain does not link to what he names', async () => {
  const { kept, stub } = dropped(2, 4);
  const forged = sealStub({ ...stub, dropped: stub.dropped.map((block) => ({ ...block, hash: new Uint8Array(32) })) });
  const at = kept.findIndex(({ bytes }) => isStub(bytes));
  const store = new MemoryStore();
  store.rows.push(...kept.slice(0, at), forged, ...kept.slice(at + 1));
  const { chains } = await verify(store, { sha256, reexecutors: {} });
  assert.deepEqual(new Set(chains[0]?.failures.map(({ kind }) => kind)), new Set(['link', 'missing']));
  const filed = new MemoryStore();
  filed.rows.push(
    ...kept.slice(0, at),
    { ...(kept[at] as SealedBlock), hash: new Uint8Array(32) },
    ...kept.slice(at + 1),
  );
  const { firstFailure } = await verify(filed, { sha256, reexecutors: {} });
  assert.equal(firstFailure?.kind, 'bytes');
});

test('[R127] [R134] a stub that is another chain’s, stands elsewhere, is no stub, or does not follow what stands before it is found by kind', async () => {
  const { kept, stub } = dropped(2, 4);
  const at = kept.findIndex(({ bytes }) => isStub(bytes));
  const row = kept[at] as SealedBlock;
  const found = async (rows: readonly SealedBlock[]) => {
    const store = new MemoryStore();
    store.rows.push(...rows);
    const { chains } = await verify(store, { sha256, reexecutors: {} });
    return (chains[0]?.failures ?? []).map(({ kind, fromSequence, toSequence }) => [kind, fromSequence, toSequence]);
  };
  const instead = (bytes: Uint8Array) => found([...kept.slice(0, at), { ...row, bytes }, ...kept.slice(at + 1)]);
  const bytesOf = (changes: Partial<Stub>) => sealStub({ ...stub, ...changes }).bytes;
  assert.deepEqual(await instead(bytesOf({})), []);
  for (const other of [{ tenant: 'other' }, { source: 'r2' }, { epoch: 1 }])
    assert.deepEqual((await instead(bytesOf(other)))[0], ['foreign', 5, 13], JSON.stringify(other));
  assert.deepEqual((await instead(bytesOf({ firstSequence: 6 })))[0], ['order', 5, 13]);
  assert.deepEqual((await instead(bytesOf({ firstSequence: 4 })))[0], ['order', 5, 13]);
  assert.deepEqual((await instead(row.bytes.subarray(0, 9)))[0]?.slice(0, 2), ['format', 5]);
  assert.deepEqual((await instead(bytesOf({ previousHash: new Uint8Array(32) })))[0], ['link', 5, 13]);
  const gone = [...kept.slice(0, at - 1), ...kept.slice(at)];
  assert.deepEqual((await found(gone))[0], ['missing', 2, 4], 'the block before it is gone');
  const twice = [...kept.slice(0, at + 1), row, ...kept.slice(at + 1)];
  assert.deepEqual((await found(twice))[0], ['order', 5, 13]);
});

test('[R127] [L4] of a stretch whose end alone is known, by its gap, its stub or both, that end is what must be true', async () => {
  const { kept, stub, gap } = dropped(2, 4);
  const at = kept.findIndex(({ bytes }) => isStub(bytes));
  const last = (of: Gap): Gap => ({ ...of, hashes: of.hashes.slice(-1) });
  const rough = coarse(stub);
  assert.deepEqual(rough.dropped, [{ hash: stub.dropped[2]?.hash, count: 9, blocks: 3 }]);
  assert.deepEqual(decodeStub(sealStub(rough).bytes), rough);
  assert.deepEqual(coarse(rough), rough);
  for (const told of [gap, last(gap)]) for (const one of [stub, rough]) assert.ok(accountsFor(told, one));
  assert.ok(accountsFor(last(gap), restOfStub(stub, 8) as Stub), 'a hub that had part of it');
  const others: Gap[] = [
    { ...last(gap), hashes: [new Uint8Array(32)] },
    { ...last(gap), hashes: [] },
    { ...last(gap), lastSequence: 12 },
    { ...last(gap), firstSequence: 6 },
  ];
  for (const other of others) assert.equal(accountsFor(other, rough), false, JSON.stringify(other));
  const report = await verified([...kept.slice(0, at), sealStub(rough), ...kept.slice(at + 1)]);
  assert.equal(report.firstFailure, null);
  assert.equal(report.chains[0]?.stretches[1]?.result, 'dropped');
  const short = sealStub({ ...stub, dropped: [{ hash: gap.hashes[2] as Uint8Array, count: 2, blocks: 3 }] });
  assert.throws(() => decodeStub(short.bytes), MalformedBytesError, 'a block has an event at least');
});

test('[R127] [R123] a hub that stands amid a stretch whose end alone is known is not led on to what nobody can prove', async () => {
  const { kept, stub, blocks } = dropped(2, 4);
  const at = kept.findIndex(({ bytes }) => isStub(bytes));
  const hub = new MemoryStore();
  await hub.append(blocks.slice(0, 3));
  await assert.rejects(hub.append([sealStub(coarse(stub)), ...kept.slice(at + 1)]), ForeignBlockError);
  assert.equal((await hub.heads())[0]?.sequence, 7);
});

test('[R127] a stub comes back as it was written, and who reads events across it is told', () => {
  const { stub, gap } = dropped(1, 3);
  const sealed = sealStub(stub);
  assert.deepEqual(decodeStub(sealed.bytes), stub);
  assert.deepEqual([sealed.count, sealed.hash], [9, gap.hashes[2]]);
  assert.throws(() => decodeBlock(sealed.bytes), DroppedEventsError);
  assert.deepEqual(decodeGap(gapEvent(gap, 1, 1).data, 7), gap);
  const older = toBinary(GapSchema, { ...fromBinary(GapSchema, gapEvent(gap, 1, 1).data), epoch: undefined });
  assert.equal(decodeGap(older, 7).epoch, 7, 'who names no epoch tells of the chain that it stands in');
});

test('[R127] [R120] a stub travels, never as the last of a batch; a hub that has part of the stretch is sent the rest', async () => {
  const { kept, stub, blocks, gap } = dropped(2, 4);
  const door = { tenant: 'acme', sources: new Set(['r1']) };
  const batch = (sent: readonly SealedBlock[]) => {
    const { tenant, source, epoch, firstSequence, previousHash } = sent[0] as SealedBlock;
    const hash = (sent.at(-1) as SealedBlock).hash;
    const time = { us: 0, count: 0 };
    return { tenant, source, epoch, firstSequence, previousHash, hash, time, blocks: sent.map(({ bytes }) => bytes) };
  };
  const taken = takeBatch(batch(kept), door, sha256);
  assert.ok('blocks' in taken);
  const hub = new MemoryStore();
  await hub.append(taken.blocks);
  assert.equal((await verify(hub, { sha256, reexecutors: {} })).firstFailure, null);
  assert.equal('refusal' in takeBatch(batch(kept.slice(0, 3)), door, sha256), true);

  const ahead = new MemoryStore();
  await ahead.append(blocks.slice(0, 3));
  const rest = restOfStub(stub, 8) as Stub;
  assert.equal(accountsFor(gap, rest), true);
  assert.equal(accountsFor({ ...gap, epoch: 1 }, rest), false, 'another epoch may have events of these numbers');
  assert.equal(restOfStub(stub, 9), null);
  const later = takeBatch(batch([sealStub(rest), ...kept.slice(3)]), door, sha256);
  assert.ok('blocks' in later);
  await ahead.append(later.blocks);
  const report = await verify(ahead, { sha256, reexecutors: {} });
  assert.equal(report.firstFailure, null);
  assert.equal(report.chains[0]?.stretches[1]?.fromSequence, 8);
});

const classes = ['held', 'stimulus', 'snapshot', 'decision', 'kept'] as const;
const MINUTE_US = 60_000_000;
const spool = fc.array(
  fc.record({
    chain: fc.nat(2),
    class: fc.constantFrom(...classes),
    count: fc.integer({ min: 1, max: 5 }),
    bytes: fc.integer({ min: 1, max: 900 }),
    timeUs: fc.nat(5_000),
    afterUs: fc.nat(MINUTE_US),
  }),
  { maxLength: 40 },
);

test('[R127] [L8] what a full spool gives up: never what is kept, the least class first, of it the oldest', () => {
  fc.assert(
    fc.property(spool, fc.nat(12_000), (given, wanted) => {
      const next = [1, 1, 1];
      const atUs = [0, 0, 0];
      const blocks = given.map(({ chain, count, bytes, timeUs, afterUs, class: of }): SpooledBlock => {
        atUs[chain] = (atUs[chain] as number) + afterUs;
        const firstSequence = next[chain] as number;
        next[chain] = firstSequence + count;
        const place = { tenant: 'acme', source: `r${chain}`, epoch: 0, firstSequence, count, bytes };
        return { ...place, lastAtUs: atUs[chain] as number, lastTimeUs: timeUs, class: of };
      });
      const stretches = chooseDrops(blocks, wanted);
      const isGone = ({ source, firstSequence }: SpooledBlock): boolean =>
        stretches.some(
          (stretch) =>
            stretch.source === source &&
            stretch.firstSequence <= firstSequence &&
            firstSequence <= stretch.lastSequence,
        );
      const free = blocks.reduce((sum, block) => sum + (isGone(block) ? block.bytes : 0), 0);
      const stays = new Map<string, number>();
      const isMinutely = (block: SpooledBlock): boolean => {
        const before = stays.get(block.source) ?? Number.NEGATIVE_INFINITY;
        if (block.class !== 'snapshot' || block.lastAtUs - before < MINUTE_US) return false;
        stays.set(block.source, block.lastAtUs);
        return true;
      };
      const minutely = new Set(blocks.filter(isMinutely));
      const may = blocks.filter((block) => block.class !== 'kept' && !minutely.has(block));
      assert.equal(
        stretches.reduce((sum, { bytes }) => sum + bytes, 0),
        free,
      );
      assert.equal(
        stretches.reduce((sum, { blocks: some }) => sum + some, 0),
        blocks.filter(isGone).length,
      );
      assert.ok(blocks.every((block) => !isGone(block) || may.includes(block)));
      assert.ok(free >= wanted || may.every(isGone), 'it stops early only when nothing else may go');
      for (const a of may) {
        for (const b of may) {
          const before =
            a.class === b.class ? a.lastTimeUs < b.lastTimeUs : classes.indexOf(a.class) < classes.indexOf(b.class);
          if (before && isGone(b)) assert.ok(isGone(a), 'what goes first goes before');
        }
      }
      const ranks = stretches.map((stretch) => classes.indexOf(stretch.class as (typeof classes)[number]));
      assert.deepEqual(ranks, ranks.toSorted(), 'the least class is told of first');
    }),
    { seed: 127, numRuns: 300 },
  );
});

test('[R127] however much goes of one chain, one event tells of 1,024 blocks at most, and nothing between two of them stays', () => {
  const blocks = Array.from({ length: 2_500 }, (_, n): SpooledBlock => {
    const at = { firstSequence: 2 + 3 * n, lastAtUs: n, lastTimeUs: n };
    return { tenant: 'acme', source: 'r1', epoch: 0, count: 3, bytes: 1_000, class: 'held', ...at };
  });
  assert.deepEqual(
    chooseDrops(blocks, Number.POSITIVE_INFINITY).map((one) => [one.firstSequence, one.lastSequence, one.blocks]),
    [
      [2, 3_073, 1_024],
      [3_074, 6_145, 1_024],
      [6_146, 7_501, 452],
    ],
  );
});
