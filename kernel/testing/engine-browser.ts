import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { bundleOf } from './engine-quickjs.ts';

const CHROMIUM = '/usr/bin/chromium';

/** Reason to skip, naming the line that installs what is missing; false where the browser is there. */
export const withoutBrowser: string | false = existsSync(CHROMIUM) ? false : 'needs chromium: apt-get install chromium';

/**
 * The third engine: bundles `entry`, evaluates it in a page of the system's Chromium and returns what `call` gives there.
 *
 * @param call a synchronous expression in which `subject` is the module
 */
export async function runInBrowser(run: { readonly entry: string; readonly call: string }): Promise<unknown> {
  const code = await bundleOf(run.entry);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: code });
    return await page.evaluate(`(${run.call})`);
  } finally {
    await browser.close();
  }
}
