import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stimulus } from '@sigma/kernel';
import fc from 'fast-check';
import { drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';
import { CHANNELS, NO_READING, SCAN_RAYS } from '../channels.ts';
import { groundOf, inSight } from '../ground.ts';
import { siteToJson } from '../site/site-record.ts';
import { BrokenRobotConfigError, type FleetBelief, parseRobotConfig } from './belief.ts';
import { foldBelief } from './fold.ts';

const SITE = drawnSite(HALL);
const GROUND = groundOf(SITE);
const fresh = (): FleetBelief => new Stage({ site: SITE, start: { xM: 5.5, yM: 4.5, headingRad: 0 } }).run(0.2).belief;
const percept = (channel: string, values: Int32Array): Stimulus => ({ kind: 'percept', channel, values });

/** Every number of the belief is a number, and the pose is one on this planet. */
function sane(world: FleetBelief): void {
  for (const part of [world.motion, world.health]) {
    for (const [name, value] of Object.entries(part))
      if (typeof value === 'number') assert.ok(!Number.isNaN(value), name);
  }
  for (const track of world.sight.tracks) assert.ok(Number.isFinite(track.xM + track.yM + track.vxMps + track.vyMps));
}

test('[F10] any frame of any channel, of any length, with any counts, leaves a sane belief and the old one untouched', () => {
  const count = fc.oneof(
    fc.integer({ min: -2147483648, max: 2147483647 }),
    fc.integer({ min: -3000, max: 3000 }),
    fc.constant(NO_READING),
  );
  const frame = fc
    .constantFrom(...CHANNELS)
    .chain(({ channel, fields }) =>
      fc
        .oneof(
          fc.array(count, { minLength: fields.length, maxLength: fields.length }),
          fc.array(count, { maxLength: 4 }),
        )
        .map((values) => percept(channel, Int32Array.from(values))),
    );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), (frames) => {
      const before = fresh();
      const text = JSON.stringify(before);
      let world = before;
      let atUs = 200_000;
      for (const stimulus of frames) {
        atUs += 10_000;
        world = foldBelief(world, GROUND, stimulus, atUs);
        sane(world);
      }
      assert.equal(JSON.stringify(before), text);
    }),
    { seed: 11, numRuns: 300 },
  );
});

test('[F10] what the model does not know changes nothing at all', () => {
  const world = fresh();
  assert.equal(foldBelief(world, GROUND, percept('sonar', Int32Array.of(1)), 300_000), world);
  assert.equal(foldBelief(world, GROUND, percept('scan', new Int32Array(3)), 300_000), world);
  assert.equal(
    foldBelief(world, GROUND, { kind: 'message', from: 'r2', topic: 'pose', body: [1, 2, 'x', 0, 0.3] }, 300_000),
    world,
  );
  assert.equal(
    foldBelief(world, GROUND, { kind: 'message', from: 'r2', topic: 'pose', body: [1, 2, 0, 0, 9] }, 300_000),
    world,
  );
});

test('[F11] a minute of driving leaves the pose within 5 cm and 1 degree', () => {
  const stage = new Stage({ site: SITE, start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  stage.assign(goTo(17.5, 4.5)).tick();
  let worst = 0;
  for (let lap = 0; lap < 2; lap++) {
    stage.plan(
      [
        [17.5, 4.5],
        [17.5, 2.5],
        [2.5, 2.5],
        [2.5, 4.5],
        [3.5, 4.5],
      ].map(([xM, yM]) => ({ name: 'advance', args: { xM: xM as number, yM: yM as number } })),
    );
    stage.run(30, () => {
      worst = Math.max(worst, Math.abs(stage.belief.motion.xM - stage.xM), Math.abs(stage.belief.motion.yM - stage.yM));
    });
  }
  assert.ok(worst < 0.05, `off by ${worst} m`);
  assert.ok(Math.abs(stage.belief.motion.headingRad - stage.headingRad) < 0.018);
});

test('[F15] a walking person is one track with its velocity; the walls of the map are none', () => {
  const stage = new Stage({ site: SITE, start: { xM: 9.5, yM: 4.5, headingRad: 0.4 } });
  stage.run(1);
  assert.equal(stage.belief.sight.tracks.length, 0);
  const person = stage.person(13, 2.5, 0, 1);
  stage.run(2);
  const { tracks } = stage.belief.sight;
  assert.deepEqual(
    tracks.map(({ kind }) => kind),
    ['person'],
  );
  const [track] = tracks;
  assert.ok(
    track !== undefined && Math.abs(track.vyMps - 1) < 0.3 && Math.abs(track.vxMps) < 0.3,
    JSON.stringify(track),
  );
  assert.ok(Math.abs(track.xM - person.xM) < 0.35 && Math.abs(track.yM - person.yM) < 0.35);
});

test('[F16] the free path is what the hull can drive, and shrinks while it drives', () => {
  const stage = new Stage({ site: SITE, start: { xM: 5.5, yM: 4.5, headingRad: 0 } });
  stage.run(0.2);
  assert.ok(Math.abs(stage.belief.sight.aheadM - (19 - 5.5 - 0.32)) < 0.05, `${stage.belief.sight.aheadM}`);
  assert.ok(Math.abs(stage.belief.sight.behindM - (5.5 - 1 - 0.32)) < 0.05, `${stage.belief.sight.behindM}`);
});

test('[F17] cells are seen within the radius and not through walls', () => {
  const rows = ['@@@@@@@', '@..@..@', '@..@..@', '@.....@', '@@@@@@@'];
  const site = drawnSite(rows);
  assert.equal(inSight(site, 8, 9), true);
  assert.equal(inSight(site, 8, 12), false);
  assert.equal(inSight(site, 22, 26), true);
  const stage = new Stage({ site, start: { xM: 1.5, yM: 3.5, headingRad: 0 } });
  const cells = [8, 9, 11, 12, 15, 16, 22, 26];
  stage.assign({ id: 'c', missionId: 'm', kind: 'cover', args: { cells, sensingRadiusM: 2.5 }, priority: 1 }).tick();
  const errand = stage.belief.errands[0];
  assert.ok(errand?.kind === 'cover');
  assert.deepEqual(
    errand.cells.filter((_, k) => errand.seen[k] === 1),
    [8, 9, 15, 16, 22],
  );
});

test('[F01] a configuration that does not fit says what to change', () => {
  const site = JSON.parse(JSON.stringify(siteToJson(SITE)));
  const good = { site, body: 'carrier', name: 'r', start: { xM: 2.5, yM: 2.5, headingRad: 0 } };
  assert.equal(parseRobotConfig(GROUND, good).body, 'carrier');
  const refused = (config: object, path: string): void => {
    assert.throws(
      () => parseRobotConfig(GROUND, { ...good, ...config }),
      (error) => error instanceof BrokenRobotConfigError && error.path === path,
    );
  };
  refused({ site: { digest: 'x' } }, 'site.digest');
  refused({ body: 'car' }, 'body');
  refused({ start: { xM: 0.5, yM: 0.5, headingRad: 0 } }, 'start');
  refused({ start: { xM: Number.NaN, yM: 0, headingRad: 0 } }, 'start');
  refused({ docked: 'nowhere' }, 'docked');
  refused({ charge: 2 }, 'charge');
});

test('[F48] a scan that repeats to the millimetre while the robot stands is no fault, while it moves it is', () => {
  const scan = new Int32Array(SCAN_RAYS).fill(3000);
  let world = fresh();
  for (let k = 1; k <= 5; k++) world = foldBelief(world, GROUND, percept('scan', scan.slice()), 200_000 + k * 100_000);
  assert.equal(world.sight.repeats, 4);
});
