import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { A_LIFE, ALL, aLife, disk, hub, ITS_DECISIONS, S } from '../../../testing/chronicle-hub.ts';
import { anyLife, LIFE_BEGAN_US, RAISED, RobotLife, VIOLATION } from '../../../testing/robot-life.ts';

test('[R192] what comes home as blocks stands on the time bar when it happened, with the decision that answered it, and pages are told', async () => {
  const { takes, shown, listed, told } = await hub();
  await takes(aLife().blocks);
  assert.deepEqual(await shown(), A_LIFE);
  assert.deepEqual(listed(), ITS_DECISIONS);
  assert.equal(told.length, 4);
});

test('[R192] what was heard live and comes home on record stands there once, and pages were told once', async () => {
  for (const liveFirst of [true, false]) {
    const life = aLife();
    const { takes, hears, shown, listed, told, clock } = await hub();
    if (liveFirst) hears(life);
    else await takes(life.blocks);
    await clock.turn(5 * S);
    if (liveFirst) await takes(life.blocks);
    else hears(life);
    assert.deepEqual(await shown(), A_LIFE, liveFirst ? 'live first' : 'recorded first');
    assert.deepEqual(listed(), ITS_DECISIONS);
    assert.equal(told.length, 4);
  }
});

test('[R192] a decision that came after the mark it answers is put right by the record', async () => {
  const life = aLife();
  const { takes, hears, shown, clock } = await hub();
  const decisions = life.decisions.splice(0);
  hears(life);
  await clock.turn(5 * S);
  life.decisions.push(...decisions);
  await takes(life.blocks);
  assert.deepEqual(await shown(), A_LIFE);
});

test('[R192] [L3] a hub that is killed between commit and index goes on where it stopped, keeps nothing twice and leaves nothing out', async () => {
  const life = aLife();
  for (let killed = 0; killed <= life.blocks.length; killed++) {
    const on = disk();
    const first = await hub(on);
    await first.takes(life.blocks.slice(0, 1));
    await first.clock.turn(3 * S);
    // From here on places are lost with the power; marks and decisions may have been written.
    on.places.cut(true);
    if (killed > 1) await first.takes(life.blocks.slice(1, killed));
    if (killed % 2 === 0) await first.clock.turn(3 * S);
    void first.index.close();
    on.places.cut(false);
    const second = await hub(on);
    if (killed < life.blocks.length) await second.takes(life.blocks.slice(Math.max(1, killed)));
    assert.deepEqual(await second.shown(), A_LIFE, `killed after ${killed} blocks`);
    assert.deepEqual(second.listed(), ITS_DECISIONS, `killed after ${killed} blocks`);
  }
});

test('[R192] [L3] decisions that wait for the end of their chain when the hub is killed are read again by the next', async () => {
  const life = aLife();
  const on = disk();
  const first = await hub(on);
  first.index.shown([{ source: 'r1', epoch: 3, sequence: 1_000 }]);
  await first.takes(life.blocks);
  await first.clock.turn(3 * S);
  const [place] = on.places.rows.values();
  assert.deepEqual([first.listed(), place?.decided], [[], 1], 'marks are kept, decisions wait');
  void first.index.close();
  const second = await hub(on);
  assert.deepEqual(await second.shown(), A_LIFE);
  assert.deepEqual(second.listed(), ITS_DECISIONS);
});

test('[R192] [L3] what the database did not take counts for nothing: it is read again, also by the next life of the hub', async () => {
  const life = aLife();
  for (const table of ['marks', 'decisions'] as const) {
    const on = disk();
    const first = await hub({
      ...on,
      marks: { ...on.marks, addRecorded: table === 'marks' ? away : on.marks.addRecorded, kept: [] },
      decisions: table === 'marks' ? on.decisions : { ...on.decisions, store: { ...on.decisions.store, add: away } },
    });
    await first.takes(life.blocks);
    await first.clock.turn(5 * S);
    assert.equal(first.index.failure, 'the database is away');
    void first.index.close();
    const second = await hub(on);
    assert.deepEqual(await second.shown(), A_LIFE, table);
    assert.deepEqual(second.listed(), ITS_DECISIONS, table);
  }
});
const away = async (): Promise<never> => {
  throw new Error('the database is away');
};

