import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { deriveSite, parseMovingAiMap } from '@sigma/fleet-model';
import { FenceSchema } from '@sigma/proto';
import { siteShapes } from '../site-shapes.ts';
import { chosenZone } from './zone-floor.ts';

const rows = Array.from({ length: 12 }, () => '.'.repeat(16));
const shapes = siteShapes(
  deriveSite(parseMovingAiMap(`type octile\nheight 12\nwidth 16\nmap\n${rows.join('\n')}\n`, 'Hall')),
);
const points = [
  { xM: 1, yM: 1 },
  { xM: 5, yM: 1 },
  { xM: 5, yM: 4 },
];
const fence = create(FenceSchema, { id: 'f1', kind: 'restricted', polygon: { points } });

test('of the selected fence every edge is drawn strongly, the last one back to the first corner, and its ground once more', () => {
  const chosen = chosenZone('f1', [fence], shapes);
  assert.deepEqual(
    chosen?.edges.map(({ from, to }) => [...from, ...to]),
    [
      [1, 1, 5, 1],
      [5, 1, 5, 4],
      [5, 4, 1, 1],
    ],
  );
  assert.equal(chosen?.areas.length, 1);
});

test('of a selected zone of the site only its edges are, and of what is not there nothing', () => {
  const [zone] = shapes.zones;
  assert.ok(zone !== undefined, 'the hall has a zone');
  const chosen = chosenZone(zone.zone.id, [fence], shapes);
  assert.ok((chosen?.edges.length ?? 0) >= 4);
  assert.equal(chosen?.areas.length, 0);
  assert.equal(chosenZone('f2', [fence], shapes), null);
  assert.equal(chosenZone(null, [fence], shapes), null);
});
