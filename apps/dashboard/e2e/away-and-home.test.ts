import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { RESULTS } from './build.ts';
import { type HouseApart, openHouseApart } from './house-apart.ts';
import { drawnSeldom, FirstPage, openBrowser, UNOPTIMIZED, withoutBrowser, withoutWebGl } from './page.ts';
import { eventually } from './waiting.ts';

/** Kilobytes a second: what is told ahead comes at once, and the record behind it takes its time. */
const NARROW = ['--sync-limit', '8'];

describe('a robot fails out of reach, and its record comes home to a real hub before somebody’s eyes', {
  skip: withoutBrowser,
  timeout: 180_000,
}, () => {
  let house: HouseApart;
  let browser: Browser;
  let page: FirstPage;
  const problems: string[] = [];

  before(async () => {
    await mkdir(RESULTS, { recursive: true });
    house = await openHouseApart(2);
    await house.edge(...NARROW);
    browser = await openBrowser(UNOPTIMIZED);
    page = new FirstPage(await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage());
    await drawnSeldom(page.page);
    await withoutWebGl(page.page);
    page.page.on('pageerror', (error) => problems.push(error.message));
    await page.open(house.url);
    await page.signIn(house.email, house.password);
    await page.isLive();
    await page.at('time-span').selectOption('5');
  });

  after(async () => {
    await browser?.close();
    await house?.close();
  });

  const shot = (name: string) => page.page.screenshot({ path: join(RESULTS, `home-${name}.png`) });
  const marks = () => page.page.locator('.scrubber .mark[data-kind=failsafe]').filter({ hasText: /thermal shutdown/ });

  test('[R192] it is out of contact, its record is to come, and nobody knows what happens to it', async () => {
    await page.select('r01');
    await page.openTab('simulation');
    await page.at('faults').getByRole('spinbutton').fill('60');
    await page.at('inject-overheating').click();
    await page.says(page.at('robot-outcome'), /accepted by the robot/);
    house.cut();
    await eventually(async () => (await house.recorded('r01')).includes('thermal_shutdown'));
    await page.says(page.at('selected-state'), /no contact/);
    await page.says(page.at('to-come'), /record of .*to come/);
    await shot('away');
  });

  test('[R193] [L6] linked again, what happened stands there within seconds, as reported, and opens as not proved', async () => {
    await house.edge(...NARROW);
    house.mend();
    await marks().first().waitFor();
    await page.says(marks().first(), /\(reported; its record is still to come\)/);
    // Behind a move over the bar it stands still for a while.
    const bar = await page.at('scrubber').boundingBox();
    assert.ok(bar !== null);
    await page.page.mouse.move(bar.x + bar.width / 2, bar.y + bar.height / 2);
    const stands = await marks().first().boundingBox();
    assert.ok(stands !== null);
    await page.page.mouse.click(stands.x + stands.width / 2, stands.y + stands.height / 2);
    await page.page.waitForURL(/select=decision:r01:/);
    await page.says(page.at('decision-detail').first(), /safety · failsafe:thermal_shutdown/);
    await page.says(page.at('decision-detail').first(), /Reported, not proved/);
    await shot('reported');
  });

  test('[R192] when its record is here, the page that stands open proves itself', async () => {
    await house.edge();
    await page.at('proof-result').and(page.page.locator('[data-result=same]')).waitFor();
    await shot('proved');
  });

  test('[R114] from there, in a life that its edge has begun anew since, another one is forked by the hub', async () => {
    const moment = await page.at('site-time').textContent();
    await page.at('page-forks').click();
    await page.at('rule-example').selectOption('speed');
    await page.at('make-fork').click();
    await page.at('fork-page').waitFor();
    await page.at('fork-state').and(page.page.locator('[data-state=done]')).waitFor();
    await page.at('two-timelines').waitFor();
    await page.says(page.at('outcomes'), /Distance.*m.*m/);
    await shot('forked');
    await page.page.goBack();
    assert.equal(await page.at('site-time').textContent(), moment);
  });

  test('[R192] and in the present nothing is to come', async () => {
    await page.at('go-live').click();
    await eventually(async () => (await marks().first().getAttribute('data-hollow')) === 'false');
    await page.at('to-come').waitFor({ state: 'detached' });
    assert.deepEqual(problems, []);
  });
});
