import type { Browser } from 'playwright-core';
import type { MapElement } from '../src/panels/site/site-panel.tsx';
import type { Look } from '../src/site/solid/lens.ts';
import type { DrawnWord } from '../src/site/solid/site-words.ts';
import { EMAIL, type FakeHub, PASSWORD } from './fake-hub.ts';
import { askingOften, drawnSeldom, FirstPage } from './page.ts';
import { eventually, steady } from './waiting.ts';

/** The site view as a person uses it, over the verbs of the whole page. */
export class SitePage extends FirstPage {
  async enter(url: string): Promise<void> {
    await this.open(url);
    await this.signIn(EMAIL, PASSWORD);
    await this.at('map').waitFor();
  }

  /** Waits until the solid view is the one that is shown. */
  async isSolid(): Promise<void> {
    await this.page.waitForFunction(() => {
      const map = document.querySelector<HTMLElement>('[data-testid=map]');
      return map?.dataset['flat'] === 'no' && ((map as MapElement).sigmaMap?.effort?.done ?? 0) > 0;
    });
  }

  async isFlat(reason: string): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => document.querySelector<HTMLElement>('[data-testid=map]')?.dataset['flat'] === wanted,
      reason,
    );
  }

  /** Pictures that were drawn in so long. */
  painted(ms: number): Promise<number> {
    return this.at('map').evaluate(async (map, wait) => {
      const count = () => (map as MapElement).sigmaMap?.effort?.painted ?? 0;
      const from = count();
      await new Promise((resolve) => setTimeout(resolve, wait));
      return count() - from;
    }, ms);
  }

  /** Waits until it has been drawn anew some times: what is shown moves. */
  async draws(): Promise<void> {
    const count = () => document.querySelector<MapElement>('[data-testid=map]')?.sigmaMap?.effort?.painted ?? 0;
    const from = await this.page.evaluate(count);
    await eventually(async () => (await this.page.evaluate(count)) > from + 3);
  }

  look(): Promise<Look | undefined> {
    return this.at('map').evaluate((map) => (map as MapElement).sigmaMap?.look);
  }

  async view(words: 'Map' | '3D'): Promise<void> {
    await this.at('map').getByRole('button', { name: words, exact: true }).click();
    const mode = words === 'Map' ? 'map' : 'perspective';
    await this.page.waitForFunction(
      (wanted) => document.querySelector<MapElement>('[data-testid=map]')?.sigmaMap?.look?.mode === wanted,
      mode,
    );
    await steady(async () => JSON.stringify(await this.look()));
  }

  /** Draws the outline of a fence corner by corner, and leaves it open. */
  async corners(corners: readonly (readonly [number, number])[]): Promise<void> {
    for (const [xM, yM] of corners) await this.clickSite(xM, yM);
  }

  /** Every word on the solid picture, where the graphics device was told to draw it. */
  words(): Promise<readonly DrawnWord[]> {
    return this.at('map').evaluate((map) => (map as MapElement).sigmaMap?.words ?? []);
  }

  /** How many pixels of a square of the site are tinted in the colour that layers are drawn in. */
  async tinted(xM: number, yM: number, sidePx = 24): Promise<number> {
    const { x, y } = await this.locate(xM, yM);
    const clip = { x: Math.round(x - sidePx / 2), y: Math.round(y - sidePx / 2), width: sidePx, height: sidePx };
    const png = (await this.page.screenshot({ clip })).toString('base64');
    return this.page.evaluate(async (shot) => {
      const answer = await fetch(`data:image/png;base64,${shot}`);
      const picture = await createImageBitmap(await answer.blob());
      const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
      if (context === null) throw new Error('no canvas to look at the picture with');
      context.drawImage(picture, 0, 0);
      const { data } = context.getImageData(0, 0, picture.width, picture.height);
      let count = 0;
      for (let k = 0; k < data.length; k += 4) if ((data[k + 2] as number) - (data[k] as number) > 32) count++;
      return count;
    }, png);
  }

  canvas(act: 'loseContext' | 'restoreContext'): Promise<void> {
    return this.page.evaluate((wanted) => {
      const kept = window as unknown as { lose?: { loseContext(): void; restoreContext(): void } | null };
      const canvas = document.querySelector<HTMLCanvasElement>('.map-solid canvas');
      kept.lose ??= canvas?.getContext('webgl2')?.getExtension('WEBGL_lose_context') ?? null;
      kept.lose?.[wanted]();
    }, act);
  }
}

/** A hub that tells of its robots as often as a real one: the solid view is what shows how they move. */
export function lively(hub: FakeHub): void {
  hub.tickMs = 100;
}

/** The screen of whoever counts pixels. */
export const FINE = 1;
/** Half of them each way: without a graphics processor, what the solid view costs is pixels. Nothing is laid out otherwise. */
export const COARSE = 0.5;

/** Signed in, before the solid view of a site on a window of 1280 × 800. */
export async function visitSite(browser: Browser, url: string, deviceScaleFactor = COARSE): Promise<SitePage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, deviceScaleFactor });
  const visitor = new SitePage(await context.newPage());
  await askingOften(visitor.page);
  await drawnSeldom(visitor.page);
  await visitor.enter(url);
  return visitor;
}
