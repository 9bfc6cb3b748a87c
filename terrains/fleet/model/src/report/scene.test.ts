import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@sigma/kernel';
import { FIX, HEALTH, MOTION, NO_READING, SCAN, SCAN_RAYS } from '../channels.ts';
import { deriveSite, parseMovingAiMap, siteToJson } from '../site/index.ts';
import { FleetScene, type RecordedRobot } from './scene.ts';

const site = deriveSite(parseMovingAiMap(`type octile\nheight 6\nwidth 8\nmap\n${'........\n'.repeat(6)}`, 'hall'));

const robot = (more: Partial<RecordedRobot> = {}): RecordedRobot => ({
  model: 'fleet',
  modelVersion: 1,
  tenant: 'acme',
  source: 'r1',
  role: 'robot',
  seed: 1,
  epoch: 0,
  flags: [],
  atUs: 0,
  config: { site: { digest: site.digest }, body: 'carrier' },
  policyText: '',
  policyHash: '',
  ...more,
});

const scene = new FleetScene({ reexecute: false }).chainOf(robot());
assert.ok(scene !== null);
const shown = (channel: string, values: Int32Array) => scene.shown({ kind: 'percept', channel, values });

test('a beacon fix places the robot, in metres and radians; one without a reading does not', () => {
  const fix = shown(FIX.channel, Int32Array.of(12_500, -3_000, 15_708, 90));
  assert.deepEqual(fix, { kind: 'pose', xM: 12.5, yM: -3, headingRad: 1.5708 });
  assert.equal(shown(FIX.channel, Int32Array.of(12_500, NO_READING, 0, 90)), null);
});

test('a scan goes once round from the heading, in metres; nothing in range is infinitely far, no reading is no number', () => {
  const counts = new Int32Array(SCAN_RAYS).fill(2_000);
  counts[1] = 0;
  counts[2] = NO_READING;
  const scan = shown(SCAN.channel, counts);
  assert.ok(scan?.kind === 'scan');
  assert.deepEqual([...scan.rangesM.subarray(0, 4)], [2, Number.POSITIVE_INFINITY, Number.NaN, 2]);
  assert.equal(scan.startRad, 0);
  const stepRad = scan.endRad / (SCAN_RAYS - 1);
  assert.ok(Math.abs(stepRad * SCAN_RAYS - 2 * Math.PI) < 1e-12, 'the rays are evenly spread over the circle');
});

test('numbers are in SI units and have a name each', () => {
  const motion = shown(
    MOTION.channel,
    Int32Array.from(MOTION.fields, () => 1_000),
  );
  assert.ok(motion?.kind === 'numbers');
  assert.equal(motion.values[MOTION.fields.indexOf('currentLeft')], 1);
  assert.deepEqual(scene.channels, { motion: MOTION.fields, health: HEALTH.fields });
  for (const fields of Object.values(scene.channels)) for (const name of fields) assert.match(name, /^[a-z]\w*$/i);
});

test('what is no frame of its channel has no picture', () => {
  assert.equal(shown(SCAN.channel, Int32Array.of(1, 2, 3)), null);
  assert.equal(shown('thermal', Int32Array.of(1)), null);
  assert.equal(scene.shown({ kind: 'beat', from: 'hub' } as never), null);
});

test('the floor is the site that an opening holds; who only names it gives none, and others than robots have no picture', () => {
  const floors = new FleetScene({ reexecute: true });
  assert.equal(floors.floorOf(robot().config), null);
  const floor = floors.floorOf({ site: siteToJson(site) as unknown as Json });
  assert.deepEqual([floor?.columns, floor?.rows, floor?.name], [8, 6, 'hall']);
  assert.ok((floor?.places.length ?? 0) > 0);
  assert.equal(floors.chainOf(robot({ model: 'fleet-world' })), null);
  const carrier = floors.chainOf(robot({ modelVersion: -1 }));
  assert.equal(carrier?.body?.radiusM, 0.38);
  assert.equal(carrier !== null && 'again' in carrier, false, 'of another version: it cannot be run again');
});
