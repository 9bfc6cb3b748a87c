import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { create } from '@bufbuild/protobuf';
import { PutFenceRequestSchema, ReviseFenceRequestSchema } from '@sigma/proto';
import { chromium } from 'playwright-core';
import { poseOf } from './fake-fleet.ts';
import { EMAIL, type FakeHub } from './fake-hub.ts';
import { type House, openHouse } from './house.ts';
import { withoutBrowser } from './page.ts';
import { lively, SitePage, visitSite } from './site-page.ts';
import { eventually } from './waiting.ts';

describe('the site view in a browser', { skip: withoutBrowser, timeout: 200_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let site: SitePage;

  before(async () => {
    house = await openHouse(lively, []);
    ({ hub } = house);
    site = await enter(house.url);
    await site.isSolid();
  });

  after(() => house?.close());

  const enter = (url: string): Promise<SitePage> => visitSite(house.browser, url);

  test('the flat picture comes first and the solid one takes its place', async () => {
    const at = await site.page.evaluate(() => {
      const mark = (name: string) => performance.getEntriesByName(name)[0]?.startTime ?? Number.NaN;
      return [mark('sigma-first-picture'), mark('sigma-solid-picture')] as const;
    });
    assert.ok(at[0] < at[1], `${at}`);
    await site.draws();
  });

  test('a click selects the robot under it, from above and in perspective; a key turns the view', async () => {
    const idle = poseOf(hub.robot('r04'));
    await site.view('Map');
    await site.clickSite(idle.xM, idle.yM);
    await site.says(site.at('selected-robot'), /r04/);
    await site.view('3D');
    const other = poseOf(hub.robot('r08'));
    await site.clickSite(other.xM, other.yM);
    await site.says(site.at('selected-robot'), /r08/);
    await site.at('map').focus();
    await site.page.keyboard.press('Shift+ArrowLeft');
    const turned = await site.look();
    assert.notEqual(turned?.azimuthRad, 0);
    await site.page.keyboard.press('0');
    await eventually(async () => (await site.look())?.azimuthRad === 0);
    await site.page.keyboard.press('+');
    await eventually(async () => ((await site.look())?.pxPerM ?? 0) > (turned?.pxPerM ?? 0));
    await site.page.keyboard.press('0');
  });

  test('a robot that is followed stays in the middle, until one looks elsewhere', async () => {
    await site.select('r01');
    await site.at('follow').click();
    const box = await site.at('map').boundingBox();
    const middle = { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
    await eventually(async () => {
      const { x, y } = await site.locate(poseOf(hub.robot('r01')).xM, poseOf(hub.robot('r01')).yM);
      return Math.hypot(x - middle.x, y - middle.y) < 40;
    });
    await site.at('map').focus();
    await site.page.keyboard.press('ArrowLeft');
    assert.equal(await site.at('follow').getAttribute('aria-pressed'), 'false');
    await site.page.keyboard.press('0');
    await site.page.keyboard.press('Escape');
  });

  test('a link carries where the site is looked at from, and the whole site needs no word in it', async () => {
    await site.view('3D');
    await site.at('map').focus();
    for (const key of ['+', 'ArrowLeft', 'Shift+ArrowLeft']) await site.page.keyboard.press(key);
    await site.page.waitForURL(/view=3d,/);
    const here = await site.look();
    assert.ok(here !== undefined);
    const linked = await enter(site.page.url());
    try {
      await linked.isSolid();
      const there = await linked.look();
      assert.ok(there !== undefined);
      assert.equal(there.mode, 'perspective');
      assert.ok(Math.abs(there.pxPerM / here.pxPerM - 1) < 0.01, `${there.pxPerM}, ${here.pxPerM}`);
      for (const part of ['centreXM', 'centreYM', 'azimuthRad', 'tiltRad'] as const) {
        assert.ok(Math.abs(there[part] - here[part]) < 0.02, `${part}: ${there[part]}, ${here[part]}`);
      }
    } finally {
      await linked.page.context().close();
    }
    await site.at('map').focus();
    await site.page.keyboard.press('0');
    await site.page.waitForURL((where) => !where.searchParams.has('view'));
  });

  test('a viewer, and anybody in the past, sees why nothing may be sent or drawn from the map', async () => {
    const kinds = ['draw-zone', 'draw-patrol', 'compose-deliver', 'compose-dock', 'draw-fence'] as const;
    const disabled = async (reason: RegExp) => {
      await site.page.locator('[data-testid=draw-zone][disabled]').waitFor();
      for (const kind of kinds) {
        assert.equal(await site.at(kind).isDisabled(), true, kind);
        assert.match((await site.at(kind).getAttribute('title')) ?? '', reason, kind);
      }
    };
    const again = async () => {
      await site.page.reload();
      await site.isSolid();
    };
    hub.role = 'viewer';
    await again();
    await disabled(/Needs the role operator; yours is viewer/);
    hub.role = 'engineer';
    await again();
    await site.page.locator('[data-testid=draw-zone]:not([disabled])').waitFor();
    await site.page.keyboard.press('Space');
    await disabled(/This is the past\. Press L/);
    await site.page.keyboard.press('l');
    await site.page.locator('[data-testid=draw-zone]:not([disabled])').waitFor();
    await site.isSolid();
  });

  test('layers are chosen, and chosen still on the next visit', async () => {
    await site.at('layers').click();
    await site.at('layer-heat').check();
    await site.at('layer-traffic').check();
    const kept = await site.page.evaluate(() => localStorage.getItem('sigma.site'));
    assert.match(kept ?? '', /heat/);
    await site.at('layer-heat').uncheck();
    await site.at('layer-traffic').uncheck();
    await site.at('layers').click();
  });

  test('a fence snaps to the grid, is undone and drawn again, says whom it meets, and is in force when sent', async () => {
    await site.view('Map');
    await site.at('draw-fence').click();
    await site.corners([
      [1.2, 4.1],
      [6.1, 3.9],
      [5.8, 9.2],
    ]);
    await site.says(site.at('fence-form'), /3 corners/);
    await site.page.keyboard.press('Control+z');
    await site.says(site.at('fence-form'), /2 corners/);
    await site.page.keyboard.press('Control+y');
    await site.says(site.at('fence-form'), /3 corners, 12.5 m²/);
    const words = await site.at('fence-form').locator('.composer-hint').boundingBox();
    assert.ok(words !== null);
    await site.page.mouse.click(words.x + words.width - 4, words.y + words.height - 4);
    await site.says(site.at('fence-form'), /4 corners/);
    await site.page.keyboard.press('Control+z');
    await site.says(site.at('fence-form'), /3 corners, 12.5 m²/);
    await site.corners([[1.1, 8.8]]);
    await site.at('close-zone').click();
    await site.says(site.at('fence-form'), /Outline closed.*4 corners, 25 m²/);
    await site.says(site.at('fence-preview'), /Nobody is inside now/);
    await site.at('send-fence').click();
    await site.at('fence-form').waitFor({ state: 'detached' });
    assert.deepEqual(
      hub.fences.all.map(({ kind, polygon }) => [kind, polygon?.points.map(({ xM, yM }) => [xM, yM])]),
      [
        [
          'restricted',
          [
            [1, 4],
            [6, 4],
            [6, 9],
            [1, 9],
          ],
        ],
      ],
    );
    await site.at('draw-fence').click();
    await site.at('remove-fence').click();
    await site.at('remove-fence').waitFor({ state: 'detached' });
    assert.equal(hub.fences.all.length, 0);
    await site.at('compose-cancel').click();
  });

  test('a patrol is drawn, a delivery and a way to the dock are chosen; each says who would go before it is sent', async () => {
    const sent = async (form: string, words: RegExp) => {
      await site.says(site.at(form).getByTestId('preview'), /2 robots: r03, r05\. About 5 min/);
      await site.at('send-mission').click();
      await site.at(form).waitFor({ state: 'detached' });
      await site.says(site.at('last-act'), words);
      return [...hub.missions.values()].at(-1)?.goal?.goal;
    };
    await site.view('Map');
    await site.at('draw-patrol').click();
    await site.corners([
      [2.5, 4.5],
      [6.5, 10.5],
    ]);
    await site.says(site.at('patrol-form'), /2 points, 7\.21 m/);
    await site.at('patrol-form').getByLabel('Rounds').fill('3');
    const patrol = await sent('patrol-form', /Send Patrol 2 points.*taken as/);
    assert.ok(patrol?.case === 'patrol');
    assert.equal(patrol.value.rounds, 3);
    assert.deepEqual(
      patrol.value.points.map(({ xM, yM }) => [xM, yM]),
      [
        [2.5, 4.5],
        [6.5, 10.5],
      ],
    );

    const [from, to] = hub.site.stations;
    assert.ok(from !== undefined && to !== undefined);
    await site.at('compose-deliver').click();
    const deliver = site.at('deliver-form');
    const station = (label: RegExp) => deliver.locator('label').filter({ hasText: label }).locator('select');
    await station(/^From/).selectOption(from.id);
    await station(/^To/).selectOption(from.id);
    await site.says(deliver, /From and to are the same station/);
    assert.equal(await site.at('send-mission').isDisabled(), true);
    await station(/^To/).selectOption(to.id);
    await deliver.getByLabel('Item').fill('spare wheel');
    const delivery = await sent('deliver-form', /Send Deliver .* to .*taken as/);
    assert.ok(delivery?.case === 'deliver');
    const { fromStation, toStation, item } = delivery.value;
    assert.deepEqual([fromStation, toStation, item], [from.id, to.id, 'spare wheel']);

    await site.at('compose-dock').click();
    assert.equal(await site.at('send-mission').isDisabled(), true, 'nobody is sent yet');
    await site.at('dock-form').getByTestId('choose-robot').selectOption('r06');
    const dock = await sent('dock-form', /Send Dock r06.*taken as/);
    assert.ok(dock?.case === 'goToDock');
    assert.deepEqual([dock.value.agentId, dock.value.dockId], ['r06', '']);
    hub.missions.clear();
  });

  test('two operators on one fence: a stale change is refused and shown beside what holds, the last shape holds, and a note that both wrote is settled by a choice', async () => {
    const points = [
      [1, 4],
      [6, 4],
      [6, 9],
      [1, 9],
    ].map(([xM, yM]) => ({ xM: xM as number, yM: yM as number }));
    const note = 'why: a leak\nuntil: noon';
    const wet = { name: 'wet floor', kind: 'slow', speedMps: 0.5, polygon: { points }, note };
    const { id } = hub.fences.put(create(PutFenceRequestSchema, wet), EMAIL);
    const inForce = () => hub.fences.all.find((fence) => fence.id === id);
    await site.at('draw-fence').click();
    await site.at(`fence-${id}`).waitFor();
    await site.at('compose-cancel').click();
    await site.clickSite(2, 7.5);
    await site.says(site.at('robot-panel'), /wet floor.*why: a leak/s);
    await site.at('change-fence').click();
    await site.says(site.at('revise-form'), /You change version 1: 4 corners, 25 m²/);
    assert.equal(await site.at('send-revision').isDisabled(), true, 'nothing is changed yet');

    await site.clickSite(6, 4);
    await site.clickSite(8, 4);
    await site.says(site.at('revise-form'), /4 corners, 30 m²/);
    await site.page.keyboard.press('Control+z');
    await site.says(site.at('revise-form'), /4 corners, 25 m²/);
    await site.page.keyboard.press('Control+y');
    await site.says(site.at('revise-form'), /4 corners, 30 m²/);
    await site.at('lift-corner').click();
    await site.says(site.at('revise-hint'), /Click where the corner goes/);
    await site.at('draw-undo').click();
    await site.says(site.at('revise-form'), /4 corners, 30 m²/);
    await site.at('fence-note').fill('why: a leak\nuntil: midnight');

    const theirs = { fenceId: id, version: 1, name: 'ice', note: 'why: frost\nuntil: one' };
    hub.fences.revise(create(ReviseFenceRequestSchema, theirs), 'bob@example.org', true);
    await site.at('send-revision').click();
    await site.says(site.at('last-act'), /it was meant for version 1 .* version 2 is in force/);
    assert.equal(hub.fences.rejected.length, 1);
    const meanwhile = site.at('meanwhile');
    await site.says(meanwhile, /you opened version 1, version 2 is in force/);
    await site.says(meanwhile, /Name was.*wet floor.*It is now.*ice.*theirs stays/s);
    await site.says(meanwhile, /Note was.*until: noon.*until: one.*Yours.*until: midnight.*merged by lines/s);
    await site.isAccessible('[data-testid=revise-form]');
    await site.says(site.at('send-revision'), /Send mine over version 2/);
    await site.at('send-revision').click();

    await site.says(site.at('note-conflict'), /It was.*until: noon.*It stands.*until: one.*Yours.*until: midnight/s);
    const { name, version, polygon } = inForce() ?? {};
    assert.deepEqual([name, version, polygon?.points.some(({ xM, yM }) => xM === 8 && yM === 4)], ['ice', 3, true]);
    assert.equal(await site.at('settle-note').isDisabled(), true, 'no version is chosen yet');
    await site.at('note-mine').check();
    await site.isAccessible('[data-testid=revise-form]');
    await site.at('settle-note').click();
    await site.at('revise-form').waitFor({ state: 'detached' });
    assert.match(inForce()?.note ?? '', /until: midnight/);
    await site.says(site.at('robot-panel'), /ice.*until: midnight.*Version.*4/s);
    await site.says(
      site.at('fence-changes'),
      /^ada.*changed the note of the fence, from version 3.*\d:\d\d.*ada.*changed the shape.*bob@example\.org.*from version 1/s,
    );
    await site.isAccessible('[data-testid=robot-panel]');

    hub.role = 'viewer';
    await site.page.locator('[data-testid=change-fence][disabled]').waitFor();
    hub.role = 'engineer';
    await site.page.locator('[data-testid=change-fence]:not([disabled])').waitFor();
    hub.fences.remove(id);
    await site.page.keyboard.press('Escape');
  });

  test('an outline is drawn by keys alone', async () => {
    await site.at('draw-fence').click();
    await site.at('map').focus();
    for (const key of ['ArrowRight', ' ', 'Shift+ArrowRight', ' ', 'Shift+ArrowUp', ' ', 'Enter'])
      await site.page.keyboard.press(key === ' ' ? 'Space' : key);
    await site.says(site.at('fence-form'), /Outline closed.*3 corners/);
    await site.page.keyboard.press('Escape');
    await site.at('fence-form').waitFor({ state: 'detached' });
  });

  test('nothing is drawn while nothing moves', async () => {
    hub.down = true;
    await eventually(async () => (await site.painted(1_000)) <= 3);
    hub.down = false;
    await site.isLive();
    await site.draws();
  });

  test('a lost graphics device is said, the flat site takes over, and the solid one comes back with it', async () => {
    await site.canvas('loseContext');
    await site.isFlat('lost');
    await site.says(site.at('map-notice'), /graphics device was lost/);
    const idle = poseOf(hub.robot('r04'));
    await site.clickSite(idle.xM, idle.yM);
    await site.says(site.at('selected-robot'), /r04/);
    await site.canvas('restoreContext');
    await site.isSolid();
    await site.draws();
  });

  test('the map has no violation that axe would call serious', async () => {
    const { violations } = await new AxeBuilder({ page: site.page }).include('[data-testid=map]').analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(
      grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' ')}`),
      [],
    );
  });

  test('without WebGL the site is flat, says so, and works', async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-3d-apis'];
    const bare = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
    try {
      const flat = new SitePage(await bare.newPage({ viewport: { width: 1280, height: 800 } }));
      await flat.enter(house.url);
      await flat.isFlat('missing');
      await flat.says(flat.at('map-notice'), /no WebGL/);
      const idle = poseOf(hub.robot('r04'));
      await flat.robotRow('r04').waitFor();
      await flat.clickSite(idle.xM, idle.yM);
      await flat.says(flat.at('selected-robot'), /r04/);
    } finally {
      await bare.close();
    }
  });
});
