import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, drawnSite, goTo, Stage } from '../../testing/stage.ts';
import type { Body } from '../bodies.ts';
import type { Zone } from '../site/site.ts';

const LONG_HALL = ['@'.repeat(40), ...Array.from({ length: 7 }, () => `@${'.'.repeat(38)}@`), '@'.repeat(40)];

/** A carrier on its way along a hall of 38 metres, with what it carries and what its drives still give. */
function drive(options: { zones?: readonly Zone[]; cargo?: boolean; accelShare?: number }): Stage {
  const { zones = [], cargo = false, accelShare = 1 } = options;
  const start = { xM: 1.5, yM: 4.5, headingRad: 0 };
  const stage = new Stage({ site: drawnSite(LONG_HALL, zones), body: 'carrier', start });
  const { body } = stage;
  (stage as { body: Body }).body = { ...body, accelMps2: body.accelMps2 * accelShare };
  if (cargo)
    stage.tell({ kind: 'result', actionId: '1/load', status: 'done', detail: { item: 'crate', station: 's' } });
  stage.assign(goTo(37.5, 4.5)).tick();
  stage.plan(advance([37.5, 4.5]));
  const over = (): boolean => stage.agent.tasks[0]?.status === 'done' || stage.happened('violation').length > 0;
  stage.until(over, 60);
  return stage;
}

test('[F50] whatever it carries, a body that keeps within its limits is where it was expected', () => {
  for (const accelShare of [0.6, 0.8, 1]) {
    assert.deepEqual(drive({ cargo: true, accelShare }).happened('violation'), [], `${accelShare} of the acceleration`);
  }
});

test('[F50] drives that give half of what they should are a violation, with a load and without', () => {
  assert.ok(drive({ accelShare: 0.5 }).happened('violation').length > 0);
  assert.ok(drive({ cargo: true, accelShare: 0.25 }).happened('violation').length > 0);
});

test('[F51] slow zones on the way are reckoned with, at full speed and from either side', () => {
  const cells = [20, 21, 22, 23, 24, 25].map((column) => 4 * 40 + column);
  const zones: Zone[] = [{ id: 'z', name: 'packing', kind: 'slow', cells, speedMps: 0.6 }];
  const stage = drive({ zones });
  assert.deepEqual(stage.happened('violation'), []);
});

test('[F50] wheels that slip on wet floor are a violation, whether the beacons win or the wheels are still believed', () => {
  for (const [grip, quantity] of [
    [0.7, 'xM'],
    [0.5, 'fixGapM'],
  ] as const) {
    const stage = new Stage({ site: drawnSite(LONG_HALL), start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
    stage.assign(goTo(37.5, 4.5)).tick();
    stage.plan(advance([37.5, 4.5])).run(4);
    stage.grip = grip;
    stage.until(() => stage.happened('violation').length > 0, 4);
    const [event] = stage.happened('violation');
    assert.ok(event?.type === 'violation' && event.violation.kind === 'physical');
    assert.deepEqual([event.violation.quantity, event.violation.planner], [quantity, 'primary']);
  }
});

test('[F54] a planner that lies sends the robot into a wall: it does not touch it, and says that it cannot come on', () => {
  const stage = new Stage({ site: drawnSite(LONG_HALL), start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  stage.assign(goTo(37.5, 4.5)).tick();
  stage.plan(advance([5.5, 4.5], [5.5, 12]), { confidence: 1 });
  stage.until(() => stage.happened('violation').length > 0, 30);
  const [event] = stage.happened('violation');
  assert.ok(event?.type === 'violation' && event.violation.kind === 'physical');
  assert.equal(event.violation.quantity, 'standsS');
  assert.ok(stage.yM < 8 - stage.body.radiusM, `at ${stage.yM}`);
});

/** On its way for three seconds. */
function underway(): Stage {
  const stage = new Stage({ site: drawnSite(LONG_HALL), body: 'carrier', start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  stage.assign(goTo(37.5, 4.5)).tick();
  stage.plan(advance([37.5, 4.5])).run(3);
  return stage;
}

test('[F95] [K54] a bump is on record against the planner that sent the robot there, although the stop decided first', () => {
  const stage = underway();
  stage.bumper = 1;
  stage.tick();
  assert.equal(stage.failsafe, 'unsafe_movement_override');
  const [event] = stage.happened('violation');
  assert.ok(event?.type === 'violation' && event.violation.kind === 'physical');
  assert.deepEqual([event.violation.quantity, event.violation.planner], ['bumper', 'primary']);
});

test('[F95] [K54] a person in the way, an order to stop and pictures that stay away interrupt an honest robot: no violation', () => {
  const interruptions: readonly ((stage: Stage) => unknown)[] = [
    (stage) => stage.person(stage.xM + 1.2, stage.yM),
    (stage) => stage.order({ type: 'stop', stop: 'protective', by: 'ann' }),
    (stage) => stage.order({ type: 'stop', stop: 'emergency', by: 'ann' }),
    (stage) => {
      stage.framesHeld = true;
    },
  ];
  for (const interrupt of interruptions) {
    const stage = underway();
    const before = stage.agent.decisionSequence;
    interrupt(stage);
    stage.run(1);
    stage.framesHeld = false;
    stage.run(1);
    assert.ok(stage.agent.decisionSequence > before);
    assert.deepEqual(stage.happened('violation'), []);
  }
});
