import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aheadEvents, type EventsAhead, takeAhead } from '@sigma/recorder';
import fc from 'fast-check';
import { A_LIFE, aLife, disk, hub, ITS_DECISIONS, S } from '../../../testing/chronicle-hub.ts';
import { anyLife, LIFE_BEGAN_US, RAISED, RobotLife, VIOLATION } from '../../../testing/robot-life.ts';

type Hub = Awaited<ReturnType<typeof hub>>;

/** What an edge tells ahead of a life. */
function toldOf(life: RobotLife): EventsAhead {
  const { agentId: source, epoch } = life;
  const envelopes = life.blocks.flatMap(({ bytes }) => aheadEvents(bytes)).map(({ envelope }) => envelope);
  const openedUs = LIFE_BEGAN_US;
  return { tenant: 'acme', source, epoch, openedUs, envelopes, leftOut: 0, time: { us: 0, count: 0 } };
}

async function tells({ index }: Hub, told: EventsAhead): Promise<string | null> {
  const taken = takeAhead(told, { tenant: 'acme', sources: new Set(['r1']) });
  assert.ok('events' in taken, JSON.stringify(taken));
  return index.reported(told, taken.events);
}

const REPORTED = [
  '2 violation r1 drive: xM was to be 2 and is 1.5 (reported) 0.0',
  '3 failsafe r1 protective_stop: too near (reported) 3.2',
  '5 stop r1 emergency stop (reported) 3.4',
  '6 stop r1 the emergency stop has ended (reported) 0.0',
];

test('[R193] what is told ahead stands on the time bar as reported; its blocks prove it, and put right what it could not know', async () => {
  const life = aLife();
  const here = await hub();
  assert.equal(await tells(here, toldOf(life)), null);
  assert.deepEqual(await here.shown(), REPORTED);
  assert.deepEqual(here.listed(), ['r1 3 2', 'r1 3 4'], 'what was decided in these wakes');
  assert.equal(here.told.length, 4);
  assert.ok(
    here.told.every(({ reported }) => reported === true),
    'pages that watch are told what it is',
  );
  await here.takes(life.blocks);
  assert.deepEqual(await here.shown(), A_LIFE);
  assert.deepEqual(here.listed(), ITS_DECISIONS);
  assert.deepEqual([...here.reportedDecisions], []);
  assert.equal(here.told.length, 4, 'pages hear of each once');
  assert.deepEqual([...here.troubles.values()].filter(Boolean), []);
  assert.equal(here.reports.waiting({ source: 'r1', epoch: 3 }), undefined);
});

test('[R193] told ahead twice, told again by the blocks before, live besides, in pieces, and over a restart of the hub: each once', async () => {
  for (let cut = 0; cut <= 4; cut++) {
    const life = aLife();
    const on = disk();
    const first = await hub(on);
    if (cut === 1) first.hears(life);
    await first.takes(life.blocks.slice(0, cut));
    await first.reads();
    for (let twice = 0; twice < 2; twice++) await tells(first, toldOf(life));
    await first.index.close();
    await first.marks.close();
    const second = await hub(on);
    await tells(second, toldOf(life));
    await second.takes(life.blocks.slice(cut));
    assert.deepEqual(await second.shown(), A_LIFE, `${cut} blocks before`);
    assert.deepEqual(second.listed(), ITS_DECISIONS, `${cut} blocks before`);
    assert.deepEqual([...second.reportedDecisions], []);
    assert.equal(second.noted.length, 0);
  }
});

test('[R193] [L4] a record that says otherwise than was reported: both sides on record and before people, and off the time bar', async () => {
  const life = aLife();
  const liar = new RobotLife('r1', 3);
  liar.lives({ atUs: 1 * S, decision: 1 }, { atUs: 2 * S, signals: [{ name: 'failsafe', body: RAISED }], decision: 9 });
  const here = await hub();
  assert.equal(await tells(here, toldOf(liar)), null);
  assert.deepEqual(await here.shown(), ['2 failsafe r1 protective_stop: too near (reported) 3.9']);
  await here.takes(life.blocks);
  assert.deepEqual(await here.shown(), A_LIFE);
  assert.deepEqual(here.listed(), ITS_DECISIONS);
  const [noted] = here.noted;
  assert.equal(noted?.name, 'hub.report_contradicted');
  const { reported, recorded } = (noted?.body ?? {}) as { reported: string; recorded: string };
  assert.match(`${reported} ${recorded}`, /^[0-9a-f]{64} [0-9a-f]{64}$/);
  const trouble = here.troubles.get('r1 report:epoch/3');
  assert.equal(trouble?.level, 4);
  assert.ok(trouble.text.includes(reported) && trouble.text.includes(recorded), trouble.text);
});

test('[R193] [R127] what was told ahead of a block that was dropped is marked as dropped when the stub has come, not before, and stays; all else is proved', async () => {
  const life = aLife();
  for (const restarted of [false, true]) {
    const on = disk();
    const first = await hub(on);
    await tells(first, toldOf(life));
    await first.takes(life.blocks.slice(0, 1));
    assert.deepEqual(await first.shown(), REPORTED, 'what is on its way may still prove it');
    assert.deepEqual([...first.unprovableDecisions], []);
    let here = first;
    if (restarted) {
      await first.index.close();
      await first.marks.close();
      here = await hub(on);
    }
    await here.takes([life.stub(1, 3), ...life.blocks.slice(3)]);
    assert.deepEqual(await here.shown(), [
      '2 violation r1 drive: xM was to be 2 and is 1.5 (dropped) 0.0',
      '3 failsafe r1 protective_stop: too near (dropped) 3.2',
      '5 stop r1 emergency stop 3.4',
      '6 stop r1 the emergency stop has ended 3.4',
    ]);
    assert.deepEqual(here.listed(), ['r1 3 2', 'r1 3 4']);
    assert.deepEqual([...here.unprovableDecisions], [['r1 3 2', 'dropped']]);
    assert.deepEqual([...here.reportedDecisions], ['r1 3 2']);
    assert.equal(here.reports.waiting({ source: 'r1', epoch: 3 }), undefined);
    assert.deepEqual(here.noted, [], 'nothing contradicts it');
  }
});

