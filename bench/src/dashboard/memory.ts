import type { Browser } from 'playwright-core';
import { absolute, type BenchLine, beside } from '../line.ts';
import { opened } from './page.ts';

/**
 * Heap after garbage collection at the end of `minutes` of live data, beside that after a sixth of them: after thirty and
 * after five, as the target has it.
 */
export async function benchMemory(browser: Browser, url: string, minutes: number): Promise<BenchLine> {
  const page = await opened(browser, url);
  const session = await page.context().newCDPSession(page);
  const heap = async (): Promise<number> => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return usedSize / 1e6;
  };
  await page.waitForTimeout(minutes * 10_000);
  const early = await heap();
  await page.waitForTimeout(minutes * 50_000);
  const late = await heap();
  await page.context().close();
  const line = beside(absolute('dashboard.memory', late, 'MB', '<=', early * 1.1), 'the same page, earlier', early);
  return { ...line, target: `<= 1.1 of what it was after ${(minutes / 6).toFixed(1)} of ${minutes} min` };
}
