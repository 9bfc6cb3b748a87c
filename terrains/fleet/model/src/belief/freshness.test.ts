import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawUnit, purpose } from '@sigma/kernel';
import { advance, drawnSite, goTo, Stage } from '../../testing/stage.ts';
import type { Body } from '../bodies.ts';

const STUMBLE = purpose('test-stumbling');
const BODY_KINDS = ['humanoid', 'carrier'] as const;
const LONG_HALL = ['@'.repeat(40), ...Array.from({ length: 5 }, () => `@${'.'.repeat(38)}@`), '@'.repeat(40)];

/** A robot at its full speed in a hall of 38 m, with nothing in its way. */
function cruising(body: Body['kind'], toXM = 37.5): Stage {
  const stage = new Stage({ site: drawnSite(LONG_HALL), body, start: { xM: 1.5, yM: 3.5, headingRad: 0 } });
  stage.assign(goTo(toXM, 3.5)).tick();
  stage.plan(advance([toXM, 3.5])).run(4);
  assert.ok(stage.speedMps > 0.95 * stage.body.maxSpeedMps, `it drives ${stage.speedMps} m/s`);
  return stage;
}

const untouched = (stage: Stage): void => {
  assert.deepEqual(stage.happened('violation'), []);
  assert.deepEqual(stage.happened('failsafe'), []);
};

test('[F57] frames stay away: on its last picture a robot drives no further than 0.2 s and one normal braking', () => {
  for (const body of BODY_KINDS) {
    for (const afterTicks of [0, 3, 9]) {
      const stage = cruising(body).run(afterTicks / 100);
      const { speedMps } = stage;
      const pictureUs = stage.belief.sight.atUs;
      const sinceS = (stage.atUs - pictureUs) * 1e-6;
      const fromXM = stage.xM - speedMps * sinceS;
      stage.framesHeld = true;
      stage.run(0.2 - sinceS + 0.01);
      assert.ok(Number(stage.outputs?.command.params.speedMps) <= 1.2, 'older than 200 ms: bounded');
      stage.run(0.2);
      assert.equal(stage.outputs?.command.params.speedMps, 0, 'older than 400 ms: told to stand');
      stage.run(1.4);
      assert.ok(stage.speedMps < 0.01);
      const mostM = speedMps * 0.2 + (speedMps * speedMps) / (2 * stage.body.brakeMps2) + 0.15;
      assert.ok(stage.xM - fromXM <= mostM, `${body}: ${stage.xM - fromXM} m on one picture, at most ${mostM}`);
      untouched(stage);
      stage.framesHeld = false;
      stage.run(2);
      assert.ok(stage.speedMps > 0.5, 'it goes on by itself');
      untouched(stage);
    }
  }
});

test('[F57] [F58] frames that arrive evenly and late are late: the age counts, not the arrival', () => {
  for (const body of BODY_KINDS) {
    const stage = cruising(body);
    stage.frameDelay = 25;
    stage.run(3);
    assert.ok(stage.speedMps <= 0.9, `${body} drives ${stage.speedMps} m/s on pictures of 250 to 350 ms`);
    stage.frameDelay = 45;
    stage.run(3);
    assert.equal(stage.speedMps, 0, 'and not at all on those of 450 ms');
    stage.frameDelay = 0;
    stage.run(3);
    assert.ok(stage.speedMps > 0.9, 'until they are back');
  }
});

test('[F57] whoever stands in the way is not touched, whenever the frames stay away and for however long', () => {
  for (const body of BODY_KINDS) {
    for (let before = 0; before < 24; before++) {
      const stage = new Stage({ site: drawnSite(LONG_HALL), body, start: { xM: 1.5, yM: 3.5, headingRad: 0 } });
      const person = stage.person(9.5, 3.5);
      stage.assign(goTo(37.5, 3.5)).tick();
      stage.plan(advance([37.5, 3.5])).run(2.4 + before * 0.13);
      stage.framesHeld = true;
      let leastM = Number.POSITIVE_INFINITY;
      stage.run(0.15 + (before % 5) * 0.4, () => {
        leastM = Math.min(leastM, person.xM - stage.xM - person.radiusM - stage.body.radiusM);
      });
      stage.framesHeld = false;
      stage.run(1, () => {
        leastM = Math.min(leastM, person.xM - stage.xM - person.radiusM - stage.body.radiusM);
      });
      assert.ok(leastM > 0, `${body}, frames gone after ${2.4 + before * 0.13} s: ${leastM} m`);
    }
  }
});

