import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { zstandard } from '../../../stores/zstandard.ts';
import { testChain } from '../../../testing/chains.ts';
import { blockHead } from '../../block.ts';
import type { SealedBlock } from '../../chain-writer.ts';
import { EVENT_TYPE } from '../../event.ts';
import { WireWriter } from '../../wire/wire-writer.ts';
import { coarse, type Stub, sealStub } from '../gap.ts';
import { packBlocks, unpackBlocks } from '../packed-blocks.ts';
import type { BlockBatch } from '../sync-words.ts';
import { scanPack } from './pack-scan.ts';
import { blocksOf } from './sealed-pack.ts';
import { takeBatch } from './take-batch.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const door = { tenant: 'acme', sources: new Set(['r1']) };
const FIRST = 9;
const BEFORE = new Uint8Array(32).fill(9);

function batchOf(blocks: readonly Uint8Array[], hash: Uint8Array): BlockBatch {
  const place = { tenant: 'acme', source: 'r1', epoch: 3, firstSequence: FIRST, previousHash: BEFORE, hash };
  return { ...place, blocks, time: { us: 1, count: 0 } };
}

/** The same packed. */
const packed = (batch: BlockBatch): BlockBatch => ({
  ...batch,
  blocks: [],
  packed: packBlocks(batch.blocks, zstandard),
});

const plain = (sealed: readonly SealedBlock[]) =>
  sealed.map((block) => ({
    ...block,
    bytes: Buffer.from(block.bytes).toString('hex'),
    hash: Buffer.from(block.hash).toString('hex'),
    previousHash: Buffer.from(block.previousHash).toString('hex'),
  }));

/** What becomes of a batch that is looked at block by block, and of the same as a pack. */
function both(batch: BlockBatch): { readonly byBlock: unknown; readonly asPack: unknown } {
  const [byBlock, asPack] = [takeBatch(batch, door, sha256), takeBatch(packed(batch), door, sha256, zstandard)];
  return {
    byBlock: 'blocks' in byBlock ? plain(byBlock.blocks) : byBlock,
    asPack: 'pack' in asPack ? plain(blocksOf(asPack.pack, asPack.pack)) : asPack,
  };
}

/** Whether the pack needs no closer look. */
function scanned(batch: BlockBatch): boolean {
  const { content, places } = unpackBlocks(packBlocks(batch.blocks, zstandard), zstandard);
  return scanPack(batch, content, places, sha256) !== null;
}

/** How a block is written: as this program does it, or not quite. */
type Manner =
  | 'ours'
  | 'another tenant'
  | 'unknown field'
  | 'long number'
  | 'sequence skipped'
  | 'time goes back'
  | 'no events'
  | 'type twice'
  | 'newer format'
  | 'fields turned round'
  | 'event cut short'
  | 'more blocks than events'
  | 'blocks said of one';

interface Drawn {
  readonly stub: boolean;
  readonly events: number;
  readonly snapshot: boolean;
  readonly manner: Manner;
}

const MANNERS: readonly Manner[] = [
  ...['another tenant', 'unknown field', 'long number', 'sequence skipped', 'time goes back', 'no events'],
  ...['type twice', 'newer format', 'fields turned round', 'event cut short'],
  ...['more blocks than events', 'blocks said of one'],
] as readonly Manner[];

/** Events of each dropped block, or row of blocks. */
const COARSE = 3;
const blocksSaid = (manner: Manner): number =>
  manner === 'more blocks than events' ? COARSE + 1 : manner === 'blocks said of one' ? 1 : 2;

