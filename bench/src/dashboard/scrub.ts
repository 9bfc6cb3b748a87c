import type { Site } from '@sigma/fleet-model';
import { decodeBlock, decodeEnvelope, decodeOpening } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { runSim } from '@sigma/sim';
import type { Browser, Page } from 'playwright-core';
import { absolute, type BenchLine, beside } from '../line.ts';
import { seeded } from './crowd.ts';
import type { StoredPast } from './crowd-thread.ts';
import { keptPast } from './kept-past.ts';
import { type MapElement, opened, quantile } from './page.ts';

const ROBOTS = 40;
const PEOPLE = 8;
const SEED = 7;
const FIRST_LOOKS = 10;
const LOOKS = 20;
/** The page lets its workers read who wrote what a few seconds after it opened. */
const WARM_MS = 8_000;
const BETWEEN_MS = 1_200;
/** The newest seconds are left out: they pass while the bench runs. */
const MARGIN_S = 5;
/** No picture so long after the moment was computed: nobody had moved. */
const UNMOVED_MS = 400;
/** Spans that the time bar offers, minutes. */
const SPANS = [5, 15, 60, 240];
/** The recording stays on the bar while the bench goes on and its end moves into the past. */
const SPAN_SHARE = 1.5;

interface Recorded {
  /** Microseconds since 1970. */
  readonly endUs: number;
  readonly minutes: number;
}

/**
 * A simulated fleet at its work, recorded as `sigma sim` records it: `minutes` of forty robots. An hour takes eight
 * minutes of a processor, so it is kept for the next run on the same tree.
 */
export async function recordedPast(site: Site, minutes: number): Promise<StoredPast> {
  const run = { site, seed: SEED, robots: ROBOTS, people: PEOPLE, minutes, verify: false };
  const what = `${site.digest.slice(0, 8)}-${SEED}-${ROBOTS}-${PEOPLE}-${minutes}min`;
  const path = await keptPast('@sigma/sim', what, async (recordingPath) => {
    await runSim({ ...run, recordingPath, nowMs: () => performance.now() });
  });
  const recording = openSqliteRecording(path);
  const heads = await recording.heads();
  const [head] = heads;
  if (head === undefined) throw new Error('the simulation recorded nothing');
  for await (const { bytes } of recording.blocks(head, 1, 1)) {
    const [first] = decodeBlock(bytes).events;
    if (first === undefined) break;
    const { timeUs, atUs } = decodeOpening(decodeEnvelope(first));
    const lastUs = heads.reduce((most, one) => Math.max(most, one.atUs), 0);
    await recording.close();
    return { path, tenant: head.tenant, endUs: timeUs - atUs + lastUs };
  }
  throw new Error('the recording has no opening');
}

/**
 * From the press on the time bar (its own time stamp) until the site of that moment, computed again by the kernel, is
 * painted: the first press on a page just opened, and presses at random moments after it.
 */
export async function benchScrub(
  browser: Browser,
  url: string,
  { endUs, minutes }: Recorded,
): Promise<readonly BenchLine[]> {
  const chance = seeded(SEED);
  const recorded = { endUs, minutes };
  const first: number[] = [];
  const later: number[] = [];
  for (let round = 0; round < FIRST_LOOKS; round++) {
    const page = await opened(browser, url);
    const span = SPANS.find((one) => one >= minutes * SPAN_SHARE) ?? minutes;
    await page.getByTestId('time-span').selectOption(String(span));
    await page.waitForTimeout(WARM_MS);
    first.push(await scrubTo(page, chance(), recorded));
    for (let k = round; k < LOOKS; k += FIRST_LOOKS) {
      await page.waitForTimeout(BETWEEN_MS);
      later.push(await scrubTo(page, chance(), recorded));
    }
    await page.context().close();
  }
  const words = `${ROBOTS} robots, ${minutes} min recorded`;
  const line = (name: string, ms: number, unit: string, middle: number) =>
    beside(absolute(name, ms, unit, '<=', 300), `median, ${words}`, middle);
  return [
    line('dashboard.scrubFirst', quantile(first, 1), `ms worst of ${FIRST_LOOKS}`, quantile(first, 0.5)),
    line('dashboard.scrub', quantile(later, 0.95), 'ms p95', quantile(later, 0.5)),
  ];
}

/**
 * Presses the time bar at a share of the recorded time that it shows.
 *
 * @returns milliseconds from the press until the site of that moment is painted
 */
async function scrubTo(page: Page, share: number, { endUs, minutes }: Recorded): Promise<number> {
  const bar = page.getByTestId('scrubber');
  const box = await bar.boundingBox();
  const [fromS, toS] = await bar.evaluate((element) =>
    ['aria-valuemin', 'aria-valuemax'].map((name) => Number(element.getAttribute(name))),
  );
  if (box === null || fromS === undefined || toS === undefined) throw new Error('the time bar is not on the page');
  const oldestS = Math.max(fromS, endUs / 1e6 - minutes * 60) + MARGIN_S;
  const newestS = Math.min(toS, endUs / 1e6) - MARGIN_S;
  const xPx = ((oldestS + share * (newestS - oldestS) - fromS) / (toS - fromS)) * box.width;
  if (!(xPx > 0 && xPx < box.width)) throw new Error('the moment is not on the time bar');
  await page.evaluate(awaitPress, UNMOVED_MS);
  await page.mouse.click(box.x + xPx, box.y + box.height / 2);
  const took = await page.waitForFunction(() => document.documentElement.dataset['scrubbedMs'], undefined, {
    polling: 50,
  });
  return Number(await took.jsonValue());
}

/**
 * Runs in the page: from the next press waits for the word that its moment is computed, then for a picture begun after
 * that, and writes down how long both took.
 */
function awaitPress(unmovedMs: number): void {
  const { dataset } = document.documentElement;
  delete dataset['scrubbedMs'];
  const tell = (ms: number) => {
    dataset['scrubbedMs'] = String(ms);
  };
  const effort = () => document.querySelector<MapElement>('[data-testid=map]')?.sigmaMap?.effort;
  const picture = (pressedMs: number, before: number, computedMs: number) => {
    const now = performance.now();
    if ((effort()?.done ?? 0) > before) tell(now - pressedMs);
    // A moment at which everybody stands where he stood on the picture needs no other.
    else if (now - computedMs > unmovedMs) tell(computedMs - pressedMs);
    else setTimeout(() => picture(pressedMs, before, computedMs), 2);
  };
  const computed = (pressedMs: number) => {
    // Told by the change itself: asked now and then, the picture begun right after it would be taken for one before.
    const seen = new MutationObserver(() => look());
    const look = () => {
      if (document.querySelector('[data-testid=computed]') === null) return;
      seen.disconnect();
      picture(pressedMs, effort()?.painted ?? 0, performance.now());
    };
    seen.observe(document.body, { subtree: true, childList: true, attributeFilter: ['data-testid'] });
    look();
  };
  const press = ({ timeStamp }: Event) => setTimeout(() => computed(timeStamp), 0);
  window.addEventListener('pointerdown', press, { capture: true, once: true });
}
