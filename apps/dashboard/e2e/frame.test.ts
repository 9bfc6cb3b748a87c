import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { buildPage, RESULTS } from './build.ts';
import { EMAIL, FakeHub, PASSWORD } from './fake-hub.ts';
import { FirstPage, openBrowser, withoutBrowser, withoutWebGl } from './page.ts';

const WIDE: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };

describe('the frame in a browser', { skip: withoutBrowser, timeout: 230_000 }, () => {
  let dist: string;
  let hub: FakeHub;
  let url: string;
  let browser: Browser;
  let first: FirstPage;

  before(async () => {
    await mkdir(RESULTS, { recursive: true });
    dist = await buildPage();
    hub = new FakeHub(dist);
    url = await hub.listen();
    browser = await openBrowser();
    first = await visit(WIDE, '/', true);
  });

  after(async () => {
    await browser?.close();
    await hub?.close();
    if (dist !== undefined) await rm(dist, { recursive: true, force: true });
  });

  async function visit(options: BrowserContextOptions, path = '/', newcomer = false): Promise<FirstPage> {
    const context = await browser.newContext(options);
    const visitor = new FirstPage(await context.newPage());
    await withoutWebGl(visitor.page);
    visitor.page.setDefaultTimeout(10_000);
    await visitor.open(url + path, newcomer);
    await visitor.signIn(EMAIL, PASSWORD);
    await visitor.isLive();
    return visitor;
  }

  const shot = async (visitor: FirstPage, name: string) => {
    for (const theme of ['light', 'dark'] as const) {
      await visitor.wear(theme);
      await visitor.page.waitForTimeout(80);
      await visitor.page.screenshot({ path: join(RESULTS, `${name}-${theme}.png`) });
    }
  };

  /** No violation of any weight in what the frame itself draws. */
  const accessible = async (visitor: FirstPage, ...within: readonly string[]) =>
    assert.deepEqual(await visitor.violations(within), []);
  const FRAME = ['.top-bar', '.rail', '.time-bar', '.workspace [role=tablist]'] as const;

  test('a newcomer is shown around on the real screen; the stop control is never covered; it comes once', async () => {
    const { page } = first;
    await first.at('tour').waitFor();
    await shot(first, 'tour');
    await accessible(first, '.tour');
    const stop = await first.at('site-stop').boundingBox();
    for (let step = 1; step <= 6; step++) {
      await first.says(first.at('tour'), new RegExp(`${step} of 6`));
      const box = await first.at('tour').boundingBox();
      assert.ok(box !== null && stop !== null);
      assert.ok(box.x + box.width <= stop.x || box.y >= stop.y + stop.height, `step ${step} covers the stop control`);
      assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= 1_280 && box.y + box.height <= 800, `step ${step}`);
      await first.at('tour-next').click();
    }
    await first.at('tour').waitFor({ state: 'detached' });
    await page.reload();
    await first.isLive();
    await page.waitForTimeout(300);
    assert.equal(await first.at('tour').count(), 0);
  });

  test('the frame is accessible, and says the site in a sentence to those who do not see it', async () => {
    await accessible(first, ...FRAME);
    await first.says(first.at('site-summary'), /14 robots at Test warehouse, all well; no open alert\./);
    await shot(first, 'frame-1280');
  });

  test('Ctrl K finds a robot by its name, and a command; Esc goes one level up; the link holds the selection', async () => {
    const { page } = first;
    await page.keyboard.press('Control+k');
    await first.at('palette').waitFor();
    await accessible(first, '[data-testid=palette]');
    await first.find('robot r07', /^r07/);
    await page.screenshot({ path: join(RESULTS, 'palette.png') });
    await page.keyboard.press('Enter');
    await first.at('palette').waitFor({ state: 'detached' });
    await page.waitForURL(/select=robot:r07/);
    await page.keyboard.press('Escape');
    await page.waitForURL((where) => !where.search.includes('select'));
    const linked = await visit(WIDE, '/?select=robot:r09');
    await linked.page.waitForFunction(() => document.body.textContent?.includes('r09'));
    assert.match(linked.page.url(), /select=robot:r09/);
    await linked.page.context().close();
  });

  test('? lists every key, in a dialog that Esc closes and that leaves the stop control in reach', async () => {
    const { page } = first;
    await page.keyboard.press('?');
    await first.says(first.at('key-sheet'), /Shift.*S.*emergency stop of the whole site/i);
    await accessible(first, '[data-testid=key-sheet]');
    await page.screenshot({ path: join(RESULTS, 'keys.png') });
    await page.keyboard.press('Escape');
    await first.at('key-sheet').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+k');
    await first.at('palette').waitFor();
    await first.hold('site-stop');
    await first.says(first.at('last-act'), /Emergency stop of the whole site.*accepted by all 14/);
    assert.equal(hub.orders.length, 14);
    hub.release();
    await page.keyboard.press('Escape');
    await first.at('palette').waitFor({ state: 'detached' });
  });

  test('panels are resized by keyboard, collapse, stay so after a reload, and go back to their places', async () => {
    const { page } = first;
    const width = async () => (await page.locator('[data-tab-content]').first().boundingBox())?.width ?? 0;
    const before = await width();
    await page.locator('.dock-separator[aria-orientation=vertical]').first().focus();
    for (let k = 0; k < 3; k++) await page.keyboard.press('ArrowRight');
    const wider = await width();
    assert.ok(wider > before + 10, `${before} then ${wider}`);
    await page.waitForTimeout(200);
    await page.reload();
    await first.isLive();
    assert.ok(Math.abs((await width()) - wider) < 4, 'the layout is remembered');
    await first.find('all panels back', /Put all panels back/);
    await page.keyboard.press('Enter');
    await page.waitForFunction(
      (wide) => (document.querySelector('[data-tab-content]')?.clientWidth ?? 0) < wide - 8,
      wider,
    );
  });

  test('the density and the theme are a person’s own, and stay', async () => {
    const { page } = first;
    await page.keyboard.press('Shift+D');
    assert.equal(await page.evaluate(() => document.documentElement.dataset['density']), 'comfortable');
    await page.reload();
    await first.isLive();
    assert.equal(await page.evaluate(() => document.documentElement.dataset['density']), 'comfortable');
    await page.keyboard.press('Shift+D');
  });

  test('a page that does not exist says so and leads back', async () => {
    const { page } = first;
    await page.goto(`${url}/no/such/page`);
    await first.says(first.at('no-such-page'), /There is no page here/);
    await page.getByRole('button', { name: 'Back to the site' }).click();
    await page.waitForURL((where) => where.pathname === '/');
  });

  test('a stream that stalls says how old the picture is, is opened anew after five seconds, and comes back', async () => {
    hub.mute = true;
    await first.says(first.at('late'), /Nothing heard for (2|3)(\.\d)? s/);
    await shot(first, 'stalled');
    await first.says(
      first.at('late'),
      /The hub does not answer \(the stream fell silent\).*robots keep themselves safe/,
    );
    await first.says(first.at('connection'), /RECONNECTING · last heard/);
    hub.mute = false;
    await first.isLive();
    await first.at('late').waitFor({ state: 'detached' });
  });

  test('a hub that goes is said to be gone, with what is known; it is found again', async () => {
    hub.down = true;
    await first.says(first.at('late'), /The hub does not answer.*What you see is \d.*try \d/);
    await accessible(first, '.notices');
    hub.down = false;
    await first.isLive();
  });

  test('a clock that is wrong by a day changes nothing: the hub says what time it is', async () => {
    const wrong = await visit(WIDE);
    const day = 86_400_000;
    await wrong.page.addInitScript((ahead) => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + ahead;
    }, day);
    await wrong.page.reload();
    await wrong.isLive();
    const shown = (await wrong.at('site-time').textContent()) ?? '';
    assert.ok(shown.includes(new Date().toLocaleDateString('en-CA')), shown);
    assert.equal(await wrong.at('late').count(), 0);
    await wrong.page.keyboard.press('Space');
    await wrong.says(wrong.at('time-mode'), /PAST/);
    assert.ok(wrong.page.url().length > 0);
    await wrong.page.context().close();
  });

  test('a role that is taken away in mid-session shows within seconds, with the reason on what is disabled', async () => {
    assert.equal(await first.at('role').textContent(), 'engineer');
    hub.role = 'viewer';
    await first.hold('site-stop');
    await first.says(first.at('role'), /viewer/);
    await first.says(first.at('site-stop'), /needs the role operator/);
    assert.match((await first.at('site-stop').getAttribute('aria-description')) ?? '', /yours is viewer/);
    assert.equal(await first.at('site-stop').isDisabled(), true);
    assert.deepEqual(hub.orders, []);
    await shot(first, 'viewer');
    await accessible(first, '.top-bar');
    hub.role = 'engineer';
    await first.page.reload();
    await first.isLive();
  });

  test('an account without a role is told what to do', async () => {
    hub.role = '';
    await first.page.reload();
    await first.page.getByRole('heading', { name: 'This account may not see the site' }).waitFor();
    hub.role = 'engineer';
    await accessible(first);
    await first.page.screenshot({ path: join(RESULTS, 'forbidden.png') });
    await first.page.getByRole('button', { name: 'Try again' }).click();
    await first.isLive();
  });

  test('names with script or right-to-left text are text, and pull nothing else out of order', async () => {
    const evil = '<img src=x onerror="document.title=1">';
    hub.addMission(evil);
    hub.addMission('مهمة التنظيف ١');
    await first.find('<img', /<img src=x onerror=/);
    await first.find('مهمة', /مهمة/);
    assert.equal(await first.at('palette').locator('[cmdk-item] bdi').first().textContent(), 'مهمة التنظيف ١');
    await first.page.screenshot({ path: join(RESULTS, 'palette-rtl.png') });
    assert.equal(await first.page.title(), 'SigmaPrompt');
    await first.page.keyboard.press('Escape');
  });

  test('a window of 900 px stacks the panels, keeps the stop control, and stays accessible', async () => {
    const small = await visit({ viewport: { width: 900, height: 900 } });
    await small.at('stacked').waitFor();
    const stop = await small.at('site-stop').boundingBox();
    assert.ok(stop !== null && stop.x + stop.width <= 900 && stop.width >= 120);
    const wide = await small.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 900, `${wide} px wide`);
    await accessible(small, '.top-bar', '.rail', '.time-bar');
    await shot(small, 'frame-900');
    await small.page.context().close();
  });

  test('a wall is read from three metres, a control room on 2560', async () => {
    const wall = await visit({ viewport: { width: 2560, height: 1440 } }, '/?wall');
    const size = await wall
      .at('fleet-summary')
      .evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
    assert.ok(size >= 22, `${size} px`);
    await shot(wall, 'wall-2560');
    await wall.page.goto(url);
    await wall.isLive();
    await wall.page.waitForTimeout(1_000);
    await shot(wall, 'frame-2560');
    await wall.page.context().close();
  });

  test('a session that ends leads to the door, in words, within seconds; signing in leads back to the same place', async () => {
    const { page } = first;
    await first.find('robot r05', /^r05/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/select=robot:r05/);
    await page.context().clearCookies();
    await page.getByTestId('sign-in-message').filter({ hasText: 'The session is over' }).waitFor({ timeout: 15_000 });
    await first.signIn(EMAIL, PASSWORD);
    await first.isLive();
    assert.match(page.url(), /select=robot:r05/);
  });

  test('signing out leads to the door', async () => {
    await first.at('account-menu').click();
    await accessible(first, '.menu');
    await first.at('sign-out').click();
    await first.at('sign-in').waitFor();
    await accessible(first);
  });
});
