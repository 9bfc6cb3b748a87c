import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';
import type { Zone } from '../site/site.ts';

const SITE = drawnSite(HALL);
const standing = (xM = 4.5): Stage => new Stage({ site: SITE, start: { xM, yM: 4.5, headingRad: 0 } });

/** What the decision in force says that a reflex allowed when it was made, m/s; null where it was silent. */
function bound({ agent }: Stage, reflex: string): number | null {
  const found = agent.decision?.restrictions.find(({ source }) => source === `reflex:${reflex}`);
  return found?.restriction.atMost.speedMps ?? null;
}

/** What bounds the robot now, m/s, where nothing but this reflex does. */
function boundNow({ agent }: Stage, reflex: string): number {
  assert.deepEqual(
    agent.decision?.restrictions.map(({ source }) => source),
    [`reflex:${reflex}`],
  );
  return agent.restriction.atMost.speedMps ?? Number.POSITIVE_INFINITY;
}

/** Columns of the hall, from wall to wall. */
function across(kind: Zone['kind'], speedMps: number | null, fromX: number, toX: number): Zone {
  const rows = Array.from({ length: 7 }, (_, y) => y + 1);
  const cells = rows.flatMap((y) => Array.from({ length: toX - fromX }, (_, x) => y * 20 + fromX + x));
  return { id: 'z1', name: 'z1', kind, cells, speedMps };
}

/** Told to drive through the whole hall by a plan that knows of no zone. */
function through(zone: Zone): Stage {
  const stage = new Stage({ site: drawnSite(HALL, [zone]), start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  stage.assign(goTo(2.5, 4.5)).tick();
  return stage.plan(advance([17.5, 4.5]));
}

test('[F36] weak, tilted, with a gyro that drifts: each bounds the robot to the speed of the rule, and only then', () => {
  const cases = [
    { reflex: 'low_power', well: { charge: 0.16 }, ill: { charge: 0.14 }, speedMps: 0.6 },
    { reflex: 'tilt', well: { pitchRad: 0.11 }, ill: { pitchRad: 0.13 }, speedMps: 0.3 },
    { reflex: 'tilt', well: { pitchRad: -0.11 }, ill: { pitchRad: -0.13 }, speedMps: 0.3 },
    { reflex: 'imu_drift', well: { gyroDriftRadps: 0.06 }, ill: { gyroDriftRadps: 0.1 }, speedMps: 0.6 },
  ] as const;
  for (const { reflex, well, ill, speedMps } of cases) {
    assert.equal(bound(Object.assign(standing(), well).run(10), reflex), null, `${reflex}, ${JSON.stringify(well)}`);
    assert.equal(bound(Object.assign(standing(), ill).run(10), reflex), speedMps, `${reflex}, ${JSON.stringify(ill)}`);
  }
});

test('[F36] a robot that has no scan yet stands, and may go with the first one', () => {
  const stage = Object.assign(standing(), { lidarSilent: true }).run(1);
  assert.equal(bound(stage, 'no_fresh_scan'), 0);
  stage.lidarSilent = false;
  assert.equal(bound(stage.run(1.5), 'no_fresh_scan'), null);
});

test('[F36] before what stands or comes it is bound so that it stands 5 cm off, to the next 0.05 m/s', () => {
  const bounds = new Set<number>();
  for (const comesMps of [0, 0.6]) {
    for (const gapM of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const stage = standing(comesMps === 0 ? 19 - 0.32 - gapM : 4.5);
      const thing = stage.person(stage.xM + 0.32 + gapM + 0.9 + 1.5 * comesMps, 4.5, -comesMps);
      thing.radiusM = comesMps === 0 ? 0 : 0.8;
      stage.run(1.5);
      const { aheadM, approachMps } = stage.belief.sight;
      const allowedMps = boundNow(stage, 'obstacle_ahead');
      assert.ok(Math.abs(approachMps - comesMps) < 0.2, `${gapM} m: ${approachMps} m/s`);
      const needsM = (v: number): number =>
        approachMps * (0.13 + v / stage.body.brakeMps2) + 0.13 * v + (v * v) / (2 * stage.body.brakeMps2) + 0.05;
      assert.ok(allowedMps === 0 || needsM(allowedMps) <= aheadM, `${allowedMps} m/s needs more than ${aheadM} m`);
      assert.ok(
        needsM(Math.max(0.1, allowedMps + 0.05)) > aheadM,
        `${aheadM} m are enough for more than ${allowedMps} m/s`,
      );
      bounds.add(allowedMps);
    }
  }
  assert.ok(bounds.size >= 5, [...bounds].join(' '));
});

test('[F36] a slow zone is driven at its speed from its edge on, and braked for before it', () => {
  const stage = through(across('slow', 0.4, 8, 12));
  let [outside, inside] = [0, 0];
  stage.run(20, () => {
    if (stage.xM < 7) outside = Math.max(outside, stage.speedMps);
    if (stage.xM > 8 && stage.xM < 12) inside = Math.max(inside, stage.speedMps);
  });
  assert.ok(stage.xM > 12, `came to ${stage.xM} m`);
  assert.ok(outside > 0.9 && inside > 0.35 && inside < 0.43, `${outside} m/s before it, ${inside} m/s in it`);
});

test("[F36] a restricted zone's edge is an obstacle: the hull stays out, whatever the plan says", () => {
  const stage = through(across('restricted', null, 8, 12)).run(15);
  const gapM = 8 - stage.xM - stage.body.radiusM;
  assert.ok(gapM >= 0 && gapM < 0.7 && stage.speedMps === 0, `stands ${gapM} m before it at ${stage.speedMps} m/s`);
});
