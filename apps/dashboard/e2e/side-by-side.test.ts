import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Locator } from 'playwright-core';
import type { MapElement } from '../src/panels/site/site-panel.tsx';
import { poseOf } from './fake-fleet.ts';
import type { FakeHub } from './fake-hub.ts';
import { type House, openHouse } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { recordRobot } from './robot-recording.ts';
import { eventually, steady } from './waiting.ts';

const SECONDS = 40;
const SECOND_US = 1_000_000;
/** Of the recorded robots the one that drives, and how fast; in the fork it was slower. */
const DRIVES = 'r02';
const SPEED_MPS = 0.5;
const FORK_SPEED_MPS = 0.2;
const ROBOTS = ['r01', DRIVES, 'r03'];
/** How many pixels of a ring must wear the accent before it counts as one. */
const RING_PIXELS = 12;

interface Place {
  readonly xM: number;
  readonly yM: number;
}

/** One of two maps beside each other, as a person points at it. */
class OneSide {
  readonly #first: FirstPage;
  readonly section: Locator;
  readonly #map: Locator;

  constructor(first: FirstPage, side: string) {
    this.#first = first;
    this.section = first.page.locator(`[data-side=${side}]`);
    this.#map = this.section.getByTestId('map');
  }

  async #at({ xM, yM }: Place): Promise<{ x: number; y: number }> {
    const box = await this.#map.boundingBox();
    const inside = await this.#map.evaluate(
      (map, [x, y]) => (map as MapElement).sigmaMap?.locate(x as number, y as number),
      [xM, yM],
    );
    assert.ok(box !== null && inside !== undefined, 'the map is on the page');
    return { x: box.x + inside.xPx, y: box.y + inside.yPx };
  }

  /** Which robot stands there, as the map says to whoever points at it; empty where none does. */
  async pointedAt(place: Place): Promise<string> {
    const { x, y } = await this.#at(place);
    await this.#first.page.mouse.move(x + 1, y);
    await this.#first.page.mouse.move(x, y);
    const tip = this.section.getByTestId('map-tip');
    return (await tip.isVisible()) ? (((await tip.textContent()) ?? '').split(' ')[0] as string) : '';
  }

  async click(place: Place): Promise<void> {
    const { x, y } = await this.#at(place);
    await this.#first.page.mouse.click(x, y);
  }

  /** Whether a ring in the colour of the selection is drawn around a place. */
  ringed(place: Place): Promise<boolean> {
    return this.#map.evaluate(
      (map, { xM, yM, least }) => {
        const canvas = map.querySelector<HTMLCanvasElement>('[data-testid=map-flat]');
        const at = (map as MapElement).sigmaMap?.locate(xM, yM);
        const context = canvas?.getContext('2d');
        if (canvas == null || context == null || at === undefined) throw new Error('no flat map here');
        const accent = getComputedStyle(map).getPropertyValue('--accent').trim();
        const wanted = [1, 3, 5].map((from) => Number.parseInt(accent.slice(from, from + 2), 16));
        const ratio = devicePixelRatio;
        const side = Math.round(40 * ratio);
        const [left, top] = [Math.round(at.xPx * ratio - side / 2), Math.round(at.yPx * ratio - side / 2)];
        const { data } = context.getImageData(left, top, side, side);
        let found = 0;
        for (let k = 0; k < data.length; k += 4) {
          const near = wanted.every((tone, part) => Math.abs((data[k + part] as number) - tone) < 24);
          if (near && (data[k + 3] as number) > 200) found++;
        }
        return found >= least;
      },
      { ...place, least: RING_PIXELS },
    );
  }

  /** The moment that the side says it shows, seconds of the day; with its word. */
  async clock(): Promise<{ readonly word: string; readonly seconds: number }> {
    const said = (await this.section.getByTestId('side-word').textContent()) ?? '';
    const [, word = '', hours, minutes, seconds] = /^(\w+) (\d+):(\d+):(\d+)$/.exec(said) ?? [];
    return { word, seconds: Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds) };
  }
}

