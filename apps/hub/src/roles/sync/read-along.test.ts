import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { aheadEvents, linkedKey, type SealedBlock, takeAhead } from '@sigma/recorder';
import { MemoryStore } from '@sigma/recorder/testing';
import fc from 'fast-check';
import { A_LIFE, aLife, disk, hub, ITS_DECISIONS, S } from '../../../testing/chronicle-hub.ts';
import { aWeek, LIFE_BEGAN_US, RAISED, RobotLife, VIOLATION } from '../../../testing/robot-life.ts';
import { UNREAD } from '../chronicle/read-on.ts';
import { type ReadStretch, readStretch } from '../chronicle/read-stretch.ts';
import { ReadAlong } from './read-along.ts';

type Hub = Awaited<ReturnType<typeof hub>>;

/** A hub whose store counts how often the index asks it for blocks. */
async function hubOn(on = disk()) {
  const here = await hub(on);
  const asked: string[] = [];
  const { store } = on;
  store.blocks = (chain, from, to) => {
    asked.push(`${from}-${to}`);
    return MemoryStore.prototype.blocks.call(store, chain, from, to);
  };
  return { ...here, asked };
}

const lastOf = (blocks: readonly SealedBlock[]): number => {
  const { firstSequence, count } = blocks.at(-1) as SealedBlock;
  return firstSequence + count - 1;
};

/** As it comes out of a mailbox. */
const cloned = <T extends ReadStretch | null>(read: T): T => deserialize(serialize(read)) as T;

/** A thread of backlogs without its store and its thread: only what is told passes between, and blocks lie elsewhere then. */
class Beside {
  /** Bytes of decisions that were told, batch by batch. */
  readonly told: number[] = [];
  #along: ReadAlong | null = null;

  /** @returns whether the batch was read along */
  async takes(
    here: Pick<Hub, 'index' | 'store'>,
    blocks: readonly SealedBlock[],
    { meanwhile, killed = false }: { readonly meanwhile?: () => Promise<unknown>; readonly killed?: boolean } = {},
  ): Promise<boolean> {
    const { source, epoch } = blocks[0] as SealedBlock;
    const chain = { source, epoch };
    const from = structuredClone(here.index.readFrom(chain));
    await meanwhile?.();
    await here.store.append(blocks);
    if (killed) {
      this.#along = null;
      return false;
    }
    const lent = blocks.map((block) => ({ ...block, bytes: block.bytes.slice() }));
    this.#along ??= new ReadAlong({
      blocks: (of, first, last) =>
        MemoryStore.prototype.blocks.call(here.store, { tenant: 'acme', ...of }, first, last),
      found: (of, read, asked) => here.index.found(of, cloned(read), asked),
    });
    const read = cloned(this.#along.read(chain, from, () => lent));
    for (const { bytes } of lent) bytes.fill(0);
    this.told.push(read?.decisions.reduce((sum, { data }) => sum + data.length, 0) ?? 0);
    if (read !== null) here.index.found(chain, read, from?.waiting ?? []);
    here.index.stored({ ...chain, sequence: lastOf(blocks), stored: [] });
    return read !== null;
  }
}

/** What an edge tells ahead of these blocks. */
function tells({ index }: Pick<Hub, 'index'>, { agentId: source, epoch }: RobotLife, blocks: readonly SealedBlock[]) {
  const envelopes = blocks.flatMap(({ bytes }) => aheadEvents(bytes)).map(({ envelope }) => envelope);
  if (envelopes.length === 0) return Promise.resolve(null);
  const openedUs = LIFE_BEGAN_US;
  const told = { tenant: 'acme', source, epoch, openedUs, envelopes, leftOut: 0, time: { us: 0, count: 0 } };
  const taken = takeAhead(told, { tenant: 'acme', sources: new Set([source]) });
  assert.ok('events' in taken, JSON.stringify(taken));
  return index.reported(told, taken.events);
}

/** All that is left of a record, but for what was reported of it. */
async function outcome(here: Hub) {
  const shown = await here.shown();
  await here.clock.turn(3 * S);
  const { proved: _, ...reports } = { ...here.reports.counts, reported: 0 };
  return {
    shown,
    decisions: here.listed(),
    places: [...here.places.rows.values()],
    counts: here.index.counts,
    reports,
    waiting: here.reports.waiting({ source: 'r1', epoch: 3 })?.size ?? 0,
    reported: [...here.reportedDecisions],
    noted: here.noted,
    failure: here.index.failure,
  };
}

