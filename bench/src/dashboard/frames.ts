import { fileURLToPath } from 'node:url';
import type { Site } from '@sigma/fleet-model';
import { build as bundle } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { absolute, type BenchLine, beside } from '../line.ts';
import { crowdOn } from './crowd.ts';
import { type MapElement, opened, quantile, SIZE, softwareBrowser } from './page.ts';

const WATCH_MS = 5_000;
const INPUTS = 40;

/**
 * Pictures a second from above and in perspective, beside a plain scene of the same content, and how soon a person is
 * answered while that goes on.
 */
export async function benchFrames(
  browser: Browser,
  url: string,
  site: Site,
  { count, fps: target }: { readonly count: number; readonly fps: number },
): Promise<readonly BenchLine[]> {
  const page = await opened(browser, url, true);
  await page.waitForFunction(() => document.querySelector<HTMLCanvasElement>('.map-solid canvas')?.width === 1280);
  await choose(page, 'map');
  const map = await framesPerSecond(page);
  await choose(page, 'perspective');
  const solid = await framesPerSecond(page);
  const answered = await inputToPaint(page);
  await page.context().close();
  const plain = await plainFrames(site, count, false);
  const smooth = await plainFrames(site, count, true);
  const words = 'frames/s';
  return [
    beside(absolute(`dashboard.fps.${count}`, solid, words, '>=', target), 'plain three.js, instanced', plain),
    beside(absolute(`dashboard.fpsMap.${count}`, map, words, '>=', target), 'plain three.js, antialiased', smooth),
    absolute(`dashboard.inputToPaint.${count}`, answered, 'ms p95', '<=', 100),
  ];
}

/** By the key that a person has: the buttons may lie under other parts of the page while the view fills the window. */
async function choose(page: Page, mode: 'map' | 'perspective'): Promise<void> {
  const look = () => page.evaluate(() => document.querySelector<MapElement>('[data-testid=map]')?.sigmaMap?.look?.mode);
  await page.getByTestId('map').focus();
  if ((await look()) !== mode) await page.keyboard.press('v');
  await page.waitForTimeout(1_500);
  if ((await look()) !== mode) throw new Error(`the view does not change to ${mode}`);
}

/** Pictures that the renderer finished, counted by the view itself. */
function framesPerSecond(page: Page): Promise<number> {
  return page.evaluate(async (ms) => {
    const done = () => document.querySelector<MapElement>('[data-testid=map]')?.sigmaMap?.effort?.done ?? 0;
    const [from, begun] = [done(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ((done() - from) * 1000) / (performance.now() - begun);
  }, WATCH_MS);
}

/**
 * From a real key, wheel or click (its own time stamp) until the renderer is done with a picture begun after it: p95 in
 * ms. The browser still has to put that picture on the screen.
 */
async function inputToPaint(page: Page): Promise<number> {
  await page.evaluate(() => {
    const answers: number[] = [];
    Object.assign(window, { answers });
    const effort = () => document.querySelector<MapElement>('[data-testid=map]')?.sigmaMap?.effort;
    const wait = (event: Event) => {
      const before = effort()?.painted ?? 0;
      const look = () => {
        const now = effort();
        if (now !== undefined && now.done > before) answers.push(performance.now() - event.timeStamp);
        else setTimeout(look, 2);
      };
      setTimeout(look, 0);
    };
    for (const type of ['keydown', 'wheel', 'pointerup']) {
      window.addEventListener(type, wait, { capture: true, passive: true });
    }
  });
  await page.getByTestId('map').focus();
  for (let k = 0; k < INPUTS; k++) {
    if (k % 4 === 0) await page.keyboard.press(k % 8 === 0 ? 'ArrowLeft' : 'ArrowRight');
    else if (k % 4 === 1) await page.mouse.wheel(0, k % 8 === 1 ? -120 : 120);
    else if (k % 4 === 2) await page.mouse.click(420 + k * 9, 300 + k * 3);
    else await page.keyboard.press(k % 8 === 3 ? 'Shift+ArrowLeft' : 'Shift+ArrowRight');
    await page.waitForTimeout(120 + ((k * 37) % 90));
  }
  const answers = await page.evaluate(() => (window as unknown as { answers: number[] }).answers);
  return quantile(answers, 0.95);
}

/** The peer has a browser of its own, so that neither pays for what the other left behind. */
async function plainFrames(site: Site, count: number, antialias: boolean): Promise<number> {
  const { outputFiles } = await bundle({
    entryPoints: [fileURLToPath(new URL('./plain-scene.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    minify: true,
  });
  const browser = await softwareBrowser();
  const page = await browser.newPage({ viewport: SIZE });
  await page.setContent('<body style="margin:0;background:#000"></body>');
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  const { xM, yM, headingRad } = crowdOn(site, count, 7);
  const shelves: (readonly [number, number])[] = [];
  for (let cell = 0; cell < site.blocked.length; cell++) {
    const column = cell % site.width;
    if (site.blocked[cell] === 1) shelves.push([column + 0.5, site.height - 0.5 - (cell - column) / site.width]);
  }
  const scene = { width: site.width, height: site.height, shelves, names: 40, antialias };
  const frames = await page.evaluate(
    ([input, ms]) => window.runPlain?.(input, ms) ?? Promise.reject(new Error('the plain scene is not on the page')),
    [{ ...scene, xM: [...xM], yM: [...yM], headingRad: [...headingRad] }, WATCH_MS] as const,
  );
  await browser.close();
  return frames;
}
