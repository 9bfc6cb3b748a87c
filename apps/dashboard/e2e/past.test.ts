import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import { AlertLevel } from '@sigma/proto';
import type { FakeHub } from './fake-hub.ts';
import { type House, openHouse } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { recordRobot } from './robot-recording.ts';
import { steady } from './waiting.ts';

const SECONDS = 40;
/** Of the robots so many were recorded: each is computed again at every moment that is shown. */
const RECORDED = 6;
const SECOND_US = 1_000_000;

describe('the past in a browser', { skip: withoutBrowser, timeout: 200_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let url: string;
  let first: FirstPage;
  let beganUs: number;

  before(async () => {
    house = await openHouse((furnished) => {
      const { nowUs, robots, site, record } = furnished;
      beganUs = Number(nowUs) - SECONDS * SECOND_US;
      for (const [k, { id }] of robots.slice(0, RECORDED).entries()) {
        const life = { id, epochTimeUs: beganUs, snapshotEveryUs: 10 * SECOND_US, speedMps: 0.1 + k * 0.02 };
        record.blocks.push(...recordRobot(site, sha256, SECONDS, life));
      }
      record.mark(beganUs + 12 * SECOND_US, 'violation', { agentId: 'r02', text: 'The aisle was blocked' });
      record.mark(beganUs + 25 * SECOND_US, 'failsafe', {
        agentId: 'r05',
        text: 'Left motor at 96 °C',
        level: AlertLevel.CRITICAL,
      });
      record.mark(beganUs + 20 * SECOND_US, 'decision', { agentId: 'r02', decisionSequence: 11n });
    });
    ({ hub, url } = house);
    first = await house.visit();
  });

  after(() => house?.close());

  const at = (second: number) => new Date((beganUs + second * SECOND_US) / 1_000).toISOString();

  test('sensors read what the robot sensed at the moment shown, and follow it through time', async () => {
    const moment = new Date((beganUs + 12 * SECOND_US) / 1_000).toISOString();
    const visitor = await house.visit({ path: `/?at=${moment}&select=robot:r05` });
    await visitor.at('tab-sensors').click();
    const east = visitor.at('sensor-state.xM');
    const before = Number.parseFloat((await visitor.says(east, /x[\d.]+ m/)).replace(/^\D+/, ''));
    await visitor.page.keyboard.press('}');
    await visitor.page.waitForFunction((from) => {
      const text = document.querySelector('[data-testid="sensor-state.xM"]')?.textContent ?? '';
      return Number.parseFloat(text.replace(/^\D+/, '')) > from + 1;
    }, before);
    await visitor.isAccessible('[data-testid=past-sensors]');
    await visitor.page.context().close();
  });

  test('a link opens a moment that this browser computes again; the whole frame says that it is past', async () => {
    const linked = await house.visit({ path: `/?at=${at(18)}&select=robot:r02` });
    await linked.says(linked.at('time-mode'), /^PAST$/);
    await linked.at('computed').waitFor();
    assert.equal(await linked.page.locator('.frame').getAttribute('data-time'), 'past');
    await linked.says(linked.at('site-time'), /UTC/);
    await linked.says(linked.robotRow('r02'), /r02/);
    await linked.isAccessible('.time-bar', '.notices');
    await linked.page.context().close();
  });

  test('space holds this moment and plays on; L is back to live', async () => {
    const { page } = first;
    await page.keyboard.press('Space');
    await first.says(first.at('time-mode'), /PAST/);
    await page.waitForURL(/at=/);
    await page.keyboard.press('l');
    await first.at('time-mode').waitFor({ state: 'detached' });
    await page.waitForURL((where) => !where.search.includes('at='));
  });

  test('nothing is done in the past, with the reason on it; only the stop acts, and now', async () => {
    const { page } = first;
    await first.robotRow('r02').click();
    await page.keyboard.press('Space');
    await first.says(first.at('time-mode'), /PAST/);
    const guarded = page.locator('[data-guarded]').first();
    await guarded.waitFor({ state: 'attached' });
    assert.match((await guarded.getAttribute('title')) ?? '', /This is the past\. Press L/);
    assert.equal(await first.at('site-stop').isDisabled(), false);
    await first.hold('site-stop');
    await first.says(first.at('last-act'), /Emergency stop of the whole site.*accepted by all 14/);
    assert.equal(hub.orders.length, 14);
    await page.keyboard.press('l');
  });

  test('keys step from mark to mark and say what happened there', async () => {
    const { page } = first;
    await page.keyboard.press('Escape');
    await page.goto(`${url}/?at=${at(5)}`);
    await first.says(first.at('time-mode'), /PAST/);
    await page.keyboard.press('Shift+Period');
    await first.says(first.at('notice'), /The aisle was blocked/);
    await page.waitForURL(/select=robot:r02/);
    await page.keyboard.press('.');
    await page.waitForURL(/select=decision:r02:0:11/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+Period');
    await first.says(first.at('notice'), /Left motor at 96/);
    await page.keyboard.press('Shift+Comma');
    await first.says(first.at('notice'), /The aisle was blocked/);
  });

  test('the scrubber moves by keys and by pointer, and shows marks', async () => {
    const { page } = first;
    const before = await first.at('site-time').textContent();
    await first.at('scrubber').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(
      (text) => document.querySelector('[data-testid=site-time]')?.textContent !== text,
      before,
    );
    assert.ok((await page.locator('.mark').count()) >= 2);
    const failsafe = page.locator('.mark[data-kind=failsafe]');
    const box = await failsafe.boundingBox();
    assert.ok(box !== null);
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.waitForURL(/select=robot:r05/);
  });

  test('playing runs on at its speed, and a moment that is on film costs the hub nothing', async () => {
    const { page } = first;
    await page.goto(`${url}/?at=${at(4)}`);
    await first.at('computed').waitFor();
    const reads = await steady(() => hub.record.reads);
    await page.keyboard.press('[');
    await page.keyboard.press(']');
    await first.at('computed').waitFor();
    assert.equal(hub.record.reads, reads);
    const start = new URL(page.url()).searchParams.get('at');
    await first.at('speed').selectOption('4');
    await first.at('play').click();
    await page.waitForFunction((from) => {
      const now = new URL(location.href).searchParams.get('at');
      return now !== null && from !== null && Date.parse(now) - Date.parse(from) > 6_000;
    }, start);
    await first.at('play').click();
  });

  test('past and present stand side by side', async () => {
    const { page } = first;
    await page.keyboard.press('Shift+C');
    await first.at('side-by-side').waitFor();
    assert.equal(await page.locator('.side-by-side .map').count(), 2);
    await page.keyboard.press('Shift+C');
    await first.at('side-by-side').waitFor({ state: 'detached' });
  });

  test('a bookmark has a name of its own, and leads back', async () => {
    const { page } = first;
    await page.goto(`${url}/?at=${at(9)}&select=robot:r03`);
    await first.says(first.at('time-mode'), /PAST/);
    await page.keyboard.press('b');
    await first.at('bookmark-name').fill('before the stop');
    await page.keyboard.press('Enter');
    await first.says(first.at('notice'), /Bookmarked as “before the stop”/);
    await page.waitForURL(/name=before\+the\+stop/);
    const named = await house.visit({ path: new URL(page.url()).pathname + new URL(page.url()).search });
    await named.says(named.at('site-time'), /“before the stop”/);
    await named.page.context().close();
    await page.keyboard.press('l');
    await page.keyboard.press('Escape');
    await page.waitForURL((where) => !where.search.includes('name='));
    await page.reload();
    await first.isLive();
    await first.at('bookmarks').click();
    await first.at('bookmark').click();
    await page.waitForURL(/select=robot:r03/);
    assert.equal(new URL(page.url()).searchParams.get('at')?.slice(0, 19), at(9).slice(0, 19));
  });

  test('scrubbing to a moment that was never shown takes a fraction of a second', async () => {
    const { page } = first;
    const took: number[] = [];
    for (const second of [33, 14, 38, 22]) {
      await page.goto(`${url}/?at=${at(second)}`);
      await first.at('computed').waitFor();
      took.push(Number(await first.at('computed').getAttribute('data-ms')));
    }
    console.log(`# first moment after loading the page, ${RECORDED} robots: ${took.join(', ')} ms`);
    assert.ok(took.every((ms) => ms > 0 && ms < 5_000));
  });

  test('a recording of a newer version has a state of its own that names the version', async () => {
    const newer = { id: 'r77', epochTimeUs: beganUs, snapshotEveryUs: 10 * SECOND_US, speedMps: 0.3, versionsNewer: 1 };
    hub.record.blocks.push(...recordRobot(hub.site, sha256, 20, newer));
    const { page } = first;
    await page.goto(`${url}/?at=${at(15)}`);
    await first.says(first.at('past-problem'), /r77 was recorded by a newer version than this page/);
    await first.at('past-problem').locator('summary').click();
    await first.says(
      first.at('past-problem'),
      /recorded with version \d+ of the fleet model by test; this page computes version \d+/,
    );
  });

  test('a link to a moment before the record says so, and leads to where it begins', async () => {
    const { page } = first;
    await page.goto(`${url}/?at=2020-01-01T00:00:00.000Z`);
    await first.says(first.at('nothing-recorded'), /Nothing is on record of this moment/);
    await first.says(first.at('fleet-list'), /No robot had been recorded at this moment/);
    await first.at('to-first-record').click();
    await first.robotRow('r02').waitFor();
    await page.goto(`${url}/?at=2020-01-01T00:00:00.000Z`);
    await first.at('nothing-recorded').getByRole('button').click();
    await first.at('nothing-recorded').waitFor({ state: 'detached' });
    assert.equal(await first.at('time-mode').textContent(), 'PAST');
  });

  test('a moment that cannot be had says why and offers another try', async () => {
    const { page } = first;
    await page.goto(`${url}/?at=${at(39)}`);
    await first.at('computed').waitFor();
    hub.down = true;
    // Further back than is read around a moment.
    for (let k = 0; k < 3; k++) await page.keyboard.press('{');
    await first.says(first.at('past-failed'), /This moment cannot be computed: The hub does not answer/);
    const again = first.at('past-failed').getByRole('button', { name: 'Try again' });
    await again.click();
    await first.says(first.at('past-failed'), /This moment cannot be computed: The hub does not answer/);
    hub.down = false;
    // The page may find the hub before a hand does, and then there is nothing to try.
    await again.click({ timeout: 2_000 }).catch(() => undefined);
    await first.at('computed').waitFor();
  });

  test('on a small screen the way back and the last act stay in the time bar, beside each other', async () => {
    const options = { viewport: { width: 1_100, height: 800 } };
    const visitor = await house.visit({ path: `/?at=${at(12)}`, options });
    await visitor.hold('site-stop');
    await visitor.says(visitor.at('last-act'), /accepted by all/);
    const edges = async (testId: string): Promise<readonly [left: number, right: number]> => {
      const box = await visitor.at(testId).boundingBox();
      assert.ok(box !== null && box.width > 0, `${testId} is seen`);
      return [box.x, box.x + box.width];
    };
    assert.ok((await edges('last-act'))[1] <= (await edges('bookmarks'))[0]);
    assert.ok((await edges('go-live'))[1] <= options.viewport.width);
    await visitor.page.context().close();
  });
});
