import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { sha256 } from '@noble/hashes/sha2.js';
import { AgentDecisionSchema, AlertLevel, AlertSchema, MissionSchema, MissionStatus, TaskStatus } from '@sigma/proto';
import { checkProof, decodeDecision, decodeEnvelope, decodeProofFile, parseNoteKey } from '@sigma/recorder';
import { EMAIL, type FakeHub } from './fake-hub.ts';
import { endedMissions, type FakeRoom, NASTY } from './fake-room.ts';
import { type House, openWorkplace } from './house.ts';
import { type FirstPage, withoutBrowser } from './page.ts';
import { recordedDecisions } from './recorded-decisions.ts';
import { recordRobot } from './robot-recording.ts';
import { isSigned } from './signing.ts';
import { witnessed } from './stages.ts';
import { eventually } from './waiting.ts';

describe('the panels in a browser', { skip: withoutBrowser, timeout: 230_000 }, () => {
  let house: House;
  let hub: FakeHub;
  let room: FakeRoom;
  let first: FirstPage;

  before(async () => {
    ({ house, hub, room, first } = await openWorkplace((work, { site, record }) => {
      work.history.push(...endedMissions(150));
      record.blocks = recordRobot(site, sha256, 6, { speedMps: 0.5 });
      work.remembered = recordedDecisions(record.blocks);
    }));
  });

  after(() => house?.close());

  test('the urgent come first, columns are chosen and stay chosen, and the keyboard walks the list', async () => {
    hub.fault('r07', 'overheating', false);
    await first.page.locator('tr[data-testid^=robot-]').first().filter({ hasText: 'r07' }).waitFor();
    await first.at('fleet-columns').first().click();
    await first.at('fleet-column-mode').check();
    await first.page.keyboard.press('Escape');
    await first.page.reload();
    await first.isLive();
    await first.says(first.robotRow('r01'), /automatic/);
    const heads = first.at('fleet-list').first().locator('th');
    const charge = heads.filter({ hasText: 'Batt.' });
    assert.equal(await charge.getByRole('button').evaluate((head) => head.tabIndex), 0, 'Tab comes to it');
    await charge.getByRole('button').focus();
    await first.page.keyboard.press('Enter');
    assert.equal(await charge.getAttribute('aria-sort'), 'ascending', 'sorted by keyboard too');
    const lowest = [...hub.robots].sort((a, b) => a.battery - b.battery)[0]?.id ?? '';
    const top = first.page.locator('tr[data-testid^=robot-]').first();
    await first.says(top, new RegExp(`^${lowest}`));
    await charge.getByRole('button').click();
    await first.says(top, /^r01/);
    await first.at('fleet-urgent').first().click();
    await first.says(top, /^r07/);
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

  test('a wait, a refusal and a failsafe open their decisions as well, each by one click', async () => {
    const yielding = hub.robot('r10');
    yielding.waits = true;
    await first.select('r10');
    await first.says(first.at('selected-state'), /waiting/);
    await first.at('selected-state').click();
    await first.page.waitForURL(/select=decision:r10:1:\d+/);
    await first.says(first.at('losers'), /peer:r02.*plan:primary/);
    yielding.waits = false;
    await first.select('r07');
    await first.openTab('now');
    await first.at('failsafe-why').click();
    await first.says(first.at('decision-winner'), /safety · failsafe:thermal_shutdown/);
    await first.page.keyboard.press('Escape');
    await first.hold('reset');
    await first.says(first.at('robot-outcome'), /refused by the robot: .*still there/);
    await first.at('refusal-why').click();
    await first.says(first.at('decision-winner'), /safety · failsafe:thermal_shutdown/);
    await first.page.keyboard.press('Escape');
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
    await first.isUnharmed();
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
    const then = create(AgentDecisionSchema, {
      agentId: 'r09',
      timeUs: at - 61_000_000n,
      decision: { sequence: 3n, context: { epoch: 0 }, command: { name: 'stop' }, rationale: 'the battery is low' },
    });
    const earlier = create(AgentDecisionSchema, {
      agentId: 'r09',
      timeUs: at - 70_000_000n,
      decision: { sequence: 2n, context: { epoch: 0 }, command: { name: 'drive' } },
    });
    const before = room.remembered;
    await first.at('task-m-3.1').getByTestId('why-then-r09').click();
    await first.says(first.at('task-m-3.1'), /no decision of that time is kept/);
    room.remembered = [...before, earlier, then];
    await first.at('mission-timeline').getByTestId('why-then-r09').click();
    await first.page.waitForURL(/select=decision:r09:0:3/);
    await first.says(first.at('decision-detail').first(), /the battery is low/);
    room.remembered = before;
    await first.page.keyboard.press('Escape');
    await first.page.keyboard.press('Escape');
    await first.isAccessible('[data-testid=mission-page]');
    await first.goTo('/missions');
    await first.says(first.at('mission-history'), /Patrol 150/);
    await first.isAccessible('[data-testid=missions-all]');
    await first.isUnharmed();
    await first.goTo('/');
    assert.deepEqual(house.problems, []);
  });

  test('what newly needs somebody rings and notifies once that is turned on, and rings no more when sound is off', async () => {
    const caller = await house.visit();
    const { page } = caller;
    await page.addInitScript(() => {
      const told: string[] = [];
      let tones = 0;
      class Notice {
        static permission = 'default';
        static requestPermission = async () => {
          Notice.permission = 'granted';
          return 'granted';
        };
        constructor(title: string) {
          told.push(title);
        }
      }
      OscillatorNode.prototype.start = () => void tones++;
      Object.assign(window, { Notification: Notice, called: () => ({ told, tones }) });
    });
    await page.reload();
    await caller.isLive();
    const called = () =>
      page.evaluate(() => (window as unknown as { called: () => { told: string[]; tones: number } }).called());
    let count = 0;
    const raise = () => {
      const id = `call-${++count}`;
      const raisedTimeUs = BigInt(Date.now()) * 1000n;
      const text = `boardC is ${80 + count} degC`;
      hub.alerts.set(
        id,
        create(AlertSchema, { id, level: AlertLevel.WARNING, agentId: 'r03', cause: id, text, raisedTimeUs }),
      );
    };
    await caller.at('bell-sound').click();
    await caller.at('bell-notice').click();
    // What comes before the page has looked about itself stood there before, and calls nobody.
    await eventually(async () => {
      if ((await called()).told.length === 0) raise();
      return (await called()).tones > 0;
    });
    assert.match((await called()).told[0] ?? '', /^(Warning: r03: board is \d+ °C|\d+ new alerts)$/);
    await caller.at('bell-sound').click();
    const before = await called();
    raise();
    await eventually(async () => (await called()).told.length > before.told.length);
    assert.equal((await called()).tones, before.tones, 'off is off');
    for (const id of hub.alerts.keys()) if (id.startsWith('call-')) hub.alerts.delete(id);
    await page.context().close();
  });
});
