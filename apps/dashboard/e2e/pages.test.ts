import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContext } from 'playwright-core';
import { buildPage } from './build.ts';
import { openBrowser, withoutBrowser } from './page.ts';
import { EMPTY, FAILING, FULL, type Scene } from './scenes.ts';
import { emptyStage, fullStage, type Stage } from './stages.ts';
import { sceneContext, visitScene } from './visit-scene.ts';

/** What other browser tests look at already, or what is another state of a page that is looked at here. */
const SEEN_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  full: [
    ...['tour', 'palette', 'keys', 'draw-zone', 'past-sensors', 'robot-bench', 'robot-decisions', 'wall', 'past'],
    ...['robot-now', 'robot-sensors', 'log', 'bench', 'mission', 'acts', 'accounts'],
  ],
  empty: ['door', 'robot-page', 'decision-page', 'mission', 'log', 'bench'],
  failing: ['door-wrong', 'newer', 'past-failed', 'gone-fleet', 'gone-missions', 'stalled', 'viewer-missions'],
};

/** Full pages whose rules other browser tests look at in the dark: here only what the light changes. */
const DARK_SEEN_ELSEWHERE: ReadonlySet<string> = new Set(['decision-page', 'fleet', 'missions', 'alerts']);

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

  type Themes = 'both' | 'dark' | 'light';

  /** In the dark every rule; in the light only what a theme can change. */
  const look = async (context: BrowserContext, url: string, stage: Stage, scene: Scene, themes: Themes) => {
    const first = await visitScene(context, url, stage, { ...scene, flat: true });
    try {
      const within = scene.part === undefined ? [] : [scene.part];
      if (themes !== 'light') {
        await first.show('dark');
        assert.deepEqual(await first.violations(within), [], 'dark');
      }
      if (themes !== 'dark') {
        await first.show('light');
        assert.deepEqual(await first.violations(within, ['color-contrast']), [], 'light');
      }
    } finally {
      await scene.leave?.(first, stage);
      await first.page.close();
    }
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
      for (const scene of scenes) {
        if (SEEN_ELSEWHERE[state]?.includes(scene.name) === true) continue;
        const themes = state !== 'full' ? 'dark' : DARK_SEEN_ELSEWHERE.has(scene.name) ? 'light' : 'both';
        await t.test(scene.name, () => look(scene.path === '' ? outside : inside, url, stage, scene, themes));
      }
    });
  }
});
