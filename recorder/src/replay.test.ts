import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { testChain } from '../testing/chains.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { tramModel } from '../testing/tram.ts';
import { tramDay } from '../testing/tram-day.ts';
import {
  agentReexecutor,
  eventsOf,
  NoSuchEventError,
  Playback,
  type Reexecutors,
  replayAt,
  type Sha256,
} from './index.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const trams: Reexecutors = { tram: () => agentReexecutor(tramModel()) };
const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes == null ? null : new TextDecoder().decode(bytes);

test('[R70] [L2] at every wake of any day, replay gives the very state that was lived', async () => {
  const anyDay = fc.record({
    seed: fc.nat(),
    wakes: fc.integer({ min: 1, max: 60 }),
    cutEvery: fc.integer({ min: 1, max: 9 }),
    snapshotEvery: fc.integer({ min: 0, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(anyDay, async (shape) => {
      const store = new MemoryStore();
      const { blocks, lived, opening } = tramDay({ ...shape, sha256 });
      await store.append(blocks);
      let inputs = -1;
      for (const { atUs, state } of lived) {
        const [tram] = await replayAt(store, atUs, trams);
        assert.equal(text(tram?.state), state, `at ${atUs} us`);
        assert.equal(tram?.wokeUs, atUs);
        assert.equal(tram?.exact, true);
        assert.ok((tram?.inputSequence ?? 0) >= inputs);
        inputs = tram?.inputSequence ?? 0;
        const [before] = await replayAt(store, atUs - 1, trams);
        if (atUs > opening.atUs) assert.notEqual(text(before?.state), state, 'a microsecond before, it had not woken');
      }
    }),
    { seed: 20260304, numRuns: 12 },
  );
});

test('[R73] [L2] playing on, back and to and fro shows what each moment alone shows', async () => {
  const anyPlay = fc.record({
    seed: fc.nat(),
    snapshotEvery: fc.integer({ min: 0, max: 4 }),
    moments: fc.array(fc.integer({ min: 0, max: 59 }), { minLength: 2, maxLength: 30 }),
    early: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(anyPlay, async ({ seed, snapshotEvery, moments, early }) => {
      const store = new MemoryStore();
      const { blocks, lived } = tramDay({ seed, wakes: 60, cutEvery: 7, snapshotEvery, sha256 });
      await store.append(blocks);
      const playback = new Playback(store, trams);
      for (const index of early ? moments.toSorted((a, b) => a - b) : moments) {
        const { atUs, state } = lived[index % lived.length] as (typeof lived)[number];
        const [tram] = await playback.at(atUs);
        assert.equal(text(tram?.state), state);
        assert.deepEqual([tram?.wokeUs, tram?.exact], [atUs, true]);
      }
    }),
    { seed: 20261121, numRuns: 20 },
  );
});

test('[R73] a recording that is still written is played on as it grows', async () => {
  const store = new MemoryStore();
  const { blocks, lived } = tramDay({ seed: 5, wakes: 40, cutEvery: 4, snapshotEvery: 0, sha256 });
  const playback = new Playback(store, trams);
  const end = lived.at(-1) as (typeof lived)[number];
  let shown: string | null = null;
  for (const block of blocks) {
    await store.append([block]);
    shown = text((await playback.at(end.atUs))[0]?.state);
  }
  assert.equal(shown, end.state);
});

test('[R44] [R73] an index that names a later snapshot is not believed', async () => {
  const store = new MemoryStore();
  const { blocks, lived } = tramDay({ seed: 6, wakes: 40, cutEvery: 5, snapshotEvery: 2, sha256 });
  await store.append(blocks);
  const misled = {
    ...store,
    heads: () => store.heads(),
    blocks: store.blocks.bind(store),
    snapshotBefore: (chain: Parameters<typeof store.snapshotBefore>[0]) => store.snapshotBefore(chain, 1e15),
    close: () => store.close(),
  };
  const { atUs, state } = lived[3] as (typeof lived)[number];
  assert.equal(text((await replayAt(misled, atUs, trams))[0]?.state), state);
});

test('[R71] a moment can be named by an event, and every source is shown as it was then', async () => {
  const store = new MemoryStore();
  const days = [
    tramDay({ seed: 1, wakes: 100, sha256, source: 'tram-1' }),
    tramDay({ seed: 2, wakes: 100, sha256, source: 'tram-2' }),
  ];
  for (const { blocks } of days) await store.append(blocks);
  const chain = { tenant: 'acme', source: 'tram-1', epoch: 0 };
  let checked = 0;
  for await (const event of eventsOf(store, chain, 40, 60)) {
    const sources = await replayAt(store, { chain, sequence: event.sequence }, trams);
    assert.deepEqual(
      sources.map(({ chain: { source } }) => source),
      ['tram-1', 'tram-2'],
    );
    for (const [n, { state }] of sources.entries()) {
      const lived = days[n]?.lived.filter(({ atUs }) => atUs <= event.atUs).at(-1);
      if (lived !== undefined) assert.equal(text(state), lived.state);
    }
    checked++;
  }
  assert.equal(checked, 21);
  await assert.rejects(replayAt(store, { chain, sequence: 99_999 }, trams), (error) => {
    assert.ok(error instanceof NoSuchEventError);
    assert.match(error.message, /acme\/tram-1 epoch 0 has no event 99999/);
    return true;
  });
});

test('[R72] a source whose model is not here is shown by its last snapshot, and says that this is not exact', async () => {
  const store = new MemoryStore();
  const { blocks, lived } = tramDay({ seed: 3, wakes: 40, sha256, cutEvery: 5, snapshotEvery: 1 });
  await store.append(blocks);
  const [tram] = await replayAt(store, (lived[22]?.atUs ?? 0) + 1, {});
  assert.equal(tram?.exact, false);
  assert.equal(text(tram?.state), lived[19]?.state);
});

test('[R70] of a source with two lives the one that had begun is shown; before its opening a source is not there', async () => {
  const store = new MemoryStore();
  const first = testChain('r01', sha256);
  const second = testChain('r01', sha256, { epoch: 1, atUs: 60_000 });
  await store.append([first.begin(), first.notes(4), second.begin()]);
  const epochAt = async (atUs: number) => (await replayAt(store, atUs, {})).map(({ chain }) => chain.epoch);
  assert.deepEqual(await epochAt(59_999), [0]);
  assert.deepEqual(await epochAt(60_000), [1]);
  const late = new MemoryStore();
  const only = testChain('r02', sha256, { atUs: 10 });
  await late.append([only.begin()]);
  assert.deepEqual(await replayAt(late, 9, {}), []);
});
