import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { buildPage } from './build.ts';
import { type FirstPage, openBrowser, UNOPTIMIZED, withoutBrowser } from './page.ts';
import type { Scene } from './scenes.ts';
import type { Stage } from './stages.ts';
import { sceneContext, Wanderer } from './visit-scene.ts';

/** Text smaller than this is not read. */
const LEAST_TEXT_PX = 12;
/** A narrow window, and a window of 1280 that is looked at twice as large. */
const NARROW_PX = [900, 640] as const;

/** Nobody looks at how robots move, and each time that they do the page beneath is drawn and laid out anew. */
const TICK_MS = 1_000;

/** A state of the whole page, the scenes to look at in it, and its stage, which serves the page in a folder. */
interface LookedAt {
  readonly state: string;
  readonly scenes: readonly Scene[];
  readonly open: (dist: string) => Stage;
}

/** Tests that look at every scene, dark and light, as those do who see little or nothing. */
export function lookClosely(name: string, states: readonly LookedAt[]): void {
  describe(name, { skip: withoutBrowser, timeout: 400_000 }, () => {
    let dist: string;
    let browser: Browser;
    const stages: Stage[] = [];

    before(async () => {
      dist = await buildPage();
      browser = await openBrowser(UNOPTIMIZED);
    });

    after(async () => {
      await browser?.close();
      for (const { hub } of stages) await hub.close();
      if (dist !== undefined) await rm(dist, { recursive: true, force: true });
    });

    for (const { state, scenes, open } of states) {
      test(`no page that is ${state} breaks a rule of accessibility`, async (t) => {
        const stage = open(dist);
        stages.push(stage);
        stage.hub.tickMs = TICK_MS;
        const url = await stage.hub.listen();
        const context = await sceneContext(browser, url);
        const wanderer = new Wanderer(context, await sceneContext(browser, url, true), url, stage);
        for (const scene of scenes)
          await t.test(scene.name, () => wanderer.visit(scene, (first) => look(first, scene)));
      });
    }
  });
}

/** In the dark every rule; in the light what a theme can change. */
async function look(first: FirstPage, { part }: Scene): Promise<void> {
  const within = part === undefined ? [] : [part];
  await first.isComplete();
  await first.show('dark');
  assert.deepEqual(await first.violations(within), [], 'dark');
  await first.show('light');
  assert.deepEqual(await first.violations(within, ['color-contrast']), [], 'light');
  assert.deepEqual(await tooSmall(first), [], 'small text');
  const size = first.page.viewportSize() ?? { width: 1_280, height: 800 };
  for (const width of NARROW_PX) {
    await first.page.setViewportSize({ width, height: 800 });
    assert.deepEqual(await outOfReach(first), [], `in a window of ${width} px`);
  }
  await first.page.setViewportSize(size);
}

/** What is written too small, with how small. */
const tooSmall = (first: FirstPage): Promise<string[]> =>
  first.page.evaluate((leastPx) => {
    const found = new Set<string>();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const within = text.parentElement;
      if (within === null || text.textContent?.trim() === '' || within.checkVisibility() === false) continue;
      const px = Number.parseFloat(getComputedStyle(within).fontSize);
      if (px < leastPx) found.add(`${px} px: ${text.textContent}`);
    }
    return [...found];
  }, LEAST_TEXT_PX);

/** What can be pressed or filled in and stands outside the window, where nothing can be scrolled to bring it in. */
const outOfReach = (first: FirstPage): Promise<string[]> =>
  first.page.evaluate(() => {
    const scrolls = (element: Element | null): boolean =>
      element !== null && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    return [...document.querySelectorAll('button, a[href], input, select, textarea, [tabindex="0"]')]
      .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
      .filter((one) => {
        const { left, right, width } = one.getBoundingClientRect();
        return width > 0 && (right > innerWidth + 1 || left < -1) && !scrolls(one.parentElement);
      })
      .map((one) => `${one.tagName} ${one.getAttribute('data-testid') ?? one.textContent}`);
  });