/** A block by its fields, whatever they say. @returns its bytes, and what the next one is to carry */
function written(
  { stub, events, snapshot, manner }: Drawn,
  first: number,
  before: Uint8Array,
  fromUs: number,
): { readonly bytes: Uint8Array; readonly last: Uint8Array } {
  const wire = new WireWriter();
  wire.uint(1, stub ? 64 : manner === 'newer format' ? 2 : 1);
  if (manner === 'fields turned round') wire.string(3, 'r1');
  wire.string(2, manner === 'another tenant' ? 'evil' : 'acme');
  if (manner !== 'fields turned round') wire.string(3, 'r1');
  wire.uint(4, 3);
  wire.uint(5, first);
  wire.bytes(6, before);
  let last: Uint8Array = before;
  for (let i = 0; i < events && manner !== 'no events'; i++) {
    const mark = wire.open(stub ? 8 : 7);
    if (stub) {
      last = sha256(Uint8Array.of(first, i));
      wire.bytes(1, last);
      wire.uint(2, COARSE);
      // Of the second and the fourth it is known that several blocks stood there; or so it says.
      if (i % 2 === 1) wire.uint(3, blocksSaid(manner));
    } else {
      wire.uint(1, first + i + (manner === 'sequence skipped' && i > 0 ? 1 : 0));
      const type = snapshot && i % 2 === 1 ? EVENT_TYPE.snapshot : EVENT_TYPE.signal;
      wire.string(2, type);
      if (manner === 'type twice') wire.string(2, EVENT_TYPE.snapshot);
      wire.string(3, i % 3 === 0 ? 'somebody' : '');
      wire.uint(4, manner === 'time goes back' ? 1_000 - i : fromUs + i);
      wire.int(5, i % 2 === 0 ? 1_700_000_000_000_000 : -5);
      if (manner === 'unknown field') wire.string(11, 'of a later time');
      wire.bytes(8, Uint8Array.of(1, 2, 3));
    }
    wire.close(mark);
  }
  if (stub) wire.uint(9, fromUs);
  let bytes: Uint8Array = wire.take();
  if (manner === 'long number') {
    // One more byte than the first sequence, which is less than 128, needs.
    const at = bytes.indexOf(0x28) + 1;
    bytes = Uint8Array.from([...bytes.subarray(0, at), first | 0x80, 0, ...bytes.subarray(at + 1)]);
  }
  return { bytes: manner === 'event cut short' ? bytes.slice(0, -1) : bytes, last };
}

const anyChain = fc.array(
  fc.record({ stub: fc.boolean(), events: fc.integer({ min: 1, max: 4 }), snapshot: fc.boolean() }),
  { minLength: 2, maxLength: 9 },
);

/** Blocks that are linked as they should be, whatever is in them. The last is no stub. */
function linked(drawn: readonly Drawn[]): BlockBatch {
  const blocks: Uint8Array[] = [];
  let [next, hash]: [number, Uint8Array] = [FIRST, BEFORE];
  for (const [i, one] of drawn.entries()) {
    const stub = one.stub && i < drawn.length - 1;
    const { bytes, last } = written({ ...one, stub }, next, hash, 1_000 * i);
    blocks.push(bytes);
    hash = stub ? last : sha256(bytes);
    next += stub ? COARSE * one.events : one.events;
  }
  return batchOf(blocks, hash);
}

const honest = (drawn: readonly Omit<Drawn, 'manner'>[]): readonly Drawn[] =>
  drawn.map((one) => ({ ...one, manner: 'ours' }));

test('[R120] [R195] an honest pack is judged in one pass over its bytes, and found to hold what its blocks say one by one', () => {
  const seen = { stubs: 0, snapshots: 0 };
  fc.assert(
    fc.property(anyChain, (drawn) => {
      const batch = linked(honest(drawn));
      const { byBlock, asPack } = both(batch);
      assert.deepEqual(asPack, byBlock);
      assert.ok(Array.isArray(asPack), 'it is taken');
      assert.ok(scanned(batch), 'and without a closer look');
      seen.stubs += drawn.filter(({ stub }) => stub).length;
      seen.snapshots += drawn.filter(({ snapshot, events }) => snapshot && events > 1).length;
    }),
    { seed: 120, numRuns: 200 },
  );
  assert.ok(seen.stubs > 100 && seen.snapshots > 100);
});

