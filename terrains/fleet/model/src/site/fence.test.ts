import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@sigma/kernel';
import { drawnSite, HALL, Stage } from '../../testing/stage.ts';
import { FENCES_CHANNEL, parseFences } from './fence.ts';

const site = drawnSite(HALL);
const box = (fromX: number, toX: number): Json => [
  [fromX, 0.5],
  [toX, 0.5],
  [toX, 8.5],
  [fromX, 8.5],
];
const drawn = (version: number, ...fences: readonly Json[]) => ({
  kind: 'observation' as const,
  channel: FENCES_CHANNEL,
  data: { version, fences },
});
const keepOut = (fromX: number, toX: number): Json => ({
  id: 'spill',
  kind: 'restricted',
  speedMps: 0,
  points: box(fromX, toX),
});
const slow = (speedMps: number): Json => ({ id: 'wet', kind: 'slow', speedMps, points: box(8, 14) });

/** A robot that is sent along the hall from west to east, at full speed. */
const sent = () =>
  new Stage({ site, start: { xM: 2.5, yM: 4.5, headingRad: 0 } })
    .assign({ id: 't1', missionId: 'm', kind: 'goto', args: { xM: 17.5, yM: 4.5 }, priority: 0 })
    .plan([{ name: 'advance', args: { xM: 17.5, yM: 4.5 } }]);

test('[F39] a fence drawn before a driving robot is an edge that it does not cross', () => {
  const stage = sent()
    .run(2)
    .tell(drawn(1, keepOut(9, 12)))
    .run(12);
  assert.ok(stage.xM < 9 - stage.body.radiusM + 0.05, `stands at ${stage.xM} m`);
  assert.ok(stage.xM > 7, 'and not before it must');
  stage.tell(drawn(2)).run(12);
  assert.ok(stage.xM > 16, 'it drives on when the fence is gone');
});

test('[F39] in a slow fence it keeps to the speed that was drawn', () => {
  const stage = sent().tell(drawn(1, slow(0.4)));
  let fastest = 0;
  stage.run(25, () => {
    if (stage.xM > 8.2 && stage.xM < 13.8) fastest = Math.max(fastest, stage.speedMps);
  });
  assert.ok(stage.xM > 16 && fastest > 0.3 && fastest < 0.46, `${fastest} m/s inside`);
});

test('[F39] a robot that is inside when the fence is drawn stops where it is', () => {
  const stage = sent().run(4);
  stage.tell(drawn(1, keepOut(stage.xM - 2, stage.xM + 3))).run(3);
  assert.equal(stage.failsafe, 'geofence_restriction');
  assert.ok(stage.speedMps < 0.02);
});

test('[F39] an older set does not open what a newer one shut, nor does half of one', () => {
  const stage = sent().tell(drawn(7, keepOut(9, 12)));
  stage
    .tell(drawn(6))
    .tell({ ...drawn(8), data: { version: 8, fences: [{ id: 'x' }] } })
    .run(12);
  assert.equal(stage.belief.fences.version, 7);
  assert.ok(stage.xM < 9);
});

test('[F39] what is wrong with a set is named', () => {
  const reason = (data: Json) => {
    const parsed = parseFences(site, data);
    return parsed.ok ? 'taken' : parsed.reason;
  };
  assert.equal(reason({ version: 1, fences: [keepOut(2, 4)] }), 'taken');
  assert.match(reason({ version: 0, fences: [] }), /no set/);
  assert.match(reason({ version: 1, fences: [keepOut(2, 4), keepOut(5, 6)] }), /two fences are called 'spill'/);
  assert.match(reason({ version: 1, fences: [slow(0)] }), /'wet' needs a speed/);
  assert.match(reason({ version: 1, fences: [keepOut(2, 400)] }), /'spill'.*outside the site/);
  assert.match(
    reason({ version: 1, fences: [{ id: 'a', kind: 'lava', points: box(2, 3) }] }),
    /neither restricted nor slow/,
  );
});
