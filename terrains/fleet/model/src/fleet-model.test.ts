import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeState, encodeState, type Intent, type Outputs } from '@sigma/kernel';
import { DEFAULT_POLICY } from '../policies/default.ts';
import { AISLE, advance, drawnSite, goTo, HALL, Stage } from '../testing/stage.ts';
import { groundOf } from './ground.ts';
import { planOnEdge } from './planner/edge-planner.ts';

const hall = (body: 'humanoid' | 'carrier' = 'humanoid'): Stage =>
  new Stage({ site: drawnSite(HALL), body, start: { xM: 1.5, yM: 4.5, headingRad: 0 } });

/** On its way along the middle of the hall, at full speed. */
function underway(body: 'humanoid' | 'carrier' = 'humanoid'): Stage {
  const stage = hall(body);
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.plan(advance([17.5, 4.5])).run(4);
  return stage;
}

const statusOf = (stage: Stage): string | undefined => stage.agent.tasks[0]?.status;

for (const body of ['humanoid', 'carrier'] as const) {
  test(`[F20] [F21] a ${body} follows a plan through a one-cell aisle and a corner and stands within 5 cm of its end`, () => {
    const stage = new Stage({ site: drawnSite(AISLE), body, start: { xM: 1.5, yM: 1.5, headingRad: 0 } });
    stage.assign(goTo(13.5, 6.5)).tick();
    const way: [number, number][] = [];
    for (let x = 2.5; x < 14; x++) way.push([x, 1.5]);
    for (let y = 2.5; y < 7; y++) way.push([13.5, y]);
    stage.plan(advance(...way));
    let aside = 0;
    let slowest = Number.POSITIVE_INFINITY;
    stage.until(() => {
      if (stage.xM < 13.3) aside = Math.max(aside, Math.abs(stage.yM - 1.5));
      else if (stage.yM > 1.7) aside = Math.max(aside, Math.abs(stage.xM - 13.5));
      if (stage.xM > 4 && stage.xM < 11) slowest = Math.min(slowest, stage.speedMps);
      return statusOf(stage) === 'done';
    }, 30);
    stage.run(1);
    assert.ok(aside < 0.1, `lateral error ${aside} m`);
    assert.ok(slowest > 0.95 * stage.body.maxSpeedMps, `drove through waypoints at ${slowest} m/s`);
    const off = Math.max(Math.abs(stage.xM - 13.5), Math.abs(stage.yM - 6.5));
    assert.ok(off < 0.05, `stands ${off} m off`);
    assert.deepEqual(stage.happened('violation'), []);
    assert.deepEqual(stage.happened('failsafe'), []);
  });
}

test('[F30] a person walks towards it from 3 m: it slows down, stands before half a metre, and goes on when she is gone', () => {
  const stage = underway();
  const person = stage.person(stage.xM + 3, 4.5, -1.2, 0);
  let nearest = Number.POSITIVE_INFINITY;
  let speedWhenNear = 0;
  stage.run(3, () => {
    const gap = person.xM - stage.xM - person.radiusM - stage.body.radiusM;
    if (gap < 0.4) person.vxMps = 0;
    nearest = Math.min(nearest, person.xM - stage.xM);
    if (person.xM - stage.xM < 1.2 + person.radiusM) speedWhenNear = Math.max(speedWhenNear, stage.speedMps);
  });
  assert.ok(speedWhenNear <= 0.36, `within 1.2 m it drove ${speedWhenNear} m/s`);
  assert.ok(nearest > 0.5 + 0.25, `came as near as ${nearest} m`);
  assert.ok(Math.abs(stage.speedMps) < 0.02, 'stands');
  person.vyMps = 1.2;
  stage.run(3.5);
  assert.ok(stage.speedMps > 0.5, `drives on at ${stage.speedMps} m/s`);
  stage.until(() => statusOf(stage) === 'done', 20);
});

test('[F31] a person at 1.2 m bounds the robot to 0.3 m/s', () => {
  const stage = hall().run(0.2);
  stage.person(stage.xM + 1.2 + 0.25, 4.5);
  stage.run(0.5);
  const bound = stage.agent.restriction.atMost.speedMps;
  assert.ok(bound !== undefined && bound <= 0.3 && bound > 0.1, `bound ${bound}`);
});

test('[F32] another robot that says where it is, is no person; without its word it is treated as one', () => {
  const stage = hall().run(0.2);
  const other = stage.person(4.5, 4.5);
  other.radiusM = 0.38;
  stage.run(0.5, () => {
    stage.tell({ kind: 'message', from: 'r2', topic: 'pose', body: [4.5, 4.5, 0, 0, 0.38] });
  });
  assert.deepEqual(
    stage.belief.sight.tracks.map(({ kind, peer }) => [kind, peer]),
    [['robot', 'r2']],
  );
  stage.run(2);
  assert.deepEqual(
    stage.belief.sight.tracks.map(({ kind }) => kind),
    ['person'],
  );
});

