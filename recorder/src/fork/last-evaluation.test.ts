import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { MemoryStore } from '../../testing/memory-store.ts';
import { type Tram, tramModel } from '../../testing/tram.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { FactStretch, type FactsTerrain, placesOf } from './facts.ts';
import { FactGatherer, stateOf } from './gather-facts.ts';
import { lastEvaluation } from './last-evaluation.ts';
import { livedStretches } from './lived-stretches.ts';

const NO_FACTS: FactsTerrain<Tram> = { facts: [], read: () => [] };

test('[R117] [K5] when rules were evaluated last is told by what is on record as the life itself tells, or not at all', async () => {
  let [told, untold] = [0, 0];
  for (const rates of [
    { reflexUs: 100_000, situationEvery: 2, supervisionEvery: 5 },
    { reflexUs: 100_000, situationEvery: 7, supervisionEvery: 21 },
    { reflexUs: 100_000, situationEvery: 4, supervisionEvery: 100 },
  ]) {
    const model = { ...tramModel(), rates };
    for (let seed = 0; seed < 16; seed++) {
      const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(hash('sha256', bytes, 'buffer'));
      const { opening, blocks } = tramDay({ seed, wakes: 200, sha256, model, cutEvery: 3 + (seed % 5) });
      const store = new MemoryStore();
      await store.append(blocks);
      const [head] = await store.heads();
      assert.ok(head !== undefined);
      const gatherer = new FactGatherer(opening, model, NO_FACTS);
      for await (const stretch of livedStretches(store, head, 0, head.sequence)) {
        const before = gatherer.wakes;
        const { bytes } = gatherer.gather(stretch);
        const wakesBefore = stretch.state === null ? 0 : stateOf<Tram>(stretch.state).wakes;
        assert.equal(wakesBefore, before);
        const { untilUs } = new FactStretch(bytes, placesOf([]));
        const lastUs = lastEvaluation(stretch, gatherer.wakes - before, wakesBefore, rates);
        if (lastUs !== null) assert.equal(lastUs, untilUs, `seed ${seed}, stretch from ${stretch.snapshot}`);
        if (lastUs === null) untold++;
        else told++;
      }
    }
  }
  assert.ok(told > 200 && untold > 100, `${told} told, ${untold} not`);
});
