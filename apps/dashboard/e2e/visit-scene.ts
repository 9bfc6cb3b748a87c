import type { Browser, BrowserContext, ViewportSize } from 'playwright-core';
import { signedIn } from './fake-hub.ts';
import { FirstPage, withoutWebGl } from './page.ts';
import type { Scene } from './scenes.ts';
import type { Stage } from './stages.ts';

const VIEWPORT: ViewportSize = { width: 1_280, height: 800 };

/** A browser of a person who is signed in; `door`: of one who is not. */
export async function sceneContext(
  browser: Browser,
  url: string,
  door = false,
  viewport = VIEWPORT,
): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport });
  if (!door) await context.addCookies([signedIn(url)]);
  return context;
}

/** Opens a page at a scene. */
export async function visitScene(context: BrowserContext, url: string, stage: Stage, scene: Scene): Promise<FirstPage> {
  const path = typeof scene.path === 'string' ? scene.path : scene.path(stage);
  const first = new FirstPage(await context.newPage());
  if (scene.flat === true) await withoutWebGl(first.page);
  await first.open(url + path, scene.newcomer === true);
  if (path !== '') await first.isLive();
  await scene.come?.(first, stage);
  return first;
}
