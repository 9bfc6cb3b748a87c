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
import type { SealedBlock } from '../chain-writer.ts';
import { type ChainHead, decodeDecision, EVENT_TYPE, eventsOf, type Opening, type Sha256 } from '../index.ts';
import { sealStub } from '../sync/gap.ts';
import { FactStretch, FactsDisagreeError, type KeptStretch, packed, placesOf } from './facts.ts';
import { gatherFacts } from './gather-facts.ts';
import { type ChainTrial, type TrialOptions, tryPolicy } from './try-policy.ts';
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

function trial(lived: TerrainModel<Tram>, tried: TerrainModel<Tram>, mm: number, weighed = true): Trial<Tram> {
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
      ofBelief: (name) => (name === 'nearest' ? ({ nearestMm }) => nearestMm : null),
      ...(weighed ? { brief: { width: 0, of: () => [], world: () => null as never } } : {}),
    },
    foreseen: [...lived.policy.rules, ...tried.policy.rules].map(({ id, effect }) => ({
      id,
      change: lived.policy.rules.length > 0 ? 'removed' : 'added',
      says: ({ bounds }) => {
        const [least, most] = bounds('nearest') ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
        return least >= mm ? 'quiet' : most < mm ? 'fires' : 'either';
      },
      restriction: effect.type === 'restrict' ? effect.restriction : null,
    })),
  };
}

async function gathered(
  { store, head, opening }: Day,
  { lived, facts }: Trial<Tram>,
  from = 0,
): Promise<readonly KeptStretch[]> {
  const stretches: KeptStretch[] = [];
  for await (const one of gatherFacts(store, head, opening, lived, facts, from)) stretches.push(one);
  return stretches;
}

const withFacts = (of: Trial<Tram>, stretches: readonly KeptStretch[]): TrialOptions<Tram> => ({
  trialOf: () => of,
  factsOf: async () => listed(stretches),
});

async function* listed(stretches: readonly KeptStretch[]): AsyncIterable<KeptStretch> {
  yield* stretches;
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

test('[R117] facts change what is run again and nothing of what flips, whether decisions are weighed or not', async () => {
  const anyDay = fc.record({
    seed: fc.nat(),
    mm: fc.constantFrom(200, 500, 2000, 7000),
    speedMps: fc.constantFrom(0, 0.2, 0.6, 9),
    turned: fc.boolean(),
    weighed: fc.boolean(),
    span: fc.option(fc.record({ fromUs: fc.nat(9_000_000), forUs: fc.nat(15_000_000) }), { nil: null }),
  });
  let [saved, followed, flips] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(anyDay, async ({ seed, mm, speedMps, turned, weighed, span }) => {
      const models = [under([]), under([near(mm, speedMps)])] as const;
      const [lived, tried] = turned ? [models[1], models[0]] : models;
      const made = await day(seed, 400, lived);
      const { store, head } = made;
      const both = trial(lived, tried, mm, weighed);
      const time = span === null ? {} : { fromUs: span.fromUs, untilUs: span.fromUs + span.forUs };
      const all = await tryPolicy<Tram>(store, head, { trialOf: () => both, ...time });
      const stretches = await gathered(made, both);
      const some = await tryPolicy<Tram>(store, head, { ...withFacts(both, stretches), ...time });
      assert.deepEqual(some.flips, all.flips);
      const { differing, withoutEffect, firstUs } = all;
      assert.deepEqual([some.differing, some.withoutEffect, some.firstUs], [differing, withoutEffect, firstUs]);
      if (weighed && !turned && span === null) saved += all.wakes - some.wakes;
      flips += flipped(all);
      const late = stretches.filter(({ untilUs }) => untilUs >= (span?.fromUs ?? 0));
      const rest = await tryPolicy<Tram>(store, head, { ...withFacts(both, late), ...time });
      assert.deepEqual(rest.flips, all.flips);
      const first = await tryPolicy<Tram>(store, head, { ...withFacts(both, late), ...time, onlyFirst: true });
      assert.equal(first.firstUs, all.firstUs);
      const half = stretches.slice(0, Math.floor(stretches.length / 2));
      const grown = [...half, ...(await gathered(made, both, half.at(-1)?.end))];
      assert.deepEqual(grown, stretches, 'facts that grew with their recording are the same');
      // Of some stretches there are facts, of others not, and the belief tells of those what it can.
      const holey = late.filter((_, k) => (seed >> (k % 31)) % 2 === 0);
      for (const known of [holey, []]) {
        const found: KeptStretch[] = [];
        const keep = (_: Opening, one: KeptStretch) => found.push(one);
        const glanced = await tryPolicy<Tram>(store, head, { ...withFacts(both, known), ...time, keep });
        assert.deepEqual(glanced.flips, all.flips);
        assert.deepEqual(
          [glanced.differing, glanced.withoutEffect, glanced.firstUs],
          [differing, withoutEffect, firstUs],
        );
        for (const one of found)
          assert.deepEqual(
            one,
            stretches.find(({ snapshot }) => snapshot === one.snapshot),
          );
        followed += glanced.followed;
      }
    }),
    { seed: 6, numRuns: 60 },
  );
  assert.ok(saved > 800, `facts saved ${saved} wakes`);
  assert.ok(followed > 800, `of ${followed} wakes the belief alone was followed`);
  assert.ok(flips > 60, `${flips} cycles flipped`);
});