test('[F59] frames that stay away for two seconds are told to people, and it ends by itself', () => {
  const stage = cruising('carrier');
  stage.framesHeld = true;
  stage.run(1.9);
  assert.equal(stage.failsafe, null);
  stage.run(0.3);
  assert.equal(stage.failsafe, 'hold');
  assert.deepEqual(
    stage.agent.failsafe.entries.map(({ condition }) => condition),
    ['frames_late'],
  );
  stage.framesHeld = false;
  stage.run(0.3);
  assert.equal(stage.failsafe, null);
});

test('[F48] a lidar that alone is silent, by the clock of the body, is blindness and no lateness', () => {
  const stage = cruising('carrier');
  stage.lidarSilent = true;
  const seconds = stage.until(() => stage.outputs?.command.name === 'stop', 2);
  assert.ok(seconds <= 0.6, `stopped after ${seconds} s`);
  stage.lidarSilent = false;
  stage.run(2.5);
  assert.ok(stage.speedMps > 0.3, 'sees again');
});

test('[F55] [F59] a loop that stood still is no fault of body or planner, although the brakes came in between', () => {
  for (const seconds of [0.15, 0.4, 0.9]) {
    const stage = cruising('carrier').stall(seconds).run(2);
    untouched(stage);
    assert.ok(stage.speedMps > 0.5, 'it drives on');
  }
});

test('[F56] [F59] frames and loop that stumble for half a minute stop nobody and are held against nobody', () => {
  for (let seed = 0; seed < 12; seed++) {
    const stage = new Stage({
      site: drawnSite(LONG_HALL),
      body: 'carrier',
      start: { xM: 1.5, yM: 3.5, headingRad: 0 },
    });
    stage.assign(goTo(36.5, 1.5)).tick();
    stage.plan(advance([6.5, 3.5], [6.5, 5.5], [12.5, 1.5], [12.5, 5.5], [4.5, 1.5], [36.5, 1.5]));
    for (let k = 0; stage.atUs < 30_000_000; k++) {
      const unit = (n: number): number => drawUnit(seed, 1, k, STUMBLE, n);
      stage.run(unit(0) * 0.5);
      stage.framesHeld = true;
      if (unit(1) < 0.5) stage.run(unit(2) * 0.6);
      else stage.stall(unit(2) * 0.6).tick();
      stage.framesHeld = false;
    }
    untouched(stage);
    assert.ok(stage.xM > 3, 'it came on');
  }
});

test('[F55] brakes that act by themselves, and a command that waits for the recorder, are held against nobody', () => {
  for (const name of ['mechanical_stop', 'command_held', null]) {
    const stage = cruising('carrier').run(0.3);
    const tell = (value: number) => (name === null ? stage : stage.tell({ kind: 'signal', name, value }));
    stage.drag = 0.2;
    tell(1).run(0.9);
    stage.drag = 1;
    tell(0).run(1.3);
    assert.equal(stage.happened('violation').length === 0, name !== null, String(name));
  }
});

test('[F10] a frame that was overtaken on its way changes nothing', () => {
  const stage = cruising('carrier');
  const { motion } = stage.belief;
  const values = Int32Array.of(
    motion.encoderLeft - 180,
    motion.encoderRight - 180,
    0,
    0,
    0,
    0,
    0,
    2000,
    2000,
    0,
    motion.clock - 100,
  );
  const after = stage.model.fold(stage.belief, { kind: 'percept', channel: 'motion', values }, stage.atUs).motion;
  assert.deepEqual({ ...after, glitches: motion.glitches }, motion);
});

test('[F58] a controller whose clock stood still is told of, and its frames are of the present again', () => {
  const stage = cruising('carrier');
  const { motion } = stage.belief;
  const values = Int32Array.of(
    motion.encoderLeft,
    motion.encoderRight,
    0,
    0,
    0,
    0,
    0,
    2000,
    2000,
    0,
    motion.clock + 100,
  );
  const laterUs = stage.atUs + 1_010_000;
  const told = stage.model.fold(stage.belief, { kind: 'signal', name: 'body_time_lost', value: 1_000_000 }, laterUs);
  const frame = { kind: 'percept', channel: 'motion', values } as const;
  assert.ok(laterUs - stage.model.fold(told, frame, laterUs).motion.takenUs < 1_000);
  assert.ok(laterUs - stage.model.fold(stage.belief, frame, laterUs).motion.takenUs > 900_000);
});
