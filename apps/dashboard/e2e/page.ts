import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import AxeBuilder from '@axe-core/playwright';
import { type Browser, chromium, type Locator, type Page, type Request } from 'playwright-core';
import type { MapElement } from '../src/panels/site/site-panel.tsx';
import { eventually, PATIENCE_MS } from './waiting.ts';

/**
 * The same engine without windows, tabs and profiles, which nobody sees here and every page would pay for; else the whole
 * browser, told to show no window.
 */
const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path));

/** Why the browser tests cannot run here, or false. */
export const withoutBrowser: string | false =
  CHROMIUM === undefined ? 'needs chromium: apt-get install chromium' : false;

/**
 * A page that is looked at for seconds is gone before its code is worth optimizing, by either compiler that does. One that
 * draws the site solid is not. Its code is run from its source on, where what was found once is best kept from the first
 * call; and a core that others wait for collects garbage seldom and without helpers.
 */
export const UNOPTIMIZED =
  '--js-flags=--no-opt --no-maglev --no-lazy-feedback-allocation --min-semi-space-size=16 --single-threaded-gc';

export function openBrowser(...more: readonly string[]): Promise<Browser> {
  const args = [
    ...more,
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ];
  return chromium.launch({ ...(CHROMIUM !== undefined && { executablePath: CHROMIUM }), args });
}

/**
 * As in a browser that has no WebGL: the site is drawn flat. For tests that look at something else, on machines without
 * a graphics processor, where the solid view alone takes a core.
 */
export async function withoutWebGl(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const before = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function context(
      this: HTMLCanvasElement,
      kind: string,
      ...rest: unknown[]
    ) {
      if (kind.startsWith('webgl')) return null;
      return (before as (...args: unknown[]) => RenderingContext | null).call(this, kind, ...rest);
    } as typeof before;
  });
}

/** What a page asks again and again at its leisure, every so long or more, it asks so many times as often. */
const LEISURE_MS = 5_000;
const TIMES_AS_OFTEN = 10;

/** As if time went faster for what a page asks every few seconds, so that no test waits for it to ask; all else stays. */
export async function askingOften(page: Page): Promise<void> {
  await page.addInitScript(
    ([leisureMs, times]) => {
      const every = window.setInterval.bind(window) as (act: TimerHandler, ms?: number, ...rest: unknown[]) => number;
      const often = (act: TimerHandler, ms = 0, ...rest: unknown[]): number =>
        every(act, ms >= leisureMs ? ms / times : ms, ...rest);
      window.setInterval = often as typeof window.setInterval;
    },
    [LEISURE_MS, TIMES_AS_OFTEN] as const,
  );
}

/** So long from one picture to the next, at least. */
const PICTURE_MS = 100;

/**
 * As on a slow screen: what the page draws by the frame it draws ten times a second, in full and in the same order. For
 * tests that do not count pictures, where sixty a second without a graphics processor take more than all else they do.
 */
export async function drawnSeldom(page: Page): Promise<void> {
  await page.addInitScript((pictureMs) => {
    const nextFrame = window.requestAnimationFrame.bind(window);
    let wanted = new Map<number, FrameRequestCallback>();
    let due = wanted;
    let shownMs = Number.NEGATIVE_INFINITY;
    let asked = 0;
    let awaited = false;
    const show = (nowMs: number): void => {
      shownMs = performance.now();
      awaited = false;
      due = wanted;
      wanted = new Map();
      for (const [handle, draw] of due) {
        due.delete(handle);
        try {
          draw(nowMs);
        } catch (error) {
          reportError(error);
        }
      }
    };
    window.requestAnimationFrame = (draw) => {
      wanted.set(++asked, draw);
      if (!awaited) setTimeout(() => nextFrame(show), shownMs + pictureMs - performance.now());
      awaited = true;
      return asked;
    };
    window.cancelAnimationFrame = (handle) => {
      wanted.delete(handle);
      due.delete(handle);
    };
  }, PICTURE_MS);
}

