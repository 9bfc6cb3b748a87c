import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { testChain } from '../../../testing/chains.ts';
import type { SealedBlock } from '../../chain-writer.ts';
import { type BlockRun, type RunRecording, runOf } from '../../store.ts';
import { sealStub } from '../gap.ts';
import { outgoingBlock } from '../outgoing.ts';
import { ChainReading } from './chain-reading.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

const nothingPacked = { packAt: async () => null, unpackedTo: async () => Number.MAX_SAFE_INTEGER };

/** A recording of one chain that grows and drops, gives pages of so many blocks, and counts the blocks that it gave. */
function recorded(notes: number, page = 3) {
  const chain = testChain('r1', sha256);
  let rows: SealedBlock[] = [chain.begin()];
  const record = (count: number): void => {
    for (let n = 0; n < count; n++) rows.push(chain.notes(1 + (rows.length % 3), 50));
  };
  record(notes);
  let given = 0;
  const recording: Pick<RunRecording, 'run' | 'packAt' | 'unpackedTo'> = {
    ...nothingPacked,
    run: async (_, from, to, most) => {
      const found = rows.filter(({ firstSequence: at, count }) => at <= to && at + count > from);
      const run = runOf(found.slice(0, Math.min(most, page)));
      given += run?.ends.length ?? 0;
      return run;
    },
  };
  /** Puts a stub where these blocks are, as a bounded spool does. */
  const drop = (from: number, count: number): void => {
    const gone = rows.slice(from, from + count);
    const [first, last] = [gone[0], gone.at(-1)] as [SealedBlock, SealedBlock];
    const dropped = gone.map(({ hash, count: events }) => ({ hash, count: events }));
    rows = rows.with(from, sealStub({ ...first, dropped, lastAtUs: last.lastAtUs })).toSpliced(from + 1, count - 1);
  };
  const end = (): number => chain.writer.head.sequence;
  return { recording, record, drop, end, rows: () => rows, given: () => given, chain: chain.writer.head };
}

const endOf = (blocks: readonly { readonly firstSequence: number; readonly count: number }[]): number => {
  const last = blocks.at(-1);
  return last === undefined ? 0 : last.firstSequence + last.count - 1;
};

test('[R121] batch after batch gives the chain once and in order, and reads no block twice', async () => {
  const { recording, chain, rows, end, given } = recorded(40);
  const reading = new ChainReading(recording, chain);
  const sent: Uint8Array[] = [];
  for (let next = 1; next <= end(); ) {
    const blocks = await reading.read(next, end(), 600);
    assert.equal(blocks[0]?.firstSequence, next);
    assert.deepEqual(
      blocks.at(-1)?.hash,
      rows().find(({ firstSequence: at, count }) => at + count === endOf(blocks) + 1)?.hash,
    );
    sent.push(...blocks.map(({ bytes }) => bytes));
    next = endOf(blocks) + 1;
  }
  assert.deepEqual(
    sent,
    rows().map(({ bytes }) => bytes),
  );
  assert.equal(given(), rows().length);
});

test('[R121] what was read and not taken comes again, and a reading from elsewhere begins there', async () => {
  const { recording, chain, rows, end, given } = recorded(20);
  const reading = new ChainReading(recording, chain);
  const first = await reading.read(1, end(), 1_000);
  assert.ok(first.length > 3);
  const before = given();
  const second = rows()[1] as SealedBlock;
  const again = await reading.read(second.firstSequence, end(), 300);
  assert.deepEqual(again[0]?.bytes, second.bytes);
  assert.equal(given(), before);
  const back = await reading.read(1, end(), 100);
  assert.equal(back[0]?.firstSequence, 1);
  assert.ok(given() > before);
});

test('[R121] a chain that has grown is read on, and one that has not gives nothing', async () => {
  const { recording, chain, record, end } = recorded(3);
  const reading = new ChainReading(recording, chain);
  const all = await reading.read(1, end(), 1_000_000);
  assert.equal(endOf(all), end());
  assert.deepEqual(await reading.read(end() + 1, end(), 1_000), []);
  const behind = end() + 1;
  record(2);
  assert.equal((await reading.read(behind, end(), 1_000_000)).length, 2);
});

