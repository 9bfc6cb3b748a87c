import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSite, parseMovingAiMap } from '@sigma/fleet-model';
import type { MapColours } from '../map-colours.ts';
import { siteShapes } from '../site-shapes.ts';
import { Arrows } from './floor-marks.ts';

test('chevrons of aisles are measured by three.js without a number that is none, near and from afar', () => {
  const rows = Array.from({ length: 12 }, (_, row) => (row % 3 === 1 ? '..TTTTTTTTTT..' : '..............'));
  const site = deriveSite(parseMovingAiMap(`type octile\nheight 12\nwidth 14\nmap\n${rows.join('\n')}\n`, 'aisles'));
  const arrows = new Arrows(site, siteShapes(site), { arrow: '#3d474f' } as MapColours);
  const { geometry } = arrows.mesh;
  geometry.computeBoundingSphere();
  const { center, radius } = geometry.boundingSphere ?? { center: { x: Number.NaN }, radius: Number.NaN };
  assert.ok(Number.isFinite(center.x + radius), `${center.x}, ${radius}`);
  const near = geometry.index?.count ?? 0;
  arrows.thin(4);
  assert.ok(near > 0 && (geometry.index?.count ?? 0) < near, 'fewer from afar');
});