test('[R120] [R123] [R195] a pack with a block that is not as this program writes it is refused, or taken, as its blocks are one by one', () => {
  const outcomes = new Map<string, number>();
  const anyManner = fc.tuple(anyChain, fc.nat(), fc.constantFrom(...MANNERS));
  fc.assert(
    fc.property(anyManner, ([drawn, at, manner]) => {
      const chain = honest(drawn).map((one, i) => (i === at % drawn.length ? { ...one, manner } : one));
      const { byBlock, asPack } = both(linked(chain));
      assert.deepEqual(asPack, byBlock, manner);
      const outcome = Array.isArray(asPack) ? 'taken' : (asPack as { readonly refusal: string }).refusal;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }),
    { seed: 123, numRuns: 600 },
  );
  assert.deepEqual([...outcomes.keys()].sort(), ['damaged', 'taken', 'tenant']);
});

test('[R120] [L4] of a pack every bit that is turned before it was packed is found, and named as block by block', () => {
  const drawn = [0, 1, 2, 3, 4].map((i) => ({ stub: i === 1 || i === 3, events: 2, snapshot: i === 2 }));
  const batch = linked(honest(drawn));
  for (const [place, block] of batch.blocks.entries()) {
    for (let bit = 0; bit < block.length * 8; bit++) {
      const bent = block.slice();
      bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
      const turned = { ...batch, blocks: batch.blocks.map((bytes, i) => (i === place ? bent : bytes)) };
      const { byBlock, asPack } = both(turned);
      assert.deepEqual(asPack, byBlock, `block ${place}, bit ${bit}`);
    }
  }
});

test('[R120] [R123] a pack in another place than it says, in another order, with a hole or with a stub at its end is refused', () => {
  const batch = linked(honest([0, 1, 2, 3].map((i) => ({ stub: i === 1, events: 3, snapshot: false }))));
  const order = (...places: readonly number[]) => places.map((place) => batch.blocks[place] as Uint8Array);
  const wrong: readonly BlockBatch[] = [
    { ...batch, firstSequence: FIRST + 1 },
    { ...batch, previousHash: new Uint8Array(32) },
    { ...batch, previousHash: new Uint8Array() },
    { ...batch, hash: new Uint8Array(32) },
    { ...batch, epoch: 4 },
    { ...batch, blocks: order(0, 2, 3) },
    { ...batch, blocks: order(0, 1, 3, 2) },
    { ...batch, blocks: order(0, 1, 1, 2, 3) },
    { ...batch, blocks: order(0, 1, 2) },
    { ...batch, blocks: order(0, 1) },
    { ...batch, blocks: order(0, 1), hash: sha256(batch.blocks[0] as Uint8Array) },
    { ...batch, blocks: order(0, 1), hash: blockHead(batch.blocks[2] as Uint8Array).previousHash },
  ];
  for (const [i, one] of wrong.entries()) {
    const { byBlock, asPack } = both(one);
    assert.deepEqual(asPack, byBlock, `${i}`);
    assert.ok(!Array.isArray(asPack), `${i}`);
  }
});

test('[R127] [R195] what sealed blocks and stubs write is what a scan knows', () => {
  const chain = testChain('r1', sha256);
  const [begin, one, two, three, four] = [chain.begin(), ...[3, 1, 4, 2].map((count) => chain.notes(count, 90))];
  const dropped = [two, three].map((block) => ({ hash: block?.hash ?? BEFORE, count: block?.count ?? 0 }));
  const { firstSequence, previousHash } = two as SealedBlock;
  const lastAtUs = three?.lastAtUs ?? 0;
  const stub: Stub = { tenant: 'acme', source: 'r1', epoch: 0, firstSequence, previousHash, dropped, lastAtUs };
  const place = { tenant: 'acme', source: 'r1', epoch: 0, firstSequence: 2, previousHash: begin.hash };
  for (const sealed of [sealStub(stub), sealStub(coarse(stub))]) {
    const blocks = [one, sealed, four] as readonly SealedBlock[];
    const batch = { ...batchOf([], four?.hash ?? BEFORE), ...place, blocks: blocks.map(({ bytes }) => bytes) };
    assert.ok(scanned(batch));
    const taken = takeBatch(packed(batch), door, sha256, zstandard);
    assert.ok('pack' in taken);
    assert.deepEqual(plain(blocksOf(taken.pack, taken.pack)), plain(blocks));
    assert.deepEqual([taken.pack.blocks, taken.pack.standsFor, taken.pack.count], [3, 4, 10]);
  }
});
