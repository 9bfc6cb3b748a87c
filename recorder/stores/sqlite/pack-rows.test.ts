import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type ChainId, isStub, type SealedBlock, type StoredBlock, sealStub, verify } from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { chainWithGap } from '../../testing/dropped-blocks.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { PACK_BYTES } from '../zstandard.ts';
import { blocksOfRow, isPackRow } from './pack-row.ts';
import { releaseFromSqlite } from './release.ts';
import { type BoundedStore, openSqliteRecording, openSqliteStore, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-packs-'));
after(() => rmSync(home, { recursive: true }));
let files = 0;
const freshPath = (): string => join(home, `${++files}.sqlite`);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const told = ({ firstSequence, hash, bytes }: StoredBlock) => [firstSequence, hex(hash), hex(bytes)];
type Readable = Pick<BoundedStore, 'blocks' | 'run'>;

async function all(store: Readable, chain: ChainId, from = 1, to = Number.MAX_SAFE_INTEGER) {
  const blocks = [];
  for await (const block of store.blocks(chain, from, to)) blocks.push(told(block));
  return blocks;
}

/** The same by runs of so many blocks. */
async function runs(store: Readable, chain: ChainId, expected: Awaited<ReturnType<typeof all>>, most: number) {
  const found: string[] = [];
  const to = (expected.at(-1)?.[0] ?? 0) as number;
  while (found.length < expected.length) {
    const run = await store.run(chain, expected[found.length]?.[0] as number, to, most);
    assert.ok(run !== null);
    for (let i = 0; i < run.ends.length; i++) found.push(hex(run.bytes.subarray(run.ends[i - 1] ?? 0, run.ends[i])));
    assert.equal(hex(run.hash), expected[found.length - 1]?.[1]);
  }
  return found;
}

const packsOf = (path: string): number => {
  const db = new DatabaseSync(path, { readOnly: true });
  const { n } = db.prepare('SELECT count(*) AS n FROM packs').get() as { n: number };
  db.close();
  return n;
};

/** What the rows of a recording of one chain say beside their bytes, by first event. */
function rowsOf(path: string): ReadonlyMap<number, Record<string, unknown>> {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare('SELECT first_sequence AS first, ordinal, count, first_at_us, last_at_us FROM blocks').all();
  db.close();
  return new Map(rows.map((row) => [row.first as number, { ...row }]));
}

/** The stub of these blocks. */
function stubOf(gone: readonly [SealedBlock, ...SealedBlock[]]): SealedBlock {
  const dropped = gone.map(({ hash, count }) => ({ hash, count }));
  return sealStub({ ...gone[0], dropped, lastAtUs: gone.at(-1)?.lastAtUs ?? 0 });
}

test('[R196] a recording that packs gives what one that does not gives, from every place, also where it is thinned', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 300, max: 3_000 }),
      fc.array(fc.record({ blocks: fc.integer({ min: 1, max: 12 }), padding: fc.integer({ min: 0, max: 120 }) }), {
        minLength: 3,
        maxLength: 12,
      }),
      fc.array(fc.tuple(fc.nat(11), fc.nat(60), fc.integer({ min: 1, max: 9 })), { maxLength: 8 }),
      fc.boolean(),
      async (packBytes, groups, drops, landing) => {
        const [path, other] = [freshPath(), freshPath()];
        const packing = openSqliteStore(path, { packBytes, landing, mostLanded: 5 });
        const plain = openSqliteStore(other);
        const chain = testChain('r1', sha256);
        const blocks: SealedBlock[] = [chain.begin()];
        const gone = new Set<SealedBlock>();
        await Promise.all([packing.append(blocks), plain.append(blocks)]);
        for (const [at, group] of groups.entries()) {
          const fresh = Array.from({ length: group.blocks }, (_, i) => chain.notes(1 + (i % 3), group.padding));
          blocks.push(...fresh);
          await Promise.all([packing.append(fresh), plain.append(fresh)]);
          for (const [when, from, count] of drops) {
            const stretch = blocks.slice(1 + from, 1 + from + count);
            const first = stretch[0];
            if (when !== at || first === undefined || 1 + from + count >= blocks.length) continue;
            if (stretch.some((block) => gone.has(block))) continue;
            const stub = stubOf([first, ...stretch.slice(1)]);
            assert.deepEqual([packing.drop([stub]), plain.drop([stub])], [1, 1]);
            for (const block of stretch) gone.add(block);
          }
        }
        const end = chain.writer.head.sequence;
        const same = async (one: Readable): Promise<void> => {
          const expected = await all(plain, chain.opening);
          assert.deepEqual(await all(one, chain.opening), expected);
          assert.deepEqual(
            await runs(one, chain.opening, expected, 3),
            expected.map(([, , bytes]) => bytes),
          );
          for (let from = 1; from <= end + 1; from += 1 + Math.floor(end / 12)) {
            for (const to of [from, from + 4, end]) {
              const ranged = await all(plain, chain.opening, from, to);
              assert.deepEqual(await all(one, chain.opening, from, to), ranged, `${from} to ${to}`);
            }
          }
        };
        await same(packing);
        assert.deepEqual(
          (await packing.heads()).map((head) => ({ ...head, hash: hex(head.hash) })),
          (await plain.heads()).map((head) => ({ ...head, hash: hex(head.hash) })),
        );
        await packing.close();
        const reader = openSqliteRecording(path);
        await same(reader);
        await reader.close();
        await plain.close();
        const rows = rowsOf(other);
        const packs = packsOf(path);
        const kept = [...rowsOf(path)];
        assert.equal(
          kept.filter(([first, row]) => isDeepStrictEqual(rows.get(first), row)).length,
          kept.length - packs,
        );
        assert.equal(kept.filter(([first, row]) => rows.get(first)?.ordinal === row.ordinal).length, kept.length);
        // Sent again, it is known.
        const again = openSqliteStore(path, { packBytes });
        await again.append(blocks.filter((block) => !gone.has(block)));
        assert.equal((await again.heads())[0]?.sequence, end);
        await again.close();
        for (const file of [path, other]) rmSync(file);
      },
    ),
    { seed: 196, numRuns: 25 },
  );
});