const inBatches = (blocks: readonly SealedBlock[], size: number): readonly (readonly SealedBlock[])[] =>
  Array.from({ length: Math.ceil(blocks.length / size) }, (_, n) => blocks.slice(n * size, (n + 1) * size));

test('[R192] [R125] a week that was read where it was unpacked is on the time bar and in the lists as if the index had read it, which asks its store for nothing', async () => {
  const { blocks } = aWeek(60, 192);
  const itself = await hubOn();
  for (const batch of inBatches(blocks, 7)) await itself.takes(batch);
  const [along, beside] = [await hubOn(), new Beside()];
  for (const [n, batch] of inBatches(blocks, 7).entries()) {
    assert.equal(await beside.takes(along, batch), true);
    if (n % 3 === 0) await along.reads();
  }
  const wanted = await outcome(itself);
  assert.deepEqual(await outcome(along), wanted);
  assert.ok(wanted.shown.length > 20 && wanted.decisions.length > 50, 'a week has something in it');
  assert.deepEqual(along.asked, []);
});

test('[R193] [R192] what was reported between take and stored is proved by its blocks, read from the store; what stands around them is not', async () => {
  const life = aWeek(30, 193);
  const itself = await hubOn();
  await itself.takes(life.blocks);
  const wanted = await outcome(itself);
  for (let n = 0; n < 6; n++) {
    const [along, beside] = [await hubOn(), new Beside()];
    for (const [k, batch] of inBatches(life.blocks, 6).entries()) {
      await beside.takes(along, batch, k === n ? { meanwhile: () => tells(along, life, batch) } : {});
    }
    assert.deepEqual(await outcome(along), wanted, `told of the batch ${n}`);
    const batch = inBatches(life.blocks, 6)[n];
    const news = batch?.flatMap(({ bytes }) => aheadEvents(bytes)) ?? [];
    const stretch = batch && `${batch[0]?.firstSequence}-${lastOf(batch)}`;
    assert.deepEqual(along.asked, news.length > 0 ? [stretch] : []);
  }
});

test('[R193] [R192] [L4] what was reported before is proved, contradicted or given up by what was read along as by blocks', async () => {
  const life = aLife();
  const liar = new RobotLife('r1', 3);
  liar.lives({ atUs: 1 * S, decision: 1 }, { atUs: 2 * S, signals: [{ name: 'failsafe', body: RAISED }], decision: 9 });
  const [opening, first, second, third] = life.blocks as [SealedBlock, SealedBlock, SealedBlock, SealedBlock];
  const damaged = { ...second, bytes: second.bytes.slice(0, -3) };
  const newer = { ...second, bytes: Uint8Array.from(second.bytes, (byte, at) => (at === 1 ? 9 : byte)) };
  const ways: readonly (readonly [string, RobotLife, readonly SealedBlock[]])[] = [
    ['proved', life, life.blocks],
    ['contradicted', liar, life.blocks],
    ['damaged', life, [opening, first, damaged, third]],
    ['of a newer format', life, [opening, first, newer, third]],
    ['dropped', life, [opening, life.stub(1, 3), third]],
  ];
  for (const [what, told, blocks] of ways) {
    const [itself, along, beside] = [await hubOn(), await hubOn(), new Beside()];
    for (const here of [itself, along]) await tells(here, told, told.blocks);
    await itself.takes(blocks.slice(0, 2));
    await itself.takes(blocks.slice(2));
    assert.equal(await beside.takes(along, blocks.slice(0, 2)), true);
    assert.equal(await beside.takes(along, blocks.slice(2)), true);
    assert.deepEqual(await outcome(along), await outcome(itself), what);
    assert.deepEqual(along.reports.counts, itself.reports.counts, what);
    assert.deepEqual([...along.unprovableDecisions], [...itself.unprovableDecisions], what);
    assert.deepEqual(along.asked, [], what);
  }
});