test('[F44] a motor overload cuts the power within two ticks of its window, and only acknowledge and reset end it', () => {
  const stage = underway();
  stage.extraCurrentA = 40;
  const seconds = stage.until(() => stage.outputs?.command.name === 'cutoff', 1);
  assert.ok(seconds >= 0.05 && seconds <= 0.08, `cut after ${seconds} s`);
  assert.equal(stage.failsafe, 'motor_overload_cutoff');
  assert.equal(stage.outputs?.urgent, true);
  stage.extraCurrentA = 0;
  stage.run(3);
  assert.equal(stage.failsafe, 'motor_overload_cutoff', 'stays cut off though the current is normal');
  stage.order({ type: 'reset', by: 'alice' }).tick();
  assert.equal(stage.failsafe, 'motor_overload_cutoff', 'a reset alone is refused');
  stage.order({ type: 'acknowledge', by: 'alice' }).tick();
  assert.equal(stage.failsafe, 'motor_overload_cutoff');
  stage.order({ type: 'reset', by: 'alice' }).tick();
  assert.equal(stage.failsafe, null);
  stage.run(2);
  assert.ok(stage.speedMps > 0.5, 'and the plan goes on');
});

test('[F43] an emergency stop holds through release and acknowledge until the reset', () => {
  const stage = underway();
  stage.order({ type: 'stop', stop: 'emergency', by: 'bob' }).tick();
  assert.equal(stage.outputs?.command.name, 'cutoff');
  stage.run(1);
  assert.equal(stage.speedMps, 0);
  stage.order({ type: 'stop', stop: 'none', by: 'bob' }).run(0.1);
  assert.equal(stage.failsafe, 'emergency_stop');
  stage.order({ type: 'acknowledge', by: 'bob' }).run(0.1);
  assert.equal(stage.failsafe, 'emergency_stop');
  stage.order({ type: 'reset', by: 'bob' }).run(0.1);
  assert.equal(stage.failsafe, null);
});

