import { rm } from 'node:fs/promises';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { buildPage } from './build.ts';
import { FakeHub, signedIn } from './fake-hub.ts';
import { FakeRoom } from './fake-room.ts';
import { askingOften, drawnSeldom, FirstPage, openBrowser, UNOPTIMIZED, withoutWebGl } from './page.ts';

const WIDE: BrowserContextOptions = { viewport: { width: 1_280, height: 800 } };

/** How somebody comes to the page; unless named, signed in, seeing the flat site, on a window of 1280 × 800. */
export interface Visit {
  readonly path?: string;
  readonly options?: BrowserContextOptions;
  /** Is shown around. */
  readonly newcomer?: boolean;
  /** Stands before the door. */
  readonly signedOut?: boolean;
}

/** A fake hub that serves the page, and a browser in which people visit it. */
export interface House {
  /** Where the files of the page lie. */
  readonly dist: string;
  readonly hub: FakeHub;
  readonly url: string;
  readonly browser: Browser;
  /** What any page of the house broke with. */
  readonly problems: readonly string[];
  readonly visit: (how?: Visit) => Promise<FirstPage>;
  readonly close: () => Promise<void>;
}

/**
 * @param furnish puts in what the hub is to serve, before anybody comes
 * @param flags of the browser
 */
export async function openHouse(
  furnish: (hub: FakeHub) => void = () => undefined,
  flags: readonly string[] = [UNOPTIMIZED],
): Promise<House> {
  const dist = await buildPage();
  const hub = new FakeHub(dist);
  furnish(hub);
  const browser = await openBrowser(...flags);
  const url = await hub.listen();
  const problems: string[] = [];
  const visit = async ({ path = '/', options = WIDE, newcomer = false, signedOut = false }: Visit = {}) => {
    const context = await browser.newContext(options);
    if (!signedOut) await context.addCookies([signedIn(url)]);
    const visitor = new FirstPage(await context.newPage());
    visitor.page.on('pageerror', (error) => problems.push(error.message));
    await askingOften(visitor.page);
    await withoutWebGl(visitor.page);
    await drawnSeldom(visitor.page);
    await visitor.open(url + path, newcomer);
    if (!signedOut) await visitor.isLive();
    return visitor;
  };
  const close = async () => {
    await browser.close();
    await hub.close();
    await rm(dist, { recursive: true, force: true });
  };
  return { dist, hub, url, browser, problems, visit, close };
}

/** A house with a room full of work, and an administrator at the page. */
interface Workplace {
  readonly house: House;
  readonly hub: FakeHub;
  readonly room: FakeRoom;
  readonly first: FirstPage;
}

/** @param furnish puts in what the hub is to serve, before anybody comes */
export async function openWorkplace(
  furnish: (room: FakeRoom, hub: FakeHub) => void = () => undefined,
): Promise<Workplace> {
  let room: FakeRoom | undefined;
  const house = await openHouse((hub) => {
    hub.role = 'administrator';
    room = new FakeRoom(hub);
    furnish(room, hub);
  });
  return { house, hub: house.hub, room: room as FakeRoom, first: await house.visit() };
}