/** A recording of one chain that did not pack, with a stub in the place of its blocks from the 6th to the 9th. */
async function thinnedBefore() {
  const path = freshPath();
  const chain = testChain('r1', sha256);
  const blocks = [chain.begin(), ...Array.from({ length: 40 }, (_, i) => chain.notes(1 + (i % 3), 60))];
  const store = openSqliteStore(path);
  await store.append(blocks);
  assert.equal(store.drop([stubOf(blocks.slice(5, 9) as [SealedBlock, ...SealedBlock[]])]), 1);
  await store.close();
  return { path, chain, blocks };
}

test('[R127] [R196] what was thinned before is packed with its stubs, none of which ends a pack, and unpacked as it was filed', async () => {
  for (let packBytes = 600; packBytes < 3_000; packBytes += 150) {
    const { path, chain, blocks } = await thinnedBefore();
    const before = rowsOf(path);
    const store = openSqliteStore(path, { packBytes });
    await store.append(Array.from({ length: 30 }, () => chain.notes(1, 60)));
    const db = new DatabaseSync(path, { readOnly: true });
    const rows = db.prepare('SELECT first_sequence AS firstSequence, hash, bytes FROM blocks').all();
    db.close();
    const packs = (rows as unknown as readonly StoredBlock[]).filter(({ bytes }) => isPackRow(bytes)).map(blocksOfRow);
    assert.ok(
      packs.flat().some(({ bytes }) => isStub(bytes)),
      `${packBytes}`,
    );
    assert.deepEqual(
      packs.filter((inside) => isStub((inside.at(-1) as StoredBlock).bytes)),
      [],
    );
    // Each block that stood by itself does so again, in the place that it had.
    for (const block of blocks.slice(9, 40)) store.drop([stubOf([block])]);
    await store.close();
    const unpacked = [...rowsOf(path)].filter(([first]) => before.has(first));
    assert.deepEqual(
      unpacked.map(([, { ordinal }]) => ordinal),
      unpacked.map(([first]) => before.get(first)?.ordinal),
    );
    rmSync(path);
  }
});

