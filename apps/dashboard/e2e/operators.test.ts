import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type AgentDecision, AgentDecisionSchema, Authority } from '@sigma/proto';
import { EMAIL, type FakeHub } from './fake-hub.ts';
import { type FakeRoom, NASTY } from './fake-room.ts';
import { type House, openWorkplace } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { eventually } from './waiting.ts';

/** A frame that takes longer is seen to stutter, even on a machine without a graphics processor. */
const SMOOTH_MS = 125;

describe('people at work in a browser', { skip: withoutBrowser, timeout: 230_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let room: FakeRoom;
  let first: FirstPage;

  before(async () => {
    ({ house, hub, room, first } = await openWorkplace());
  });

  after(() => house?.close());

  test('an account is made with a password told once, given a role and removed, and everything is on the list of acts', async () => {
    await first.goTo('/accounts');
    await first.at('new-account').getByLabel('E-mail').fill('eve@example.org');
    await first.at('new-account').getByLabel('Name').fill(NASTY);
    await first.at('create-account').click();
    await first.says(first.at('password'), /umber-otter-17-lantern/);
    await first.at('password-done').click();
    await first.at('role-eve@example.org').selectOption('operator');
    await first.says(first.at('last-act'), /Make eve@example\.org operator/);
    await first.isAccessible('[data-testid=accounts]');
    await first.hold('remove-eve@example.org');
    await first.at('account-eve@example.org').waitFor({ state: 'detached' });
    await first.isUnharmed();
    room.did('StopAgents', 'emergency stop of it', ['r02'], 'accepted');
    room.did(
      'SetAgentMode',
      'set its mode to manual',
      ['r02'],
      'refused',
      'take the control lease first',
      'bob@example.org',
    );
    await first.goTo('/acts');
    await first.says(
      first.at('acts-list'),
      /bob@example\.org.*set its mode to manual.*refused.*take the control lease first/,
    );
    await first.at('acts-actor').selectOption(EMAIL);
    await first.page.waitForFunction(() => document.querySelectorAll('[data-testid=act-row]').length === 1);
    await first.isAccessible('[data-testid=acts]');
    await first.goTo('/');
  });

  test('two operators on one robot: who holds it is shown, a take-over names who loses it, and both see it', async () => {
    const second = await house.visit();
    await first.select('r04');
    await second.select('r04');
    hub.robot('r04').leaseHolder = 'bob@example.org';
    await first.says(first.at('lease'), /Control: bob@example\.org.*left/);
    const over = first.at('lease-take-over');
    assert.match((await over.getAttribute('title')) ?? '', /bob@example\.org loses control of r04 to you/);
    await first.tap('lease-take-over');
    assert.equal(hub.robot('r04').leaseHolder, 'bob@example.org');
    await first.hold('lease-take-over');
    await first.says(first.at('lease'), /You hold control until/);
    await second.says(second.at('lease'), /You hold control|Control: ada/);
    await second.page.context().close();
  });

  test('a control says what it will do to whom before it is used, and what really came of it after', async () => {
    await first.at('stop-protective').hover();
    await first.says(first.at('consequence'), /Protective stop of r04: brakes hard, then motors off, category 1/);
    await first.at('stop-protective').click();
    await first.says(first.at('robot-outcome'), /Protective stop of r04.*accepted by the robot/);
    await first.at('stop-end').hover();
    await first.says(first.at('consequence'), /Ends the stop of r04/);
    await first.hold('stop-end');
    await first.says(first.at('robot-outcome'), /End the normal stop of r04.*accepted/);
  });

  test('a role taken away in mid-session disables what it may not do, with the reason, and a refusal is told', async () => {
    hub.role = 'viewer';
    await first.page.waitForFunction(
      () => document.querySelector<HTMLButtonElement>('[data-testid=acknowledge]')?.disabled === true,
    );
    const why = await first.at('stop-normal').getAttribute('aria-description');
    assert.match(why ?? '', /Needs the role operator; yours is viewer/);
    await first.goTo('/accounts');
    await first.says(first.at('accounts'), /Not allowed for your role/);
    hub.role = 'administrator';
    await first.goTo('/');
    await first.page.waitForFunction(
      () => document.querySelector<HTMLButtonElement>('[data-testid=acknowledge]')?.disabled === false,
    );
  });

  test('the bench breaks robots by name, shows what is in force until when, and clears it', async () => {
    await first.page.getByRole('tab', { name: 'Bench' }).click();
    await first.says(first.at('bench'), /SIMULATION/);
    await first.at('bench-fault').selectOption('stuck_encoder');
    await first.at('bench-inject').click();
    await first.says(first.at('active-r04-stuck_encoder'), /stuck encoder\d+ s left/);
    await first.at('person-in-front').first().click();
    await first.says(first.at('last-act'), /Put a person at .*accepted/);
    assert.equal(room.people.length, 1);
    await first.at('person-on-map').click();
    await first.says(first.at('person-on-map'), /Click the place on the map/);
    await first.clickSite(5, 20);
    await eventually(() => room.people.length === 2);
    const { xM = 0, yM = 0 } = room.people[1] ?? {};
    assert.ok(Math.hypot(xM - 5, yM - 20) < 1, `put at ${xM}, ${yM}`);
    await first.says(first.at('person-on-map'), /Put a person on the map/);
    await first.at('bench-cut-link').click();
    await first.says(first.at('active-r04-link_loss'), /link loss/);
    await first.isAccessible('[data-testid=bench]');
    await first.at('clear-stuck_encoder').click();
    await first.at('active-r04-stuck_encoder').waitFor({ state: 'detached' });
    await first.at('speed-2').click();
    await first.says(first.at('last-act'), /simulated time run 2 times as fast.*2 times as fast/);
    await first.page.locator('[data-testid=speed-2][aria-pressed=true]').waitFor();
    assert.equal(room.speed, 2);
    await first.says(first.at('no-standstill'), /slows to 0\.25× and never stands: .* a stop must be answered/);
    await first.at('hold-picture').click();
    await first.page.locator('.frame[data-time=past]').waitFor();
    assert.equal(await first.at('hold-picture').isDisabled(), true, 'it is held already');
    assert.equal(room.speed, 2, 'the robots go on behind the picture');
    await first.at('go-live').click();
    await first.isLive();
  });

  test('where robots are real nothing is there that would break one, by menu, key or link', async () => {
    hub.simulated = false;
    const real = await house.visit({ path: '/?select=robot:r04' });
    await real.at('selected-robot').filter({ hasText: 'r04' }).waitFor();
    assert.equal(await real.at('simulation-tag').count(), 0);
    assert.equal(await real.at('tab-simulation').count(), 0);
    assert.equal(await real.page.getByRole('tab', { name: 'Log' }).count(), 1);
    assert.equal(await real.page.getByRole('tab', { name: 'Bench' }).count(), 0);
    await real.page.keyboard.press('Control+k');
    await real.page.locator('[cmdk-input]').fill('bench');
    await real.says(real.at('palette'), /Nothing here is called that/);
    hub.simulated = true;
    await real.page.context().close();
  });

  test('a hundred thousand lines are read back and stay smooth; a pause loses none and counts what came', async () => {
    room.remembered = manyDecisions(100_000);
    await first.page.getByRole('tab', { name: 'Log' }).click();
    await first.at('decision-row').first().waitFor();
    await first.at('log-pause').click();
    await first.says(first.at('log-paused'), /Paused\. \d+ new lines? kept/);
    const before = await shown(first);
    await readBack(first, 20_000);
    assert.ok((await shown(first)) > before + 19_000, `${await shown(first)} lines`);
    // What a frame must do shows in the quickest of some: the others also waited for whoever else had the machine.
    const scrolled = await first.page.evaluate(async (smoothMs) => {
      const list = document.querySelector('[data-testid=log-lines]') as HTMLElement;
      let quickestMs = Number.POSITIVE_INFINITY;
      for (let drawn = 0; drawn < 100 && quickestMs >= smoothMs; drawn++) {
        const from = performance.now();
        list.scrollTop = (list.scrollTop + 900) % (list.scrollHeight - list.clientHeight);
        await new Promise(requestAnimationFrame);
        quickestMs = Math.min(quickestMs, performance.now() - from);
      }
      return { quickestMs, rows: list.querySelectorAll('tbody tr').length };
    }, SMOOTH_MS);
    assert.ok(scrolled.rows < 80, `${scrolled.rows} rows are in the page`);
    assert.ok(scrolled.quickestMs < SMOOTH_MS, `a frame takes ${scrolled.quickestMs} ms or more while scrolling`);
    await first.at('log-filter').fill('order 77');
    await first.page.waitForFunction(() => document.querySelectorAll('[data-testid=decision-row]').length > 0);
    await first.at('log-filter').fill('');
    await first.at('log-only-stop').click();
    await first.page.waitForFunction(() =>
      [...document.querySelectorAll('[data-testid=decision-row]')].every((row) => row.classList.contains('log-stop')),
    );
    await first.at('log-only-stop').click();
    await first.at('log-now').click();
    await first.at('log-paused').waitFor({ state: 'detached' });
    await first.isAccessible('[data-testid=log]');
    await first.isUnharmed();
    assert.deepEqual(house.problems, []);
  });

  const shown = async (visitor: FirstPage): Promise<number> =>
    Number((await visitor.at('log-count').textContent())?.replaceAll(',', ''));

  /** Scrolls to the oldest line in hand until so many were read back. */
  const readBack = async (visitor: FirstPage, count: number) => {
    const most = (await shown(visitor)) + count;
    await visitor.page.evaluate(async (wanted) => {
      const list = document.querySelector('[data-testid=log-lines]') as HTMLElement;
      const lines = () => Number(document.querySelector('[data-testid=log-count]')?.textContent?.replaceAll(',', ''));
      while (lines() < wanted) {
        list.scrollTop = list.scrollHeight;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }, most);
  };
});

/** What a site of forty robots decides in an hour and a half, ended a minute ago. */
function manyDecisions(count: number): AgentDecision[] {
  const endUs = BigInt(Date.now()) * 1000n - 60_000_000n;
  return Array.from({ length: count }, (_, k) =>
    create(AgentDecisionSchema, {
      agentId: `r${String((k % 40) + 1).padStart(2, '0')}`,
      timeUs: endUs - BigInt(k) * 50_000n,
      decision: {
        sequence: BigInt(count - k),
        context: { epoch: 0 },
        command: { name: k % 50 === 0 ? 'stop' : 'drive' },
        chosen: { source: 'plan:primary', authority: k % 50 === 0 ? Authority.SAFETY : Authority.MISSION },
        rationale: k === 9 ? NASTY : `order ${k}`,
      },
    }),
  );
}
