import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type Mark, MarkSchema, WatchSiteResponseSchema } from '@sigma/proto';
import { LiveSite } from '../live/live-site.ts';
import { ShownSite } from '../live/shown-site.ts';
import { PastEngine, type PastWorker } from './past-engine.ts';
import type { PastAsk, PastNews } from './past-words.ts';
import { TimeMachine } from './time-machine.ts';

const NOON_US = 1_790_000_000_000_000;
const SECOND_US = 1_000_000;

/** A time machine whose clock, timers and workers the test moves by hand. */
function machine() {
  let ms = 1_000;
  const ticks: (() => void)[] = [];
  const later: (() => void)[] = [];
  const asks: PastAsk[] = [];
  const tells: ((news: PastNews) => void)[] = [];
  const asked: unknown[] = [];
  let next: Mark | null = null;
  let followed: string | null = 'r7';
  const now = new LiveSite(() => undefined);
  const shown = new ShownSite(now);
  const make = (): PastWorker => {
    const worker: PastWorker = {
      onmessage: null,
      onerror: null,
      terminate: () => undefined,
      postMessage: (ask) => void asks.push(ask),
    };
    tells.push((news) => worker.onmessage?.({ data: news } as MessageEvent<PastNews>));
    return worker;
  };
  const engine = new PastEngine(make, 1, () => ms);
  const clock = new TimeMachine({
    now,
    shown,
    engine,
    nowMs: () => ms,
    followed: () => followed,
    nearestMark: async (...question) => {
      asked.push(question);
      return next;
    },
    every: (_ms, run) => {
      ticks.push(run);
      return () => void ticks.splice(ticks.indexOf(run), 1);
    },
    later: (_ms, run) => void later.push(run),
  });
  now.fold(create(WatchSiteResponseSchema, { timeUs: BigInt(NOON_US), roster: 1 }), ms);
  return {
    clock,
    engine,
    shown,
    now,
    asks,
    asked,
    setNext: (mark: Mark) => {
      next = mark;
    },
    follow: (id: string | null) => {
      followed = id;
    },
    tell: (news: PastNews) => tells[0]?.(news),
    lastShow: () => asks.findLast((ask) => ask.type === 'show'),
    pass: (by: number) => {
      ms += by;
      for (const tick of [...ticks]) tick();
      for (const run of later.splice(0)) run();
    },
  };
}

test('holding live shows that very moment of the hub, whatever the clock of the browser says', () => {
  const { clock, shown, now, pass } = machine();
  assert.equal(clock.atUs, NOON_US);
  clock.toggle();
  assert.deepEqual(clock.shown.get(), { kind: 'past', atUs: NOON_US });
  pass(400);
  assert.equal(shown.shown, clock.past);
  assert.equal(shown.timeUs, BigInt(NOON_US));
  clock.goLive();
  assert.equal(shown.shown, now);
  assert.deepEqual(clock.shown.get(), { kind: 'live' });
});

test('the page leaves the present once, when the first moment is computed, and nobody moves on it until then', () => {
  const { clock, shown, now, tell, lastShow, pass } = machine();
  const stand = (xM: number) =>
    now.fold(
      create(WatchSiteResponseSchema, { timeUs: BigInt(NOON_US), roster: 2, agentIds: ['r7'], xM: [xM], yM: [0] }),
      2_000,
    );
  stand(3);
  const drawn = shown.sample(2_500).xM[0];
  let told = 0;
  shown.subscribe('marks', () => told++);
  clock.seek(NOON_US - 600 * SECOND_US);
  now.fold(create(WatchSiteResponseSchema, { timeUs: BigInt(NOON_US), roster: 2, xM: [3.5], yM: [0] }), 2_600);
  assert.equal(shown.shown, now);
  assert.equal(shown.sample(3_000).xM[0], drawn);
  const show = lastShow();
  assert.ok(show?.type === 'show');
  tell({ type: 'located', id: show.id, sources: ['r7'], fromUs: 1, toUs: NOON_US });
  tell({ type: 'settled', id: show.id, timeUs: show.timeUs });
  assert.equal(shown.shown, clock.past);
  pass(5_000);
  clock.goLive();
  clock.seek(NOON_US - 500 * SECOND_US);
  clock.goLive();
  assert.equal(shown.sample(9_000).xM[0], 3.5, 'live again before the moment was computed: everybody moves on');
  assert.equal(told, 2, 'to the past and back');
});

test('a moment that takes long to compute is shown as far as it is known', () => {
  const { clock, shown, pass } = machine();
  clock.seek(NOON_US - 600 * SECOND_US);
  pass(400);
  assert.equal(shown.shown, clock.past);
});