test('[R134] [R196] a block whose hash was altered beside it is not packed: nothing would tell of it any more', async () => {
  const { path, chain } = await thinnedBefore();
  const db = new DatabaseSync(path);
  db.exec('UPDATE blocks SET hash = zeroblob(32) WHERE ordinal = 20');
  const { first } = db.prepare('SELECT first_sequence AS first FROM blocks WHERE ordinal = 20').get() as {
    first: number;
  };
  db.close();
  const failure = async (): Promise<number | undefined> => {
    const reader = openSqliteRecording(path);
    const report = await verify(reader, { sha256, reexecutors: {} });
    await reader.close();
    return report.chains[0]?.failures.find(({ kind }) => kind !== 'missing')?.fromSequence;
  };
  assert.equal(await failure(), first);
  const store = openSqliteStore(path, { packBytes: 800 });
  await store.append(Array.from({ length: 30 }, () => chain.notes(1, 60)));
  await store.close();
  assert.ok(packsOf(path) > 0);
  assert.equal(await failure(), first);
});

test('[R127] [R196] who has looked into a pack sees what became of it since, by whichever hand', async () => {
  const path = freshPath();
  const chain = testChain('r1', sha256);
  const store = openSqliteStore(path, { packBytes: 2_000 });
  const blocks = [chain.begin(), ...Array.from({ length: 60 }, () => chain.notes(1, 60))];
  await store.append(blocks);
  const reader = openSqliteRecording(path);
  for (const at of [3, 5]) {
    for (const one of [store, reader]) await all(one, chain.opening);
    const stub = stubOf([blocks[at] as SealedBlock]);
    assert.equal(store.drop([stub]), 1);
    for (const one of [store, reader]) {
      assert.deepEqual((await all(one, chain.opening))[at], told(stub));
    }
  }
  await reader.close();
  await store.close();
});

test('[R196] what robots record takes less than two thirds of the room packed, its snapshots are found, and it verifies', async () => {
  const { blocks, opening } = tramDay({ seed: 4, wakes: 3_000, sha256, cutEvery: 5, snapshotEvery: 100 });
  const [path, other] = [freshPath(), freshPath()];
  for (const [file, options] of [
    [path, { packBytes: 64 * 1024 }],
    [other, {}],
  ] as const) {
    const store = openSqliteStore(file, options);
    for (let from = 0; from < blocks.length; from += 50) await store.append(blocks.slice(from, from + 50));
    await store.close();
  }
  assert.ok(packsOf(path) > 3);
  const db = new DatabaseSync(path);
  db.exec('VACUUM');
  db.close();
  assert.ok(statSync(path).size < 0.66 * statSync(other).size, `${statSync(path).size} of ${statSync(other).size}`);
  const reader = openSqliteRecording(path);
  for (const mark of blocks.flatMap(({ snapshots }) => snapshots)) {
    assert.equal((await reader.snapshotBefore(opening, mark.atUs))?.sequence, mark.sequence);
  }
  const { ok, events } = await verify(reader, { sha256, reexecutors: {} });
  assert.deepEqual([ok, events], [true, (await reader.heads())[0]?.sequence]);
  await reader.close();
});

test('[R196] who reads while it is packed sees every block once', async () => {
  const path = freshPath();
  const store = openSqliteStore(path, { packBytes: 4_000 });
  const chain = testChain('r1', sha256);
  const begun = [chain.begin(), ...Array.from({ length: 40 }, () => chain.notes(1, 60))];
  await store.append(begun);
  const reader = openSqliteRecording(path);
  const seen: number[] = [];
  for await (const { firstSequence } of reader.blocks(chain.opening, 1, Number.MAX_SAFE_INTEGER)) {
    seen.push(firstSequence);
    const fresh = seen.length < 200 ? [chain.notes(1, 60), chain.notes(1, 60)] : [];
    await store.append(fresh);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: chain.writer.head.sequence }, (_, i) => i + 1),
  );
  await reader.close();
  await store.close();
  assert.ok(packsOf(path) > 3);
});

