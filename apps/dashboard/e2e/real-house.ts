import type { Browser, ViewportSize } from 'playwright-core';
import { buildServedPage } from './build.ts';
import { drawnSeldom, FirstPage, openBrowser, UNOPTIMIZED } from './page.ts';
import { type SoloSystem, startSystem } from './solo-system.ts';

/** A system as a person starts it, and one page before its door. */
export interface RealHouse {
  readonly system: SoloSystem;
  readonly browser: Browser;
  readonly page: FirstPage;
  /** What the page broke with. */
  readonly problems: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * @param work whether the fleet has work that never ends
 * @param deviceScaleFactor pixels of the screen for one of the page, each way
 * @param flags of the browser
 */
export async function openRealHouse(
  { robots, people, work }: { readonly robots: number; readonly people: number; readonly work: boolean },
  viewport: ViewportSize,
  deviceScaleFactor = 1,
  flags: readonly string[] = [UNOPTIMIZED],
): Promise<RealHouse> {
  await buildServedPage();
  const system = await startSystem(robots, people, work);
  const browser = await openBrowser(...flags);
  const page = new FirstPage(await (await browser.newContext({ viewport, deviceScaleFactor })).newPage());
  const problems: string[] = [];
  await drawnSeldom(page.page);
  page.page.on('pageerror', (error) => problems.push(error.message));
  const close = async () => {
    await browser.close();
    await system.stop();
  };
  return { system, browser, page, problems, close };
}

/** Who is slower soon stands, and is in no danger from whoever is in his way. */
const DRIVES_MPS = 0.5;

/** Lets the list of the fleet show speeds, from now on. */
export async function seeSpeeds(first: FirstPage): Promise<void> {
  await first.at('fleet-columns').first().click();
  await first.at('fleet-column-speed').check();
  await first.page.keyboard.press('Escape');
  await first.at('fleet-column-speed').waitFor({ state: 'detached' });
}

/** Selects a robot at work as soon as one drives; the list must show speeds. @returns its name */
export async function selectDriving(first: FirstPage): Promise<string> {
  const found = await first.page.waitForFunction((leastMps) => {
    const rows = document.querySelectorAll<HTMLTableRowElement>('tr[data-testid^=robot-][data-state=working]');
    const speedOf = (row: HTMLTableRowElement) =>
      [...row.cells].map(({ textContent }) => /^([\d.]+)\s*m\/s$/.exec(textContent.trim())?.[1] ?? '0');
    return [...rows].find((row) => speedOf(row).some((mps) => Number(mps) >= leastMps))?.dataset['testid'];
  }, DRIVES_MPS);
  const id = String(await found.jsonValue()).replace('robot-', '');
  await first.select(id);
  await first.openTab('now');
  return id;
}
