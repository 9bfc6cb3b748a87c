import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fakeRobots, poseOf } from './fake-fleet.ts';
import type { FakeHub } from './fake-hub.ts';
import { type House, openHouse } from './house.ts';
import { withoutBrowser } from './page.ts';
import { FINE, lively, type SitePage, visitSite } from './site-page.ts';
import { eventually, steady } from './waiting.ts';

/** The robot whose way is looked at, and how far it drives for that. */
const DRIVER = 'r01';
const DRIVES_M = 3;
/** From the aisle that it drives along to the middle of the shelf beside it, where no robot ever is. */
const ASIDE_M = 1.5;

describe('layers on the site', { skip: withoutBrowser, timeout: 150_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let site: SitePage;
  let passed: readonly [xM: number, yM: number];

  before(async () => {
    house = await openHouse(lively, []);
    ({ hub } = house);
    site = await visitSite(house.browser, house.url, FINE);
    await site.isSolid();
    const driver = hub.robot(DRIVER);
    // On a straight stretch of its loop, so that the middle of what it drove is a place it passed.
    driver.along = 0.5;
    await site.draws();
    const { xM, yM } = poseOf(driver);
    await eventually(() => Math.hypot(poseOf(driver).xM - xM, poseOf(driver).yM - yM) > DRIVES_M);
    for (const robot of hub.robots) robot.taskId = '';
    passed = [Math.floor((xM + poseOf(driver).xM) / 2) + 0.5, yM];
    await site.view('Map');
    const { x, y } = await site.locate(...passed);
    await site.page.mouse.move(x, y);
    for (let k = 0; k < 3; k++) await site.page.mouse.wheel(0, -300);
    await steady(async () => JSON.stringify(await site.look()));
    await site.page.mouse.move(5, 5);
  });

  after(() => house?.close());

  const tint = async () => ({
    passed: await site.tinted(...passed),
    nowhere: await site.tinted(passed[0], passed[1] + ASIDE_M),
  });
  const choose = async (layer: string, on: boolean) => {
    await site.at('layers').click();
    await site.at(`layer-${layer}`).setChecked(on);
    await site.at('layers').click();
  };
  const isOn = async (layer: string): Promise<boolean> => {
    await site.at('layers').click();
    const on = await site.at(`layer-${layer}`).isChecked();
    await site.at('layers').click();
    return on;
  };

  test('heat tints the floor where robots were, and nothing else; switched off it is gone', async () => {
    assert.deepEqual(await tint(), { passed: 0, nowhere: 0 });
    await choose('heat', true);
    await eventually(async () => (await tint()).passed > 400);
    assert.equal((await tint()).nowhere, 0);
    await choose('heat', false);
    await eventually(async () => (await tint()).passed === 0);
  });

  test('traffic draws an arrow where robots drove, smaller than their heat; switched off it is gone', async () => {
    await choose('traffic', true);
    await eventually(async () => (await tint()).passed > 6);
    const { passed: arrow, nowhere } = await tint();
    assert.ok(arrow < 300, `${arrow} pixels of an arrow`);
    assert.equal(nowhere, 0);
    await choose('traffic', false);
    await eventually(async () => (await tint()).passed === 0);
  });

  test('the palette lays a layer over the map and takes it away, from any page, and the list of layers says the same', async () => {
    await site.goTo('/fleet', '[data-panel=fleet-page]');
    await site.find('heat', /Show heat on the map/);
    await site.page.keyboard.press('Enter');
    await site.page.waitForURL((url) => url.pathname === '/');
    await site.isSolid();
    assert.equal(await isOn('heat'), true);
    assert.match((await site.page.evaluate(() => localStorage.getItem('sigma.site'))) ?? '', /heat/);
    await site.find('heat', /Hide heat on the map/);
    await site.isAccessible('[data-testid=palette]');
    await site.page.keyboard.press('Enter');
    assert.equal(await isOn('heat'), false);
    await site.find('names', /Hide names/);
    await site.page.keyboard.press('Enter');
    await eventually(async () => (await site.words()).every(({ row }) => row < 0));
    await site.find('names', /Show names/);
    await site.page.keyboard.press('Enter');
    await eventually(async () => (await site.words()).some(({ row }) => row >= 0));
  });

  test('where the site is drawn flat the palette offers no layer, since none could be seen', async () => {
    const flat = await house.visit();
    await flat.page.keyboard.press('Control+k');
    await flat.page.locator('[cmdk-input]').fill('heat');
    await flat.page.getByText('Nothing here is called that.').waitFor();
    await flat.page.context().close();
  });
});

/** More than have room for a name each. */
const CROWD = 120;
/** Words stand still for a moment while their robots move on: by so much two may come nearer each other. */
const DRIFT_PX = 6;

describe('names in a crowd', { skip: withoutBrowser, timeout: 150_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let site: SitePage;

  before(async () => {
    house = await openHouse(({ robots }) => {
      robots.push(...fakeRobots(CROWD).slice(robots.length));
      for (const robot of robots) robot.taskId = '';
    }, []);
    ({ hub } = house);
    site = await visitSite(house.browser, house.url);
    await site.isSolid();
  });

  after(() => house?.close());

  /** By how many pixels the two words that cover each other most do so, and which; 0 where none does. */
  const overlap = async (): Promise<{ readonly px: number; readonly words: string; readonly named: number }> => {
    const words = await site.words();
    let most = { px: 0, words: '', named: words.filter(({ row }) => row >= 0).length };
    for (const [k, a] of words.entries()) {
      for (const b of words.slice(k + 1)) {
        const across = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
        const down = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
        const px = Math.min(across, down);
        if (px > most.px) most = { ...most, px, words: `${a.text} over ${b.text}` };
      }
    }
    return most;
  };
  const rests = () => steady(async () => JSON.stringify([await site.look(), await site.words()]));

  test('no name stands on another, seen as a map and in perspective, also after the camera moved', async () => {
    for (const view of ['Map', '3D'] as const) {
      await site.view(view);
      await site.at('map').focus();
      for (const key of ['0', '+', 'ArrowLeft', 'Shift+ArrowLeft', 'Shift+ArrowUp']) {
        await site.page.keyboard.press(key);
        await rests();
        const { px, words, named } = await overlap();
        assert.equal(px, 0, `${view} after ${key}: ${words} by ${px} px`);
        assert.ok(named >= 10 && named < CROWD, `${named} of ${CROWD} robots have a name`);
      }
      await site.page.keyboard.press('0');
    }
  });

  test('the selected robot has its name in the thickest of the crowd, and takes no room from itself', async () => {
    await site.view('3D');
    await site.find('robot r77', /^r77/);
    await site.page.keyboard.press('Enter');
    await site.says(site.at('selected-robot'), /r77/);
    await rests();
    assert.ok((await site.words()).some(({ text }) => /^r77\b/.test(text)));
    assert.equal((await overlap()).px, 0);
    await site.page.keyboard.press('Escape');
  });

  test('while all of them drive names keep off each other, but for the little that they move between two looks', async () => {
    // Until now they stood, and nobody looked at how they move.
    lively(hub);
    for (const robot of hub.robots) robot.taskId = 'task-1';
    await site.draws();
    for (let look = 0; look < 20; look++) {
      const { px, words } = await overlap();
      assert.ok(px <= DRIFT_PX, `${words} by ${px} px`);
      await site.draws();
    }
  });
});