test('[R192] live, recorded, both, in any order, cut anywhere, with a hub that is killed: the same marks and decisions', async () => {
  const way = fc.constantFrom('live', 'record', 'both', 'both reversed');
  await fc.assert(
    fc.asyncProperty(anyLife, way, fc.nat(5), fc.boolean(), async (life, how, killAt, kill) => {
      const alone = await hub();
      alone.hears(life);
      const wanted = await alone.shown();
      const wantedDecisions = alone.listed();
      const on = disk();
      let here = await hub(on);
      if (how === 'live' || how === 'both') here.hears(life);
      if (how !== 'live') {
        const at = Math.min(killAt, life.blocks.length);
        if (at > 0) await here.takes(life.blocks.slice(0, at));
        if (kill) {
          await here.clock.turn(2 * S);
          on.places.cut(true);
          await here.marks.close();
          await here.decisions.close();
          void here.index.close();
          on.places.cut(false);
          here = await hub(on);
        }
        if (at < life.blocks.length) await here.takes(life.blocks.slice(at));
      }
      if (how === 'both reversed') here.hears(life);
      assert.deepEqual(await here.shown(), wanted);
      assert.deepEqual(here.listed(), wantedDecisions);
    }),
    { numRuns: 50, seed: 192 },
  );
});

test('[R192] marks that are given up stay given up, and since when they are whole stays true', async () => {
  const life = new RobotLife('r1', 3);
  for (let n = 1; n <= 10; n++) life.lives({ atUs: n * S, signals: [{ name: 'violation', body: VIOLATION }] });
  const newer = new RobotLife('r2', 0);
  for (let n = 21; n <= 26; n++) newer.lives({ atUs: n * S, signals: [{ name: 'failsafe', body: RAISED }] });
  const { takes, marks, clock, told } = await hub(disk(), { keptMarks: 5 });
  await takes(newer.blocks);
  await clock.turn(5 * S);
  await takes(life.blocks);
  await clock.turn(5 * S);
  const found = await marks.find(ALL, 100);
  assert.equal(found.keptFromUs, LIFE_BEGAN_US + 21 * S + 1);
  assert.deepEqual(new Set(found.marks.map(({ agentId }) => agentId)), new Set(['r2']));
  assert.equal(found.marks.length, 5);
  assert.equal(told.length, 6, 'nobody is told of what is not kept');
});

test('[R192] of a long absence only decisions are written that are kept, and late ones put no newer one out', async () => {
  const life = new RobotLife('r1', 3);
  for (let n = 0; n < 500; n++) {
    life.lives(...Array.from({ length: 50 }, (_, k) => ({ atUs: (n * 50 + k) * 1000, decision: n * 50 + k + 1 })));
  }
  const on = disk();
  const { index, takes, clock, listed, reads } = await hub(on);
  index.shown([{ source: 'r1', epoch: 3, sequence: 25_001 }]);
  for (let n = 0; n < life.blocks.length; n += 20) {
    await takes(life.blocks.slice(n, n + 20));
    await clock.turn(S);
  }
  await reads();
  assert.equal(index.failure, null);
  assert.equal(listed().length, 20_000);
  assert.ok(listed().includes('r1 3 25000') && listed().includes('r1 3 5001') && !listed().includes('r1 3 5000'));
  assert.equal(on.decisions.written(), 20_000, 'nothing is written only to be given up');
  const older = new RobotLife('r1', 2);
  older.lives({ atUs: S, decision: 1 });
  const newer = new RobotLife('r1', 4);
  newer.lives({ atUs: S, decision: 1 });
  await takes(older.blocks);
  await takes(newer.blocks);
  await reads();
  assert.equal(on.decisions.written(), 20_001, 'what is older than all that is kept is not written');
});

test('[R192] [L8] in a drain it reads along, from what is in memory anyway; when it falls behind it reads from the store', async () => {
  const life = new RobotLife('r1', 3);
  for (let n = 1; n <= 120; n++) {
    life.lives({ atUs: n * S, signals: [{ name: 'violation', body: VIOLATION }], padding: 200_000 });
  }
  for (const [readsAlong, most] of [
    [true, 0],
    [false, Number.POSITIVE_INFINITY],
  ] as const) {
    const { takes, clock, store, shown } = await hub();
    let asked = 0;
    const blocks = store.blocks.bind(store);
    store.blocks = (...of) => {
      asked++;
      return blocks(...of);
    };
    for (let n = 0; n < life.blocks.length; n += 5) {
      await takes(life.blocks.slice(n, n + 5));
      if (readsAlong) await clock.settle();
    }
    assert.equal((await shown()).length, 120);
    assert.ok(readsAlong ? asked <= most : asked > 0, `the store was asked ${asked} times`);
  }
});

