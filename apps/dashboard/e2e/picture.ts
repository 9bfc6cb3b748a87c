// Takes the picture of the README from a real system: forty robots at work, a zone drawn for some of them, one held by
// its failsafe, with the alert and the decision that answered it.
//
//   npm run picture -w @sigma/dashboard
//
// ImageMagick, where it is installed, brings it to a palette: a README should open quickly.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildServedPage } from './build.ts';
import { FirstPage, openBrowser, withoutBrowser } from './page.ts';
import { startSystem } from './solo-system.ts';

const PICTURE = fileURLToPath(new URL('../../../docs/images/mission-control.png', import.meta.url));
const ROBOTS = 40;
/** How long the fleet works before the picture: it spreads over the site. */
const WORKS_MS = 30_000;
/** Longer than it takes to look at it. */
const HOT_S = 120;
const ZONE = [
  [30, 8],
  [95, 8],
  [95, 40],
  [30, 40],
] as const;

if (withoutBrowser !== false) throw new Error(withoutBrowser);
await buildServedPage();
const system = await startSystem(ROBOTS, 8, true);
const browser = await openBrowser();
try {
  const context = await browser.newContext({ viewport: { width: 1600, height: 900 } });
  const first = new FirstPage(await context.newPage());
  const { page } = first;
  page.setDefaultTimeout(60_000);
  await first.open(system.url);
  await first.signIn(system.email, system.password);
  await first.isLive();
  await first.wear('dark');
  await first.at('map').waitFor();
  await first.drawZone(ZONE);
  await first.at('preview').filter({ hasText: 'robots' }).waitFor();
  await first.at('send-mission').click();
  await first.says(first.at('last-act'), /taken as/);
  await page.waitForTimeout(WORKS_MS);
  const row = page.locator('tr[data-testid^=robot-][data-state=working]').nth(6);
  await first.select(((await row.getAttribute('data-testid')) ?? '').replace('robot-', ''));
  await first.openTab('simulation');
  await first.at('faults').getByRole('spinbutton').fill(String(HOT_S));
  await first.at('inject-overheating').click();
  await first.says(first.at('selected-state'), /thermal shutdown/);
  await first.says(first.at('alerts'), /hotter than/);
  await first.openTab('now');
  await first.at('why-now').click();
  await first.at('losers').first().waitFor();
  await page.mouse.move(900, 20);
  await page.waitForTimeout(2_000);
  await page.screenshot({ path: PICTURE });
  await promisify(execFile)('convert', [PICTURE, '-colors', '160', `png8:${PICTURE}`]).catch(() =>
    console.error('no ImageMagick here: the picture keeps all its colours'),
  );
  console.log(PICTURE);
} finally {
  await browser.close();
  await system.stop();
}
