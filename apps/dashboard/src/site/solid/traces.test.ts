import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type AgentScan, AgentScanSchema } from '@sigma/proto';
import { Texture } from 'three';
import { Movement } from '../movement.ts';
import { sceneUniforms } from './scene-uniforms.ts';
import { Traces } from './traces.ts';

const RAYS = 8;

/** The lidar of a selected robot, drawn; and the corners of its fan as three.js measures them before it draws. */
function scanned(scan: Partial<AgentScan>) {
  const traces = new Traces(sceneUniforms(), new Texture());
  traces.update({
    movement: new Movement({ width: 10, height: 10, metresPerCell: 1 }),
    trails: false,
    rows: 1,
    selectedRow: 0,
    xM: Float32Array.of(scan.xM ?? 0),
    yM: Float32Array.of(scan.yM ?? 0),
    ringed: [{ row: 0, widthPx: 2 }],
    path: null,
    scan: create(AgentScanSchema, { agentId: 'r1', ...(scan as object) }),
    draft: null,
    fences: [],
    chosen: [],
  });
  traces.fan.geometry.computeBoundingSphere();
  return {
    shown: traces.fan.visible,
    radiusM: traces.fan.geometry.boundingSphere?.radius ?? 0,
    dots: traces.points.points.geometry.drawRange.count,
    ringed: traces.lines.mesh.visible,
  };
}

const around = (range: (k: number) => number) => Array.from({ length: RAYS }, (_, k) => range(k));

test('a scan sweeps its rays, each with a dot where it met something', () => {
  const { shown, radiusM, dots } = scanned({ xM: 5, yM: 5, rangesM: around(() => 2) });
  assert.deepEqual([shown, Math.round(radiusM), dots], [true, 2, RAYS]);
});

test('a ray without a reading sweeps nothing, and what is drawn has a size', () => {
  for (const nothing of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const { shown, radiusM, dots } = scanned({ xM: 5, yM: 5, rangesM: around((k) => (k % 2 === 0 ? nothing : 3)) });
    assert.equal(shown, true);
    assert.ok(radiusM > 1 && radiusM < 4, `${radiusM}`);
    assert.equal(dots, RAYS / 2);
  }
});

test('a robot that was never located has a scan but no place: nothing is drawn for it', () => {
  for (const lost of [{ xM: Number.NaN }, { yM: Number.NaN }, { headingRad: Number.NaN }]) {
    const { shown, dots, ringed } = scanned({ xM: 5, yM: 5, rangesM: around(() => 2), ...lost });
    assert.deepEqual([shown, dots], [false, 0]);
    if (lost.headingRad === undefined) assert.equal(ringed, false);
  }
});