test('[R192] how far the record of a robot has come home is known, and that it is whole when it is', async () => {
  const life = aLife();
  const { takes, index, clock } = await hub();
  const end = life.blocks.reduce((sum, { count }) => sum + count, 0);
  index.shown([{ source: 'r1', epoch: 3, sequence: end }]);
  assert.deepEqual(index.homecomings(new Map()), [{ source: 'r1', epoch: 3, upToUs: 0, missing: end }]);
  await takes(life.blocks.slice(0, 2));
  await clock.turn(5 * S);
  const [half] = index.homecomings(new Map());
  assert.equal(half?.upToUs, LIFE_BEGAN_US + 2 * S);
  await takes(life.blocks.slice(2));
  await clock.turn(5 * S);
  assert.deepEqual(index.homecomings(new Map()), []);
  const whole = { source: 'r1', epoch: 3, upToUs: LIFE_BEGAN_US + 6 * S, missing: 0 };
  const away = new Map([
    ['r1', 3],
    ['r9', 1],
  ]);
  const nothing = { source: 'r9', epoch: 1, upToUs: 0, missing: 0 };
  assert.deepEqual(index.homecomings(away), [whole, nothing], 'nobody knows what they record while they are away');
});

test('[R192] what a linked robot records is on its way only when what is read of it is older than what it says', async () => {
  const life = aLife();
  const { takes, index, clock } = await hub();
  await takes(life.blocks.slice(0, 2));
  assert.deepEqual(index.homecomings(new Map()), [], 'stored, and read within the second');
  await clock.turn(5 * S);
  const says = (atUs: number, epoch = 3) => index.homecomings(new Map(), new Map([['r1', { epoch, atUs }]]));
  assert.deepEqual(says(7 * S), []);
  assert.deepEqual(says(7 * S + 1), [{ source: 'r1', epoch: 3, upToUs: LIFE_BEGAN_US + 2 * S, missing: 0 }]);
  assert.deepEqual(says(7 * S + 1, 4), [], 'another life');
  await takes(life.blocks.slice(2));
  await clock.turn(5 * S);
  assert.deepEqual(says(7 * S + 1), []);
});

test('[R192] [L4] what is not what it says is left out and counted, what claims another time stands where it was heard, and all else of the block is there', async () => {
  const life = new RobotLife('r1', 3);
  life.records([
    life.event(1 * S, 'sigma.signal.v1', new Uint8Array([0x0a, 0xff])),
    life.event(1 * S, 'sigma.decision.v1', new Uint8Array([0xff, 0xff, 0xff])),
    life.event(1 * S, 'sigma.order.v1', new Uint8Array([0x0a, 0x02, 0xff, 0xff])),
    life.signal(1 * S, 'violation', 'no object'),
    life.signal(1 * S, 'violation', { violation: { kind: 'physical', expected: { toPrecision: 1 }, observed: [] } }),
    life.signal(1 * S, 'failsafe', { change: 'raised', entry: { action: 7, cause: 'nul \0 and all' } }),
    life.signal(1 * S, 'failsafe', { change: 'raised', entry: { action: 'a', cause: 'x'.repeat(70_000) } }),
    life.signal(1 * S, 'order_accepted', null),
    life.decided(1 * S, 1, { rationale: 'nul \0' }),
    life.decided(1 * S, 2, { epoch: 4 }),
  ]);
  life.lives({ atUs: 2 * S, signals: [{ name: 'violation', body: VIOLATION }] });
  life.lives({ atUs: 2 ** 51, signals: [{ name: 'failsafe', body: RAISED }] });
  const { takes, shown, listed, clock, index } = await hub();
  await takes(life.blocks);
  const heardS = (clock.nowUs() - LIFE_BEGAN_US) / S;
  const found = await shown();
  assert.deepEqual(found.slice(0, 3), [
    '1 failsafe r1 failsafe: nul  and all 3.2',
    '1 violation r1 a command:  was to be not a number and is not a number 3.2',
    '2 violation r1 drive: xM was to be 2 and is 1.5 3.2',
  ]);
  assert.match(found[3] ?? '', /failsafe r1 protective_stop: too near 3\.2$/);
  assert.ok(Number(found[3]?.split(' ')[0]) - heardS < 10, 'not in the year 2041');
  assert.equal(found.length, 4);
  assert.deepEqual(listed(), ['r1 3 1'], 'a decision that names another life is none of this one');
  assert.ok(index.counts.malformed >= 4, `${index.counts.malformed}`);
});

test('[R192] a store that fails stops the index, which says why and goes on when it is back', async () => {
  const life = aLife();
  const { shown, listed, clock, index, store } = await hub();
  const blocks = store.blocks.bind(store);
  await store.append(life.blocks);
  store.blocks = () => {
    throw new Error('the database is away');
  };
  index.stored({ source: 'r1', epoch: 3, sequence: 999, stored: [] });
  await clock.turn(5 * S);
  assert.equal(index.failure, 'the database is away');
  store.blocks = blocks;
  assert.deepEqual(await shown(), A_LIFE);
  assert.deepEqual(listed(), ITS_DECISIONS);
  assert.equal(index.failure, null);
});
