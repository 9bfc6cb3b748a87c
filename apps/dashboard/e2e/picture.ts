// Takes the picture of the README from a real system: forty robots at work, one selected, its decision opened.
//
//   npm run picture -w @sigma/dashboard
//
// ImageMagick, where it is installed, brings it to a palette: a README should open quickly.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FirstPage, openBrowser, withoutBrowser } from './page.ts';
import { buildServedPage, startSystem } from './solo-system.ts';

const PICTURE = fileURLToPath(new URL('../../../docs/images/mission-control.png', import.meta.url));
const ROBOTS = 40;
/** How long the fleet works before the picture: it spreads over the site. */
const WORKS_MS = 30_000;

if (withoutBrowser !== false) throw new Error(withoutBrowser);
await buildServedPage();
const system = await startSystem(ROBOTS, 8, true);
const browser = await openBrowser();
try {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
  const first = new FirstPage(await context.newPage());
  first.page.setDefaultTimeout(60_000);
  await first.open(system.url);
  await first.signIn(system.email, system.password);
  await first.isLive();
  await first.wear('dark');
  await first.page.waitForTimeout(WORKS_MS);
  const id = await first.page.locator('tr[data-testid^=robot-][data-state=working]').nth(4).getAttribute('data-testid');
  await first.select((id ?? '').replace('robot-', ''));
  await first.openTab('simulation');
  await first.at('inject-person_steps_in').click();
  await first.openTab('decisions');
  await first.at('decision-row').filter({ hasText: 'safety' }).first().click();
  await first.at('losers').first().waitFor();
  await first.page.mouse.move(900, 20);
  await first.page.waitForTimeout(600);
  await first.page.screenshot({ path: PICTURE });
  await promisify(execFile)('convert', [PICTURE, '-colors', '160', `png8:${PICTURE}`]).catch(() =>
    console.error('no ImageMagick here: the picture keeps all its colours'),
  );
  console.log(PICTURE);
} finally {
  await browser.close();
  await system.stop();
}
