import type { Browser, BrowserContext, ViewportSize } from 'playwright-core';
import { signedIn } from './fake-hub.ts';
import { drawnSeldom, FirstPage, withoutWebGl } from './page.ts';
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

const addressOf = (scene: Scene, stage: Stage): string =>
  typeof scene.path === 'string' ? scene.path : scene.path(stage);

/** Opens a page at a scene. */
export async function visitScene(context: BrowserContext, url: string, stage: Stage, scene: Scene): Promise<FirstPage> {
  const path = addressOf(scene, stage);
  scene.before?.(stage);
  const first = new FirstPage(await context.newPage());
  if (scene.flat === true) {
    await withoutWebGl(first.page);
    await drawnSeldom(first.page);
  }
  await first.open(url + path, scene.newcomer === true);
  if (path !== '') await first.isLive();
  await scene.come?.(first, stage);
  return first;
}

/** Whether it takes a page of its own: nobody who has looked around is in that state, or comes out of it. */
const isApart = (scene: Scene): boolean =>
  scene.path === '' || scene.newcomer === true || scene.apart === true || scene.before !== undefined;

/**
 * Somebody who looks around: from scene to scene in one page, which sees the site flat and is loaded anew only where a
 * scene cannot be reached within it.
 */
export class Wanderer {
  readonly #context: BrowserContext;
  readonly #door: BrowserContext;
  readonly #url: string;
  readonly #stage: Stage;
  #around: FirstPage | null = null;
  #last: Scene | null = null;

  /** @param door of a browser in which nobody is signed in */
  constructor(context: BrowserContext, door: BrowserContext, url: string, stage: Stage) {
    this.#context = context;
    this.#door = door;
    this.#url = url;
    this.#stage = stage;
  }

  /** Looks at a scene, and puts everything back for the next one. */
  async visit(scene: Scene, look: (first: FirstPage) => Promise<void>): Promise<void> {
    const stage = this.#stage;
    if (isApart(scene)) {
      const context = scene.path === '' ? this.#door : this.#context;
      const first = await visitScene(context, this.#url, stage, { ...scene, flat: true });
      try {
        await look(first);
      } finally {
        await scene.leave?.(first, stage);
        await first.page.close();
      }
      return;
    }
    let first: FirstPage | undefined;
    try {
      first = await this.#goTo(scene);
      await look(first);
      this.#last = scene;
    } catch (error) {
      // Nobody knows in which state it is: the next scene gets another.
      this.#around = null;
      throw error;
    } finally {
      if (first !== undefined) await scene.leave?.(first, stage);
    }
  }

  async #goTo(scene: Scene): Promise<FirstPage> {
    const last = this.#last;
    const first = this.#around;
    if (first === null || last === null) {
      this.#around = await visitScene(this.#context, this.#url, this.#stage, { ...scene, flat: true });
      return this.#around;
    }
    const path = addressOf(scene, this.#stage);
    const wanted = new URL(path, this.#url);
    const here = new URL(first.page.url());
    // What is selected and which moment is shown stand in the address; what else was done there goes with the page.
    const isBack = last.come === undefined || last.leave !== undefined;
    const within = wanted.search === here.search && (wanted.pathname !== here.pathname || isBack);
    if (within) await first.goTo(path, scene.come === undefined ? scene.part : undefined);
    else {
      await first.page.goto(wanted.href);
      await first.isLive();
    }
    await scene.come?.(first, this.#stage);
    return first;
  }
}
