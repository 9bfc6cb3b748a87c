import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
export const SIZE = { width: 1280, height: 800 };

/** What the site view says of itself to whoever measures it. */
export interface MapElement extends HTMLElement {
  sigmaMap?: {
    readonly look?: { readonly mode: string };
    /** Pictures handed to the renderer, and those of them that it is done with. */
    readonly effort?: { readonly painted: number; readonly done: number };
  };
}

/**
 * No GPU: everything is drawn by the processor, as on a small server or a remote desktop.
 *
 * @throws Error when no Chromium is installed
 */
export function softwareBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`the dashboard bench needs ${CHROMIUM}: apt-get install chromium`);
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
}

/** Lets the site view fill the window, so that what is measured is 1280 × 800 of it; the rest of the page works on. */
const WHOLE = '[data-testid=map]{position:fixed!important;inset:0;z-index:50}';

/** The page in a window of its own with an empty cache, once its solid view was painted. */
export async function opened(browser: Browser, url: string, whole = false): Promise<Page> {
  const context = await browser.newContext({ viewport: SIZE, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.addInitScript(() => localStorage.setItem('sigma.tour', 'true'));
  await page.goto(url);
  if (whole) await page.addStyleTag({ content: WHOLE });
  await page.waitForFunction(() => performance.getEntriesByName('sigma-solid-picture').length > 0);
  return page;
}

/** The p-th share of the values, 0 to 1; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
