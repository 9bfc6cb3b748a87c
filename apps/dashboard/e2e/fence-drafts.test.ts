import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { PutFenceRequestSchema } from '@sigma/proto';
import { EMAIL, type FakeHub } from './fake-hub.ts';
import { type House, openHouse } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { eventually } from './waiting.ts';

const CORNERS = [
  [1, 4],
  [6, 4],
  [6, 9],
  [1, 9],
] as const;

describe('what somebody makes of a fence', { skip: withoutBrowser, timeout: 150_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let first: FirstPage;
  let id: string;

  before(async () => {
    house = await openHouse();
    ({ hub } = house);
    const polygon = { points: CORNERS.map(([xM, yM]) => ({ xM, yM })) };
    const wet = { name: 'wet floor', kind: 'slow', speedMps: 0.5, polygon, note: 'why: a leak' };
    ({ id } = hub.fences.put(create(PutFenceRequestSchema, wet), EMAIL));
    first = await house.visit();
  });

  after(() => house?.close());

  const open = async (): Promise<void> => {
    await first.clickSite(2, 7.5);
    await first.at('change-fence').click();
    await first.says(first.at('revise-form'), /You change version 1/);
  };
  /** How wide the lines along one edge of the fence are drawn: pixels across it that wear more than the floor does. */
  const edgeWidth = (): Promise<number> =>
    first.at('map').evaluate((map) => {
      const canvas = map.querySelector<HTMLCanvasElement>('[data-testid=map-flat]');
      const at = (map as HTMLElement & { sigmaMap?: { locate(x: number, y: number): { xPx: number; yPx: number } } })
        .sigmaMap;
      const context = canvas?.getContext('2d');
      if (context == null || at === undefined) throw new Error('no flat map here');
      let widest = 0;
      // A dashed edge is looked at in many places.
      for (let xM = 2; xM < 5; xM += 0.05) {
        const { xPx, yPx } = at.locate(xM, 9);
        const { data } = context.getImageData(Math.round(xPx), Math.round(yPx) - 8, 1, 16);
        let wide = 0;
        for (let k = 3; k < data.length; k += 4) if ((data[k] as number) > 200) wide++;
        widest = Math.max(widest, wide);
      }
      return widest;
    });

  test('the selected fence is drawn more strongly than the others', async () => {
    await eventually(async () => (await edgeWidth()) > 0);
    const plain = await edgeWidth();
    await first.clickSite(2, 7.5);
    await eventually(async () => (await edgeWidth()) >= plain + 2);
    await first.page.keyboard.press('Escape');
    await eventually(async () => (await edgeWidth()) === plain);
  });

  test('whoever looks at something else in the middle of a change finds it again as he left it, corners and words', async () => {
    await open();
    await first.clickSite(6, 4);
    await first.clickSite(8, 4);
    await first.says(first.at('revise-form'), /4 corners, 30 m²/);
    await first.at('fence-note').fill('why: a leak\nuntil: noon');
    await first.select('r03');
    await first.at('revise-form').waitFor({ state: 'detached' });
    await first.says(first.at('revise-hint'), /You are changing wet floor; nothing of it is lost/);
    await first.isAccessible('[data-testid=revise-hint]');
    await first.goTo('/fleet', '[data-panel=fleet-page]');
    // One level up after the other: the robot, then the page.
    await first.page.keyboard.press('Escape');
    await first.page.waitForURL((url) => !url.searchParams.has('select'));
    await first.page.keyboard.press('Escape');
    await first.page.waitForURL((url) => url.pathname === '/');
    await first.at('back-to-change').click();
    await first.says(first.at('revise-form'), /You change version 1: 4 corners, 30 m²/);
    assert.equal(await first.at('fence-note').inputValue(), 'why: a leak\nuntil: noon');
    await first.at('send-revision').click();
    await first.at('revise-form').waitFor({ state: 'detached' });
    const { version, note, polygon } = hub.fences.all.find((fence) => fence.id === id) ?? {};
    assert.deepEqual([version, note], [2, 'why: a leak\nuntil: noon']);
    assert.ok(polygon?.points.some(({ xM, yM }) => xM === 8 && yM === 4));
    assert.equal(await first.at('put-aside').count(), 0, 'what was sent is not put aside');
    await first.says(first.at('fence-changes'), /ada@example\.org changed the shape of the fence, from version 1/);
  });

  test('a fence that is half drawn is put aside when something else is begun, and goes on with its words', async () => {
    await first.page.keyboard.press('Escape');
    await first.at('draw-fence').click();
    for (const [xM, yM] of CORNERS) await first.clickSite(xM + 40, yM);
    await first.at('close-zone').click();
    await first.at('fence-name').fill('ice');
    await first.at('fence-kind').selectOption('slow');
    await first.at('draw-patrol').click();
    await first.says(first.at('put-aside'), /“ice”, 4 corners put aside/);
    await first.isAccessible('[data-testid=put-aside]');
    await first.clickSite(2.5, 2.5);
    await first.says(first.at('patrol-form'), /1 point/);
    await first.at('bring-back').click();
    await first.says(first.at('fence-form'), /Outline closed.*4 corners, 25 m²/);
    assert.equal(await first.at('fence-name').inputValue(), 'ice');
    assert.equal(await first.at('fence-kind').inputValue(), 'slow');
    await first.says(first.at('put-aside'), /Patrol, 1 point put aside/);
    await first.at('drop-aside').click();
    await first.at('put-aside').waitFor({ state: 'detached' });
  });

  test('Escape puts a drawing aside too, and nothing is put aside that holds no work', async () => {
    await first.at('map').focus();
    await first.page.keyboard.press('Escape');
    await first.says(first.at('put-aside'), /“ice”, 4 corners put aside/);
    await first.at('bring-back').click();
    await first.says(first.at('fence-form'), /Outline closed/);
    await first.at('compose-cancel').click();
    await first.at('drop-aside').click();
    await first.at('draw-zone').click();
    await first.at('compose-cancel').click();
    await first.clickSite(2, 7.5);
    await first.at('change-fence').click();
    await first.at('revise-cancel').click();
    await first.at('change-fence').waitFor();
    assert.equal(await first.at('put-aside').count(), 0);
    assert.deepEqual(house.problems, []);
  });
});