test('[R192] [L3] what was read along counts for nothing before its marks are kept: it is read again, also by the next life of the hub', async () => {
  const life = aLife();
  for (const table of ['marks', 'reports'] as const) {
    const on = disk();
    const first = await hub({
      ...on,
      marks: table === 'marks' ? { ...on.marks, addRecorded: away, kept: [] } : on.marks,
      reports: table === 'reports' ? { ...on.reports, store: { ...on.reports.store, remove: away } } : on.reports,
    });
    await tells(first, life, life.blocks);
    await new Beside().takes(first, life.blocks);
    await first.clock.turn(5 * S);
    assert.equal(first.index.failure, 'the database is away');
    assert.deepEqual(first.index.counts, { events: 0, marks: 0, decisions: 0, malformed: 0 });
    assert.equal(on.places.rows.size, 0);
    void first.index.close();
    const second = await hub(on);
    assert.deepEqual(await second.shown(), A_LIFE, table);
    assert.deepEqual(second.listed(), ITS_DECISIONS, table);
    assert.equal(second.reports.waiting({ source: 'r1', epoch: 3 }), undefined);
  }
});
const away = async (): Promise<never> => {
  throw new Error('the database is away');
};

test('[R192] [L8] what was read along and waits has a bound: what is more is read from the store', async () => {
  const life = new RobotLife('r1', 3);
  for (let n = 1; n <= 400; n++) {
    life.records([
      life.signal(n * S, 'violation', VIOLATION),
      life.decided(n * S, n, { rationale: 'x'.repeat(100_000) }),
    ]);
  }
  const [along, beside] = [await hubOn(), new Beside()];
  const wait = Promise.withResolvers<void>();
  const add = along.on.marks.addRecorded;
  along.on.marks.addRecorded = async (...of) => {
    await wait.promise;
    return add(...of);
  };
  for (const batch of inBatches(life.blocks, 3)) {
    assert.equal(await beside.takes(along, batch), true);
    await along.clock.settle();
  }
  wait.resolve();
  assert.equal((await along.shown()).length, 400);
  assert.equal(along.listed().length, 400);
  const forMarks = along.asked.filter((asked) => !asked.endsWith(`-${lastOf(life.blocks)}`));
  assert.ok(forMarks.length > 0, 'other than for decisions, which are kept when the chain has come to its end');
});

test('[R192] [R125] of more decisions than the index holds until their chain has come, what they say is not handed over; it is read from the store, once', async () => {
  const life = new RobotLife('r1', 3);
  for (let n = 1; n <= 60; n++) life.records([life.decided(n * S, n, { rationale: `${n}`.padEnd(10_000, '.') })]);
  const [itself, along, beside] = [await hubOn(), await hubOn(), new Beside()];
  for (const { index } of [itself, along]) index.shown([{ source: 'r1', epoch: 3, sequence: lastOf(life.blocks) }]);
  for (const batch of inBatches(life.blocks, 4)) {
    await itself.takes(batch);
    assert.equal(await beside.takes(along, batch), true);
    await along.reads();
  }
  const wanted = await outcome(itself);
  assert.deepEqual(await outcome(along), wanted);
  assert.equal(wanted.decisions.length, 60);
  const [held, passed] = [beside.told.slice(0, 4), beside.told.slice(4)];
  assert.ok(Math.min(...held) > 29_000, 'the first 128 KB are held');
  assert.deepEqual(
    passed,
    passed.map(() => 0),
  );
  assert.deepEqual(along.asked, [`2-${lastOf(life.blocks)}`]);
});

test('[R192] what was read along of events that the index has read itself meanwhile counts for nothing', async () => {
  const life = aWeek(12, 5);
  const chain = { source: 'r1', epoch: 3 };
  const itself = await hub();
  await itself.takes(life.blocks);
  const along = await hub();
  await along.takes(life.blocks.slice(0, 8));
  await along.reads();
  await along.store.append(life.blocks.slice(8));
  const stretch = { firstSequence: 1, lastSequence: lastOf(life.blocks) };
  along.index.found(chain, readStretch(life.blocks, stretch, UNREAD, [], true), []);
  assert.deepEqual(await outcome(along), await outcome(itself));
});

test('[R192] of more chains than are remembered the one that came first of late is read from where the index stands', () => {
  const nothing = { blocks: () => assert.fail(), found: () => assert.fail() };
  const along = new ReadAlong({ ...nothing, mostChains: 2 });
  const lives = ['r1', 'r2', 'r3'].map((id) => aWeek(4, 7, id));
  const reads = ({ agentId: source, epoch, blocks }: RobotLife, at: number): boolean => {
    const from = { next: 1, state: UNREAD, waiting: [], holds: true };
    return along.read({ source, epoch }, from, () => blocks.slice(at, at + 1)) !== null;
  };
  const [one, two, three] = lives as [RobotLife, RobotLife, RobotLife];
  assert.deepEqual([reads(one, 0), reads(two, 0), reads(one, 1), reads(three, 0)], [true, true, true, true]);
  assert.deepEqual([reads(one, 2), reads(two, 1), reads(three, 1)], [true, false, true]);
  assert.equal(
    along.read({ source: 'r1', epoch: 3 }, null, () => assert.fail('nobody looks into it')),
    null,
  );
});

