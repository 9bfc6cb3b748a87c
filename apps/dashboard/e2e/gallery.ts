// Takes every page in every state, in dark and light, at 1280 and 2560, for looking at. Into test-results/gallery.
//
//   npm run gallery -w @sigma/dashboard                          all of them, some minutes
//   npm run gallery -w @sigma/dashboard -- empty                 a state: full, empty, failing
//   npm run gallery -w @sigma/dashboard -- full/missions 1280    a page, a width

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { buildPage } from './build.ts';
import { openBrowser, withoutBrowser } from './page.ts';
import { EMPTY, FAILING, FULL, type Scene } from './scenes.ts';
import { emptyStage, fullStage, type Stage } from './stages.ts';
import { sceneContext, visitScene } from './visit-scene.ts';

const SIZES = [
  { width: 1_280, height: 800 },
  { width: 2_560, height: 1_440 },
] as const;
/** Until what came with a resize or a theme is drawn. */
const SETTLES_MS = 700;
const FOLDER = fileURLToPath(new URL('../test-results/gallery', import.meta.url));

const states: Readonly<Record<string, { readonly scenes: readonly Scene[]; readonly stage: (dist: string) => Stage }>> =
  {
    full: { scenes: FULL, stage: fullStage },
    empty: { scenes: EMPTY, stage: emptyStage },
    failing: { scenes: FAILING, stage: fullStage },
  };

const asked = process.argv.slice(2);
const widths = asked.filter((word) => /^\d+$/.test(word)).map(Number);
const sizes = widths.length === 0 ? SIZES : SIZES.filter(({ width }) => widths.includes(width));
const wanted = asked.filter((word) => !/^\d+$/.test(word));
const isWanted = (name: string): boolean =>
  wanted.length === 0 || wanted.some((word) => name === word || name.startsWith(`${word}/`));

/** Opens the scene anew in each size: what a person sees who has such a window, not what one sees who widens his. */
async function takeScene(browser: Browser, url: string, stage: Stage, scene: Scene, name: string): Promise<void> {
  for (const size of sizes) {
    const context = await sceneContext(browser, url, scene.path === '', size);
    const first = await visitScene(context, url, stage, scene);
    for (const theme of ['dark', 'light'] as const) {
      await first.show(theme);
      await first.page.waitForTimeout(SETTLES_MS);
      const file = `${name.replace('/', '-')}-${size.width}-${theme}.png`;
      await first.page.screenshot({ path: join(FOLDER, file) });
      console.log(file);
    }
    await scene.leave?.(first, stage);
    await context.close();
  }
}

async function main(): Promise<void> {
  if (withoutBrowser !== false) throw new Error(withoutBrowser);
  await mkdir(FOLDER, { recursive: true });
  const dist = await buildPage();
  const browser = await openBrowser();
  try {
    for (const [state, { scenes, stage: open }] of Object.entries(states)) {
      const shown = scenes.filter(({ name }) => isWanted(`${state}/${name}`));
      if (shown.length === 0) continue;
      const stage = open(dist);
      const url = await stage.hub.listen();
      for (const scene of shown) {
        await takeScene(browser, url, stage, scene, `${state}/${scene.name}`).catch((error: unknown) => {
          console.error(`${state}/${scene.name}: ${error instanceof Error ? error.message : error}`);
          process.exitCode = 1;
        });
      }
      await stage.hub.close();
    }
  } finally {
    await browser.close();
    await rm(dist, { recursive: true, force: true });
  }
}

await main();
