import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { note, testChain, testOpening } from '../testing/chains.ts';
import {
  ChainWriter,
  decodeBlock,
  decodeEnvelope,
  EVENT_TYPE,
  type EventDraft,
  NO_BLOCK,
  openingEvent,
  type Sha256,
  siteHead,
} from './index.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest());
const eventsIn = (bytes: Uint8Array) => decodeBlock(bytes).events.map(decodeEnvelope);

test('[R10] [R11] blocks follow each other by sequence and by hash, from 32 zero bytes on', () => {
  const chain = testChain('r01', sha256);
  const blocks = [chain.begin(), chain.notes(3), chain.notes(1)];
  let hash = NO_BLOCK;
  let sequence = 1;
  for (const { bytes, hash: sealed, firstSequence } of blocks) {
    const content = decodeBlock(bytes);
    assert.deepEqual(content.previousHash, hash);
    assert.equal(content.firstSequence, sequence);
    assert.equal(firstSequence, sequence);
    assert.deepEqual(
      eventsIn(bytes).map((event) => event.sequence),
      content.events.map((_, n) => sequence + n),
    );
    assert.deepEqual(sealed, sha256(bytes));
    hash = sealed;
    sequence += content.events.length;
  }
});

test('[R10] a writer that comes back goes on from its head as if it had never stopped; another chain has another head', () => {
  const [steady, restarted] = [testChain('r01', sha256), testChain('r01', sha256)];
  steady.begin();
  restarted.begin();
  const next = [note(1), note(2)];
  const again = new ChainWriter(restarted.opening, sha256, restarted.writer.head);
  assert.deepEqual(again.seal(next), steady.writer.seal(next));
  assert.deepEqual(again.head, steady.writer.head);
  assert.throws(
    () => new ChainWriter(testOpening('r02'), sha256, steady.writer.head),
    /r01 epoch 0 continues no other/,
  );
});

test('[R14] an event dated before the one ahead of it takes its time, within a block and across blocks', () => {
  const chain = testChain('r01', sha256);
  chain.begin();
  const first = chain.writer.seal([note(1, 500), note(2, 300), note(3, 600)]);
  const second = chain.writer.seal([note(4, 100)]);
  assert.deepEqual(
    eventsIn(first.bytes).map(({ atUs }) => atUs),
    [500, 500, 600],
  );
  assert.deepEqual([second.firstAtUs, eventsIn(second.bytes)[0]?.atUs], [600, 600]);
});

test('[R32] what is no segment stands in a block apart from the segment before it, in order, and no event is lost between', () => {
  const chain = testChain('r01', sha256);
  const segment = (n: number): EventDraft => ({ ...note(n), type: EVENT_TYPE.stimulusSegment });
  const cut = [openingEvent(chain.opening), segment(1), note(2), note(3), segment(4), segment(5), note(6)];
  const blocks = chain.writer.sealCut(cut);
  const types = blocks.map(({ bytes }) => eventsIn(bytes).map(({ type }) => type === EVENT_TYPE.stimulusSegment));
  assert.deepEqual(types, [[false], [true], [false, false], [true, true], [false]]);
  const events = blocks.flatMap(({ bytes }) => eventsIn(bytes));
  assert.deepEqual(
    events.map(({ type, data }) => ({ type, data })),
    cut.map(({ type, data }) => ({ type, data })),
  );
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    cut.map((_, n) => n + 1),
  );
  for (const [n, block] of blocks.entries()) assert.deepEqual(block.previousHash, blocks[n - 1]?.hash ?? NO_BLOCK);
  assert.deepEqual(chain.writer.sealCut([]), []);
});

test('[R13] the site head is the hash over every chain in order, and does not depend on the order they come in', () => {
  const heads = (['r10', 'r02', 'r01'] as const).flatMap((source) =>
    [11, 2].map((epoch) => {
      const chain = testChain(source, sha256, { epoch });
      chain.begin();
      return chain.writer.head;
    }),
  );
  const expected = createHash('sha256');
  for (const source of ['r01', 'r02', 'r10']) {
    for (const epoch of [2, 11]) {
      const head = heads.find((known) => known.source === source && known.epoch === epoch);
      expected.update(`acme\0${source}\0${epoch}\x001\0`).update(head?.hash ?? '');
    }
  }
  assert.equal(siteHead(heads, sha256), expected.digest('hex'));
  assert.equal(siteHead([...heads].reverse(), sha256), siteHead(heads, sha256));
});

test('[R10] the head tells where the chain stands after every block, and only the head of this very chain goes on with it', () => {
  const chain = testChain('r01', sha256);
  assert.deepEqual(chain.writer.head, {
    tenant: 'acme',
    source: 'r01',
    epoch: 0,
    sequence: 0,
    hash: NO_BLOCK,
    atUs: 0,
    blocks: 0,
  });
  chain.begin();
  const { hash } = chain.notes(4);
  const head = { tenant: 'acme', source: 'r01', epoch: 0, sequence: 5, hash, atUs: 4000, blocks: 2 };
  assert.deepEqual(chain.writer.head, head);
  assert.deepEqual(new ChainWriter(chain.opening, sha256, head).head, head);
  for (const other of [{ tenant: 'bmce' }, { source: 'r02' }, { epoch: 1 }]) {
    assert.throws(() => new ChainWriter(chain.opening, sha256, { ...head, ...other }), /continues no other chain/);
  }
});

test('[R14] [R33] what is in order is written as it is, and a block names the snapshots in it and nothing else', () => {
  const chain = testChain('r01', sha256);
  assert.deepEqual(chain.begin().snapshots, []);
  const events = [note(1, 100), { ...note(2, 100), type: 'sigma.snapshot.v1' }, note(3, 90), note(4, 200)];
  const block = chain.writer.seal(events);
  assert.deepEqual(block.snapshots, [{ sequence: 3, atUs: 100 }]);
  assert.deepEqual([block.firstAtUs, block.lastAtUs, block.count], [100, 200, 4]);
  assert.deepEqual(
    eventsIn(block.bytes).map(({ atUs }) => atUs),
    [100, 100, 100, 200],
  );
  const two = chain.writer.seal([events[1], { ...events[1], atUs: 50 }] as typeof events);
  assert.deepEqual(two.snapshots, [
    { sequence: 6, atUs: 200 },
    { sequence: 7, atUs: 200 },
  ]);
});