test('[R192] [R125] where the index stands further back, after a thread or a hub was ended, the thread reads up what lies between, and what follows is read along again', async () => {
  const life = aWeek(60, 125);
  const itself = await hubOn();
  await itself.takes(life.blocks);
  const wanted = await outcome(itself);
  const batches = inBatches(life.blocks, 4);
  for (const ended of ['the thread', 'the hub', 'the hub with all that it knew']) {
    const on = disk();
    let [here, beside] = [await hubOn(on), new Beside()];
    const along: boolean[] = [];
    for (const [n, batch] of batches.entries()) {
      if (n === 5) {
        await beside.takes(here, batch, { killed: true });
        if (ended === 'the hub') await here.reads();
        if (ended !== 'the thread') {
          await here.index.close();
          [here, beside] = [await hubOn(on), new Beside()];
        }
        continue;
      }
      along.push(await beside.takes(here, batch));
      if (n > 5) await here.clock.settle();
    }
    assert.deepEqual(along, [...Array(5).fill(true), false, ...Array(batches.length - 7).fill(true)], ended);
    assert.equal(here.asked.length, 0, `${ended}: nothing was left to the index`);
    const { counts, ...left } = await outcome(here);
    const { counts: wantedCounts, ...wantedLeft } = wanted;
    assert.deepEqual(left, wantedLeft, ended);
    if (ended === 'the thread') assert.deepEqual(counts, wantedCounts);
  }
});

const someWay = fc.record({
  size: fc.integer({ min: 1, max: 5 }),
  by: fc.constantFrom('thread', 'thread', 'thread', 'hub', 'killed', 'again'),
  told: fc.constantFrom('before', 'meanwhile', 'no', 'no', 'no'),
  behind: fc.constantFrom('reads', 'rests', 'rests', 'ends'),
});

test('[R192] [R193] [L3] read along, by the index or not at all, cut anywhere, told ahead at any time, with a thread and a hub that are killed: the same marks, decisions and places', async () => {
  const property = fc.asyncProperty(
    fc.nat(),
    fc.array(someWay, { minLength: 6, maxLength: 12 }),
    async (seed, ways) => {
      const life = aWeek(20, seed);
      const alone = await hub();
      await alone.takes(life.blocks);
      const wanted = await outcome(alone);
      const on = disk();
      let here = await hub(on);
      let beside = new Beside();
      let ended = false;
      for (let at = 0, n = 0; at < life.blocks.length; n++) {
        const { size, by, told, behind } = ways[n % ways.length] as (typeof ways)[number];
        const batch = life.blocks.slice(at, at + size);
        at += batch.length;
        // What a killed thread had stored is sent again where nothing follows it.
        const way = by === 'killed' && at >= life.blocks.length ? 'again' : by;
        const tell = () => tells(here, life, batch);
        if (told === 'before') await tell();
        if (way === 'hub') await here.takes(batch);
        else if (way === 'again') for (let k = 0; k < 2; k++) await beside.takes(here, batch);
        else
          await beside.takes(here, batch, {
            killed: way === 'killed',
            ...(told === 'meanwhile' && { meanwhile: tell }),
          });
        if (behind === 'reads') await here.reads();
        if (behind !== 'ends') continue;
        ended = true;
        await here.clock.turn(1.5 * S);
        on.places.cut(true);
        await here.marks.close();
        await here.decisions.close();
        void here.index.close();
        on.places.cut(false);
        [here, beside] = [await hub(on), new Beside()];
      }
      const { counts, reports, ...left } = await outcome(here);
      const { counts: wantedCounts, reports: wantedReports, ...wantedLeft } = wanted;
      assert.deepEqual(left, wantedLeft);
      if (!ended) assert.deepEqual({ counts, reports }, { counts: wantedCounts, reports: wantedReports });
      assert.equal(linkedKey(here.places.rows.values().next().value as never), linkedKey({ source: 'r1', epoch: 3 }));
    },
  );
  await fc.assert(property, { numRuns: 60, seed: 192 });
});
