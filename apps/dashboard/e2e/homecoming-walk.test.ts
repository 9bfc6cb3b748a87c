import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { type ApartSystem, startApart } from './apart-system.ts';
import { buildServedPage, RESULTS } from './build.ts';
import { askingOften, drawnSeldom, FirstPage, openBrowser, UNOPTIMIZED, withoutBrowser, withoutWebGl } from './page.ts';
import { eventually } from './waiting.ts';

const SIGMA = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
/** As a kernel writes it into its record. */
const RAISED = '"change":"raised","entry":{"acknowledgedBy":null,"action":"hold","cause":"no word from the hub';
/** Kilobytes a second: what is sent first is sent at once, and what is behind it some minutes later. */
const NARROW = ['--sync-limit', '0.05'];

describe('a robot that was out of reach comes home while somebody watches', {
  skip: withoutBrowser,
  timeout: 120_000,
}, () => {
  let system: ApartSystem;
  let browser: Browser;
  let page: FirstPage;
  let folder: string;
  const problems: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sigma-homecoming-'));
    await mkdir(RESULTS, { recursive: true });
    await buildServedPage();
    browser = await openBrowser(UNOPTIMIZED);
    system = await startApart();
    page = new FirstPage(await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage());
    page.page.on('pageerror', (error) => problems.push(error.message));
    await withoutWebGl(page.page);
    await askingOften(page.page);
    await drawnSeldom(page.page);
    await Promise.all([system.startEdge(...NARROW), page.open(system.url)]);
    await page.signIn(system.email, system.password);
    await page.isLive();
    await page.robotRow('r01').waitFor();
    // Wide apart stand what was done out of reach, and that nothing was heard from there.
    await page.at('time-span').selectOption('1');
  });

  after(async () => {
    await browser?.close();
    await system?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const shot = (name: string) => page.page.screenshot({ path: join(RESULTS, `homecoming-${name}.png`) });
  const missing = () => page.at('on-the-way');
  const mark = () =>
    page.page.locator('.scrubber .mark[data-kind=failsafe]').filter({ hasText: /no word from the hub/ });

  test('[R192] it fails out of reach: the time bar says from when on nothing is known of it', async () => {
    system.cut();
    await page.says(missing(), /record is still to come of r01 \(.*out of reach\)/);
    await eventually(() => system.kept(RAISED));
    assert.equal(await mark().count(), 0, 'nobody knows of it');
  });

  test('[R193] it comes home on a narrow link: what safety did stands on the time bar as an outline, and whose record is still to come is said', async () => {
    // A life that is linked again tells by itself what befell it: this one ends out of reach.
    await system.endEdge();
    system.mend();
    await system.startEdge(...NARROW);
    await page.says(mark(), /\(reported; its record is still to come\)/);
    assert.equal(await mark().getAttribute('data-hollow'), 'true');
    await page.says(page.at('to-come'), /record of r01 to come/);
    await page.says(missing(), /record is still to come of r01 \(/);
    await shot('reported');
  });

  test('[R193] who presses the mark is told that the decision is reported and not proved', async () => {
    await mark().hover({ force: true });
    const box = await mark().boundingBox();
    assert.ok(box !== null);
    await page.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.page.waitForURL(/select=decision:r01:1:\d+&at=/);
    await page.says(page.at('decision-standing'), /Reported, not proved.*still on its way here/);
    await page.says(page.at('proof'), /Not proved: reported; its record is still to come/);
    const cut = await page.at('to-come').evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
    assert.equal(cut, false, 'whose record is to come is not cut off beside the moment');
    await shot('decision');
  });

  test('[R192] [R193] its record comes: the same mark is filled, and the same page is proved where it stands open', async () => {
    const drawn = await mark().elementHandle();
    const where = page.page.url();
    await system.startEdge();
    await page.at('proof-result').and(page.page.locator('[data-result=same]')).waitFor();
    await page.at('decision-standing').waitFor({ state: 'detached' });
    await eventually(async () => (await drawn?.getAttribute('data-hollow')) === 'false');
    assert.doesNotMatch((await drawn?.textContent()) ?? '', /reported/);
    await page.at('to-come').waitFor({ state: 'detached' });
    await missing().waitFor({ state: 'detached' });
    assert.equal(page.page.url(), where);
    await shot('proved');
  });

  test('[R193] what was reported is handed over as a proof, and checked where there is no hub', async () => {
    const download = page.page.waitForEvent('download');
    await page.at('hand-over').click();
    const file = join(folder, 'handed.proof');
    await (await download).saveAs(file);
    const said = await page.says(page.at('handed-over'), /sigma verify --proof/);
    const key = /--key '([^']+)'/.exec(said)?.[1] ?? '';
    await system.end();
    const check = ['--disable-warning=ExperimentalWarning', SIGMA, 'verify', '--proof', file, '--key', key];
    const { stdout } = await promisify(execFile)(process.execPath, check);
    assert.match(stdout, /r01/);
    assert.match(stdout, /sigma\.decision\.v1/);
    assert.deepEqual(problems, []);
  });
});
