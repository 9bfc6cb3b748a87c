import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FirstPage, withoutBrowser, withoutWebGl } from './page.ts';
import { openRealHouse, type RealHouse, seeSpeeds, selectDriving } from './real-house.ts';
import { COARSE } from './site-page.ts';

const ROBOTS = 8;
/** How long somebody stands in the way. */
const STAYS_S = 4;

describe('the whole system, from the sensor of a robot to the eye of a person', {
  skip: withoutBrowser,
  timeout: 240_000,
}, () => {
  let house: RealHouse;
  let page: FirstPage;

  before(async () => {
    // It shows the site solid, and computes the lives of all robots.
    house = await openRealHouse({ robots: ROBOTS, people: 4, work: false }, { width: 1280, height: 800 }, COARSE, []);
    ({ page } = house);
  });

  after(() => house?.close());

  /** To a robot at work that drives and that nothing holds, so that what happens to it next is what was done to it. */
  const inject = async (fault: string, seconds: number): Promise<string> => {
    const id = await selectDriving(page);
    await page.openTab('simulation');
    await page.at('faults').getByRole('spinbutton').fill(String(seconds));
    await page.at(`inject-${fault}`).click();
    await page.says(page.at('robot-outcome'), /accepted by the robot/);
    return id;
  };

  /** Puts a person in front of robots that drive until one is startled: who has come to its goal meanwhile just stands. */
  const startled = async (): Promise<void> => {
    for (let k = 0; k < 8; k++) {
      await inject('person_steps_in', STAYS_S);
      const state = page.at('selected-state').filter({ hasText: /human proximity override/ });
      const stopped = await state.waitFor({ timeout: (STAYS_S + 2) * 1_000 }).then(
        () => true,
        () => false,
      );
      if (stopped) return;
    }
    throw new Error('eight people stepped in front of driving robots, and no robot stopped for them');
  };

  /** The newest decision that safety won for that reason, opened. Safety may have had others since. */
  const safetyDecision = async (why: string, source: RegExp): Promise<string> => {
    await page.openTab('decisions');
    const reason = page.page.locator(`[title^="safety:"][title*="${why}"]`);
    // The list grows at its head while one points at it: the row that was found is taken, wherever it has moved.
    await page.at('decision-row').filter({ has: reason }).first().dispatchEvent('click');
    const words = await page.says(page.at('decision-detail').first(), source);
    await page.page.keyboard.press('Escape');
    return words;
  };

  test('the printed account opens the door, and every robot is there', async () => {
    const { url, email, password } = house.system;
    await page.open(url);
    await page.signIn(email, password);
    await page.isLive();
    await seeSpeeds(page);
    await page.robotRow(`r0${ROBOTS}`).waitFor();
    assert.equal(await page.page.locator('tr[data-testid^=robot-r]').count(), ROBOTS);
  });

  test('a drawn zone is previewed, taken, and worked on by robots', async () => {
    await page.drawZone([
      [30, 8],
      [125, 8],
      [125, 58],
      [30, 58],
    ]);
    await page.says(page.at('preview'), /\d+ robots: r\d\d.*About \d+ (s|min)/);
    await page.at('send-mission').click();
    await page.says(page.at('last-act'), /Cover drawn zone.*taken as m-/);
    const mission = page.at('missions').locator('li[data-testid^=mission-]').filter({ hasText: 'Cover drawn zone' });
    await page.page.locator('li[data-status=active]').filter({ hasText: 'Cover drawn zone' }).first().waitFor();
    await mission.locator('.row-main').click();
    await page.says(page.at('mission-card'), /Cover drawn zone/);
    await page.says(page.at('mission-tasks'), /r\d\d.*active.*since \d\d:\d\d:\d\d, \d+ s/);
    await selectDriving(page);
    // From here on the site is drawn flat: without a graphics processor the solid view takes a core from the robots.
    await withoutWebGl(page.page);
    await page.page.reload();
    await page.isLive();
  });

  test('[L1] a motor drawn over its limit is cut off; the alert and the decision log say why', async () => {
    await inject('motor_overload', 5);
    await page.says(page.at('selected-state'), /motor overload cutoff/);
    await page.says(page.at('alerts'), /a motor drew more than its limit/);
    await page.openTab('now');
    await page.says(page.at('failsafe'), /motor overload cutoff.*Free the wheel.*acknowledged.*reset/);
    const why = await safetyDecision('a motor drew more', /safety · failsafe:motor_overload_cutoff/);
    assert.match(why, /cutoff/);
    assert.match(why, /confidence 100 %/);
    await page.at('acknowledge').click();
    await page.says(page.at('robot-outcome'), /Acknowledge .*accepted/);
    await page.hold('reset');
    await page.says(page.at('robot-outcome'), /Reset .*(accepted|refused by the robot: )/);
  });

  test('[L1] an overheated motor brings its robot to rest before it burns', async () => {
    await inject('overheating', 30);
    await page.says(page.at('selected-state'), /thermal shutdown/);
    await page.says(page.at('alerts'), /hotter than \d+ °C/);
    await safetyDecision('hotter than', /safety · failsafe:thermal_shutdown/);
  });

  test('[L1] a person in front of a robot stops it, and it goes on by itself', async () => {
    await startled();
    await page.says(page.at('alerts'), /a person is inside the protective separation distance/);
    await safetyDecision('a person is inside', /safety · failsafe:human_proximity_override/);
    await page.says(page.at('selected-state'), /^(?!.*proximity)/);
  });

  test('[L5] a robot without its network is shown as out of contact, with its age and an alert', async () => {
    const id = await inject('link_loss', 14);
    await page.says(page.robotRow(id), /no contact \d+ s/);
    await page.says(page.at('alerts'), /nothing was heard/);
    await page.says(page.robotRow(id), /^(?!.*no contact)/);
  });

  test('an emergency stop holds until a person acknowledges and resets', async () => {
    await selectDriving(page);
    await page.hold('stop-emergency');
    await page.says(page.at('robot-outcome'), /Emergency stop .*accepted by the robot/);
    await page.says(page.at('selected-state'), /emergency stop/);
    await page.at('acknowledge').click();
    await page.says(page.at('robot-outcome'), /Acknowledge .*accepted/);
    await page.hold('reset');
    await page.says(page.at('robot-outcome'), /Reset .*accepted/);
    await page.says(page.at('selected-state'), /^(?!.*emergency)/);
    await page.at('lease-take').click();
    await page.says(page.at('lease'), /You hold control/);
    await page.at('lease-return').click();
    await page.says(page.at('lease'), /Nobody holds control/);
  });

  test('simulated time is set on the bench: the whole site lives twice as fast, and again as before', async () => {
    await page.page.getByRole('tab', { name: 'Bench' }).click();
    await page.at('speed-2').click();
    await page.says(page.at('last-act'), /lives 2 times as fast/);
    await page.says(page.at('site-ahead'), /ahead of the clock on the wall/);
    await page.at('speed-1').click();
    await page.says(page.at('last-act'), /lives 1 times as fast/);
  });

  test('what a robot sensed half a minute ago is computed from its real recording', async () => {
    await page.select('r01');
    await page.at('tab-sensors').click();
    for (let k = 0; k < 3; k++) await page.page.keyboard.press('{');
    await page.says(page.at('past-sensors'), /Computed again from its recorded inputs.*Battery.*charge\d+ %/);
    await page.at('go-live').click();
    await page.says(page.at('sensors'), /Battery/);
  });

  test('[L2] the browser runs every robot again and finds every decision as recorded', async () => {
    await page.at('page-verify').click();
    await page.says(page.at('verify-result'), /^ok$/);
    await page.says(page.at('verify'), new RegExp(`r0${ROBOTS}`));
    await page.says(page.at('verify'), /1–\d+ re-executed/);
    assert.deepEqual(house.problems, []);
  });
});