/**
 * What a document is given once and keeps, in its small form and without a copy of the source of whatever it looks at.
 * Left to itself, the builder has each document evaluate twice a form that is more than twice as long.
 */
const AXE = `${readFileSync(createRequire(import.meta.resolve('@axe-core/playwright')).resolve('axe-core/axe.min.js'), 'utf8')}
axe.configure({ noHtml: true });`;

/** The page as a person uses it: one verb an intention. Works against any hub that serves the dashboard. */
export class FirstPage {
  readonly page: Page;
  /** What the page has asked the hub and has no answer to yet; not what it listens to. */
  readonly #asked = new Set<Request>();

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('request', (request) => {
      if (/\/sigma\.v1\.\w+\/(?!Watch)/.test(request.url())) this.#asked.add(request);
    });
    page.on('requestfinished', (request) => this.#asked.delete(request));
    page.on('requestfailed', (request) => this.#asked.delete(request));
  }

  /** As somebody who has been here before; `newcomer` is shown around. */
  async open(url: string, newcomer = false): Promise<void> {
    if (!newcomer) await this.page.addInitScript(() => localStorage.setItem('sigma.tour', 'true'));
    await this.page.goto(url);
  }

  /** Within the page, as a link does it; `part` is waited for. */
  async goTo(path: string, part = '.frame'): Promise<void> {
    await this.page.evaluate((to) => {
      history.pushState(null, '', to);
      dispatchEvent(new PopStateEvent('popstate'));
    }, path);
    await this.page.locator(part).first().waitFor();
  }

  async signIn(email: string, password: string): Promise<void> {
    await this.page.getByLabel('E-mail').fill(email);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  async isLive(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector('[data-testid=connection]')?.textContent === 'LIVE');
  }

  at(testId: string): Locator {
    return this.page.getByTestId(testId);
  }

  robotRow(id: string): Locator {
    return this.at(`robot-${id}`);
  }

  /** By its row, wherever that has moved by then: the list is sorted anew while robots change their state. */
  async select(id: string): Promise<void> {
    await this.robotRow(id).dispatchEvent('click');
    await this.at('selected-robot').filter({ hasText: id }).waitFor();
  }

  /** Opens the palette, types into it, and waits until what Enter would take is what was meant. */
  async find(words: string, meant: RegExp): Promise<void> {
    await this.page.keyboard.press('Control+k');
    await this.page.locator('[cmdk-input]').fill(words);
    await this.page.locator('[cmdk-item][data-selected=true]').filter({ hasText: meant }).waitFor();
  }

  async openTab(tab: 'now' | 'decisions' | 'simulation'): Promise<void> {
    await this.at(`tab-${tab}`).click();
  }

  /** Presses and holds until the button says that its time is over. */
  async hold(testId: string): Promise<void> {
    const button = this.at(testId);
    await button.hover();
    const press = await button.evaluateHandle((element) => {
      let pressed = false;
      const over = new Promise<void>((resolve) => {
        const observer = new MutationObserver(() => {
          const holding = element.isConnected && element.classList.contains('holding');
          if (pressed && !holding) resolve();
          pressed ||= holding;
        });
        observer.observe(document.body, {
          subtree: true,
          childList: true,
          attributes: true,
          attributeFilter: ['class'],
        });
      });
      return { over };
    });
    await this.page.mouse.down();
    await this.page.waitForFunction(({ over }) => over.then(() => true), press);
    await this.page.mouse.up();
  }

  /** Presses too shortly to mean it. */
  async tap(testId: string): Promise<void> {
    await this.at(testId).hover();
    // Both at once: between two waits a busy machine may take as long as a hold.
    await Promise.all([this.page.mouse.down(), this.page.mouse.up()]);
  }

  /** Where a point of the site stands on the page, in pixels. */
  async locate(xM: number, yM: number): Promise<{ x: number; y: number }> {
    const map = this.at('map');
    await this.page.waitForFunction(
      () => document.querySelector<MapElement>('[data-testid=map]')?.sigmaMap !== undefined,
    );
    const box = await map.boundingBox();
    const inside = await map.evaluate(
      (element, [x, y]) => (element as MapElement).sigmaMap?.locate(x as number, y as number),
      [xM, yM],
    );
    if (box === null || inside === undefined) throw new Error('the map is not on the page');
    return { x: box.x + inside.xPx, y: box.y + inside.yPx };
  }

  async clickSite(xM: number, yM: number): Promise<void> {
    const { x, y } = await this.locate(xM, yM);
    await this.page.mouse.click(x, y);
  }

  /** Draws an outline by clicking its corners and the first one again. */
  async drawZone(corners: readonly (readonly [number, number])[]): Promise<void> {
    await this.at('draw-zone').click();
    for (const [xM, yM] of corners) await this.clickSite(xM, yM);
    const [first] = corners;
    if (first !== undefined) await this.clickSite(first[0], first[1]);
  }

  async wear(theme: 'dark' | 'light'): Promise<void> {
    const worn = await this.page.evaluate(() => document.documentElement.dataset['theme']);
    if (worn !== theme) await this.page.keyboard.press('Shift+T');
  }

  /** As `wear`, also at the door and under a dialog, where no key is heard. */
  async show(theme: 'dark' | 'light'): Promise<void> {
    const writing = await this.page.evaluate(() => document.activeElement?.matches('input, textarea, select') === true);
    if (!writing) await this.wear(theme);
    await this.page.evaluate((worn) => {
      document.documentElement.dataset['theme'] = worn;
    }, theme);
  }

  /**
   * Rules of accessibility that what stands within those parts of the page breaks, each with where; without parts, the
   * whole page. There are no foreign frames in this page, so axe need not open one of its own to report.
   */
  async violations(within: readonly string[] = [], rules: readonly string[] = []): Promise<string[]> {
    // Nobody reads the source of what breaks a rule, and there is no sound or film, which is what style sheets and media
    // are fetched again for.
    if (!(await this.page.evaluate(() => 'axe' in window))) await this.page.evaluate(AXE);
    let axe = new AxeBuilder({ page: this.page, axeSource: ';' })
      .setLegacyMode(true)
      .options({ resultTypes: ['violations'], preload: false });
    for (const part of within) axe = axe.include(part);
    if (rules.length > 0) axe = axe.withRules([...rules]);
    const { violations } = await axe.analyze();
    return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`);
  }

  /** Waits until every panel has come, and what they asked for is answered and drawn. */
  async isComplete(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
    await eventually(() => this.#asked.size === 0);
    await this.page.evaluate(
      () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
    );
  }

  /** Breaks no rule of accessibility within those parts; without parts, on the whole page. */
  async isAccessible(...within: readonly string[]): Promise<void> {
    assert.deepEqual(await this.violations(within), []);
  }

  /** What anybody sees of the names of others is text and nothing but text. */
  async isUnharmed(): Promise<void> {
    assert.equal(await this.page.evaluate(() => 'hacked' in window), false);
  }

  /** What the map shows, flat or solid, as one text: two equal texts mean that nothing moved between them. */
  async picture(): Promise<string> {
    return (await this.at('map').screenshot()).toString('base64');
  }

  /** Waits until a locator's text matches, and gives it. Otherwise the error holds what it said instead. */
  async says(locator: Locator, pattern: RegExp): Promise<string> {
    try {
      await locator.filter({ hasText: pattern }).first().waitFor();
    } catch (error) {
      const said = (await locator.allTextContents()).map((text) => text.slice(0, 600));
      throw new Error(`waited for ${pattern}, it said ${JSON.stringify(said)}`, { cause: error });
    }
    return (await locator.first().textContent()) ?? '';
  }
}
