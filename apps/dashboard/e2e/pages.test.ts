import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { buildPage } from './build.ts';
import { type FirstPage, openBrowser, withoutBrowser } from './page.ts';
import { EMPTY, FAILING, FULL, type Scene } from './scenes.ts';
import { emptyStage, fullStage, type Stage } from './stages.ts';
import { sceneContext, visitScene } from './visit-scene.ts';

/** Whether its address is all that leads there. */
const isPlain = (scene: Scene): scene is Scene & { readonly path: string } =>
  typeof scene.path === 'string' &&
  scene.path.startsWith('/') &&
  !scene.path.includes('wall') &&
  scene.come === undefined;

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
