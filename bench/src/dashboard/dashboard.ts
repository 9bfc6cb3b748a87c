import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Site } from '@sigma/fleet-model';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { absolute, type BenchLine } from '../line.ts';
import { crowdThread } from './crowd-thread.ts';
import { benchFrames } from './frames.ts';
import { benchMemory } from './memory.ts';
import { opened, quantile, softwareBrowser } from './page.ts';
import { benchScrub, recordedPast } from './scrub.ts';

const TARGETS = [
  { count: 40, fps: 24 },
  { count: 1_000, fps: 20 },
  { count: 10_000, fps: 15 },
] as const;

interface DashboardLengths {
  /** How long memory is watched. */
  readonly minutes: number;
  /** How long the recording is that is scrubbed through. */
  readonly pastMinutes: number;
}

/**
 * The page in a browser that draws in software: how soon it shows something, how often it draws while a crowd moves, how
 * soon it answers, how soon it shows another moment of a recording, and whether its memory stays flat. Each line comes as
 * soon as it is measured.
 */
export async function* benchDashboard(
  site: Site,
  { minutes, pastMinutes }: DashboardLengths,
): AsyncGenerator<BenchLine> {
  const folder = await mkdtemp(join(tmpdir(), 'sigma-bench-dashboard-'));
  const dist = join(folder, 'dist');
  const browser = await softwareBrowser();
  try {
    await buildPage(dist);
    for (const target of TARGETS) {
      yield* await withHub(crowdThread(site, target.count, dist), async (url) => [
        ...(target.count === 40 ? await benchOpening(browser, url) : []),
        ...(await benchFrames(browser, url, site, target)),
      ]);
    }
    const past = await recordedPast(site, pastMinutes);
    yield* await withHub(crowdThread(site, 40, dist, past), (url) =>
      benchScrub(browser, url, { endUs: past.endUs, minutes: pastMinutes }),
    );
    yield await withHub(crowdThread(site, 40, dist), (url) => benchMemory(browser, url, minutes));
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

async function withHub<T>(starting: ReturnType<typeof crowdThread>, run: (url: string) => Promise<T>): Promise<T> {
  const hub = await starting;
  try {
    return await run(hub.url);
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