/** A rule that speaks at one wake of every 60, by the belief alone. */
function atOneWake(wake: number): Trial<Tram> {
  const lived = under([]);
  const wakeOf = ({ atMm }: Tram): number => Math.floor(atMm / 60) % 60;
  const evaluate = ({ world }: Situation<Tram>) => (wakeOf(world) === wake ? ('fires' as const) : ('quiet' as const));
  const rule: Rule<Situation<Tram>> = { ...near(0, 0.1), hash: `wake ${wake}`, evaluate };
  return {
    ...trial(lived, under([rule]), 0),
    facts: {
      facts: [{ name: 'wake', kind: 'number' }],
      read: ({ world }) => [wakeOf(world)],
      ofBelief: () => wakeOf,
      brief: { width: 0, of: () => [], world: () => null as never },
    },
    foreseen: [
      {
        ...{ id: rule.id, change: 'added', restriction: { atMost: { speedMps: 0.1 }, forbid: [] } },
        says: ({ bounds }) => {
          const [least, most] = bounds('wake') ?? [0, 60];
          return wake < least || wake > most ? 'quiet' : least === most ? 'fires' : 'either';
        },
      },
    ],
  };
}

test('[R117] a glance at beliefs passes over no wake, and where a rule speaks at once it is known when it was asked before', async () => {
  let [flips, passed, early] = [0, 0, 0];
  for (const wake of [0, 1, 2, 7, 29, 30, 31, 45, 58, 59]) {
    const made = await day(wake, 400, under([]));
    const both = atOneWake(wake);
    const all = await tryPolicy<Tram>(made.store, made.head, { trialOf: () => both });
    const stretches = await gathered(made, both);
    const found: KeptStretch[] = [];
    const keep = (_: Opening, one: KeptStretch) => found.push(one);
    const none = await tryPolicy<Tram>(made.store, made.head, { ...withFacts(both, []), keep });
    assert.deepEqual([none.flips, none.differing], [all.flips, all.differing], `wake ${wake}`);
    // Stretches are 30 wakes long, and an evaluation is among any two wakes in a row. What a tram is not told it does not know.
    let place = 0;
    const spoken = Array.from({ length: 400 }, (_, n) => {
      if (tramWake(wake, n).inbox.length > 0) place = n % 60;
      return place === wake;
    });
    const speaks = (k: number, first = 30): boolean => spoken.slice(30 * k, 30 * k + first).includes(true);
    for (const [k, { snapshot }] of stretches.entries()) {
      const isGathered = found.some((one) => one.snapshot === snapshot);
      if (speaks(k)) assert.ok(isGathered, `wake ${wake}, stretch ${k}`);
      if (!isGathered) passed++;
      if (!isGathered && speaks(k + 1, 2)) early++;
    }
    const ofSpeakers = stretches.filter((_, k) => speaks(k));
    const some = await tryPolicy<Tram>(made.store, made.head, withFacts(both, ofSpeakers));
    assert.deepEqual([some.flips, some.differing], [all.flips, all.differing], `wake ${wake}, with facts`);
    flips += all.differing;
  }
  const spared = `${passed} stretches were passed over, ${early} of them right before one in which a rule spoke at once`;
  assert.ok(flips > 10 && passed > 20 && early > 2, `${flips} evaluations differ, ${spared}`);
});

