import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Route } from 'playwright-core';
import { EMAIL, PASSWORD } from './fake-hub.ts';
import { type House, openHouse } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { eventually, steady } from './waiting.ts';

describe('the frame in a browser', { skip: withoutBrowser, timeout: 230_000 }, () => {
  let house: House;
  let first: FirstPage;

  before(async () => {
    house = await openHouse();
    first = await house.visit({ newcomer: true });
  });

  after(() => house?.close());

  const FRAME = ['.top-bar', '.rail', '.time-bar', '.workspace [role=tablist]'] as const;

  test('a newcomer is shown around on the real screen; the stop control is never covered; it comes once', async () => {
    const { page } = first;
    await first.at('tour').waitFor();
    await first.isAccessible('.tour');
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
    await first.isAccessible(...FRAME);
    await first.says(first.at('site-summary'), /14 robots at Test warehouse, all well; no open alert\./);
  });

  test('Ctrl K finds a robot by its name, and a command; Esc goes one level up; the link holds the selection', async () => {
    const { page } = first;
    await page.keyboard.press('Control+k');
    await first.at('palette').waitFor();
    await first.isAccessible('[data-testid=palette]');
    await page.locator('[cmdk-input]').fill('heat');
    await first.says(first.at('palette'), /Nothing here is called that/);
    await first.find('robot r07', /^r07/);
    await page.keyboard.press('Enter');
    await first.at('palette').waitFor({ state: 'detached' });
    await page.waitForURL(/select=robot:r07/);
    await page.keyboard.press('Escape');
    await page.waitForURL((where) => !where.search.includes('select'));
    const linked = await house.visit({ path: '/?select=robot:r09' });
    await linked.page.waitForFunction(() => document.body.textContent?.includes('r09'));
    assert.match(linked.page.url(), /select=robot:r09/);
    await linked.page.context().close();
  });

  test('? lists every key, in a dialog that Esc closes and that leaves the stop control in reach', async () => {
    const { page } = first;
    await page.keyboard.press('?');
    await first.says(first.at('key-sheet'), /Shift.*S.*emergency stop of the whole site/i);
    await first.isAccessible('[data-testid=key-sheet]');
    await page.keyboard.press('Escape');
    await first.at('key-sheet').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+k');
    await first.at('palette').waitFor();
    await first.hold('site-stop');
    await first.says(first.at('last-act'), /Emergency stop of the whole site.*accepted by all 14/);
    assert.equal(house.hub.orders.length, 14);
    house.hub.release();
    await page.keyboard.press('Escape');
    await first.at('palette').waitFor({ state: 'detached' });
  });

  test('panels are resized by keyboard, collapse, stay so after a reload, and go back to their places', async () => {
    const { page } = first;
    const width = async () => (await page.locator('[data-tab-content]').first().boundingBox())?.width ?? 0;
    const before = await width();
    await page.locator('.dock-separator[aria-orientation=vertical]').first().focus();
    for (let k = 0; k < 3; k++) await page.keyboard.press('ArrowRight');
    await eventually(async () => (await width()) > before + 10);
    await steady(() => page.evaluate(() => JSON.stringify(localStorage)));
    const wider = await width();
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
    await page.goto(`${house.url}/no/such/page`);
    await first.says(first.at('no-such-page'), /There is no page here/);
    await page.getByRole('button', { name: 'Back to the site' }).click();
    await page.waitForURL((where) => where.pathname === '/');
  });

  test('a stream that stalls says how old the picture is, is opened anew after five seconds, and comes back', async () => {
    house.hub.mute = true;
    await first.says(first.at('late'), /Nothing heard for (2|3)(\.\d)? s/);
    await first.says(
      first.at('late'),
      /The hub does not answer \(the stream fell silent\).*robots keep themselves safe/,
    );
    await first.says(first.at('connection'), /RECONNECTING · last heard/);
    house.hub.mute = false;
    await first.isLive();
    await first.at('late').waitFor({ state: 'detached' });
  });

  test('a hub that goes is said to be gone, with what is known; it is found again', async () => {
    house.hub.down = true;
    await first.says(first.at('late'), /The hub does not answer.*What you see is \d.*try \d/);
    await first.isAccessible('.notices');
    house.hub.down = false;
    await first.isLive();
  });

  for (const [word, aheadMs] of [
    ['ahead', 86_400_000],
    ['behind', -86_400_000],
  ] as const) {
    test(`a clock that is a day ${word} changes nothing: the hub says what time it is`, async () => {
      const wrong = await house.visit();
      await wrong.page.addInitScript((by) => {
        const Right = Date;
        const now = () => Right.now() + by;
        // Also what is asked for the time without being told one.
        globalThis.Date = new Proxy(Right, {
          construct: (made, args) => Reflect.construct(made, args.length === 0 ? [now()] : args),
          apply: () => new Right(now()).toString(),
          get: (made, name) => (name === 'now' ? now : Reflect.get(made, name)),
        });
      }, aheadMs);
      await wrong.page.reload();
      await wrong.isLive();
      const off = await wrong.page.evaluate(() => Date.now());
      assert.ok(Math.abs(off - Date.now() - aheadMs) < 60_000, 'the clock of this browser is wrong');
      await wrong.robotRow('r01').waitFor();
      const shown = (await wrong.at('site-time').textContent()) ?? '';
      assert.ok(shown.includes(new Date().toLocaleDateString('en-CA')), shown);
      assert.equal(await wrong.at('late').count(), 0);
      await wrong.says(wrong.robotRow('r01'), /^(?!.*no contact)/s);
      await wrong.page.keyboard.press('Space');
      await wrong.says(wrong.at('time-mode'), /PAST/);
      await wrong.page.waitForURL(/at=/);
      const held = Date.parse(new URL(wrong.page.url()).searchParams.get('at') ?? '');
      assert.ok(Math.abs(held - Date.now()) < 60_000, `held ${new Date(held).toISOString()}`);
      await wrong.page.context().close();
    });
  }

  test('a role that is taken away in mid-session shows within seconds, with the reason on what is disabled', async () => {
    assert.equal(await first.at('role').textContent(), 'engineer');
    // It goes while he presses: a page that had heard of it would not have let him.
    const taken = (route: Route): Promise<void> => {
      house.hub.role = 'viewer';
      return route.continue();
    };
    await first.page.route(/\/StopAgents$/, taken, { times: 1 });
    await first.hold('site-stop');
    await first.says(first.at('role'), /viewer/);
    await first.says(first.at('site-stop'), /needs the role operator/);
    assert.match((await first.at('site-stop').getAttribute('aria-description')) ?? '', /yours is viewer/);
    assert.equal(await first.at('site-stop').isDisabled(), true);
    assert.deepEqual(house.hub.orders, []);
    await first.isAccessible('.top-bar');
    house.hub.role = 'engineer';
    await first.page.reload();
    await first.isLive();
  });

  test('an account without a role is told what to do', async () => {
    house.hub.role = '';
    await first.page.reload();
    await first.page.getByRole('heading', { name: 'This account may not see the site' }).waitFor();
    house.hub.role = 'engineer';
    await first.isAccessible();
    await first.page.getByRole('button', { name: 'Try again' }).click();
    await first.isLive();
  });

  test('names with script or right-to-left text are text, and pull nothing else out of order', async () => {
    const evil = '<img src=x onerror="document.title=1">';
    house.hub.addMission(evil);
    house.hub.addMission('مهمة التنظيف ١');
    await first.find('<img', /<img src=x onerror=/);
    await first.find('مهمة', /مهمة/);
    assert.equal(await first.at('palette').locator('[cmdk-item] bdi').first().textContent(), 'مهمة التنظيف ١');
    assert.equal(await first.page.title(), 'SigmaPrompt');
    await first.page.keyboard.press('Escape');
  });

  test('a window of 900 px stacks the panels, keeps the stop control, and stays accessible; one of 1024 px cuts nothing off', async () => {
    const small = await house.visit({ options: { viewport: { width: 900, height: 900 } } });
    await small.at('stacked').waitFor();
    const stop = await small.at('site-stop').boundingBox();
    assert.ok(stop !== null && stop.x + stop.width <= 900 && stop.width >= 120);
    const wide = await small.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 900, `${wide} px wide`);
    await small.isAccessible('.top-bar', '.rail', '.time-bar');
    // The narrowest in which panels stand beside each other.
    await small.page.setViewportSize({ width: 1_024, height: 768 });
    await small.at('stacked').waitFor({ state: 'detached' });
    const heads = small.page.locator('.panel-head:visible');
    await small.at('new-dock').waitFor();
    const cut = await heads.evaluateAll((all) =>
      all
        .flatMap((head) => [head, ...head.querySelectorAll('.quiet')])
        .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
        .map(({ textContent }) => textContent),
    );
    assert.deepEqual(cut, [], 'what their heads say and offer is seen without scrolling sideways');
    await small.page.context().close();
  });

  test('on paper the whole site stands in the light theme, without tools; who wants no motion gets none', async () => {
    const reader = await house.visit();
    const { page } = reader;
    await reader.robotRow('r01').waitFor();
    await page.emulateMedia({ media: 'print', reducedMotion: 'reduce' });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    const paper = page.locator('canvas.map-print');
    await paper.waitFor();
    const seen = await paper.evaluate((canvas: HTMLCanvasElement) => {
      const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      const tones = new Set<number>();
      for (let k = 0; k < data.length; k += 4 * 97) tones.add(data[k] as number);
      return { width: canvas.width, brightness: data[(canvas.width + 1) * 4] ?? 0, tones: tones.size };
    });
    assert.equal(seen.width, 2_000);
    assert.ok(seen.brightness > 200, `paper is ${seen.brightness} bright`);
    assert.ok(seen.tones > 5, `${seen.tones} tones: shelves, floor, robots`);
    assert.equal(await page.locator('.composer').isVisible(), false);
    const moves = await page.evaluate(() =>
      [...document.querySelectorAll('*')].flatMap((one) => {
        const { animationName, animationDuration, transitionDuration } = getComputedStyle(one);
        const longest = Math.max(
          ...`${animationName === 'none' ? '0s' : animationDuration}, ${transitionDuration}`
            .split(', ')
            .map(Number.parseFloat),
        );
        return longest > 0.01 ? [`${one.className}: ${longest} s`] : [];
      }),
    );
    assert.deepEqual(moves, []);
    await page.context().close();
  });

  test('a wall is read from three metres, a control room on 2560', async () => {
    const wall = await house.visit({ path: '/?wall', options: { viewport: { width: 2560, height: 1440 } } });
    const size = await wall
      .at('fleet-summary')
      .evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize));
    assert.ok(size >= 22, `${size} px`);
    await wall.page.goto(house.url);
    await wall.isLive();
    await wall.page.context().close();
  });

  test('a session that ends leads to the door, in words, within seconds; signing in leads back to the same place', async () => {
    const { page } = first;
    await first.find('robot r05', /^r05/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/select=robot:r05/);
    await page.context().clearCookies();
    await page.getByTestId('sign-in-message').filter({ hasText: 'The session is over' }).waitFor();
    await first.signIn(EMAIL, PASSWORD);
    await first.isLive();
    assert.match(page.url(), /select=robot:r05/);
  });

  test('signing out leads to the door', async () => {
    await first.at('account-menu').click();
    await first.at('sign-out').waitFor();
    await first.isAccessible('.menu');
    await first.at('sign-out').click();
    await first.at('sign-in').waitFor();
    await first.isAccessible();
  });
});
