import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RESULTS } from './build.ts';
import { foreignMcap, HOSTILE } from './foreign-mcap.ts';
import { type FirstPage, withoutBrowser, withoutWebGl } from './page.ts';
import { openRealHouse, type RealHouse } from './real-house.ts';
import { eventually } from './waiting.ts';

const SIGMA = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

describe('what others recorded, beside the record of this site', { skip: withoutBrowser, timeout: 90_000 }, () => {
  let house: RealHouse;
  let page: FirstPage;
  let folder: string;

  before(async () => {
    await mkdir(RESULTS, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'sigma-brought-'));
    house = await openRealHouse({ robots: 1, people: 0, work: false }, { width: 1280, height: 800 });
    ({ page } = house);
    await withoutWebGl(page.page);
    await page.open(house.system.url);
    await page.signIn(house.system.email, house.system.password);
    await page.isLive();
  });

  after(async () => {
    await house?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const shot = (name: string) => page.page.screenshot({ path: join(RESULTS, `imports-${name}.png`) });
  const lane = (topic: string) => page.page.locator('.import-lane').filter({ hasText: topic });
  /** Where the first bar of a lane stands, pixels from the left of the page; it may stand before the window. */
  const firstBar = (topic: string): Promise<number> =>
    lane(topic)
      .getByTestId('import-bars')
      .evaluate((path) => path.getBoundingClientRect().left);

  /** Pixels of the flat map in the colour in which imports are drawn. */
  const ghostly = (): Promise<number> =>
    page.at('map-flat').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const probe = new OffscreenCanvas(1, 1).getContext('2d') as OffscreenCanvasRenderingContext2D;
      probe.fillStyle = getComputedStyle(canvas).getPropertyValue('--simulation').trim();
      probe.fillRect(0, 0, 1, 1);
      const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
      const context = (canvas as HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D;
      const { data } = context.getImageData(0, 0, width, height);
      let count = 0;
      for (let k = 0; k < data.length; k += 4)
        if (data[k] === red && data[k + 1] === green && data[k + 2] === blue && data[k + 3] === 255) count++;
      return count;
    });

  /** Lets go of a file over the page, as a hand does that dragged it there. */
  async function drop(name: string, bytes: Buffer): Promise<void> {
    const transfer = await page.page.evaluateHandle(
      ([called, base64]) => {
        const data = new DataTransfer();
        data.items.add(
          new File([Uint8Array.from(atob(base64 as string), (one) => one.charCodeAt(0))], called as string),
        );
        return data;
      },
      [name, bytes.toString('base64')],
    );
    const onto = page.page.locator('.drop-file');
    for (const event of ['dragenter', 'dragover', 'drop']) await onto.dispatchEvent(event, { dataTransfer: transfer });
    await page.says(page.at('import-name'), new RegExp(name));
    await page.at('lane-table').waitFor();
  }

  test('[R191] our own MCAP file lies under the record it was made of: the same decisions at the same moments', async () => {
    const recordings = join(house.system.dataDir, 'recordings');
    const recording = (await readdir(recordings)).find((name) => name.endsWith('.sqlite')) ?? '';
    const file = join(folder, 'own.mcap');
    const flags = ['export', '--format', 'mcap', '--out', file, join(recordings, recording)];
    await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', SIGMA, ...flags]);
    await page.goTo('/imports', '[data-testid=no-imports]');
    await page.at('import-file').setInputFiles(file);
    await page.says(page.at('import-facts'), /MCAP · \d+ events in \d+ lanes/);
    await page.says(page.at('times-used'), /log time of each message, as they stand in the file/);
    await page.at('record-decision').waitFor();
    await page.says(lane('/r01/decision').getByTestId('lane-value'), /authority/);
    await lane('/r01/decision').getByRole('button').click();
    await page.at('previous-event').click();
    await page.says(page.at('value-detail'), /event \d+ of \d+ events?.* 0 s before the cursor.*authority/s);
    await page.isComplete();
    const sends = page.page.locator('.import-map').getByRole('button', { name: 'Cover' });
    assert.equal(await sends.count(), 0, 'nothing is sent from a map that is there to be compared');
    await page.isAccessible('.page');
    await shot('own');
  });

  test('a file of another program whose clock stood elsewhere is dropped on the page, and shifted to where it belongs', async () => {
    await drop('amr.mcap', await foreignMcap());
    await page.says(page.at('times-used'), /nothing is on record here at these times: align it/);
    await page.says(lane('/gauge').getByTestId('lane-value'), /^n 10 · unit bar/);
    await page.says(page.at('ghosts'), /no record of this moment.*amr.*frame map taken for the floor/);
    await eventually(async () => (await ghostly()) > 10);
    await page.at('align-first').click();
    await page.says(page.at('times-used'), /\d+ d .* later than in the file$/);
    await page.says(lane('/gauge').getByTestId('lane-value'), /^n 10 · unit bar/);
    const typed = await page.at('shift').inputValue();
    await page.at('shift').fill(String(Number(typed.replace('+', '')) - 3));
    await page.at('shift').press('Enter');
    await page.says(lane('/gauge').getByTestId('lane-value'), /^n (39|40) · unit bar/);
    const before = await firstBar('/gauge');
    const strip = await page.at('shift-strip').boundingBox();
    assert.ok(strip !== null);
    await page.page.mouse.move(strip.x + 200, strip.y + 10);
    await page.page.mouse.down();
    await page.page.mouse.move(strip.x + 260, strip.y + 10, { steps: 3 });
    await page.page.mouse.up();
    await page.says(lane('/gauge').getByTestId('lane-value'), /^n (2|3)\d · unit bar/);
    await eventually(async () => Math.abs((await firstBar('/gauge')) - before - 60) < 8);
  });

  test('the cursor, the jump, the zoom and the pointer read it; its names are words and nothing else', async () => {
    const strip = lane('/gauge').locator('.lane-strip');
    const box = await strip.boundingBox();
    assert.ok(box !== null);
    await page.page.mouse.click(box.x + box.width * 0.75, box.y + 10);
    await page.says(page.at('lane-tip'), /\/gauge.*in the file.*n \d+ · unit bar/s);
    const said = await page.says(lane('/gauge').getByTestId('lane-value'), /^n 9\d · unit bar/);
    const n = Number(/n (\d+)/.exec(said)?.[1]);
    await lane('/gauge').getByRole('button').click();
    await page.at('next-event').click();
    await page.says(page.at('value-detail'), new RegExp(`event ${n + 2} of 101 events.*n${n + 1}unitbar`, 's'));
    const wide = await firstBar('/gauge');
    await page.at('zoom-in').click();
    await eventually(async () => (await firstBar('/gauge')) < wide - 100);
    await page.at('lane-filter').fill('onerror');
    await page.says(lane(HOSTILE).getByTestId('lane-value'), /onerror/);
    await lane(HOSTILE).getByRole('button').click();
    await page.says(page.at('value-detail'), /<img src=x/);
    await page.isUnharmed();
    await shot('foreign');
  });

  test('lines that are broken are named with their place, and a file that is none says so; the page goes on, and the acts are on record', async () => {
    const event = { specversion: '1.0', id: 'a', source: '/shop', type: 'sold', time: '2026-03-01T12:00:00Z', data: 3 };
    await drop('shop.jsonl', Buffer.from(`${JSON.stringify(event)}\nhello\n`));
    await page.says(page.at('left-out'), /1 part of the file could not be taken.*line 2/s);
    await page.says(lane('/shop').getByTestId('lane-value'), /^3/);
    await writeFile(join(folder, 'letter.txt'), 'Dear reader');
    await page.at('import-file').setInputFiles(join(folder, 'letter.txt'));
    await page.says(page.at('import-failed'), /neither MCAP nor CloudEvents/);
    await page.goTo('/imports', '[data-testid=import-row]');
    assert.equal(await page.at('import-row').count(), 4);
    await page.isComplete();
    await page.isAccessible('.page');
    await page.goTo('/acts', '.page');
    await page.says(page.page.locator('.page'), /brought the file 'amr\.mcap' of \d+ bytes/);
    assert.deepEqual(house.problems, []);
  });
});