describe('two maps beside each other', { skip: withoutBrowser, timeout: 150_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let first: FirstPage;
  let beganUs: number;
  let dock: Place;

  before(async () => {
    house = await openHouse((furnished) => {
      const { nowUs, site, record, forks } = furnished;
      beganUs = Number(nowUs) - SECONDS * SECOND_US;
      const life = (id: string, speedMps: number) =>
        recordRobot(site, sha256, SECONDS, { id, epochTimeUs: beganUs, snapshotEveryUs: 10 * SECOND_US, speedMps });
      for (const id of ROBOTS) record.blocks.push(...life(id, id === DRIVES ? SPEED_MPS : 0));
      forks.furnish(beganUs);
      forks.record.blocks = [
        ...record.blocks.filter(({ source }) => source !== DRIVES),
        ...life(DRIVES, FORK_SPEED_MPS),
      ];
      // It stands where the present finds it, so that one can point at it.
      furnished.robot(DRIVES).taskId = '';
    });
    ({ hub } = house);
    const { cell } = hub.site.docks[0] as { readonly cell: number };
    dock = { xM: (cell % hub.site.width) + 0.5, yM: hub.site.height - Math.floor(cell / hub.site.width) - 0.5 };
    first = await house.visit();
  });

  after(() => house?.close());

  const at = (second: number): string => new Date((beganUs + second * SECOND_US) / 1_000).toISOString();
  const drivenTo = (second: number, speedMps = SPEED_MPS): Place => ({ ...dock, xM: dock.xM + speedMps * second });

  const compare = async (second: number) => {
    await first.page.goto(`${house.url}/?at=${at(second)}`);
    await first.at('computed').waitFor();
    await first.page.keyboard.press('Shift+C');
    await first.at('side-by-side').waitFor();
    return { past: new OneSide(first, 'past'), live: new OneSide(first, 'live') };
  };

  test('the robot stands in the past where it stood then, and in the present where it stands now', async () => {
    const { past, live } = await compare(18);
    const [then, now] = [drivenTo(18), poseOf(hub.robot(DRIVES))];
    assert.ok(Math.hypot(then.xM - now.xM, then.yM - now.yM) > 5, 'the two places can be told apart');
    await eventually(async () => (await past.pointedAt(then)) === DRIVES);
    await eventually(async () => (await live.pointedAt(now)) === DRIVES);
    assert.notEqual(await past.pointedAt(now), DRIVES);
    assert.notEqual(await live.pointedAt(then), DRIVES);
    const row = first.at('differences').locator('tr').filter({ hasText: DRIVES });
    const moved = /([\d.]+) m$/.exec((await row.textContent()) ?? '')?.[1];
    const apartM = Math.hypot(then.xM - now.xM, then.yM - now.yM);
    assert.ok(Math.abs(Number(moved) - apartM) < 0.5, `says ${moved} m, it is ${apartM} m`);
    await first.page.keyboard.press('Shift+C');
  });

  test('each side says its own moment: the past one holds still and goes on a step, the live one goes on by itself', async () => {
    const { past, live } = await compare(18);
    const wall = new Date(at(18));
    const daySeconds = wall.getHours() * 3_600 + wall.getMinutes() * 60 + wall.getSeconds();
    const before = { past: await past.clock(), live: await live.clock() };
    assert.deepEqual(before.past, { word: 'PAST', seconds: daySeconds });
    assert.equal(before.live.word, 'LIVE');
    assert.ok(before.live.seconds - before.past.seconds >= SECONDS - 18, JSON.stringify(before));
    await eventually(async () => (await live.clock()).seconds > before.live.seconds + 1);
    assert.equal((await past.clock()).seconds, before.past.seconds);
    await first.page.keyboard.press('}');
    await eventually(async () => (await past.clock()).seconds === daySeconds + 10);
    await eventually(async () => (await past.pointedAt(drivenTo(28))) === DRIVES);
    assert.notEqual(await past.pointedAt(drivenTo(18)), DRIVES);
    assert.equal(await live.pointedAt(poseOf(hub.robot(DRIVES))), DRIVES, 'the present does not move with the past');
    await first.page.keyboard.press('Shift+C');
  });

  test('what is selected in one map is selected in the other, each where it stands', async () => {
    const { past, live } = await compare(18);
    const [then, now] = [drivenTo(18), poseOf(hub.robot(DRIVES))];
    await steady(async () => [await past.ringed(then), await live.ringed(now)].join());
    assert.deepEqual([await past.ringed(then), await live.ringed(now)], [false, false], 'nothing is selected yet');
    await past.click(then);
    await first.page.waitForURL(new RegExp(`select=robot:${DRIVES}`));
    await eventually(async () => (await past.ringed(then)) && (await live.ringed(now)));
    assert.equal(await live.ringed(then), false);
    await live.click(poseOf(hub.robot('r04')));
    await first.page.waitForURL(/select=robot:r04/);
    await eventually(async () => !(await past.ringed(then)) && !(await live.ringed(now)));
    await first.page.keyboard.press('Escape');
    await first.page.keyboard.press('Shift+C');
  });

  test('of two timelines each shows its own life of the robot, and one selection', async () => {
    await first.page.goto(`${house.url}/forks/made?at=${at(26)}`);
    await first.says(first.at('apart'), new RegExp(`${DRIVES} by`));
    const [recorded, forked] = [new OneSide(first, 'recorded'), new OneSide(first, 'forked')];
    const [driven, slower] = [drivenTo(26), drivenTo(26, FORK_SPEED_MPS)];
    await eventually(async () => (await recorded.pointedAt(driven)) === DRIVES);
    await eventually(async () => (await forked.pointedAt(slower)) === DRIVES);
    assert.notEqual(await forked.pointedAt(driven), DRIVES);
    assert.notEqual(await recorded.pointedAt(slower), DRIVES);
    const said = (await first.at(`apart-${DRIVES}`).textContent()) ?? '';
    const apartM = driven.xM - slower.xM;
    assert.ok(Math.abs(Number(/([\d.]+)\s*m/.exec(said)?.[1]) - apartM) < 0.5, `${said}, it is ${apartM} m`);
    await forked.click(slower);
    await first.page.waitForURL(new RegExp(`select=robot:${DRIVES}`));
    await eventually(async () => (await recorded.ringed(driven)) && (await forked.ringed(slower)));
  });

  test('[R114] a fork from the moment that is shown is of the edge that had the selected robot, whomever it concerns', async () => {
    await first.page.goto(`${house.url}/forks?at=${at(26)}&select=robot:${DRIVES}`);
    await first.at('make-fork').click();
    await first.page.waitForURL(/forks\/running/);
    assert.deepEqual(hub.forks.madeBeside, [DRIVES]);
    assert.deepEqual(house.problems, []);
  });
});
