import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { buildPage } from './build.ts';
import { type FirstPage, openBrowser, withoutBrowser } from './page.ts';
import { EMPTY, FAILING, FULL, type Scene } from './scenes.ts';
import { emptyStage, fullStage, type Stage } from './stages.ts';
import { sceneContext, visitScene } from './visit-scene.ts';

/** Text smaller than this is not read. */
const LEAST_TEXT_PX = 12;
/** A narrow window, and a window of 1280 that is looked at twice as large. */
const NARROW_PX = [900, 640] as const;

/** Whether its address is all that leads there. */
const isPlain = (scene: Scene): scene is Scene & { readonly path: string } =>
  typeof scene.path === 'string' &&
  scene.path.startsWith('/') &&
  !scene.path.includes('wall') &&
  scene.come === undefined;

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

describe('every page, dark and light, for those who see little or nothing', {
  skip: withoutBrowser,
  timeout: 400_000,
}, () => {
  let dist: string;
  let browser: Browser;
  const stages: Stage[] = [];

  before(async () => {
    dist = await buildPage();
    browser = await openBrowser();
  });

  after(async () => {
    await browser?.close();
    for (const { hub } of stages) await hub.close();
    if (dist !== undefined) await rm(dist, { recursive: true, force: true });
  });

  /** In the dark every rule; in the light what a theme can change. */
  const look = async (first: FirstPage, { part }: Scene) => {
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
  };

  for (const [state, scenes, open] of [
    ['full', FULL, (to: string) => fullStage(to, 12)],
    ['empty', EMPTY, emptyStage],
    ['failing', FAILING, (to: string) => fullStage(to, 12)],
  ] as const) {
    test(`no page that is ${state} breaks a rule of accessibility`, async (t) => {
      const stage = open(dist);
      stages.push(stage);
      const url = await stage.hub.listen();
      const [outside, inside] = [await sceneContext(browser, url, true), await sceneContext(browser, url)];
      /** Where nothing is done to come there, one leads to the next as for somebody who looks around. */
      let around: FirstPage | null = null;
      for (const scene of scenes) {
        await t.test(scene.name, async () => {
          if (isPlain(scene)) {
            if (around === null) around = await visitScene(inside, url, stage, { ...scene, flat: true });
            else await around.goTo(scene.path, scene.part);
            await look(around, scene);
            return;
          }
          const context = scene.path === '' ? outside : inside;
          const first = await visitScene(context, url, stage, { ...scene, flat: true });
          try {
            await look(first, scene);
          } finally {
            await scene.leave?.(first, stage);
            await first.page.close();
          }
        });
      }
    });
  }
});
