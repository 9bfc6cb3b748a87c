import type { Browser } from 'playwright-core';
import { EMAIL, PASSWORD } from './fake-hub.ts';
import { FirstPage } from './page.ts';
import type { Scene, Stage } from './scenes.ts';

const VIEWPORT = { width: 1_280, height: 800 };
const PATIENCE_MS = 15_000;

/** Opens a page of its own at a scene. The caller closes its context. */
export async function visitScene(browser: Browser, url: string, stage: Stage, scene: Scene): Promise<FirstPage> {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const first = new FirstPage(await context.newPage());
  first.page.setDefaultTimeout(PATIENCE_MS);
  if (scene.flat === true) await first.page.addInitScript(withoutWebGl);
  const path = typeof scene.path === 'string' ? scene.path : scene.path(stage);
  await first.open(url + path, scene.newcomer === true);
  if (path !== '') {
    await first.signIn(EMAIL, PASSWORD);
    await first.isLive();
  }
  await scene.come?.(first, stage);
  return first;
}

/** As in a browser that has none. */
function withoutWebGl(): void {
  const before = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function context(this: HTMLCanvasElement, kind: string, ...rest: unknown[]) {
    if (kind.startsWith('webgl')) return null;
    return (before as (...args: unknown[]) => RenderingContext | null).call(this, kind, ...rest);
  } as typeof before;
}
