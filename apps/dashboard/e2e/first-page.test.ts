import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sha256 } from '@noble/hashes/sha2.js';
import type { SealedBlock } from '@sigma/recorder';
import { poseOf } from './fake-fleet.ts';
import { EMAIL, type FakeHub, PASSWORD } from './fake-hub.ts';
import { type House, openHouse } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { recordRobot } from './robot-recording.ts';
import { eventually } from './waiting.ts';

/** Packed as a hub sends them. */
const FIRST_SCRIPTS_KB = 300;

describe('the first page in a browser', { skip: withoutBrowser, timeout: 150_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let first: FirstPage;

  before(async () => {
    house = await openHouse();
    ({ hub } = house);
    first = await house.visit({ signedOut: true });
  });

  after(() => house?.close());

  test('the door names what is wrong, and opens', async () => {
    await first.signIn(EMAIL, 'a guess');
    await first.says(first.at('sign-in-message'), /Wrong e-mail or password/);
    await first.isAccessible();
    hub.tries = 3;
    await first.signIn(EMAIL, 'another guess');
    await first.says(first.at('sign-in-message'), /Too many tries from here.*Try again in \d+ s/);
    await first.page.getByRole('button', { name: 'Sign in', disabled: false }).waitFor();
    hub.tries = 0;
    hub.down = true;
    await first.signIn(EMAIL, PASSWORD);
    await first.says(first.at('sign-in-message'), /The hub cannot be reached/);
    hub.down = false;
    await first.signIn(EMAIL, PASSWORD);
    await first.isLive();
    assert.equal(await first.at('site-name').textContent(), 'Test warehouse');
    assert.equal(await first.at('simulation-tag').textContent(), 'Simulation');
  });

  test('the scripts before the first picture stay within their budget', async () => {
    const before = await first.page.evaluate(async () => {
      while (performance.getEntriesByName('sigma-first-picture').length === 0)
        await new Promise((resolve) => requestAnimationFrame(resolve));
      const drawnMs = performance.getEntriesByName('sigma-first-picture')[0]?.startTime ?? 0;
      const scripts = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'));
      return scripts.filter(({ startTime }) => startTime < drawnMs).map(({ name }) => new URL(name).pathname);
    });
    let bytes = 0;
    for (const path of before) bytes += gzipSync(await readFile(join(house.dist, path))).length;
    assert.ok(bytes > 0 && bytes < FIRST_SCRIPTS_KB * 1000, `${bytes} bytes before the first picture`);
  });

  test('a menu that could not be fetched keeps its name and comes when it can', async () => {
    const other = await house.visit();
    await other.page.route(/\/menus-/, (route) => route.abort());
    await other.page.reload();
    await other.isLive();
    await other.page.locator('.menu-open', { hasText: 'View' }).waitFor();
    assert.equal(await other.at('view-menu').count(), 0);
    await other.page.unroute(/\/menus-/);
    await other.at('view-menu').click();
    await other.at('view-theme').waitFor();
    await other.page.close();
  });

  test('robots move on the map, and the list names them all', async () => {
    await first.robotRow('r14').waitFor();
    assert.equal(await first.page.locator('[data-testid^=robot-r]').count(), 14);
    const before = await first.picture();
    await eventually(async () => (await first.picture()) !== before);
    await first.isAccessible();
  });

  test('keys walk the list, the filter narrows it, a click on the map selects', async () => {
    await first.page.keyboard.press('/');
    await first.page.keyboard.type('humanoid');
    assert.equal(await first.page.locator('[data-testid^=robot-r]').count(), 5);
    await first.page.keyboard.press('Escape');
    await first.at('fleet-filter').fill('');
    await first.page.keyboard.press('Escape');
    await first.page.keyboard.press('j');
    await first.page.keyboard.press('j');
    await first.page.keyboard.press('k');
    await first.page.keyboard.press('Enter');
    await first.says(first.at('selected-robot'), /^r01$/);
    const idle = hub.robot('r04');
    const { xM, yM } = poseOf(idle);
    await first.clickSite(xM, yM);
    await first.says(first.at('selected-robot'), /^r04$/);
  });

  test('a decision opens to its winner, its losers and why they lost', async () => {
    await first.select('r02');
    await first.openTab('decisions');
    await first.at('decision-row').first().click();
    const detail = first.at('decision-detail').first();
    await first.says(detail, /mission · plan:primary/);
    await first.says(detail, /older than plan:primary/);
    await first.says(detail, /94 %/);
    await first.isAccessible();
    await first.page.keyboard.press('Escape');
    await first.openTab('now');
    await first.says(first.at('sensors'), /motor temp left.*41.2 °C.*0 – 80 °C/);
  });

  test('a zone is drawn with undo, previewed, sent, and followed', async () => {
    await first.at('draw-zone').click();
    await first.clickSite(20, 4);
    await first.clickSite(52, 28);
    await first.page.keyboard.press('Control+z');
    await first.says(first.at('cover-form'), /1 corner,/);
    await first.page.keyboard.press('Escape');
    await first.at('cover-form').waitFor({ state: 'detached' });
    await first.drawZone([
      [20, 4],
      [44, 4],
      [44, 14],
      [20, 14],
    ]);
    await first.says(first.at('preview'), /2 robots: r03, r05\. About 5 min/);
    await first.isAccessible();
    await first.at('send-mission').click();
    await first.says(first.at('mission-m-1'), /Cover drawn zone/);
    await first.says(first.at('last-act'), /taken as m-1/);
    const goal = hub.missions.get('m-1')?.goal?.goal;
    assert.equal(goal?.case, 'cover');
    const area = goal?.case === 'cover' && goal.value.area.case === 'polygon' ? goal.value.area.value.points : [];
    assert.deepEqual(
      area.map(({ xM, yM }) => [xM, yM]),
      [
        [20, 4],
        [44, 4],
        [44, 14],
        [20, 14],
      ],
    );
  });

  test('an emergency stop needs a held button, and ends with acknowledge and reset', async () => {
    await first.select('r02');
    await first.tap('stop-emergency');
    assert.deepEqual(hub.orders, []);
    await first.hold('stop-emergency');
    await first.says(first.at('robot-outcome'), /Emergency stop of r02.*accepted by the robot/);
    await first.says(first.at('selected-state'), /emergency stop/);
    await first.says(first.robotRow('r02'), /emergency stop/);
    await first.at('acknowledge').click();
    await first.says(first.at('robot-outcome'), /Acknowledge r02.*accepted/);
    await first.hold('reset');
    await first.says(first.at('robot-outcome'), /Reset r02.*accepted/);
    await first.says(first.at('selected-state'), /working/);
    assert.deepEqual(hub.orders, ['r02 stop emergency', 'r02 acknowledge', 'r02 reset']);
  });

  test('a fault raises its failsafe and its alert, and a reset before its time is refused in words', async () => {
    await first.select('r05');
    await first.openTab('simulation');
    await first.says(first.at('faults'), /SIMULATION/);
    await first.at('inject-overheating').click();
    await first.openTab('now');
    await first.says(first.at('failsafe'), /thermal shutdown.*Left motor at 96 °C.*the cause is still there/);
    await first.says(first.at('sensors'), /motor temp leftabove 96.4 °C/);
    await first.says(first.at('alert-thermal_shutdown'), /critical.*Let it cool.*r05/);
    await first.isAccessible();
    await first.hold('reset');
    await first.says(first.at('robot-outcome'), /refused by the robot: .*still there/);
    await first.at('acknowledge-thermal_shutdown').click();
    await first.says(first.at('alert-thermal_shutdown'), /acknowledged by ada@example.org/);
    await first.openTab('simulation');
    await first.at('clear-overheating').click();
    await first.openTab('now');
    await first.says(first.at('failsafe'), /Now: acknowledge it/);
    await first.at('acknowledge').click();
    await first.says(first.at('failsafe'), /Now: reset the robot/);
    await first.hold('reset');
    await first.at('failsafe').waitFor({ state: 'detached' });
  });

  test('control is taken, shown and returned', async () => {
    await first.at('lease-take').click();
    await first.says(first.at('lease'), /You hold control/);
    await first.says(first.robotRow('r05'), /ada@example\.org/);
    await first.at('lease-return').click();
    await first.says(first.at('lease'), /Nobody holds control/);
  });

  test('the site stop says whom it stops and stops them all, by pointer or by held keys', async () => {
    await first.says(first.at('site-stop'), /all 14 robots/);
    hub.orders = [];
    await first.tap('site-stop');
    assert.equal(hub.orders.length, 0);
    await first.page.keyboard.down('Shift');
    await first.page.keyboard.down('KeyS');
    await first.says(first.at('last-act'), /Emergency stop of the whole site.*accepted by all 14/);
    await first.page.keyboard.up('KeyS');
    await first.page.keyboard.up('Shift');
    assert.equal(hub.orders.filter((order) => order.endsWith('stop emergency')).length, 14);
    await first.says(first.at('fleet-summary'), /14 critical/);
  });

  test('a robot that falls silent turns grey with its age; a hub that goes is said to be gone, and found again', async () => {
    hub.robot('r07').silentSinceMs = Date.now() - 60_000;
    await first.says(first.robotRow('r07'), /no contact 6\d s/);
    hub.down = true;
    await first.says(first.at('connection'), /RECONNECTING · last heard/);
    hub.down = false;
    await first.isLive();
  });

  test('[L2] the browser re-executes a robot of the kernel and finds every decision as recorded', async () => {
    hub.record.blocks = recordRobot(hub.site, sha256, 4);
    await first.at('page-verify').click();
    await first.says(first.at('verify-result'), /^ok$/);
    assert.match(first.page.url(), /\/verify(\?|$)/);
    await first.says(first.at('verify'), /400 cycles run again/);
    await first.says(first.at('verify'), /1–\d+ re-executed/);
    await first.isAccessible();
  });

  test('[L4] one flipped bit in a recorded block is found and located', async () => {
    const victim = hub.record.blocks[3] as SealedBlock;
    const bytes = victim.bytes.slice();
    (bytes[bytes.length >> 1] as number) ^= 1;
    hub.record.blocks[3] = { ...victim, bytes };
    await first.at('verify-again').click();
    const words = await first.says(first.at('verify-result'), /r01/);
    assert.match(words, new RegExp(`\\b${victim.firstSequence}\\b`));
    hub.record.blocks = [];
    await first.at('verify-again').click();
    await first.says(first.at('verify-result'), /^nothing to check yet$/);
    await first.at('page-close').click();
    await first.at('map').waitFor();
  });

  test('signing out closes the door', async () => {
    await first.at('account-menu').click();
    await first.at('sign-out').click();
    await first.at('sign-in').waitFor();
  });
});