for (const which of ['first', 'last'] as const) {
  test(`[R196] [R134] a ${which} pack that rotted is named by verify with its event, thinned no more, and what is behind it is read`, async () => {
    const path = freshPath();
    const blocks = chainWithGap('r1', sha256);
    const chain = testChain('r2', sha256);
    const store = openSqliteStore(path, { packBytes: 2_000 });
    const notes = [chain.begin(), ...Array.from({ length: 80 }, () => chain.notes(2, 60))] as const;
    await store.append([...blocks, ...notes]);
    await store.close();
    const db = new DatabaseSync(path);
    const packs = db
      .prepare(
        `SELECT block, first_sequence AS first, first_sequence + count AS next FROM blocks
         JOIN packs USING (chain, first_sequence) JOIN chains USING (chain) WHERE source = 'r2' ORDER BY first`,
      )
      .all() as unknown as readonly { block: number; first: number; next: number }[];
    const { block, first, next } = packs.at(which === 'first' ? 0 : -1) as (typeof packs)[number];
    db.exec(
      `UPDATE blocks SET bytes = CAST(substr(bytes, 1, 200) || x'ffff' || substr(bytes, 203) AS BLOB) WHERE block = ${block}`,
    );
    db.close();
    const reader = openSqliteRecording(path);
    const { ok, firstFailure } = await verify(reader, { sha256, reexecutors: {} });
    assert.equal(ok, false);
    assert.equal(firstFailure?.fromSequence, first);
    assert.match(firstFailure?.message ?? '', /r2 epoch 0/);
    const around = notes.map(({ firstSequence }) => firstSequence).filter((at) => at <= first || at >= next);
    assert.ok((around.at(-1) as number) >= next, 'something stands behind it');
    const places = async (from: number) => (await all(reader, chain.opening, from)).map(([at]) => at);
    assert.deepEqual(await places(1), around, 'the pack as it lies, and all around it');
    assert.deepEqual(
      (await places(first + 3)).filter((at) => at !== first),
      around.filter((at) => at >= next),
    );
    await reader.close();
    const again = openSqliteStore(path, { packBytes: 2_000 });
    const stretch = notes.filter(({ firstSequence }) => firstSequence >= first).slice(0, 3);
    assert.equal(again.drop([stubOf(stretch as [SealedBlock, ...SealedBlock[]])]), 0);
    await again.append([chain.notes(1)]);
    await again.close();
  });
}

test('[R165] [R196] what an archive took over may end amid a pack: the rest of it stays, byte for byte', async () => {
  const path = freshPath();
  const chain = testChain('r1', sha256);
  const store = openSqliteStore(path, { packBytes: 3_000 });
  const blocks = [chain.begin(), ...Array.from({ length: 60 }, () => chain.notes(1, 60))];
  await store.append(blocks);
  await store.close();
  const before = packsOf(path);
  const last = blocks[10] as SealedBlock;
  releaseFromSqlite(path, [{ ...chain.opening, sequence: last.firstSequence, hash: last.hash }]);
  assert.equal(packsOf(path), before - 1);
  const reader = openSqliteRecording(path);
  assert.deepEqual(await all(reader, chain.opening), [blocks[0] as SealedBlock, ...blocks.slice(11)].map(told));
  await reader.close();
});

test('[R196] a pack is as it would be sent: the same blocks, the hash before and the last one, the time of the last', async () => {
  const path = freshPath();
  const chain = testChain('r1', sha256);
  const store = openSqliteStore(path, { packBytes: PACK_BYTES });
  const blocks = [chain.begin(), ...Array.from({ length: 1_000 }, () => chain.notes(2, 300))];
  await store.append(blocks);
  const pack = await store.packAt(chain.opening, 2);
  assert.ok(pack !== null);
  const inside = blocks.slice(1).filter(({ firstSequence }) => firstSequence < 2 + pack.count);
  const last = inside.at(-1) as SealedBlock;
  assert.deepEqual(
    [hex(pack.previousHash), hex(pack.hash), pack.unpackedBytes, pack.lastTimeUs],
    [
      hex(blocks[0]?.hash ?? new Uint8Array()),
      hex(last.hash),
      inside.reduce((sum, { bytes }) => sum + bytes.length, 0),
      1_700_000_000_000_000 + last.lastAtUs,
    ],
  );
  assert.ok(pack.unpackedBytes >= PACK_BYTES && pack.unpackedBytes < PACK_BYTES + 2_000);
  const next = 2 + pack.count;
  assert.equal(await store.packAt(chain.opening, 3), null);
  assert.equal(await store.unpackedTo(chain.opening, 3), next - 1);
  assert.equal((await store.packAt(chain.opening, next))?.firstSequence, next);
  assert.equal(await store.unpackedTo(chain.opening, chain.writer.head.sequence), Number.MAX_SAFE_INTEGER);
  await store.close();
});