/** A tram that counts its scans: who misses one never knows again. */
function counting(model: TerrainModel<Tram>): TerrainModel<Tram> {
  const fold: typeof model.fold = (world, stimulus, atUs) => {
    const next = model.fold(world, stimulus, atUs);
    return stimulus.kind === 'percept' && stimulus.channel === 'scan' ? { ...next, doneM: world.doneM + 1 } : next;
  };
  return { ...model, fold };
}

/** Speaks at some scans of each dozen on a part of the line. The line is told by one channel, the scans by another. */
function somewhere(scans: number, fromMm: number, untilMm: number, told: Set<string>): Trial<Tram> {
  const lived = counting(under([]));
  const scanOf = ({ doneM }: Tram): number => doneM % 12;
  const evaluate = ({ world }: Situation<Tram>) =>
    world.atMm >= fromMm && world.atMm < untilMm && scanOf(world) < scans ? ('fires' as const) : ('quiet' as const);
  const rule: Rule<Situation<Tram>> = { ...near(0, 0.2), hash: `some ${scans} ${fromMm} ${untilMm}`, evaluate };
  const readers: Readonly<Record<string, (world: Tram) => number>> = { at: ({ atMm }) => atMm, scan: scanOf };
  const channels: Readonly<Record<string, readonly string[]>> = { at: ['rail'], scan: ['scan'] };
  return {
    ...trial(lived, counting(under([rule])), 0),
    facts: {
      facts: [
        { name: 'at', kind: 'number' },
        { name: 'scan', kind: 'number' },
      ],
      read: ({ world }) => [world.atMm, scanOf(world)],
      ofBelief: (name) => (world) => {
        told.add(name);
        return readers[name]?.(world) ?? 0;
      },
      channelsOf: (name) => channels[name] ?? null,
      brief: { width: 0, of: () => [], world: () => null as never },
    },
    foreseen: [
      {
        ...{ id: rule.id, change: 'added', restriction: { atMost: { speedMps: 0.2 }, forbid: [] } },
        says: ({ bounds }) => {
          const [atLeast, atMost] = bounds('at') ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
          const [least, most] = bounds('scan') ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
          if (atMost < fromMm || atLeast >= untilMm || least >= scans) return 'quiet';
          return atLeast >= fromMm && atMost < untilMm && most < scans ? 'fires' : 'either';
        },
      },
    ],
  };
}

test('[R117] where what costs less to follow tells enough the rest is not followed, and is known again where it is needed', async () => {
  const anyDay = fc.record({
    seed: fc.nat(),
    scans: fc.constantFrom(1, 2, 12),
    fromMm: fc.integer({ min: -1000, max: 24_000 }),
    lengthMm: fc.constantFrom(500, 4000, 30_000),
    known: fc.nat(),
    span: fc.option(fc.record({ fromUs: fc.nat(9_000_000), forUs: fc.nat(35_000_000) }), { nil: null }),
  });
  let [flips, spared] = [0, 0];
  await fc.assert(
    fc.asyncProperty(anyDay, async ({ seed, scans, fromMm, lengthMm, known, span }) => {
      const told = new Set<string>();
      const both = somewhere(scans, fromMm, fromMm + lengthMm, told);
      const made = await day(seed, 400, both.lived);
      const { store, head } = made;
      const time = span === null ? {} : { fromUs: span.fromUs, untilUs: span.fromUs + span.forUs };
      const all = await tryPolicy<Tram>(store, head, { trialOf: () => both, ...time });
      told.clear();
      const none = await tryPolicy<Tram>(store, head, { ...withFacts(both, []), ...time });
      assert.deepEqual([none.flips, none.differing, none.firstUs], [all.flips, all.differing, all.firstUs]);
      if (told.has('at') && !told.has('scan')) spared++;
      const late = (await gathered(made, both)).filter(({ untilUs }) => untilUs >= (span?.fromUs ?? 0));
      const some = late.filter((_, k) => (known >> (k % 31)) % 3 === 0);
      const holey = await tryPolicy<Tram>(store, head, { ...withFacts(both, some), ...time });
      assert.deepEqual([holey.flips, holey.differing, holey.firstUs], [all.flips, all.differing, all.firstUs]);
      flips += flipped(all);
    }),
    { seed: 17, numRuns: 60 },
  );
  assert.ok(flips > 60, `${flips} cycles flipped`);
  assert.ok(spared > 3, `of ${spared} days only the line was read`);
});

