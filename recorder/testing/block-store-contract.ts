import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BlockStore,
  type ChainId,
  ForeignBlockError,
  hexOfBytes,
  type Sha256,
  type StoredBlock,
  verify,
} from '../src/index.ts';
import { testChain } from './chains.ts';
import { tramDay } from './tram-day.ts';

interface Opened {
  readonly store: BlockStore;
  /** The same recording again, once `store` is closed; null where nothing lasts. */
  readonly reopen: (() => Promise<BlockStore>) | null;
}

/** What a store brings to its exam: an empty recording, and the same recording opened again. */
export interface StoreExam {
  readonly name: string;
  readonly sha256: Sha256;
  /** An empty store. */
  readonly open: () => Promise<Opened>;
}

/** The suite that every store of blocks passes. */
export function blockStoreContract({ name, sha256, open }: StoreExam): void {
  /** One examination; a failed one must not leave a worker behind that keeps the process alive. */
  const exam = (title: string, sit: (opened: Opened) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const opened = await open();
      try {
        await sit(opened);
      } finally {
        await opened.store.close();
      }
    });
  };

  const endOf = async (store: BlockStore) =>
    (await store.heads()).map(({ source, sequence, blocks, atUs }) => ({ source, sequence, blocks, atUs }));

  exam('[R40] an empty recording has no heads, no blocks and no snapshots', async ({ store }) => {
    const { opening } = testChain('r01', sha256);
    assert.deepEqual(await store.heads(), []);
    assert.deepEqual(await collect(store, opening, 1, 99), []);
    assert.equal(await store.snapshotBefore(opening, 1e9), null);
  });

  exam('[R40] blocks of many sources go in together and come back byte for byte, in order', async ({ store }) => {
    const a = testChain('r02', sha256);
    const b = testChain('r01', sha256);
    const blocks = [a.begin(), b.begin(), a.notes(3), a.notes(1), b.notes(2)];
    await store.append(blocks);
    assert.deepEqual(await endOf(store), [
      { source: 'r01', sequence: 3, blocks: 2, atUs: 2000 },
      { source: 'r02', sequence: 5, blocks: 3, atUs: 4000 },
    ]);
    assert.deepEqual((await store.heads())[1]?.hash, blocks[3]?.hash);
    const back = await collect(store, a.opening, 1, Number.MAX_SAFE_INTEGER);
    assert.deepEqual(
      back.map(({ bytes, hash }) => [hexOfBytes(bytes), hexOfBytes(hash)]),
      [blocks[0], blocks[2], blocks[3]].map((block) => [
        hexOfBytes(block?.bytes ?? new Uint8Array()),
        hexOfBytes(block?.hash ?? new Uint8Array()),
      ]),
    );
  });

  exam('[R41] a range gives the blocks that hold any of its events, and no other', async ({ store }) => {
    const a = testChain('r01', sha256);
    await store.append([a.begin(), ...Array.from({ length: 300 }, () => a.notes(3))]);
    const firsts = async (from: number, to: number) =>
      (await collect(store, a.opening, from, to)).map(({ firstSequence }) => firstSequence);
    assert.deepEqual(await firsts(3, 6), [2, 5]);
    assert.deepEqual(await firsts(4, 4), [2]);
    assert.deepEqual(await firsts(901, 2000), [899]);
    assert.deepEqual(await firsts(902, 2000), []);
    assert.equal((await firsts(1, 2000)).length, 301, 'no page is lost or doubled');
  });

  exam(
    '[R42] a block that continues no chain is refused alone, and nothing of its group is kept',
    async ({ store }) => {
      const a = testChain('r01', sha256);
      const b = testChain('r02', sha256);
      await store.append([a.begin()]);
      a.notes(1);
      const afterGap = a.notes(1);
      await assert.rejects(store.append([b.begin(), afterGap]), (error) => {
        assert.ok(error instanceof ForeignBlockError, String(error));
        assert.equal(error.sequence, 3);
        assert.match(error.message, /acme\/r01 epoch 0 at sequence 3: .*ends at 1/);
        return true;
      });
      assert.deepEqual(
        (await endOf(store)).map(({ source }) => source),
        ['r01'],
      );
    },
  );

  exam('[R42] two histories of one source: the second is refused, wherever it begins to differ', async ({ store }) => {
    const a = testChain('r01', sha256);
    const twin = testChain('r01', sha256);
    const [opening, first] = [a.begin(), a.notes(2, 1)];
    await store.append([opening, first]);
    twin.begin();
    await assert.rejects(store.append([twin.notes(2, 2)]), ForeignBlockError);
    await assert.rejects(store.append([twin.notes(2, 2)]), ForeignBlockError, 'it links to a block that is not here');
    await store.append([a.notes(1)]);
  });

  exam('[R43] [L3] a block sent again is acknowledged and not stored again', async ({ store }) => {
    const a = testChain('r01', sha256);
    const blocks = [a.begin(), a.notes(2)];
    await store.append(blocks);
    await store.append(blocks);
    await store.append([...blocks, a.notes(1)]);
    assert.deepEqual(await endOf(store), [{ source: 'r01', sequence: 4, blocks: 3, atUs: 3000 }]);
    assert.equal((await collect(store, a.opening, 1, 99)).length, 3);
  });

  exam('[R44] the last snapshot before a moment is found', async ({ store }) => {
    const { blocks, opening } = tramDay({ seed: 4, wakes: 80, sha256, cutEvery: 5, snapshotEvery: 2 });
    await store.append(blocks);
    const marks = blocks.flatMap(({ snapshots, firstSequence }) =>
      snapshots.map((mark) => ({ ...mark, blockSequence: firstSequence })),
    );
    assert.ok(marks.length >= 5);
    for (const mark of marks) {
      assert.deepEqual(await store.snapshotBefore(opening, mark.atUs), mark);
      const before = marks.filter(({ atUs }) => atUs < mark.atUs).at(-1) ?? null;
      assert.deepEqual(await store.snapshotBefore(opening, mark.atUs - 1), before);
    }
  });

  exam(
    '[L3] appends that overlap are all kept, in order, and a reopened recording goes on',
    async ({ store, reopen }) => {
      const chains = ['r01', 'r02', 'r03'].map((source) => testChain(source, sha256));
      await Promise.all(chains.map((chain) => store.append([chain.begin()])));
      const appends = Array.from({ length: 60 }, (_, n) => store.append([chains[n % 3]?.notes(1 + (n % 4)) as never]));
      await Promise.all(appends);
      const before = await endOf(store);
      await store.close();
      if (reopen === null) return;
      const again = await reopen();
      assert.deepEqual(await endOf(again), before);
      await again.append(chains.map((chain) => chain.notes(2)));
      const report = await verify(again, { sha256, reexecutors: {} });
      assert.equal(report.firstFailure, null);
      assert.equal(
        report.chains.every((chain) => chain.events === (before[0]?.sequence ?? 0) + 2),
        true,
      );
      await again.close();
    },
  );
}

async function collect(store: BlockStore, chain: ChainId, from: number, to: number): Promise<StoredBlock[]> {
  const blocks: StoredBlock[] = [];
  for await (const block of store.blocks(chain, from, to)) blocks.push(block);
  return blocks;
}