test('[F45] the link is lost: it holds after 2 s, goes on slowly by its own plan, and returns to the hub’s', () => {
  const site = drawnSite(HALL);
  const stage = new Stage({ site, policy: DEFAULT_POLICY, start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  const task = goTo(17.5, 4.5);
  stage.assign(task).tick();
  stage.plan(advance([17.5, 4.5])).run(2);
  stage.linked = false;
  const held = stage.until(() => stage.failsafe === 'hold', 4);
  assert.ok(held > 1.9 && held < 2.3, `held after ${held} s`);
  stage.until(
    () => (stage.outputs?.asks ?? []).some(({ of }) => of === 'secondary') || stage.agent.asked?.of === 'secondary',
    2,
  );
  const own = planOnEdge(groundOf(site), stage.belief, task);
  stage.plan(own.intents, { from: 'secondary', confidence: own.confidence }).tick();
  stage.run(4);
  assert.equal(stage.failsafe, null);
  assert.ok(stage.speedMps > 0.3 && stage.speedMps <= 0.61, `goes on at ${stage.speedMps} m/s`);
  stage.linked = true;
  stage.until(() => stage.agent.chain.active === 'primary', 5);
});

test('[F46] the planner doubts itself: the robot suspends it and stands, and a better plan ends that', () => {
  const stage = underway();
  stage.plan(advance([17.5, 4.5]), { confidence: 0.2 }).tick();
  assert.equal(stage.failsafe, 'ai_self_suspension');
  stage.run(2);
  assert.equal(stage.speedMps, 0);
  stage.plan(advance([17.5, 4.5]), { confidence: 0.9 }).run(1.5);
  assert.equal(stage.failsafe, null);
  assert.ok(stage.speedMps > 0.5);
});

test('[F47] the flight recorder is down: five seconds of grace, then a normal stop, and on it goes', () => {
  const stage = hall();
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.plan(advance([17.5, 4.5]).map((intent) => ({ ...intent, args: { ...intent.args, speedMps: 0.4 } })));
  stage.tell({ kind: 'signal', name: 'recorder_down', value: 1 }).run(4.9);
  assert.equal(stage.failsafe, null);
  stage.run(0.3);
  assert.equal(stage.failsafe, 'hold');
  stage.tell({ kind: 'signal', name: 'recorder_down', value: 0 }).run(0.1);
  assert.equal(stage.failsafe, null);
});

test('[F48] the lidar freezes: a robot that cannot see stops within half a second, and goes on when it sees', () => {
  const stage = underway();
  stage.lidarFrozen = true;
  const seconds = stage.until(() => stage.outputs?.command.name === 'stop', 2);
  assert.ok(seconds <= 0.5, `stopped after ${seconds} s`);
  stage.run(2);
  assert.equal(stage.speedMps, 0);
  stage.lidarFrozen = false;
  stage.run(1.5);
  assert.ok(stage.speedMps > 0.3, 'sees again');
});

test('[F12] [F49] an encoder sticks: gyro and the other wheel keep the pose, the robot stops and waits for a person', () => {
  const stage = underway();
  stage.stuckLeft = true;
  const seconds = stage.until(() => stage.failsafe === 'unsafe_movement_override', 2);
  assert.ok(seconds <= 0.5, `noticed after ${seconds} s`);
  stage.run(2);
  assert.equal(stage.speedMps, 0);
  const off = Math.abs(stage.belief.motion.xM - stage.xM) + Math.abs(stage.belief.motion.yM - stage.yM);
  assert.ok(off < 0.15, `pose is ${off} m off`);
  assert.equal(stage.failsafe, 'unsafe_movement_override', 'waits for a person');
  stage.stuckLeft = false;
  stage.order({ type: 'acknowledge', by: 'alice' }).run(2);
  assert.equal(stage.failsafe, null);
  assert.ok(stage.speedMps > 0.3);
});

test('[F13] the IMU drifts: the bias is learnt and the robot still arrives', () => {
  const stage = underway();
  stage.gyroDriftRadps = 0.06;
  stage.until(() => statusOf(stage) === 'done', 30);
  assert.ok(Math.abs(stage.yM - 4.5) < 0.1);
  assert.ok(Math.abs(stage.belief.motion.gyroBiasRadps - 0.06) < 0.03, `bias ${stage.belief.motion.gyroBiasRadps}`);
});

test('[F53] a gyro that drifts is told to hub and peers, once, and the robot goes on by its wheels, whatever the gyro says then', () => {
  const ends = [0.5, 1.5].map((thenRadps) => {
    const stage = underway();
    stage.gyroDriftRadps = 0.2;
    const told: unknown[] = [];
    const listen = ({ messages }: Outputs): void => {
      told.push(...messages.filter(({ topic }) => topic === 'failsafe').map(({ to, body }) => [to, body]));
    };
    stage.run(2, listen);
    const [raised] = stage.happened('failsafe');
    assert.ok(raised?.type === 'failsafe' && raised.change === 'raised' && raised.entry?.condition === 'imu_drifts');
    stage.gyroDriftRadps = thenRadps;
    stage.run(5, (outputs) => {
      listen(outputs);
      assert.ok(stage.speedMps > 0.55 && Math.abs(stage.yM - 4.5) < 0.25, `${stage.speedMps} m/s, at ${stage.yM} m`);
    });
    assert.deepEqual(told, [['*', { agent: 'r1', action: 'sos_broadcast', atUs: raised.entry.sinceUs }]]);
    assert.equal(stage.failsafe, 'sos_broadcast');
    return [stage.xM, stage.yM, stage.headingRad];
  });
  assert.deepEqual(ends[0], ends[1]);
});

test('[F50] a brake drags: the robot is not where it expected to be, which is a violation and asks for another plan', () => {
  const stage = underway();
  stage.run(1);
  assert.deepEqual(stage.happened('violation'), []);
  stage.drag = 0.4;
  stage.until(() => stage.happened('violation').length > 0, 4);
  const [event] = stage.happened('violation');
  assert.ok(event?.type === 'violation' && event.violation.kind === 'physical' && event.violation.quantity === 'xM');
  assert.equal(stage.agent.asked?.of, 'primary');
});

test('[F52] a stop that does not stop the body is a violation on record', () => {
  const stage = underway();
  stage.order({ type: 'stop', stop: 'protective', by: 'bob' }).tick();
  const { body } = stage;
  (stage as { body: typeof body }).body = { ...body, brakeMps2: 0, hardBrakeMps2: 0 };
  stage.run(3);
  const [event] = stage.happened('violation');
  assert.ok(
    event?.type === 'violation' && event.violation.kind === 'physical' && event.violation.quantity === 'speedMps',
  );
});

test('[F14] [F49] the wheels spin without grip: beacons against wheels, the robot stops within 1.2 s and finds its place again', () => {
  const stage = underway();
  stage.slips = true;
  const seconds = stage.until(() => stage.failsafe === 'unsafe_movement_override', 2);
  assert.ok(seconds <= 1.2, `noticed after ${seconds} s`);
  stage.run(3);
  assert.ok(Math.abs(stage.belief.motion.xM - stage.xM) < 0.1, 'the beacons insist');
});

test('[F51] no bound, person or corner makes a violation: the robot expects its own caution', () => {
  const site = drawnSite(HALL, [{ id: 'slow', name: 'slow', kind: 'slow', cells: [89, 90, 91, 92], speedMps: 0.4 }]);
  const stage = new Stage({ site, policy: DEFAULT_POLICY, start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  stage.assign(goTo(1.5, 2.5)).tick();
  stage.person(8, 7, 0.4, -0.3);
  stage.plan(advance([6.5, 4.5], [12.5, 4.5], [17.5, 4.5], [17.5, 2.5], [9.5, 2.5], [1.5, 2.5]));
  stage.until(() => statusOf(stage) === 'done', 70);
  assert.deepEqual(stage.happened('violation'), []);
});

test('[F54] [F22] something stands in the aisle for good: that is a violation on record, and another plan is asked for', () => {
  const stage = new Stage({ site: drawnSite(AISLE), start: { xM: 1.5, yM: 1.5, headingRad: 0 } });
  stage.assign(goTo(13.5, 1.5)).tick();
  stage.plan(advance([13.5, 1.5]));
  stage.person(7, 1.5);
  const reasons: string[] = [];
  stage.run(25, (outputs) => reasons.push(...outputs.asks.map(({ reason }) => reason)));
  const [event, ...more] = stage.happened('violation');
  assert.ok(event?.type === 'violation' && event.violation.kind === 'physical');
  const { quantity, expected, observed, planner } = event.violation;
  assert.deepEqual([quantity, expected, planner], ['standsS', 0, 'primary']);
  assert.ok(observed > 9.5 && observed < 11, `stood for ${observed} s`);
  assert.deepEqual(more, [], 'once: without a plan it is expected to stand');
  assert.ok(reasons.includes('reality differs from what was expected'));
  assert.ok(stage.xM < 6.3, 'did not touch it');
});

test('[F54] something stands in the aisle for eight seconds and goes: no surprise', () => {
  const stage = new Stage({ site: drawnSite(AISLE), start: { xM: 1.5, yM: 1.5, headingRad: 0 } });
  stage.assign(goTo(12.5, 1.5)).tick();
  stage.plan(advance([12.5, 1.5]));
  stage.person(6, 1.5);
  stage.run(11);
  stage.actors.length = 0;
  stage.until(() => statusOf(stage) === 'done', 20);
  assert.deepEqual(stage.happened('violation'), []);
});

test('[F22] an advance on which the robot has stood for 12 s has failed', () => {
  const intent = advance([13.5, 1.5])[0] as Intent;
  const { model, belief } = new Stage({ site: drawnSite(AISLE) }).run(0.1);
  const progress = (standsS: number) =>
    model.intentProgress(belief, intent, 0, belief.motion.standsSinceUs + standsS * 1e6);
  assert.deepEqual([11.9, 12.1].map(progress), ['running', 'failed']);
});

test('[F38] nose against an obstacle, the robot may back up, and not go on', () => {
  const stage = hall();
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.actors.push({ xM: 2.35, yM: 4.5, vxMps: 0, vyMps: 0, radiusM: 0.4 });
  const tell = () => {
    const body = [2.35, 4.5, 0, 0, 0.4];
    stage.tell({ kind: 'message', from: 'r2', topic: 'pose', body });
  };
  stage.plan(advance([17.5, 4.5])).run(3, tell);
  assert.ok(stage.xM < 1.63, `went on to ${stage.xM}`);
  stage.plan(advance([1.3, 4.5])).run(3, tell);
  assert.ok(stage.xM < 1.4, `stands at ${stage.xM}`);
});

test('[F38] [F30] a person close in front lets the robot back away, slowly', () => {
  const stage = hall();
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.person(2.55, 4.5);
  stage.plan(advance([17.5, 4.5])).run(2);
  assert.ok(stage.xM < 1.55, `went on to ${stage.xM}`);
  let fastest = 0;
  stage.plan(advance([1.3, 4.5])).run(3, () => {
    fastest = Math.max(fastest, Math.abs(stage.speedMps));
  });
  assert.ok(stage.xM < 1.4 && fastest <= 0.3, `stands at ${stage.xM}, drove ${fastest} m/s`);
});

test('[F02] belief survives its text form bit for bit, and two runs give one state', () => {
  const a = underway();
  const b = underway();
  assert.equal(encodeState(a.agent), encodeState(b.agent));
  assert.equal(encodeState(decodeState(encodeState(a.agent))), encodeState(a.agent));
});
