import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import {
  type Agent,
  createAgent,
  type Rule,
  type Situation,
  sameCommand,
  step,
  type TerrainModel,
} from '@sigma/kernel';
import fc from 'fast-check';
import { MemoryStore } from '../../testing/memory-store.ts';
import { type Tram, tramModel } from '../../testing/tram.ts';
import { tramDay, tramWake } from '../../testing/tram-day.ts';
import { type ChainHead, decodeDecision, EVENT_TYPE, eventsOf, type Opening, type Sha256 } from '../index.ts';
import { decodeFacts, encodeFacts } from './facts.ts';
import { gatherFacts } from './gather-facts.ts';
import { type ChainTrial, tryPolicy } from './try-policy.ts';
import type { Trial } from './what-if.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));

/** Trams go no faster than so near to anything. */
const near = (mm: number, speedMps: number, rate: Rule<unknown>['rate'] = 'situation'): Rule<Situation<Tram>> => ({
  id: 'near',
  hash: `near ${mm} ${speedMps} ${rate}`,
  rate,
  rationale: 'nobody likes surprises',
  effect: { type: 'restrict', restriction: { atMost: { speedMps }, forbid: [] } },
  evaluate: ({ world }) => (world.nearestMm < mm ? 'fires' : 'quiet'),
});

const under = (rules: readonly Rule<Situation<Tram>>[]): TerrainModel<Tram> => ({
  ...tramModel(),
  policy: { version: '1', hash: rules.length === 0 ? 'tram-policy' : rules.map((rule) => rule.hash).join(), rules },
});

function trial(lived: TerrainModel<Tram>, tried: TerrainModel<Tram>, mm: number): Trial<Tram> {
  return {
    lived,
    tried,
    pace: ({ params }) => (typeof params['speedMps'] === 'number' ? params['speedMps'] : 0),
    facts: {
      facts: [
        { name: 'nearest', kind: 'number' },
        { name: 'mode', kind: 'word' },
      ],
      read: ({ world, mode }) => [world.nearestMm, mode],
    },
    mayDiffer: ({ bounds }) => (bounds('nearest')?.[0] ?? 0) < mm,
  };
}

interface Day {
  readonly store: MemoryStore;
  readonly head: ChainHead;
  readonly opening: Opening;
}

async function day(seed: number, wakes: number, model: TerrainModel<Tram>): Promise<Day> {
  const store = new MemoryStore();
  const { blocks, opening } = tramDay({ seed, wakes, sha256, model });
  await store.append(blocks);
  const [head] = await store.heads();
  return { store, head: head as ChainHead, opening };
}

/** What the definition says, cycle by cycle: the same state under both models. */
function flipsByDefinition(
  opening: Opening,
  seed: number,
  wakes: number,
  lived: TerrainModel<Tram>,
  tried: TerrainModel<Tram>,
): readonly number[] {
  const { source: id, tenant, role, epoch, flags, config, atUs } = opening;
  let agent: Agent<Tram> = createAgent(lived, { id, tenant, role, seed, epoch, flags, config, atUs });
  const flips: number[] = [];
  for (let n = 0; n < wakes; n++) {
    const wake = tramWake(seed, n);
    const was = step(lived, agent, wake.inbox, wake.atUs).agent;
    const would = step(tried, agent, wake.inbox, wake.atUs).agent;
    const other =
      !sameCommand(was.command, would.command) || was.decision?.chosen?.source !== would.decision?.chosen?.source;
    if (other) flips.push(wake.atUs);
    agent = was;
  }
  return flips;
}

const flipped = ({ flips }: ChainTrial): number => flips.reduce((sum, one) => sum + one.flipped, 0);

test('[R116] a decision flips at the cycles at which the same state leads to another under the changed policy, and at no other', async () => {
  const anyDay = fc.record({
    seed: fc.nat(),
    mm: fc.constantFrom(200, 2000, 7000),
    speedMps: fc.constantFrom(0, 0.4, 9),
    turned: fc.boolean(),
  });
  let all = 0;
  await fc.assert(
    fc.asyncProperty(anyDay, async ({ seed, mm, speedMps, turned }) => {
      const models = [under([]), under([near(mm, speedMps)])] as const;
      const [lived, tried] = turned ? [models[1], models[0]] : models;
      const { store, head, opening } = await day(seed, 120, lived);
      const result = await tryPolicy<Tram>(store, head, { trialOf: () => trial(lived, tried, mm) });
      const expected = flipsByDefinition(opening, seed, 120, lived, tried);
      assert.equal(flipped(result), expected.length);
      for (const { atUs, was, would, rules } of result.flips) {
        assert.ok(expected.includes(atUs), `${atUs} us flips by definition`);
        assert.notDeepEqual(was, would);
        assert.equal(rules[0]?.change, turned ? 'removed' : 'added');
      }
      all += expected.length;
    }),
    { seed: 5, numRuns: 40 },
  );
  assert.ok(all > 60, `only ${all} cycles flipped in all`);
});

