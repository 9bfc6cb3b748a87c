import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Site } from '@sigma/fleet-model';
import { build as bundle } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { absolute, type BenchLine, beside } from '../line.ts';
import { crowdOn } from './crowd.ts';
import { CrowdHub } from './crowd-hub.ts';

const CHROMIUM = '/usr/bin/chromium';
const SIZE = { width: 1280, height: 800 };
const WATCH_MS = 5_000;
const INPUTS = 40;
const TARGETS = [
  { count: 40, fps: 24 },
  { count: 1_000, fps: 20 },
  { count: 10_000, fps: 15 },
] as const;

/**
 * The page in a browser that draws in software: how soon it shows something, how often it draws while a crowd moves, how
 * soon it answers, and whether its memory stays flat. `minutes` is how long memory is watched.
 */
export async function benchDashboard(site: Site, minutes: number): Promise<readonly BenchLine[]> {
  if (!existsSync(CHROMIUM)) throw new Error(`the dashboard bench needs ${CHROMIUM}: apt-get install chromium`);
  const dist = await mkdtemp(join(tmpdir(), 'sigma-bench-dashboard-'));
  const app = fileURLToPath(new URL('../../../apps/dashboard/', import.meta.url));
  await build({
    root: app,
    configFile: join(app, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: dist, emptyOutDir: true },
  });
  const browser = await softwareBrowser();
  try {
    const lines: BenchLine[] = [];
    for (const { count, fps } of TARGETS) {
      const hub = new CrowdHub(site, count);
      try {
        const url = await hub.listen(dist);
        if (count === 40) lines.push(...(await opening(browser, url)));
        lines.push(...(await crowd(browser, url, site, count, fps)));
        if (count === 40) lines.push(await memory(browser, url, minutes));
      } finally {
        await hub.close();
      }
    }
    return lines;
  } finally {
    await browser.close();
    await rm(dist, { recursive: true, force: true });
  }
}

/** No GPU: everything is drawn by the processor, as on a small server or a remote desktop. */
const softwareBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });

async function opened(browser: Browser, url: string, whole = false): Promise<Page> {
  const context = await browser.newContext({ viewport: SIZE, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.addInitScript(() => localStorage.setItem('sigma.tour', JSON.stringify('done')));
  await page.goto(url);
  if (whole) await page.addStyleTag({ content: WHOLE });
  await page.waitForFunction(() => performance.getEntriesByName('sigma-solid-picture').length > 0);
  return page;
}

/** Median of three openings with an empty cache: time to the first picture with robots on it, and the scripts before. */
async function opening(browser: Browser, url: string): Promise<readonly BenchLine[]> {
  const found: { ms: number; solidMs: number; kB: number }[] = [];
  for (let round = 0; round < 3; round++) {
    const page = await opened(browser, url);
    found.push(
      await page.evaluate(() => {
        const at = (name: string): number => performance.getEntriesByName(name)[0]?.startTime ?? Number.NaN;
        const ms = at('sigma-first-picture');
        const scripts = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
        const before = scripts.filter((one) => one.name.endsWith('.js') && one.startTime < ms);
        const bytes = before.reduce((sum, one) => sum + one.encodedBodySize, 0);
        return { ms, solidMs: at('sigma-solid-picture'), kB: bytes / 1000 };
      }),
    );
    await page.context().close();
  }
  const median = (pick: (one: (typeof found)[number]) => number): number =>
    found.map(pick).sort((a, b) => a - b)[1] as number;
  return [
    absolute(
      'dashboard.firstPicture',
      median(({ ms }) => ms),
      'ms',
      '<=',
      2_000,
    ),
    absolute(
      'dashboard.scriptBefore',
      median(({ kB }) => kB),
      'kB gz',
      '<=',
      350,
    ),
    absolute(
      'dashboard.solidPicture',
      median(({ solidMs }) => solidMs),
      'ms',
      '<=',
      5_000,
    ),
  ];
}

/** Lets the site view fill the window, so that what is measured is 1280 × 800 of it; the rest of the page works on. */
const WHOLE = '[data-testid=map]{position:fixed!important;inset:0;z-index:50}';

async function crowd(browser: Browser, url: string, site: Site, count: number, target: number): Promise<BenchLine[]> {
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

interface MapElement extends HTMLElement {
  sigmaMap?: {
    readonly look?: { readonly mode: string };
    readonly effort?: { readonly painted: number; readonly done: number };
  };
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
  answers.sort((a, b) => a - b);
  return answers[Math.min(answers.length - 1, Math.floor(answers.length * 0.95))] ?? Number.NaN;
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

/** Heap after garbage collection at the end of `minutes` of live data, beside that after a sixth of them. */
async function memory(browser: Browser, url: string, minutes: number): Promise<BenchLine> {
  const page = await opened(browser, url);
  const session = await page.context().newCDPSession(page);
  const heap = async (): Promise<number> => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return usedSize / 1e6;
  };
  await page.waitForTimeout(minutes * 10_000);
  const early = await heap();
  await page.waitForTimeout(minutes * 50_000);
  const late = await heap();
  await page.context().close();
  const line = beside(absolute('dashboard.memory', late, 'MB', '<=', early * 1.1), 'the same page, earlier', early);
  return { ...line, target: `<= 1.1 of what it was after ${(minutes / 6).toFixed(1)} of ${minutes} min` };
}
