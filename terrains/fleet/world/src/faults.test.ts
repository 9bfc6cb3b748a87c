import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS, type FaultName } from '@sigma/fleet-model';
import { hypot } from '@sigma/kernel';
import { Course, cellOf, drive, hall, hold, siteOf } from '../testing/course.ts';
import { type Injection, peopleTruth } from './index.ts';
import { FAULT_COLUMNS } from './state.ts';

const site = hall(40, 7);
const course = () => new Course(site, [{ id: 'r1', body: 'humanoid', cell: cellOf(site, 3, 4) }]);
const fault = (name: FaultName, more: { value?: number; untilUs?: number } = {}): Injection => {
  return { type: 'fault', robot: 'r1', fault: name, ...more };
};
const clear = (name: FaultName): Injection => ({ type: 'clear_fault', robot: 'r1', fault: name });
const active = (c: Course) => c.last?.faults.map((f) => f.fault);
const scans = (c: Course) => c.frames.filter((f) => f.channel === 'scan').map((f) => f.values.join());

test('[W30] every fault of the contract has a column', () => {
  assert.deepEqual([...FAULT_COLUMNS].sort(), [...FAULTS].sort());
});

test('[W31] motor_overload: the left current leaps, the motor heats, the robot slows; cleared, all returns', () => {
  const c = course();
  c.run(3, drive(1));
  const healthy = c.sees('motion');
  c.run(3, undefined, [fault('motor_overload')]);
  const ill = c.sees('motion');
  assert.ok((ill['currentLeft'] as number) > 24, `${ill['currentLeft']} A`);
  assert.ok(Math.abs((ill['currentRight'] as number) - (healthy['currentRight'] as number)) < 3);
  assert.ok(c.robot.speedMps < 0.7);
  c.run(8);
  const health = c.sees('health');
  assert.ok((health['motorTempLeft'] as number) > (health['motorTempRight'] as number) + 5);
  c.run(3, undefined, [clear('motor_overload')]);
  assert.ok((c.sees('motion')['currentLeft'] as number) < 8 && c.robot.speedMps > 0.95);
});

test('[W32] overheating: motors and board climb past 85 degC within half a minute', () => {
  const c = course();
  c.run(25, hold, [fault('overheating')]);
  const health = c.sees('health');
  for (const field of ['motorTempLeft', 'motorTempRight', 'boardTemp']) {
    assert.ok((health[field] as number) > 85, `${field} ${health[field]}`);
  }
});

test('[W33] stuck_encoder: one wheel stops counting and goes on where it was', () => {
  for (const [value, stuck, alive] of [
    [0, 'encoderLeft', 'encoderRight'],
    [1, 'encoderRight', 'encoderLeft'],
  ] as const) {
    const c = course();
    c.run(2, drive(0.6));
    c.run(0.01, undefined, [fault('stuck_encoder', { value })]);
    const before = c.sees('motion');
    c.run(2);
    const during = c.sees('motion');
    assert.equal(during[stuck], before[stuck]);
    assert.ok((during[alive] as number) > (before[alive] as number) + 1);
    c.run(1, undefined, [clear('stuck_encoder')]);
    const gained = (c.sees('motion')[stuck] as number) - (before[stuck] as number);
    assert.ok(gained > 0.5 && gained < 0.7, `${gained} m`);
  }
});

test('[W34] lidar_freeze: scans repeat to the bit until it is cleared', () => {
  const c = course();
  c.run(1, drive(0.8));
  assert.equal(new Set(scans(c)).size, scans(c).length, 'healthy scans all differ');
  c.run(0.01, undefined, [fault('lidar_freeze')]);
  const seen = scans(c).length;
  c.run(2);
  assert.equal(new Set(scans(c).slice(seen)).size, 1);
  c.run(0.01, undefined, [clear('lidar_freeze')]);
  const after = scans(c).length;
  c.run(1);
  assert.equal(new Set(scans(c).slice(after)).size, scans(c).length - after);
  c.run(1, undefined, [fault('lidar_freeze')]);
  assert.notEqual(scans(c).at(-1), scans(c)[seen], 'a second freeze holds a scan of its own');
});

test('[W35] imu_drift: the gyro turns while the robot stands', () => {
  const c = course();
  c.run(10, hold, [fault('imu_drift')]);
  const gyro = c.sees('motion')['gyroZ'] as number;
  assert.ok(Math.abs(gyro - 0.2) < 0.03, `${gyro} rad/s after 10 s of 0.02 rad/s2`);
  assert.equal(c.robot.headingRad, 0);
  c.run(0.02, undefined, [clear('imu_drift')]);
  assert.ok(Math.abs(c.sees('motion')['gyroZ'] as number) < 0.03);
});

test('[W36] battery_collapse: charge falls to its floor, voltage sags, and what is lost stays lost', () => {
  const c = course();
  c.run(1, hold);
  const before = c.sees('health');
  c.run(20, undefined, [fault('battery_collapse')]);
  const after = c.sees('health');
  assert.ok((after['batteryCharge'] as number) < 0.1 && (after['batteryCharge'] as number) > 0.06);
  assert.ok((after['batteryVoltage'] as number) < (before['batteryVoltage'] as number) - 4);
  c.run(1, undefined, [clear('battery_collapse')]);
  assert.ok((c.sees('health')['batteryCharge'] as number) < 0.1);
});