test('[R116] each flip names the decision on record that was in force', async () => {
  const [lived, tried] = [under([]), under([near(7000, 0.1)])];
  let found = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const { store, head } = await day(seed, 100, lived);
    const { flips } = await tryPolicy<Tram>(store, head, { trialOf: () => trial(lived, tried, 7000) });
    found += flips.length;
    for (const { decision, event, atUs, did, wouldHaveDone } of flips) {
      assert.ok(wouldHaveDone < did, 'a tram that is bound does less');
      for await (const { type, data, atUs: madeUs } of eventsOf(store, head, event, event)) {
        assert.equal(type, EVENT_TYPE.decision);
        assert.equal(decodeDecision(data, madeUs).sequence, decision);
        assert.ok(madeUs <= atUs);
      }
    }
  }
  assert.ok(found > 5, `${found} flips`);
});

test('[R116] the policy that was lived flips nothing, and neither does one whose rule never speaks', async () => {
  const lived = under([near(2000, 0.4)]);
  const { store, head } = await day(8, 150, lived);
  for (const tried of [lived, under([near(2000, 0.4), { ...near(1, 0), id: 'deaf', hash: 'deaf' }])]) {
    const result = await tryPolicy<Tram>(store, head, { trialOf: () => trial(lived, tried, 2000) });
    assert.deepEqual(result.flips, []);
    assert.equal(result.differing, 0);
    assert.equal(result.wakes, 150);
  }
});

test('[R117] facts change what is run again and nothing of what flips', async () => {
  const anyDay = fc.record({ seed: fc.nat(), mm: fc.constantFrom(200, 500, 2000) });
  let saved = 0;
  await fc.assert(
    fc.asyncProperty(anyDay, async ({ seed, mm }) => {
      const [lived, tried] = [under([]), under([near(mm, 0.2)])];
      const { store, head, opening } = await day(seed, 200, lived);
      const both = trial(lived, tried, mm);
      const { table } = await gatherFacts(store, head, opening, lived, both.facts);
      const kept = decodeFacts(encodeFacts(table), 2);
      assert.deepEqual(kept, table);
      const all = await tryPolicy<Tram>(store, head, { trialOf: () => both });
      const some = await tryPolicy<Tram>(store, head, { trialOf: () => both, factsOf: async () => kept });
      assert.deepEqual(some.flips, all.flips);
      assert.equal(some.differing, all.differing);
      saved += all.wakes - some.wakes;
      const early = await gatherFacts(
        store,
        { ...head, sequence: Math.floor(head.sequence / 2) },
        opening,
        lived,
        both.facts,
      );
      const grown = await gatherFacts(store, head, opening, lived, both.facts, early);
      const later = await tryPolicy<Tram>(store, head, { trialOf: () => both, factsOf: async () => grown.table });
      assert.deepEqual(
        [later.flips, later.wakes],
        [some.flips, some.wakes],
        'facts that grew with their recording are the same',
      );
    }),
    { seed: 6, numRuns: 30 },
  );
  assert.ok(saved > 1000, `facts saved ${saved} wakes of 6000`);
});

test('[R117] facts of another number of names, or cut short, are none', async () => {
  const lived = under([]);
  const { store, head, opening } = await day(1, 60, lived);
  const { table } = await gatherFacts(store, head, opening, lived, trial(lived, lived, 1).facts);
  assert.throws(() => decodeFacts(encodeFacts(table), 3), /another format/);
  assert.throws(() => decodeFacts(encodeFacts(table).slice(0, -3), 2), /cut short/);
});

test('a chain that cannot be tried says why, and a time that is asked for bounds what is looked at', async () => {
  const [lived, tried] = [under([]), under([near(7000, 0.1)])];
  const { store, head } = await day(3, 100, lived);
  const none = await tryPolicy(store, head, { trialOf: () => 'it is a tram' });
  assert.equal(none.leftOutBecause, 'it is a tram');
  const span = { fromUs: 4_000_000, untilUs: 6_000_000 };
  const some = await tryPolicy<Tram>(store, head, { trialOf: () => trial(lived, tried, 7000), ...span });
  assert.equal(some.wakes, 20);
  for (const { atUs, untilUs } of some.flips) assert.ok(atUs >= span.fromUs && untilUs < span.untilUs);
});
