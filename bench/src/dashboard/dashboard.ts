import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Site } from '@sigma/fleet-model';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { absolute, type BenchLine } from '../line.ts';
import { CrowdHub } from './crowd-hub.ts';
import { benchFrames } from './frames.ts';
import { benchMemory } from './memory.ts';
import { opened, quantile, softwareBrowser } from './page.ts';
import { benchScrub, recordedPast } from './scrub.ts';

const TARGETS = [
  { count: 40, fps: 24 },
  { count: 1_000, fps: 20 },
  { count: 10_000, fps: 15 },
] as const;
/** The past that is scrubbed through is twice as long as memory is watched: an hour for half an hour. */
const PAST_MINUTES = { least: 4, most: 60 };

/**
 * The page in a browser that draws in software: how soon it shows something, how often it draws while a crowd moves, how
 * soon it answers, how soon it shows another moment of a recording, and whether its memory stays flat. `minutes` is how
 * long memory is watched.
 */
export async function benchDashboard(site: Site, minutes: number): Promise<readonly BenchLine[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sigma-bench-dashboard-'));
  const dist = join(folder, 'dist');
  const browser = await softwareBrowser();
  try {
    await buildPage(dist);
    const lines: BenchLine[] = [];
    for (const target of TARGETS) {
      await withHub(new CrowdHub(site, target.count), dist, async (url) => {
        if (target.count === 40) lines.push(...(await benchOpening(browser, url)));
        lines.push(...(await benchFrames(browser, url, site, target)));
      });
    }
    const pastMinutes = Math.max(PAST_MINUTES.least, Math.min(PAST_MINUTES.most, 2 * minutes));
    const past = await recordedPast(site, pastMinutes, join(folder, 'past.sqlite'));
    await withHub(new CrowdHub(site, 40, past), dist, async (url) => {
      lines.push(...(await benchScrub(browser, url, { endUs: past.endUs, minutes: pastMinutes })));
    });
    await past.recording.close();
    await withHub(new CrowdHub(site, 40), dist, async (url) => {
      lines.push(await benchMemory(browser, url, minutes));
    });
    return lines;
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function buildPage(dist: string): Promise<void> {
  const app = fileURLToPath(new URL('../../../apps/dashboard/', import.meta.url));
  await build({
    root: app,
    configFile: join(app, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: dist, emptyOutDir: true },
  });
}

async function withHub(hub: CrowdHub, dist: string, run: (url: string) => Promise<void>): Promise<void> {
  try {
    await run(await hub.listen(dist));
  } finally {
    await hub.close();
  }
}

/** Median of three openings with an empty cache: time to the first picture with robots on it, and the scripts before. */
async function benchOpening(browser: Browser, url: string): Promise<readonly BenchLine[]> {
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
  const median = (pick: (one: (typeof found)[number]) => number): number => quantile(found.map(pick), 0.5);
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
