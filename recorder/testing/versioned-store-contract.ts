import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BlockStore,
  type CommittedBlock,
  ForeignBlockError,
  hexOfBytes,
  NO_VERSION,
  type Sha256,
  type StoreVersion,
  type VersionedRecording,
} from '../src/index.ts';
import { testChain } from './chains.ts';

type VersionedStore = BlockStore & VersionedRecording;

/** What a store with versions brings: one empty recording of tenant acme, opened twice. */
export interface VersionedStoreExam {
  readonly name: string;
  readonly sha256: Sha256;
  readonly open: () => Promise<{ readonly store: VersionedStore; readonly other: VersionedStore }>;
}

/** The suite that every store passes from which others follow a recording. */
export function versionedStoreContract({ name, sha256, open }: VersionedStoreExam): void {
  const exam = (title: string, sit: (store: VersionedStore, other: VersionedStore) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const { store, other } = await open();
      try {
        await sit(store, other);
      } finally {
        await store.close();
        await other.close();
      }
    });
  };

  exam('[R103] versions grow with every block, and everything after one can be asked for', async (store) => {
    const a = testChain('r01', sha256);
    const b = testChain('r02', sha256);
    assert.equal(await store.version(), NO_VERSION);
    assert.deepEqual(await changesOf(store, NO_VERSION), []);
    const blocks = [a.begin(), b.begin(), a.notes(2), b.notes(3)];
    await store.append(blocks);
    const later = [a.notes(1), b.notes(1)];
    for (const block of later) await store.append([block]);
    const all = await changesOf(store, NO_VERSION);
    assert.deepEqual(
      all.map(({ source, epoch, firstSequence, hash }) => [source, epoch, firstSequence, hexOfBytes(hash)]),
      [...blocks, ...later].map(({ source, epoch, firstSequence, hash }) => [
        source,
        epoch,
        firstSequence,
        hexOfBytes(hash),
      ]),
    );
    assert.deepEqual(
      all.map(({ bytes }) => hexOfBytes(bytes)),
      [...blocks, ...later].map(({ bytes }) => hexOfBytes(bytes)),
    );
    for (let i = 1; i < all.length; i++) assert.ok(versionOf(all, i) > versionOf(all, i - 1), 'strictly increasing');
    assert.equal(await store.version(), versionOf(all, all.length - 1));
    for (let i = 0; i < all.length; i++) {
      assert.deepEqual(await changesOf(store, versionOf(all, i)), all.slice(i + 1));
    }
  });

  exam('[R103] more changes than fit in a page come once each, in order', async (store) => {
    const a = testChain('r01', sha256);
    await store.append([a.begin(), ...Array.from({ length: 250 }, () => a.notes(1, 50))]);
    const firsts = (await changesOf(store, NO_VERSION)).map(({ firstSequence }) => firstSequence);
    assert.deepEqual(
      firsts,
      Array.from({ length: 251 }, (_, n) => n + 1),
    );
  });

  exam(
    '[R103] a follower that asks while two write never misses what was committed behind its back',
    async (store, other) => {
      const writers = [store, other].flatMap((at, w) =>
        ['a', 'b', 'c'].map((source) => ({ at, chain: testChain(`${source}${w}`, sha256) })),
      );
      await Promise.all(writers.map(({ at, chain }) => at.append([chain.begin()])));
      let seen = NO_VERSION;
      const followed: string[] = [];
      let writing = true;
      const follower = (async () => {
        for (let last = false; !last; ) {
          last = !writing;
          for await (const { version, source, firstSequence } of other.changes(seen)) {
            assert.ok(version > seen);
            seen = version;
            followed.push(`${source} ${firstSequence}`);
          }
        }
      })();
      const rounds = writers.map(async ({ at, chain }) => {
        for (let n = 0; n < 12; n++) await at.append([chain.notes(1)]);
      });
      await Promise.all(rounds);
      writing = false;
      await follower;
      const expected = writers.flatMap(({ chain }) =>
        Array.from({ length: 13 }, (_, n) => `${chain.opening.source} ${n + 1}`),
      );
      assert.deepEqual([...followed].sort(), expected.sort());
    },
  );

  exam('[R104] two processes write one source: one history is kept, whoever is first', async (store, other) => {
    const a = testChain('r01', sha256);
    const twin = testChain('r01', sha256);
    for (const block of [a.begin(), a.notes(1)]) await store.append([block]);
    for (const block of [twin.begin(), twin.notes(1)]) await other.append([block]);
    const [ours, theirs] = [a.notes(1, 1), twin.notes(1, 2)];
    const results = await Promise.allSettled([store.append([ours]), other.append([theirs])]);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    assert.equal(refused.length, 1);
    assert.ok(refused[0] instanceof ForeignBlockError, `${refused[0]}`);
    assert.match(refused[0].message, /two histories of one source/);
    const kept = results[0]?.status === 'fulfilled' ? ours : theirs;
    const [, , third] = await changesOf(store, NO_VERSION);
    assert.equal(hexOfBytes(third?.hash ?? new Uint8Array()), hexOfBytes(kept.hash));
    assert.equal((await store.heads())[0]?.sequence, 3);
  });

  exam('[R104] a source that comes back by another process goes on where it ended', async (store, other) => {
    const a = testChain('r01', sha256);
    await store.append([a.begin(), a.notes(2)]);
    await other.append([a.notes(1)]);
    await other.append([a.notes(1)]);
    await store.append([a.notes(1)]);
    assert.equal((await other.heads())[0]?.sequence, 6);
  });

  exam('[R106] who watches is told when the recording grows, also by another process', async (store, other) => {
    const a = testChain('r01', sha256);
    await store.append([a.begin()]);
    const stop = new AbortController();
    const versions = other.watch(NO_VERSION, stop.signal)[Symbol.asyncIterator]();
    const first = await versions.next();
    assert.equal(first.value, await store.version());
    const growing = versions.next();
    await store.append([a.notes(1)]);
    assert.equal((await growing).value, await store.version());
    const ending = versions.next();
    stop.abort();
    assert.equal((await ending).done, true);
    const closing = other
      .watch(await store.version())
      [Symbol.asyncIterator]()
      .next();
    await other.close();
    assert.equal((await closing).done, true);
  });
}

const versionOf = (blocks: readonly CommittedBlock[], i: number): StoreVersion => (blocks[i] as CommittedBlock).version;

async function changesOf(store: VersionedRecording, after: StoreVersion): Promise<CommittedBlock[]> {
  const blocks: CommittedBlock[] = [];
  for await (const block of store.changes(after)) blocks.push(block);
  return blocks;
}
