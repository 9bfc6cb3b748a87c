import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ChainHead, ChainId, StoredBlock } from '../src/index.ts';
import { StoreCorruptError } from '../src/index.ts';
import { sha256 } from '../stores/sqlite/sqlite-store.ts';
import { testChain } from '../testing/chains.ts';
import { chainWithGap } from '../testing/dropped-blocks.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { type BadStretch, soundEvents } from './sound-events.ts';

/** Five blocks: the opening, then four of three notes: events 1, 2-4, 5-7, 8-10, 11-13. */
async function fiveBlocks(store = new MemoryStore(), source = 'r1'): Promise<MemoryStore> {
  const chain = testChain(source, sha256);
  await store.append([chain.begin(), ...Array.from({ length: 4 }, () => chain.notes(3))]);
  return store;
}

async function read(store: MemoryStore, fromSequence = 1) {
  const [head] = await store.heads();
  assert.ok(head !== undefined);
  const bad: BadStretch[] = [];
  const sequences: number[] = [];
  const onBad = (stretch: BadStretch): number => bad.push(stretch);
  for await (const events of soundEvents(store, head, { sha256, fromSequence, onBad })) {
    sequences.push(...events.map(({ sequence }) => sequence));
  }
  return { sequences, bad: bad.map(({ fromSequence, toSequence, why }) => ({ fromSequence, toSequence, why })) };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, k) => from + k);

test('a sound chain is read whole, or from an event on', async () => {
  const store = await fiveBlocks();
  assert.deepEqual(await read(store), { sequences: range(1, 13), bad: [] });
  assert.deepEqual(await read(store, 6), { sequences: range(6, 13), bad: [] });
});

test('[R182] a block of which a byte was turned is left out by its events, and what lies behind is read', async () => {
  const store = await fiveBlocks();
  const [, , third] = store.rows;
  assert.ok(third !== undefined);
  const bytes = third.bytes.slice();
  bytes[40] = (bytes[40] as number) ^ 1;
  store.rows[2] = { ...third, bytes };
  const why = 'the bytes are not those that were recorded';
  assert.deepEqual(await read(store), {
    sequences: [...range(1, 4), ...range(8, 13)],
    bad: [{ fromSequence: 5, toSequence: 7, why }],
  });
});

test('[R127] [R182] what a bounded recording dropped is named as a gap and not as damage, and reading goes on behind it', async () => {
  const store = new MemoryStore();
  await store.append(chainWithGap('r1', sha256));
  const why = 'they were dropped by a bounded recording, and a gap on its record says so';
  assert.deepEqual(await read(store), {
    sequences: [...range(1, 4), ...range(14, 22)],
    bad: [{ fromSequence: 5, toSequence: 13, why }],
  });
  assert.deepEqual((await read(store, 7)).bad, [{ fromSequence: 7, toSequence: 13, why }]);
});

test('[R182] missing blocks are named, in the middle and at the end', async () => {
  const store = await fiveBlocks();
  const [head] = await store.heads();
  assert.ok(head !== undefined);
  store.rows.splice(2, 1);
  store.rows.pop();
  const cut: MemoryStore = Object.assign(Object.create(store), { heads: async () => [head] });
  assert.deepEqual(await read(cut), {
    sequences: [...range(1, 4), ...range(8, 10)],
    bad: [
      { fromSequence: 5, toSequence: 7, why: 'they are missing' },
      { fromSequence: 11, toSequence: 13, why: 'they are missing' },
    ],
  });
});

test("[R182] another's block is not taken for one of this chain", async () => {
  const store = await fiveBlocks();
  const foreign = (await fiveBlocks(new MemoryStore(), 'r2')).rows[3];
  const own = store.rows[3];
  assert.ok(foreign !== undefined && own !== undefined);
  store.rows[3] = { ...own, bytes: foreign.bytes, hash: foreign.hash };
  assert.deepEqual(await read(store), {
    sequences: [...range(1, 7), ...range(11, 13)],
    bad: [{ fromSequence: 8, toSequence: 10, why: 'a block of acme/r2 epoch 0 stands there' }],
  });
});

/** A store of which a page cannot be read any more: whoever asks for it, or reads past it, is told so. */
function torn(store: MemoryStore): MemoryStore {
  async function* blocks(chain: ChainId, from: number, to: number): AsyncIterable<StoredBlock> {
    for await (const block of store.blocks(chain, from, to)) {
      if (block.firstSequence === 5) throw new StoreCorruptError('torn.sqlite', 'a page is damaged', 'Restore it');
      yield block;
    }
  }
  return Object.assign(Object.create(store), { blocks });
}

test('[R182] what the store itself cannot give is passed over, and reading goes on behind it', async () => {
  assert.deepEqual(await read(torn(await fiveBlocks())), {
    sequences: [...range(1, 4), ...range(8, 13)],
    bad: [{ fromSequence: 5, toSequence: 7, why: 'a page is damaged' }],
  });
});

const harm = fc.record({
  row: fc.nat({ max: 4 }),
  how: fc.oneof(
    fc.record({ byte: fc.nat({ max: 400 }), bit: fc.nat({ max: 7 }), rehash: fc.boolean() }),
    fc.constant('gone' as const),
    fc.constant('twice' as const),
    fc.record({ swapWith: fc.nat({ max: 4 }) }),
  ),
});

test('[R182] however a recording was damaged, each of its events is given once, in order, or named once as left out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(harm, { minLength: 1, maxLength: 4 }), async (harms) => {
      const store = await fiveBlocks();
      const heads = await store.heads();
      for (const { row, how } of harms) {
        const block = store.rows[row];
        if (block === undefined) continue;
        if (how === 'gone') store.rows.splice(row, 1);
        else if (how === 'twice') store.rows.splice(row, 0, block);
        else if ('swapWith' in how) {
          const other = store.rows[how.swapWith];
          if (other !== undefined) [store.rows[row], store.rows[how.swapWith]] = [other, block];
        } else {
          const bytes = block.bytes.slice();
          const at = how.byte % bytes.length;
          bytes[at] = (bytes[at] as number) ^ (1 << how.bit);
          store.rows[row] = { ...block, bytes, hash: how.rehash ? sha256(bytes) : block.hash };
        }
      }
      const { sequences, bad } = await read(Object.assign(Object.create(store), { heads: async () => heads }));
      for (let k = 1; k < sequences.length; k++) assert.ok((sequences[k] as number) > (sequences[k - 1] as number));
      const named = bad.flatMap(({ fromSequence, toSequence }) => range(fromSequence, toSequence));
      assert.deepEqual(
        [...sequences, ...named].sort((a, b) => a - b),
        range(1, 13),
      );
    }),
    { seed: 6, numRuns: 400 },
  );
});

test('what is written after the head was taken is not read', async () => {
  const store = new MemoryStore();
  const chain = testChain('r1', sha256);
  await store.append([chain.begin(), chain.notes(3)]);
  const [head] = (await store.heads()) as [ChainHead];
  await store.append([chain.notes(3)]);
  const sequences: number[] = [];
  for await (const events of soundEvents(store, head, { sha256, onBad: () => assert.fail('nothing is bad') })) {
    sequences.push(...events.map(({ sequence }) => sequence));
  }
  assert.deepEqual(sequences, range(1, 4));
});
