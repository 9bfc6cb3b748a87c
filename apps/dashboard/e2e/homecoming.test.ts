import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { type ApartSystem, startApart } from './apart-system.ts';
import { buildServedPage, RESULTS } from './build.ts';
import { askingOften, FirstPage, openBrowser, withoutBrowser, withoutWebGl } from './page.ts';
import { eventually } from './waiting.ts';

/** As a kernel writes it into its record. */
const SHUT_DOWN = '"change":"raised","entry":{"acknowledgedBy":null,"action":"thermal_shutdown"';

describe('a site that was offline comes home while somebody watches', {
  skip: withoutBrowser,
  timeout: 120_000,
}, () => {
  let system: ApartSystem;
  let browser: Browser;
  let page: FirstPage;
  const problems: string[] = [];

  before(async () => {
    await mkdir(RESULTS, { recursive: true });
    await buildServedPage();
    system = await startApart();
    browser = await openBrowser();
    page = new FirstPage(await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage());
    page.page.on('pageerror', (error) => problems.push(error.message));
    await withoutWebGl(page.page);
    await askingOften(page.page);
    await system.startEdge('--robots', '1', '--people', '0');
    await page.open(system.url);
    await page.signIn(system.email, system.password);
    await page.isLive();
    // Wide enough for marks of one minute to stand apart.
    await page.at('time-span').selectOption('5');
  });

  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  const shot = (name: string) => page.page.screenshot({ path: join(RESULTS, `homecoming-${name}.png`) });
  const missing = () => page.at('on-the-way');
  const mark = () => page.page.locator('.scrubber .mark[data-kind=failsafe]').filter({ hasText: /thermal shutdown/ });

  test('[R192] a robot fails out of reach: the time bar says from when on nothing is known of it', async () => {
    await page.select('r01');
    await page.openTab('simulation');
    await page.at('faults').getByRole('spinbutton').fill('60');
    await page.at('inject-overheating').click();
    await page.says(page.at('robot-outcome'), /accepted by the robot/);
    system.cut();
    await page.says(missing(), /record is still to come of r01 \(here up to [\d:]+, out of reach\)/);
    await eventually(async () => (await system.recorded(SHUT_DOWN)) > 0);
    assert.equal(await mark().count(), 0, 'nobody knows of it');
    await shot('away');
  });

  test('[R193] it links with little bandwidth: the failsafe stands there as reported, and so does the decision that answered it', async () => {
    await system.endEdge();
    system.mend();
    await system.startEdge('--robots', '1', '--people', '0', '--sync-limit', '2');
    await page.says(mark(), /reported; its record is still to come/);
    await page.says(page.at('to-come'), /record of r01 to come/);
    await page.says(missing(), /record is still to come of r01 \(here up to [\d:]+\)/);
    await shot('on-its-way');
    const box = await mark().first().boundingBox();
    assert.ok(box !== null);
    await page.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.says(page.at('decision-standing'), /Reported, not proved.*still on its way here/);
    await page.says(page.at('proof'), /Not proved: reported; its record is still to come/);
    const live = await page.at('go-live').boundingBox();
    assert.ok(live !== null && live.x + live.width <= 1280, 'the way back to the present stays in the window');
    await shot('reported');
  });

  test('[R192] [R193] its record comes: the decision is computed again where it stands open, and nothing is missing any more', async () => {
    await system.startEdge('--robots', '1', '--people', '0');
    await page.at('decision-standing').waitFor({ state: 'detached' });
    await page.at('proof-result').and(page.page.locator('[data-result=same]')).waitFor();
    await missing().waitFor({ state: 'detached' });
    await page.at('to-come').waitFor({ state: 'detached' });
    assert.doesNotMatch((await mark().allTextContents()).join(), /reported/);
    await shot('home');
    assert.deepEqual(problems, []);
  });
});