test('[R121] what a look has found is given without being read again; what it found elsewhere, or too much of, is read', async () => {
  const { recording, chain, record, rows, end, given } = recorded(3);
  const reading = new ChainReading(recording, chain);
  assert.equal(endOf(await reading.read(1, end(), 1_000_000)), end());
  /** What was recorded since, as a look gives it. */
  const look = (from: number) => rows().slice(from).map(outgoingBlock);
  const bytesOf = (blocks: readonly { readonly bytes: Uint8Array }[]) => blocks.map(({ bytes }) => Buffer.from(bytes));
  for (const [unseen, seen, reads] of [
    [0, 1, 0],
    [0, 2, 0],
    [1, 1, 2],
    [0, 1, 0],
    [0, 12, 12],
    [0, 1, 0],
  ] as const) {
    const [next, known, before] = [end() + 1, rows().length, given()];
    record(unseen + seen);
    reading.found(look(known + unseen));
    const sent = [];
    for (let from = next; from <= end(); from = endOf(sent) + 1) sent.push(...(await reading.read(from, end(), 200)));
    assert.deepEqual(bytesOf(sent), bytesOf(rows().slice(known)));
    assert.deepEqual(
      sent.map(({ previousHash }) => Buffer.from(previousHash)),
      rows()
        .slice(known)
        .map(({ previousHash }) => Buffer.from(previousHash)),
    );
    assert.equal(given() - before, reads, `${unseen} unseen, ${seen} seen`);
  }

  const known = rows().length;
  record(3);
  const sent = [...(await reading.read(rows()[known]?.firstSequence as number, end(), 1))];
  record(2);
  reading.found(look(known + 4));
  while (endOf(sent) < end()) sent.push(...(await reading.read(endOf(sent) + 1, end(), 1_000_000)));
  assert.deepEqual(
    bytesOf(sent),
    bytesOf(rows().slice(known)),
    'between what is read and what is found stands one more',
  );
});

test('[R121] what was packed is given back, and what was read behind it, and what must be sent again, is there all the same', async () => {
  const { recording, chain, rows, end } = recorded(40, 100);
  const given: BlockRun[] = [];
  const reading = new ChainReading(
    {
      ...nothingPacked,
      run: async (...range) => {
        const run = await recording.run(...range);
        // As large as to be worth it: a run has memory of its own.
        const own = run && { ...run, bytes: new Uint8Array(200_000 + run.bytes.length).subarray(200_000) };
        own?.bytes.set(run?.bytes ?? []);
        if (own !== null) given.push(own);
        return own;
      },
    },
    chain,
  );
  const hashes: Uint8Array[] = [];
  let next = 1;
  while (next <= end()) {
    const blocks = await reading.read(next, end(), 900);
    const taken = blocks.slice(0, Math.max(1, blocks.length - 1));
    for (const block of taken) {
      assert.deepEqual(
        Buffer.from(block.bytes),
        Buffer.from(rows().find(({ firstSequence: at }) => at === next)?.bytes ?? []),
      );
      hashes.push(block.hash, block.previousHash);
      next += block.count;
    }
    reading.done(taken.length);
  }
  assert.ok(
    given.length > 1 && given.slice(0, -1).every(({ bytes }) => bytes.length === 0),
    'all memory is given back',
  );
  assert.deepEqual(
    hashes.map((hash) => Buffer.from(hash)),
    rows().flatMap(({ hash, previousHash }) => [Buffer.from(hash), Buffer.from(previousHash)]),
  );
  const again = await reading.read(1, end(), 100);
  assert.deepEqual(Buffer.from(again[0]?.bytes ?? []), Buffer.from(rows()[0]?.bytes ?? []));
});

test('[R127] what is dropped while it is read gives a stub from where the hub stands, and the chain stays whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 100, max: 2_000 }),
      fc.array(
        fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 28 }), fc.integer({ min: 1, max: 6 })),
        {
          maxLength: 5,
        },
      ),
      async (page, mostBytes, drops) => {
        const { recording, chain, rows, drop, record, end } = recorded(30, page);
        const reading = new ChainReading(recording, chain);
        const due = new Map(drops.map(([batch, ...what]) => [batch, what]));
        let previous: Uint8Array = new Uint8Array(32);
        let next = 1;
        for (let batch = 1; next <= end(); batch++) {
          const [from = 0, count = 0] = due.get(batch) ?? [];
          const gone = rows().slice(from, from + count);
          if (gone.length > 0 && from + count < rows().length && gone.every(({ bytes }) => bytes[1] !== 64))
            drop(from, count);
          if (batch === 2) record(3);
          const blocks = await reading.read(next, end(), mostBytes);
          assert.ok(blocks.length > 0);
          for (const block of blocks) {
            assert.equal(block.firstSequence, next);
            assert.deepEqual(Buffer.from(block.previousHash), Buffer.from(previous));
            previous = block.hash;
            next += block.count;
          }
        }
      },
    ),
    { seed: 127, numRuns: 300 },
  );
});

test('[R49] a reading that failed begins anew with the next', async () => {
  const { recording, chain, end } = recorded(10, 2);
  let asked = 0;
  const failing = {
    ...nothingPacked,
    run: async (...range: Parameters<RunRecording['run']>) => {
      if (++asked === 3) throw new Error('a page is damaged');
      return recording.run(...range);
    },
  };
  const reading = new ChainReading(failing, chain);
  await assert.rejects(reading.read(1, end(), 1_000_000), /damaged/);
  assert.equal(endOf(await reading.read(1, end(), 1_000_000)), end());
});
