import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import { AlertLevel } from '@sigma/proto';
import { type House, openHouse } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { recordRobot } from './robot-recording.ts';
import { eventually } from './waiting.ts';

/** Told ahead of the record that answers it with a decision. */
const SHUT_DOWN = { agentId: 'r05', text: 'thermal_shutdown: board_hot', level: AlertLevel.CRITICAL };
const ANSWERED = { decisionEpoch: 0, decisionSequence: 11n };

describe('marks on the time bar while a record comes home', { skip: withoutBrowser, timeout: 60_000 }, () => {
  let house: House;
  let first: FirstPage;
  const timeUs = (Date.now() - 20_000) * 1_000;

  before(async () => {
    house = await openHouse(({ site, record }) => {
      record.mark(timeUs, 'failsafe', { ...SHUT_DOWN, reported: true });
      record.blocks.push(...recordRobot(site, sha256, 30, { id: 'r05', epochTimeUs: timeUs }));
    });
    first = await house.visit();
    await first.at('time-span').selectOption('5');
  });

  after(() => house?.close());

  const mark = () => first.page.locator('.scrubber .mark[data-kind=failsafe]');

  test('[R192] a mark is moved and not drawn anew while the present moves on, so that what it says stays open', async () => {
    const drawn = await mark().elementHandle();
    const stood = await mark().getAttribute('transform');
    await eventually(async () => (await mark().getAttribute('transform')) !== stood);
    assert.equal(await drawn?.evaluate((element) => element.isConnected), true);
  });

  test('[R193] what is only reported is an outline and says so; when its record comes the same mark is filled', async () => {
    const drawn = await mark().elementHandle();
    await first.says(mark(), /thermal shutdown: .*\(reported; its record is still to come\)/);
    assert.equal(await mark().getAttribute('data-hollow'), 'true');
    assert.equal(
      await mark()
        .locator('path')
        .evaluate((path) => getComputedStyle(path).fill),
      'none',
    );
    house.hub.record.marks = [];
    house.hub.record.mark(timeUs, 'failsafe', { ...SHUT_DOWN, ...ANSWERED });
    await eventually(async () => (await mark().getAttribute('data-hollow')) === 'false');
    assert.doesNotMatch((await mark().textContent()) ?? '', /reported/);
    assert.notEqual(
      await mark()
        .locator('path')
        .evaluate((path) => getComputedStyle(path).fill),
      'none',
    );
    assert.equal(await drawn?.evaluate((element) => element.isConnected), true);
  });

  test('[R192] who moves a pointer over the bar finds it standing still, presses the mark and lands on the decision', async () => {
    const { page } = first;
    const time = () => first.at('site-time').textContent();
    const bar = await first.at('scrubber').boundingBox();
    assert.ok(bar !== null);
    let moves = 0;
    const aim = () => page.mouse.move(bar.x + bar.width / 2 + (moves++ % 2), bar.y + bar.height / 2);
    await aim();
    const box = await mark().boundingBox();
    assert.ok(box !== null);
    for (let second = 0; second < 2; second++) {
      const said = await time();
      await eventually(async () => {
        await aim();
        return (await time()) !== said;
      });
    }
    assert.deepEqual(await mark().boundingBox(), box);
    // Behind each move it stands but for a while: where to press is asked behind the last one.
    await aim();
    const stands = await mark().boundingBox();
    assert.ok(stands !== null);
    await page.mouse.click(stands.x + stands.width / 2, stands.y + stands.height / 2);
    await page.waitForURL(/select=decision:r05:0:11/);
    assert.deepEqual(house.problems, []);
  });

  test('[R192] on a small screen, too, it is said that a record is to come, and the way back to the present stays in the window', async () => {
    const life = { epoch: 0, missingEvents: 9n, upToTimeUs: BigInt(timeUs), outOfReach: true };
    house.hub.record.onTheWay = ['r05', 'r06', 'r07'].map((agentId) => ({ ...life, agentId }));
    const viewport = { width: 1_024, height: 768 };
    const visitor = await house.visit({ options: { viewport } });
    await visitor.says(visitor.at('to-come'), /record of 3 robots to come/);
    const right = async (testId: string) => {
      const box = await visitor.at(testId).boundingBox();
      assert.ok(box !== null && box.width > 16, `${testId} is seen`);
      return box.x + box.width;
    };
    assert.ok((await right('to-come')) <= (await right('bookmarks')));
    assert.ok((await right('go-live')) <= viewport.width);
    await visitor.page.context().close();
  });

  test('[R192] in the past whose record is to come is said in full, before how long the moment took to compute', async () => {
    const visitor = await house.visit({ path: `/?at=${new Date(timeUs / 1_000 + 5_000).toISOString()}` });
    await visitor.at('computed').waitFor({ state: 'attached' });
    const words = visitor.at('to-come');
    await visitor.says(words, /record of 3 robots to come/);
    await eventually(() => words.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth));
    await visitor.page.context().close();
  });
});
