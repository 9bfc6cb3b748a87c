import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  type AgentDecision,
  AgentDecisionSchema,
  AlertLevel,
  AlertSchema,
  Authority,
  MissionSchema,
  MissionStatus,
  TaskStatus,
} from '@sigma/proto';
import { checkProof, decodeDecision, decodeEnvelope, decodeProofFile, parseNoteKey } from '@sigma/recorder';
import { EMAIL, type FakeHub } from './fake-hub.ts';
import { endedMissions, FakeRoom } from './fake-room.ts';
import { type House, openHouse } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { recordedDecisions } from './recorded-decisions.ts';
import { recordRobot } from './robot-recording.ts';
import { isSigned } from './signing.ts';
import { witnessed } from './stages.ts';
import { eventually } from './waiting.ts';

/** Markup, and a character that turns what follows it round: a name that wants to be something else. */
const NASTY = '<script>window.hacked=1</script>\u202Egnp.exe';

describe('the panels in a browser', { skip: withoutBrowser, timeout: 230_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let room: FakeRoom;
  let first: FirstPage;

  before(async () => {
    house = await openHouse((furnished) => {
      furnished.role = 'administrator';
      room = new FakeRoom(furnished);
      room.history.push(...endedMissions(150));
      furnished.record.blocks = recordRobot(furnished.site, sha256, 6, { speedMps: 0.5 });
      room.remembered = recordedDecisions(furnished.record.blocks);
    });
    ({ hub } = house);
    first = await house.visit();
  });

  after(() => house?.close());

  /** What anybody sees of the names of others must be text and nothing but text. */
  const unharmed = async (visitor: FirstPage) =>
    assert.equal(await visitor.page.evaluate(() => 'hacked' in window), false);

  test('the urgent come first, columns are chosen and stay chosen, and the keyboard walks the list', async () => {
    hub.fault('r07', 'overheating', false);
    await first.page.locator('tr[data-testid^=robot-]').first().filter({ hasText: 'r07' }).waitFor();
    await first.at('fleet-columns').first().click();
    await first.at('fleet-column-mode').check();
    await first.page.keyboard.press('Escape');
    await first.page.reload();
    await first.isLive();
    await first.says(first.robotRow('r01'), /automatic/);
    await first.page.keyboard.press('j');
    await first.page.keyboard.press('Enter');
    await first.says(first.at('selected-robot'), /^r07$/);
    await first.isAccessible('.fleet');
  });

  test('a robot says what it is, what holds it, and what each of its sensors should read', async () => {
    await first.says(first.at('failsafe'), /thermal shutdown.*Left motor at 96 °C.*Now: the cause is still there/);
    await first.says(first.at('robot-facts'), /sigma-edge 0\.4\.1.*edge-1, linked/);
    await first.at('tab-sensors').click();
    await first.says(first.at('sensor-health.motorTempLeft'), /above 96\.4 °C0 – 80 °C/);
    await first.says(first.at('sensor-joints.torqueLift'), /no reading/);
    await first.page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('[data-testid="sensor-health.boardTemp"] canvas');
      const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
      return data?.some((byte) => byte > 0) === true;
    });
    await first.isAccessible('[data-testid=robot-panel]');
  });

  test('from a stop to its decision is one click: winner, losers, bounds, and one level up again', async () => {
    await first.at('selected-state').first().click();
    const detail = first.at('decision-detail');
    await first.says(detail, /safety · failsafe:thermal_shutdown/);
    await first.says(first.at('losers'), /mission.*plan:primary.*lower authority than failsafe:thermal_shutdown/);
    await first.page.waitForURL(/select=decision:r07:1:\d+/);
    await first.isAccessible('[data-testid=robot-panel]');
    await first.page.keyboard.press('p');
    await first.says(first.at('decision-winner'), /mission · plan:primary/);
    await first.page.keyboard.press('Escape');
    await first.at('sensors').waitFor();
    hub.fault('r08', 'person_steps_in', false);
    await first.select('r08');
    await first.says(first.at('selected-state'), /human proximity/);
    await first.says(first.at('drivers'), /speed.*by reflex:human_proximity/);
    await first.at('why-now').click();
    await first.says(
      first.at('restrictions'),
      /speed 0\.9 m\/s → lowered to\s*0\.3 m\/s.*reflex:human_proximity.*took effect/,
    );
  });

  test('[L2] a decision is computed again from the record, with what the robot saw, the rules, and what came of it', async () => {
    const stop = room.remembered.find(({ decision }) => decision?.command?.name === 'stop');
    await first.goTo(`/decision/r01/0/${stop?.decision?.sequence}`);
    const page = first.page.locator('.decision-page');
    await first.says(page.getByTestId('proof-result'), /Computed again, the same bit for bit/);
    await first.says(page.getByTestId('expectation'), /came otherwise: a violation.*speed0 m\/s ± 0\.1 m\/s0\.5 m\/s/);
    await first.says(page.getByTestId('inputs'), /charge100 %/);
    await first.says(page.getByTestId('rules'), /failsafe:unsafe_movement_override is a failsafe of.*Policy 2026-1/);
    await first.isAccessible('.decision-page');

    const saved = first.page.waitForEvent('download');
    await page.getByTestId('hand-over').click();
    const file = await saved;
    await first.says(page.getByTestId('handed-over'), /r01-0-\d+\.proof is saved, [\d,]+ bytes/);
    const words = await first.says(
      page.getByTestId('handed-over'),
      /npx sigma verify --proof r01-0-\d+\.proof --key '.+'/,
    );
    const { envelope, proof } = decodeProofFile(await readFile(await file.path()), sha256);
    const keys = [parseNoteKey(/--key '(.+)'/.exec(words)?.[1] ?? '', sha256)];
    const proved = checkProof(envelope, proof, { keys, ed25519: isSigned, sha256 });
    assert.equal(file.suggestedFilename(), `r01-0-${proved.sequence}.proof`);
    assert.equal(decodeDecision(decodeEnvelope(envelope).data, 0).sequence, Number(stop?.decision?.sequence));
    await first.isAccessible('.decision-page');

    const [, , second] = hub.record.blocks;
    assert.ok(second !== undefined);
    (second.bytes[second.bytes.length >> 1] as number) ^= 1;
    await first.goTo(`/decision/r01/0/2`);
    await first.says(page.getByTestId('proof'), /Not proved: the block at event \d+ is not what its hash says/);
    (second.bytes[second.bytes.length >> 1] as number) ^= 1;
    await first.goTo('/');
  });

  test('what witnesses found is one line for each thing to be done, with what to copy as it stands', async () => {
    const forget = witnessed(hub);
    const keys = first.at('alert-witness:key');
    await first.says(keys, /an edge shows another key/);
    const said = (await keys.textContent()) ?? '';
    for (const k of [0, 1]) {
      const line = `site/edge-${k + 1}+9c0d41a${k}+Bm9tTzVlQ3Jl/kLmNoPqR+sTuVw`;
      assert.ok(said.includes(`add the line ${line} to /srv/sigma/keys/edges-accepted`), said);
    }
    const cut = await first.says(first.at('alert-witness:epoch/3'), /its end was cut off/);
    assert.doesNotMatch(cut, /rollback/, 'the kind is the machine’s word; the sentence says it');
    assert.match(cut, /run sigma verify on the copy/);
    assert.equal(await first.at('silence-witness:key').count(), 0, 'what is critical is never silenced');
    forget();
    await eventually(async () => (await keys.count()) === 0);
  });

  test('an alert collapses what follows from it, is acknowledged with it, opens its decision, and a critical one is never silenced', async () => {
    const raisedTimeUs = BigInt(Date.now()) * 1000n;
    for (let k = 0; k < 40; k++) {
      const text = `r07: motorLeftC is ${90 + k} degC`;
      const init = { level: AlertLevel.WARNING, agentId: 'r07', cause: 'band:motorLeftC', text, raisedTimeUs };
      hub.alerts.set(`x${k}`, create(AlertSchema, { ...init, id: `x${k}`, rootId: 'alert-r07-overheating' }));
    }
    hub.alerts.set(
      'silent',
      create(AlertSchema, {
        id: 'silent',
        level: AlertLevel.WARNING,
        agentId: 'r11',
        cause: 'link:silent',
        text: `nothing was heard from ${NASTY}`,
        advice: 'Look whether its radio works',
        raisedTimeUs,
        decisionSequence: 1n,
        decisionEpoch: 1,
      }),
    );
    const root = first.at('alert-thermal_shutdown');
    await first.says(root, /40 alerts follow from it/);
    assert.equal(await first.at('alert-band:motorLeftC').count(), 0, 'a flood is one line');
    assert.equal(await first.at('silence-thermal_shutdown').count(), 0);
    await first.at('acknowledge-thermal_shutdown').click();
    await first.says(root, /acknowledged by ada/);
    assert.ok(
      [...hub.alerts.values()].filter(({ rootId }) => rootId !== '').every((one) => one.acknowledgedBy === EMAIL),
    );
    await first.at('why-link:silent').click();
    await first.says(first.at('decision-detail'), /decision 1 · epoch 1/);
    await first.at('silence-link:silent').click();
    await first.at('silence-reason').fill('its radio is being changed');
    await first.at('silence-send').click();
    await first.says(first.at('alert-link:silent'), /silenced until/);
    await unharmed(first);
    await first.goTo('/alerts');
    await first.says(first.at('silence-of-link:silent'), /its radio is being changed/);
    await first.says(first.at('alert-rates'), /silent.*r11/);
    await first.isAccessible('[data-testid=alerts-all]');
    const { untilTimeUs = 0n } = room.silences[0] ?? {};
    const row = first.at('silence-of-link:silent');
    const before = await row.textContent();
    await first.at('extend-silence-link:silent').click();
    await eventually(() => room.silences.length === 1 && (room.silences[0]?.untilTimeUs ?? 0n) > untilTimeUs);
    await eventually(async () => (await row.textContent()) !== before);
    assert.equal(room.silences[0]?.reason, 'its radio is being changed');
    await first.at('end-silence-link:silent').click();
    await first.says(first.at('silences'), /Nothing is silenced/);
    await first.goTo('/');
  });

  test('the queue is moved with an undo, a cancel is held once robots are at it, and names stay names', async () => {
    const goal = { goal: { case: 'patrol' as const, value: { points: [{ xM: 5, yM: 5 }], rounds: 1 } } };
    const at = BigInt(Date.now()) * 1000n;
    const put = (id: string, name: string, init: object = {}) =>
      hub.missions.set(
        id,
        create(MissionSchema, {
          id,
          name,
          status: MissionStatus.QUEUED,
          createdBy: EMAIL,
          createdTimeUs: at,
          goal,
          ...init,
        }),
      );
    put('m-1', 'First', { createdTimeUs: at - 2_000_000n });
    put('m-2', NASTY, { createdTimeUs: at - 1_000_000n });
    const task = {
      id: 'm-3.1',
      missionId: 'm-3',
      agentId: 'r03',
      kind: 'cover',
      status: TaskStatus.ACTIVE,
      progress: 0.2,
      sinceTimeUs: at - 60_000_000n,
      history: [
        { agentId: 'r08', reason: 'it was done by an older hub' },
        {
          agentId: 'r09',
          reason: 'its battery fell below 20 %',
          sinceTimeUs: at - 150_000_000n,
          untilTimeUs: at - 60_000_000n,
        },
      ],
    };
    const createdTimeUs = at - 160_000_000n;
    const work = { status: MissionStatus.ACTIVE, progress: 0.2, priority: 5, createdTimeUs, tasks: [task] };
    put('m-3', 'At work', work);
    const order = async () => {
      const rows = await first.at('missions').locator('li[data-testid^=mission-]').all();
      return Promise.all(rows.map((row) => row.getAttribute('data-testid')));
    };
    await first.at('mission-m-2').waitFor();
    await eventually(async () => (await order()).slice(0, 3).join() === 'mission-m-3,mission-m-1,mission-m-2');
    await first.at('mission-m-2').hover();
    await first.at('up-m-2').click();
    await first.says(first.at('undo-bar'), /has priority 1/);
    await eventually(async () => (await order()).slice(0, 3).join() === 'mission-m-3,mission-m-2,mission-m-1');
    await first.at('undo').click();
    await eventually(() => hub.missions.get('m-2')?.priority === 0);
    await eventually(async () => (await order()).slice(0, 3).join() === 'mission-m-3,mission-m-1,mission-m-2');
    await first.at('mission-m-3').hover();
    await first.tap('cancel-m-3');
    assert.equal(hub.missions.get('m-3')?.status, MissionStatus.ACTIVE, 'a tap cancels nothing that robots are at');
    await first.at('mission-m-1').hover();
    await first.at('cancel-m-1').click();
    await first.says(first.at('undo-bar'), /First is cancelled/);
    await first.at('undo').click();
    await first.says(first.at('mission-card'), /First/);
    await first.goTo('/missions/m-3');
    const clock = '\\d\\d:\\d\\d:\\d\\d';
    const holders = new RegExp(`r09 had it from ${clock} to ${clock}, 90 s: its battery fell below 20 %`);
    const said = await first.says(first.at('task-m-3.1'), holders);
    assert.match(said, /r08 had it before: it was done by an older hub/, 'what nobody kept is not invented');
    assert.match(said, new RegExp(`active.*since ${clock}, \\d+ s`));
    await first.says(first.at('mission-timeline'), /sent by ada.*r09.*got it.*r09.*lost it: its battery.*r03.*got it/);
    const lanes = first.at('task-lanes').getByRole('button');
    assert.equal(await lanes.count(), 2, 'one bar for each robot whose time is known');
    await first.page.getByRole('button', { name: /^r09 had it from .* its battery/ }).click();
    await first.says(first.at('selected-robot'), /r09/);
    await first.page.keyboard.press('Escape');
    await first.isAccessible('[data-testid=mission-page]');
    await first.goTo('/missions');
    await first.says(first.at('mission-history'), /Patrol 150/);
    await first.isAccessible('[data-testid=missions-all]');
    await unharmed(first);
    await first.goTo('/');
  });

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
    await unharmed(first);
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

  test('a hundred thousand lines are read back and stay smooth; a pause loses none and counts what came', async () => {
    room.remembered = manyDecisions(100_000);
    await first.page.getByRole('tab', { name: 'Log' }).click();
    await first.at('decision-row').first().waitFor();
    await first.at('log-pause').click();
    await first.says(first.at('log-paused'), /Paused\. \d+ new lines? kept/);
    const before = await shown(first);
    await readBack(first, 20_000);
    assert.ok((await shown(first)) > before + 19_000, `${await shown(first)} lines`);
    const frames = await first.page.evaluate(async () => {
      const list = document.querySelector('[data-testid=log-lines]') as HTMLElement;
      let drawn = 0;
      const from = performance.now();
      while (performance.now() - from < 1_500) {
        list.scrollTop = (list.scrollTop + 900) % (list.scrollHeight - list.clientHeight);
        await new Promise(requestAnimationFrame);
        drawn++;
      }
      return { drawn, rows: list.querySelectorAll('tbody tr').length };
    });
    assert.ok(frames.rows < 80, `${frames.rows} rows are in the page`);
    assert.ok(frames.drawn >= 12, `${frames.drawn} frames in 1.5 s while scrolling`);
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
    await unharmed(first);
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
      for (let tries = 0; tries < 400 && lines() < wanted; tries++) {
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
