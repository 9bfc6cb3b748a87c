import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { type ChainId, type SealedBlock, type Sha256, StoreCorruptError, StoreFailedError, verify } from '../index.ts';
import { Salvage } from './salvage.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const { opening } = testChain('r01', sha256);

/** Event 1, then blocks of 3; the store reads 8 blocks ahead and cannot give the events in `bad`. */
class DamagedStore extends MemoryStore {
  readonly bad: ReadonlySet<number>;
  readonly failure: Error;
  reads = 0;

  constructor(
    bad: readonly number[],
    failure: Error = new StoreCorruptError('x.db', 'is damaged on page 7', 'Keep it'),
  ) {
    super();
    this.bad = new Set(bad);
    this.failure = failure;
  }

  override async *blocks(chain: ChainId, fromSequence: number, toSequence: number) {
    this.reads++;
    const blocks: SealedBlock[] = [];
    for await (const block of super.blocks(chain, fromSequence, toSequence)) blocks.push(block);
    while (blocks.length > 0) {
      const page = blocks.splice(0, 8);
      for (const { firstSequence, count } of page) {
        for (let n = firstSequence; n < firstSequence + count; n++) if (this.bad.has(n)) throw this.failure;
      }
      yield* page;
    }
  }
}

async function damaged(bad: readonly number[], blocks = 40, failure?: Error): Promise<DamagedStore> {
  const store = new DamagedStore(bad, failure);
  const chain = testChain('r01', sha256);
  await store.append([chain.begin(), ...Array.from({ length: blocks }, () => chain.notes(3))]);
  return store;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** First events of the blocks that verify reads, and the holes it tells of. */
async function salvaged(store: DamagedStore) {
  const salvage = new Salvage(store, opening, (await store.heads())[0]?.sequence ?? 0);
  const firsts: number[] = [];
  for await (const { firstSequence } of salvage.blocks()) firsts.push(firstSequence);
  return { firsts, fault: salvage.takeFault(), faultAgain: salvage.takeFault() };
}

const all = [1, ...range(0, 39).map((n) => 2 + 3 * n)];
const without = (...blocks: readonly number[]): number[] => all.filter((first) => !blocks.includes(first));

test('[R134] a store that is whole gives every block once, and says nothing of damage', async () => {
  assert.deepEqual(await salvaged(await damaged([])), { firsts: all, fault: null, faultAgain: null });
});

test('[R134] [L4] what lies before and behind damage is read, wherever it stands among what the store reads ahead', async () => {
  for (const bad of [1, 2, 5, 23, 26, 77, 116]) {
    const block = bad === 1 ? 1 : bad;
    const { firsts, fault, faultAgain } = await salvaged(await damaged([bad]));
    assert.deepEqual(firsts, without(block), `damage at ${bad}`);
    assert.deepEqual([fault, faultAgain], ['is damaged on page 7', null]);
  }
});

test('[R134] [L4] several damaged places, long and short, and one at the very end', async () => {
  const places = [5, ...range(30, 60), 77, 119, 120, 121];
  const { firsts } = await salvaged(await damaged(places));
  const gone = all.filter((first) => places.some((bad) => bad >= first && bad < first + (first === 1 ? 1 : 3)));
  assert.deepEqual(firsts, without(...gone));
});

test('[R134] a long damage is passed one by one at first, then in steps that double', async () => {
  const store = await damaged(range(8, 8900), 3000);
  const { firsts } = await salvaged(store);
  assert.deepEqual(firsts.slice(0, 4), [1, 2, 5, 8903]);
  assert.ok(store.reads > 1024 && store.reads < 1100, `${store.reads} reads`);
});

test('[R134] verify says which events the store cannot give, and why', async () => {
  const report = await verify(await damaged(range(29, 40)), { sha256, reexecutors: {} });
  assert.deepEqual(report.chains[0]?.failures, [
    {
      kind: 'unreadable',
      fromSequence: 29,
      toSequence: 40,
      message: 'acme/r01 epoch 0, events 29 to 40: these are gone: the store is damaged on page 7',
      recorded: null,
      expected: null,
    },
  ]);
  assert.equal(report.events, 109);
  const end = await verify(await damaged(range(119, 121)), { sha256, reexecutors: {} });
  assert.deepEqual(
    end.chains[0]?.failures.map(({ kind, fromSequence, toSequence, message }) => [
      kind,
      fromSequence,
      toSequence,
      message,
    ]),
    [
      [
        'unreadable',
        119,
        121,
        'acme/r01 epoch 0, events 119 to 121: the chain ends at 118: the store is damaged on page 7',
      ],
    ],
  );
});

test('[R134] a store that gives another block than the one asked for does not lead it in circles', async () => {
  const store = await damaged(range(50, 52));
  const plain = store.blocks.bind(store);
  store.blocks = async function* (chain, from, to) {
    if (from === to && from > 50 && from < 90) yield store.rows[3] as (typeof store.rows)[number];
    else yield* plain(chain, from, to);
  };
  const { firsts } = await salvaged(store);
  assert.ok(!firsts.includes(50) && firsts.includes(92), String(firsts));
});

test('[R134] a store that fails, rather than being damaged, is not read on', async () => {
  const failure = new StoreFailedError('x.db', 'the disk failed', 'Look at the disk');
  await assert.rejects(salvaged(await damaged([50], 40, failure)), failure);
});