test('[W37] person_steps_in: somebody steps out 1.2 m ahead, crosses, is seen, and goes', () => {
  const c = course();
  c.run(2, drive(0.3));
  const before = c.robot;
  c.run(0.5, hold, [fault('person_steps_in')]);
  const [person] = peopleTruth(c.world);
  assert.ok(person);
  const ahead = person.xM - before.xM;
  assert.ok(Math.abs(ahead - 1.2) < 0.05 && Math.abs(person.yM - before.yM) < 0.3, `${ahead} m ahead`);
  c.run(0.2);
  const range = c.sees('scan')['range0'] as number;
  assert.ok(range > 0.6 && range < 1.1, `seen at ${range} m`);
  assert.deepEqual(active(c), ['person_steps_in']);
  c.run(15);
  assert.deepEqual([peopleTruth(c.world).length, active(c)], [0, []]);
});

test('[W37] person_steps_in cleared: they are gone at once', () => {
  const c = course();
  c.run(1, hold, [fault('person_steps_in', { untilUs: 60_000_000 })]);
  assert.equal(peopleTruth(c.world).length, 1);
  c.run(0.02, undefined, [clear('person_steps_in')]);
  assert.equal(peopleTruth(c.world).length, 0);
});

test('[W37] in an aisle one metre wide they stand in the middle; before a wall there is no room and it is said', () => {
  const aisle = siteOf(['########', '#......#', '########']);
  const free = new Course(aisle, [{ id: 'r1', body: 'carrier', cell: cellOf(aisle, 1, 1) }]);
  free.run(0.1, hold, [fault('person_steps_in')]);
  const [person] = peopleTruth(free.world);
  assert.ok(person && hypot(person.xM - 2.7, person.yM - 1.5) < 0.5);
  const stuck = new Course(aisle, [{ id: 'r1', body: 'carrier', cell: cellOf(aisle, 6, 1) }]);
  stuck.run(0.1, hold, [fault('person_steps_in')]);
  assert.match(stuck.refused[0]?.reason ?? '', /no room/);
});

test('[W38] faults of runner and link change no number of the world, and stand in the outcomes', () => {
  const plain = course();
  const faulty = course();
  plain.run(1, drive(0.5));
  faulty.run(1, drive(0.5), [fault('link_loss'), fault('planner_hang', { untilUs: 500_000 }), fault('planner_lies')]);
  assert.deepEqual(plain.frames, faulty.frames);
  assert.deepEqual(faulty.last?.faults, [
    { robot: 0, fault: 'link_loss', value: 1, untilUs: null },
    { robot: 0, fault: 'planner_lies', value: 1, untilUs: null },
  ]);
});

test('[W38] a planner fault takes the planner of the hub, at strength 2 the one beside the body too, and no more', () => {
  for (const name of ['planner_hang', 'planner_lies'] as const) {
    const c = course();
    c.run(0.1, hold, [fault(name, { value: 2 })]);
    assert.deepEqual(c.last?.faults, [{ robot: 0, fault: name, value: 2, untilUs: null }]);
    c.run(0.1, hold, [fault(name, { value: 3 })]);
    assert.match(c.refused[0]?.reason ?? '', /from 0 to 2, not 3/);
  }
});

test('[W30] a fault ends at its moment, exclusive', () => {
  const c = course();
  c.run(0.5, hold, [fault('overheating', { untilUs: 1_000_000 })]);
  assert.deepEqual(active(c), ['overheating']);
  c.until(() => active(c)?.length === 0, 1);
  assert.equal(c.world.atUs, 1_010_000);
});

test('[W39] injections that make no sense are refused with the reason and change nothing', () => {
  const cases: [Injection, RegExp][] = [
    [{ type: 'fault', robot: 'r9', fault: 'link_loss' }, /no robot is called 'r9'/],
    [
      { type: 'fault', robot: 'r1', fault: 'gremlins' as FaultName },
      /no fault is called 'gremlins'; use one of motor_overload/,
    ],
    [fault('overheating', { value: Number.NaN }), /'value' of overheating must be from 0 to 200, not NaN/],
    [fault('overheating', { value: -1 }), /from 0 to 200/],
    [fault('overheating', { untilUs: 0 }), /not after/],
    [{ type: 'person', xM: -5, yM: 1 }, /outside the site/],
    [{ type: 'person', xM: 0.5, yM: 0.5 }, /inside a wall/],
    [{ type: 'person', xM: 3.5, yM: 4.5 }, /a robot stands/],
    [{ type: 'person', xM: Number.NaN, yM: 1 }, /no finite number/],
  ];
  for (const [injection, reason] of cases) {
    const c = course();
    const plain = course();
    c.run(0.01, hold, [injection]);
    plain.run(0.01, hold);
    assert.match(c.refused[0]?.reason ?? 'accepted', reason);
    assert.deepEqual(c.world.robots, plain.world.robots);
    assert.equal(c.world.people.length, 0);
  }
});