test('playing never runs ahead of what is computed, and then goes on at its speed', () => {
  const { clock, tell, lastShow, pass } = machine();
  clock.seek(NOON_US - 600 * SECOND_US);
  clock.setSpeed(4);
  clock.play();
  pass(500);
  assert.equal(clock.atUs, NOON_US - 600 * SECOND_US, 'nothing is on film yet');
  const show = lastShow();
  assert.ok(show?.type === 'show');
  tell({ type: 'settled', id: show.id, timeUs: show.timeUs });
  tell({ type: 'filmed', id: show.id, untilUs: show.timeUs + 20 * SECOND_US });
  pass(1_000);
  assert.equal(clock.atUs, NOON_US - 596 * SECOND_US);
  clock.pause();
  pass(5_000);
  assert.equal(clock.atUs, NOON_US - 596 * SECOND_US);
});

test('playing up to the present goes live by itself', () => {
  const { clock, tell, lastShow, pass } = machine();
  clock.seek(NOON_US - 2 * SECOND_US);
  clock.play();
  const show = lastShow();
  assert.ok(show?.type === 'show');
  tell({ type: 'settled', id: show.id, timeUs: show.timeUs });
  tell({ type: 'filmed', id: show.id, untilUs: NOON_US });
  pass(600);
  assert.equal(clock.shown.get().kind, 'live');
  assert.equal(clock.playing.get(), false);
});

test('while a person drags, the newest moment is asked for and those between are not', () => {
  const { clock, asks, pass } = machine();
  const shows = () => asks.filter((ask) => ask.type === 'show').map((ask) => ask.timeUs);
  for (let back = 100; back > 90; back--) clock.seek(NOON_US - back * SECOND_US);
  assert.deepEqual(shows(), [NOON_US - 100 * SECOND_US]);
  pass(70);
  assert.deepEqual(shows(), [NOON_US - 100 * SECOND_US, NOON_US - 91 * SECOND_US]);
});

test('nobody looks beyond the present, nor before the record begins', () => {
  const { clock, tell } = machine();
  clock.seek(NOON_US + 100 * SECOND_US);
  assert.equal(clock.atUs, NOON_US);
  tell({ type: 'located', id: 1, sources: [], fromUs: NOON_US - 60 * SECOND_US, toUs: NOON_US });
  clock.seek(NOON_US - 4_000 * SECOND_US);
  assert.equal(clock.atUs, NOON_US - 60 * SECOND_US);
});

test('a step goes to the mark and asks for the followed robot only', async () => {
  const { clock, asked, setNext } = machine();
  clock.seek(NOON_US - 50 * SECOND_US);
  setNext(create(MarkSchema, { timeUs: BigInt(NOON_US - 40 * SECOND_US), kind: 'violation', agentId: 'r7' }));
  const mark = await clock.step('trouble', true);
  assert.equal(mark?.kind, 'violation');
  assert.deepEqual(asked, [[['violation', 'failsafe', 'stop'], 'r7', NOON_US - 50 * SECOND_US, true]]);
  assert.equal(clock.atUs, NOON_US - 40 * SECOND_US);
});

test('stepping through the whole site is not caught by the robot that a step came to', async () => {
  const { clock, asked, setNext, follow } = machine();
  follow(null);
  clock.seek(NOON_US - 50 * SECOND_US);
  setNext(create(MarkSchema, { timeUs: BigInt(NOON_US - 40 * SECOND_US), kind: 'failsafe', agentId: 'r3' }));
  await clock.step('trouble', true);
  follow('r3');
  await clock.step('trouble', true);
  follow('r5');
  await clock.step('trouble', true);
  assert.deepEqual(
    asked.map((question) => (question as readonly unknown[])[1]),
    ['', '', 'r5'],
    'until a person chooses one himself',
  );
});

test('a moment held so near to the present that the record has not come to it is asked for until it has', () => {
  const { clock, asks, tell, lastShow, pass } = machine();
  const shows = () => asks.filter((ask) => ask.type === 'show').length;
  clock.toggle();
  for (const recorded of [NOON_US - SECOND_US, NOON_US]) {
    const show = lastShow();
    assert.ok(show?.type === 'show');
    tell({ type: 'located', id: show.id, sources: ['r7'], fromUs: 1, toUs: recorded });
    tell({ type: 'settled', id: show.id, timeUs: show.timeUs });
    pass(1_600);
  }
  assert.equal(shows(), 2);
  pass(1_600);
  assert.equal(shows(), 2, 'the record has come to it');
});
