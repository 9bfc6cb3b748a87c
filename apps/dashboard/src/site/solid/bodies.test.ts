import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Texture } from 'three';
import type { PoseColumns } from '../../live/poses.ts';
import { BodyTable } from '../body-table.ts';
import { Bodies } from './bodies.ts';
import { Lens, type Look } from './lens.ts';
import { sceneUniforms } from './scene-uniforms.ts';

const NOBODY = new Float32Array(0);
const NO_FOCUS = { selectedRow: -1, hoveredRow: -1 };

/** Bodies on a square, a metre apart, the first of them critical. */
function crowd(count: number): { table: BodyTable; poses: PoseColumns } {
  const table = new BodyTable();
  table.count = count;
  table.revision = 1;
  table.humanoid = new Uint8Array(count);
  table.level = new Uint8Array(count);
  table.level[0] = 4;
  table.stale = new Uint8Array(count);
  table.radiusM = new Float32Array(count).fill(0.4);
  table.states = Array.from({ length: count }, (_, k) =>
    k === 0
      ? { word: 'emergency stop', level: 'critical', shape: 'octagon' }
      : { word: 'working', level: 'calm', shape: 'dot' },
  );
  table.abnormal = [0];
  const side = Math.ceil(Math.sqrt(count));
  const column = (value: (k: number) => number) => Float32Array.from({ length: count }, (_, k) => value(k));
  const still = column(() => 0);
  const xM = column((k) => k % side);
  const yM = column((k) => Math.floor(k / side));
  return { table, poses: { count, xM, yM, headingRad: still, speedMps: still, battery: still, ageMs: still } };
}

/** How ten thousand are drawn when a metre is so many pixels: as models, and whether what is tiny becomes a dot. */
function drawn(count: number, look: Partial<Look>, quick: boolean) {
  const { table, poses } = crowd(count);
  const bodies = new Bodies(sceneUniforms(), new Texture());
  const whole: Look = { mode: 'map', centreXM: 50, centreYM: 50, pxPerM: 8, azimuthRad: 0, tiltRad: 0, ...look };
  bodies.update(table, poses, NOBODY, new Lens(whole, 1_280, 800), NO_FOCUS, quick);
  const signs = Array.from({ length: count }, (_, row) => row).filter((row) => !bodies.isSolid(row)).length;
  const { uCrowd } = bodies.robots.points.material.uniforms;
  return { bodies, signs, models: count - signs, dots: uCrowd?.value === 1 };
}

test('ten thousand are dots from afar, and whoever needs somebody stands out of them with a sign of its own', () => {
  const { bodies, models, dots } = drawn(10_000, { pxPerM: 4 }, true);
  assert.equal(models, 0);
  assert.equal(dots, true);
  assert.equal(bodies.robots.points.geometry.drawRange.count, 10_000, 'nobody is left out');
  assert.equal(bodies.marks.points.geometry.drawRange.count, 2, 'its body, larger, and the octagon around it');
});

test('nearer they are shapes, and nearest the bodies that they are: those in sight, no more than the renderer bears', () => {
  const near = drawn(10_000, { pxPerM: 60 }, true);
  const inSight = (1_280 / 60 + 2) * (800 / 60 + 2);
  assert.ok(near.models > 0 && near.models <= inSight + 60, `${near.models} models`);
  const slow = drawn(10_000, { mode: 'perspective', pxPerM: 60, tiltRad: 0.6 }, false);
  assert.equal(slow.models, 90);
  assert.equal(slow.signs, 10_000 - 90, 'who finds no room as a model is a sign and not gone');
});

test('forty robots keep their shapes from any distance', () => {
  const { dots, models } = drawn(40, { pxPerM: 2 }, true);
  assert.equal(dots, false);
  assert.equal(models, 0);
});