test('[R117] facts that are not those of the life are found by the stretch that is run again for them', async () => {
  const [lived, tried] = [under([]), under([near(500, 0.2)])];
  const made = await day(4, 200, lived);
  const both = trial(lived, tried, 500);
  const stretches = await gathered(made, both);
  const honest = await tryPolicy<Tram>(made.store, made.head, withFacts(both, stretches));
  assert.ok(honest.sampled > 0);
  const other = await day(5, 200, lived);
  const foreign = (await gathered(other, both)).map((one, k) => ({ ...one, ...bounds(stretches[k]) }));
  await assert.rejects(tryPolicy<Tram>(made.store, made.head, withFacts(both, foreign)), FactsDisagreeError);
});

/** The day as a bounded spool left it: blocks from one to the other, inclusive, had to be dropped. */
async function withGap({ store, head, opening }: Day, from: number, to: number): Promise<Day> {
  const [first, last] = [store.rows[from], store.rows[to]] as [SealedBlock, SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const gone = store.rows.slice(from, to + 1).map(({ hash: of, count }) => ({ hash: of, count }));
  const stub = { tenant, source, epoch, firstSequence, previousHash, dropped: gone, lastAtUs: last.lastAtUs };
  const kept = new MemoryStore();
  kept.rows.push(...store.rows.slice(0, from), sealStub(stub), ...store.rows.slice(to + 1));
  return { store: kept, head, opening };
}

test('[R116] [R127] where events were dropped nothing is weighed, and that is named; before and from the next snapshot on all is', async () => {
  const dayWithGap = fc.record({
    seed: fc.nat(),
    from: fc.integer({ min: 1, max: 30 }),
    length: fc.integer({ min: 1, max: 12 }),
    mm: fc.constantFrom(2000, 7000),
    weighed: fc.boolean(),
    fromUs: fc.constantFrom(0, 9e6, 22e6),
    forUs: fc.constantFrom(7e6, 1e9),
  });
  let [gaps, flips, late] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(dayWithGap, async ({ seed, from, length, mm, weighed, fromUs, forUs }) => {
      const [lived, tried] = [under([]), under([near(mm, 0.2)])];
      const both = trial(lived, tried, mm, weighed);
      const whole = await day(seed, 400, lived);
      const to = Math.min(from + length - 1, whole.store.rows.length - 2);
      const made = await withGap(whole, from, to);
      const time = { fromUs, untilUs: fromUs + forUs };
      const told = await tryPolicy<Tram>(made.store, made.head, { trialOf: () => both, ...time });

      const knownUs = from === 1 ? whole.opening.atUs : tramWake(seed, (from - 1) * 10 - 1).atUs;
      const next = whole.store.rows.slice(to + 1).flatMap(({ snapshots }) => snapshots)[0];
      const againUs = next?.atUs ?? Number.POSITIVE_INFINITY;
      const lostFrom = Math.max(knownUs, fromUs);
      const lostUntil = Math.min(againUs, time.untilUs);
      if (lostFrom >= lostUntil) assert.deepEqual(told.gaps, []);
      else {
        const [gap, ...more] = told.gaps;
        assert.deepEqual(more, []);
        assert.deepEqual([gap?.fromUs, gap?.untilUs], [lostFrom, lostUntil]);
        const [first, last] = [whole.store.rows[from], whole.store.rows[to]] as [SealedBlock, SealedBlock];
        assert.equal(gap?.firstSequence, first.firstSequence);
        assert.equal(gap?.lastSequence, last.firstSequence + last.count - 1);
        gaps++;
      }
      const isKnown = (atUs: number): boolean => atUs <= knownUs || atUs > againUs;
      const expected = flipsByDefinition(whole.opening, seed, 400, lived, tried)
        .filter((atUs) => atUs >= fromUs && atUs < time.untilUs)
        .filter(isKnown);
      assert.equal(flipped(told), expected.length);
      flips += expected.length;
      if (expected.some((atUs) => atUs > againUs)) late++;

      const some = await gathered(made, both);
      const late1 = some.filter(({ untilUs }) => untilUs >= fromUs);
      const withThem = await tryPolicy<Tram>(made.store, made.head, { ...withFacts(both, late1), ...time });
      assert.deepEqual([withThem.flips, withThem.gaps], [told.flips, told.gaps], 'facts change nothing of that');
    }),
    { seed: 127, numRuns: 60 },
  );
  assert.ok(gaps > 30 && flips > 60 && late > 10, `${gaps} gaps, ${flips} flips, ${late} times behind a gap`);
});

