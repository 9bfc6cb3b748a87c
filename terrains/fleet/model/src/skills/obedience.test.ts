import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';
import type { Body } from '../bodies.ts';

const hall = (): Stage => new Stage({ site: drawnSite(HALL), start: { xM: 1.5, yM: 4.5, headingRad: 0 } });

const slowly = (stage: Stage, speedMps: number): Stage => {
  const [intent] = advance([17.5, 4.5]);
  stage.assign(goTo(17.5, 4.5)).tick();
  return stage.plan([{ name: 'advance', args: { ...intent?.args, speedMps } }]).run(2);
};

const against = (stage: Stage): boolean =>
  stage.agent.failsafe.entries.some(({ condition }) => condition === 'moves_against_command');

test('[F56] a drive runs by itself while the robot is to stand: stopped within 300 ms', () => {
  for (const runaway of [
    { speedMps: 0.3, turnRadps: 0 },
    { speedMps: -0.3, turnRadps: 0 },
    { speedMps: 0.1, turnRadps: -0.6 },
  ]) {
    const stage = hall().run(3);
    stage.runaway = runaway;
    const seconds = stage.until(() => stage.failsafe === 'unsafe_movement_override', 2);
    assert.ok(against(stage) && seconds <= 0.3, `noticed after ${seconds} s`);
  }
});

test('[F56] brakes do not hold when told to stop: noticed once the time of a full braking is over', () => {
  const stage = slowly(hall(), 0.6);
  (stage as { body: Body }).body = { ...stage.body, brakeMps2: 0, hardBrakeMps2: 0 };
  stage.order({ type: 'stop', stop: 'normal', by: 'bob' });
  const seconds = stage.until(() => stage.failsafe === 'unsafe_movement_override', 3);
  assert.ok(against(stage) && seconds > 0.3 && seconds < 1.2, `noticed after ${seconds} s`);
});

test('[F56] faster than told, or turning by itself on the way: noticed within 1.2 s, and a person looks at it', () => {
  for (const runaway of [
    { speedMps: 0.8, turnRadps: 0 },
    { speedMps: 0.4, turnRadps: 1 },
  ]) {
    const stage = slowly(hall(), 0.4);
    assert.equal(stage.failsafe, null);
    stage.runaway = runaway;
    const seconds = stage.until(() => stage.failsafe === 'unsafe_movement_override', 3);
    assert.ok(against(stage) && seconds <= 1.2, `noticed after ${seconds} s`);
    stage.runaway = null;
    stage.run(3);
    assert.equal(stage.speedMps, 0);
    assert.ok(against(stage), 'waits for a person');
    stage.order({ type: 'acknowledge', by: 'ann' }).run(0.1);
    assert.ok(!against(stage));
  }
});

test('[F56] hard braking, turning on the spot, a new way and a dragging brake are no motion against the command', () => {
  const stage = hall();
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.plan(advance([17.5, 4.5])).run(4);
  stage.plan(advance([2.5, 4.5])).run(3);
  stage.plan(advance([17.5, 2.5])).run(0.4);
  stage.plan(advance([2.5, 6.5])).run(4);
  stage.drag = 0.4;
  stage.run(2);
  stage.order({ type: 'stop', stop: 'protective', by: 'bob' }).run(2);
  assert.ok(
    !stage.happened('failsafe').some((e) => e.type === 'failsafe' && e.entry?.condition === 'moves_against_command'),
  );
});

test('[F56] a gyro that drifts turns no robot', () => {
  const stage = slowly(hall(), 0.4);
  stage.gyroDriftRadps = 0.6;
  stage.run(3);
  assert.ok(!against(stage));
});