test('[R193] [L4] what was told ahead of a block that came and cannot be read is marked as damaged: nobody waits for it for ever', async () => {
  const life = aLife();
  const here = await hub();
  await tells(here, toldOf(life));
  await here.takes(life.blocks.slice(0, 2));
  await here.reads();
  const [, , third, ...rest] = life.blocks;
  assert.ok(third !== undefined);
  await here.takes([{ ...third, bytes: third.bytes.slice(0, -3) }, ...rest]);
  const found = await here.shown();
  assert.ok(found.includes('3 failsafe r1 protective_stop: too near (damaged) 3.2'), found.join('\n'));
  assert.ok(found.includes('5 stop r1 emergency stop 3.4'));
  assert.deepEqual([...here.unprovableDecisions], [['r1 3 2', 'damaged']]);
  assert.equal(here.reports.waiting({ source: 'r1', epoch: 3 }), undefined);
});

test('[R193] told ahead in whatever pieces, before, between and after its blocks, live besides: what stands there in the end is what the record says', async () => {
  const property = fc.asyncProperty(anyLife, fc.nat(6), fc.nat(6), fc.boolean(), async (life, cut, told, live) => {
    const alone = await hub();
    await alone.takes(life.blocks);
    const here = await hub();
    const whole = toldOf(life);
    const pieces = [whole.envelopes.slice(0, told), whole.envelopes.slice(told), whole.envelopes];
    await here.takes(life.blocks.slice(0, cut));
    if (cut % 2 === 0) await here.reads();
    for (const envelopes of pieces) if (envelopes.length > 0) await tells(here, { ...whole, envelopes });
    if (live) here.hears(life);
    await here.takes(life.blocks.slice(cut));
    assert.deepEqual(await here.shown(), await alone.shown());
    assert.deepEqual(here.listed(), alone.listed());
    assert.deepEqual([...here.reportedDecisions], []);
    assert.deepEqual(here.noted, []);
    assert.equal(here.reports.waiting({ source: 'r1', epoch: 3 }), undefined);
  });
  await fc.assert(property, { numRuns: 50, seed: 193 });
});

test('[R193] [L4] an event that is told in two ways is taken in the first, and the second is refused', async () => {
  const here = await hub();
  const one = new RobotLife('r1', 3);
  one.lives({ atUs: 2 * S, signals: [{ name: 'failsafe', body: RAISED }] });
  const other = new RobotLife('r1', 3);
  other.lives({ atUs: 2 * S, signals: [{ name: 'violation', body: VIOLATION }] });
  assert.equal(await tells(here, toldOf(one)), null);
  assert.match((await tells(here, toldOf(other))) ?? '', /event 2 was reported otherwise before/);
  assert.equal((await here.shown()).length, 1);
});

test('[R193] [L8] what an edge had no room to tell is on record, once', async () => {
  const here = await hub();
  const told = { ...toldOf(aLife()), leftOut: 7 };
  for (let twice = 0; twice < 2; twice++) await tells(here, told);
  assert.deepEqual(
    here.noted.map(({ name, body }) => [name, body]),
    [['hub.reports_left_out', { epoch: 3, leftOut: 7 }]],
  );
});

test('[R193] [L7] what is of another tenant, of a stranger, too much, no event, out of order or of a kind that nobody tells: refused by name', () => {
  const life = aLife();
  const good = toldOf(life);
  const door = { tenant: 'acme', sources: new Set(['r1']) };
  const verdict = (over: Partial<EventsAhead>): string => {
    const taken = takeAhead({ ...good, ...over }, door);
    return 'refusal' in taken ? taken.refusal : 'taken';
  };
  const [first, second] = good.envelopes as [Uint8Array, Uint8Array];
  assert.equal(verdict({}), 'taken');
  assert.equal(verdict({ tenant: 'evil' }), 'tenant');
  assert.equal(verdict({ source: 'r9' }), 'stranger');
  assert.equal(verdict({ envelopes: [] }), 'damaged');
  assert.equal(verdict({ envelopes: [second, first] }), 'damaged');
  assert.equal(verdict({ envelopes: [first, first] }), 'damaged');
  assert.equal(verdict({ envelopes: [new Uint8Array([0xff, 0xff])] }), 'damaged');
  assert.equal(verdict({ envelopes: [new Uint8Array(200_000)] }), 'credit');
  assert.equal(verdict({ envelopes: Array.from({ length: 300 }, () => first) }), 'credit');
});

test('[R193] a time in the future stands where the hub heard of it', async () => {
  const life = new RobotLife('r1', 3);
  life.lives({ atUs: 2 ** 51, signals: [{ name: 'failsafe', body: RAISED }] });
  const here = await hub();
  const heardUs = here.clock.nowUs();
  await tells(here, toldOf(life));
  const { marks } = await here.marks.find(
    { fromTimeUs: 0, toTimeUs: Number.MAX_SAFE_INTEGER, kinds: [], agentId: '', choose: 'oldest' },
    9,
  );
  assert.deepEqual(
    marks.map(({ timeUs }) => timeUs),
    [heardUs],
  );
});