test('[R117] [R127] facts that were gathered as it lived weigh what was dropped since, where they decide it alone', async () => {
  const [lived, tried] = [under([]), under([near(7000, 0.2)])];
  const whole = await day(11, 400, lived);
  const both = trial(lived, tried, 7000);
  const stretches = await gathered(whole, both);
  const all = await tryPolicy<Tram>(whole.store, whole.head, withFacts(both, stretches));
  const made = await withGap(whole, 1, 20);
  const some = await tryPolicy<Tram>(made.store, made.head, withFacts(both, stretches));
  assert.ok(flipped(all) > 5, `${flipped(all)} flips`);
  assert.deepEqual([flipped(some), some.gaps], [flipped(all), []]);
  assert.ok(some.sampled > 0, 'facts are held against a stretch that is still there');
});

const bounds = (one: KeptStretch | undefined) =>
  one === undefined ? {} : { snapshot: one.snapshot, end: one.end, blockEnd: one.blockEnd };

test('[R117] a number lies within the bounds that are kept of it, and nearly all that people write as numbers is kept as it is', () => {
  const kept = (value: number): readonly [number, number] | null => {
    const places = placesOf([{ name: 'x', kind: 'number' }]);
    return new FactStretch(oneRow(packed(value)), places).at(0).bounds('x');
  };
  for (const value of [0, 1, -1, 2, 0.5, 1000, 80, -0.25, Infinity, -Infinity])
    assert.deepEqual(kept(value), [value, value]);
  assert.equal(kept(Number.NaN), null);
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      const [least, most] = kept(value) as [number, number];
      assert.ok(least <= value && value <= most, `${least} <= ${value} <= ${most}`);
      if (Math.abs(value) > 1e-30 && Math.abs(value) < 1e30) assert.ok(most - least <= Math.abs(value) * 2 ** -21);
    }),
    { seed: 9, numRuns: 500 },
  );
});

/** A stretch of one evaluation with one fact. */
function oneRow(code: number): Uint8Array {
  const head = {
    format: 2,
    rows: 1,
    facts: 1,
    outcomes: 0,
    briefs: 0,
    fromUs: 0,
    words: [],
    shapes: [],
    decisions: [],
  };
  const text = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(4 + text.length + 9 + 5 + 5 + 5);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 4);
  view.setUint32(4 + text.length + 9 + 5 + 5 + 1, code, true);
  return bytes;
}

test('[R117] facts of another number of names, or cut short, are none', async () => {
  const lived = under([]);
  const made = await day(1, 60, lived);
  const [stretch] = await gathered(made, trial(lived, lived, 1));
  const { bytes } = stretch as KeptStretch;
  const places = (names: readonly string[]) => placesOf(names.map((name) => ({ name, kind: 'word' })));
  assert.deepEqual(new FactStretch(bytes, places(['nearest', 'mode'])).words('mode'), ['automatic']);
  assert.throws(() => new FactStretch(bytes, places(['nearest', 'mode', 'more'])), /another format/);
  assert.throws(() => new FactStretch(bytes.slice(0, -3), places(['nearest', 'mode'])), /cut short/);
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

test('progress tells the event that was reached, run again or told by facts, and never goes back', async () => {
  const lived = under([]);
  const made = await day(4, 2600, lived);
  const { store, head } = made;
  const both = trial(lived, under([near(500, 0.1)]), 500);
  const heard = async (options: TrialOptions<Tram>): Promise<readonly number[]> => {
    const sequences: number[] = [];
    await tryPolicy<Tram>(store, head, { ...options, progress: (sequence) => sequences.push(sequence) });
    return sequences;
  };
  const facts = await gathered(made, both);
  for (const options of [{ trialOf: () => both }, withFacts(both, facts), withFacts(both, [])]) {
    const sequences = await heard(options);
    assert.ok(sequences.length > 0);
    assert.ok(sequences.every((sequence, k) => sequence >= (sequences[k - 1] ?? 1) && sequence <= head.sequence));
    assert.ok((sequences[0] as number) < 0.9 * head.sequence, `${sequences[0]} of ${head.sequence} at first`);
  }
});
