import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import type { SceneFloor } from '../scene.ts';
import { type FoxgloveName, foxgloveRegistry } from './descriptors.ts';
import { bodyScene, floorGrid, floorScene, othersScene } from './floor.ts';

const registry = foxgloveRegistry(['Grid', 'SceneUpdate']);
const TIME_US = 1_700_000_000_000_000;

const read = <Shape>(name: FoxgloveName, bytes: Uint8Array): Shape => {
  const schema = registry.getMessage(`foxglove.${name}`) as DescMessage;
  return toJson(schema, fromBinary(schema, bytes), { registry, alwaysEmitImplicit: true }) as Shape;
};

/** Three columns and two rows of 2 m: a wall over two cells in the north-west, a zone in the south-east. */
const FLOOR: SceneFloor = {
  name: 'hall',
  columns: 3,
  rows: 2,
  cellM: 2,
  blocked: Uint8Array.of(1, 1, 0, 0, 0, 0),
  zones: [{ id: 'z', name: 'Dock', kind: 'slow', cells: [5] }],
  places: [{ id: 'p1', kind: 'dock', xM: 5, yM: 1 }],
};

interface Placed {
  readonly pose: { readonly position: { readonly x: number; readonly y: number; readonly z: number } };
  readonly size: { readonly x: number; readonly y: number; readonly z: number };
}

interface Scene {
  readonly entities: readonly {
    readonly id: string;
    readonly frameId: string;
    readonly lifetime: string;
    readonly cubes: readonly Placed[];
    readonly cylinders: readonly Placed[];
    readonly texts: readonly (Placed & { readonly text: string })[];
  }[];
}

test('[R180] the grid begins in the south-west, where its origin is, and a blocked cell is 100', () => {
  const grid = read<{ data: string; columnCount: number; rowStride: number; cellSize: { x: number } }>(
    'Grid',
    floorGrid(FLOOR, 'site', TIME_US),
  );
  assert.deepEqual([...Buffer.from(grid.data, 'base64')], [0, 0, 0, 100, 100, 0]);
  assert.deepEqual([grid.columnCount, grid.rowStride, grid.cellSize.x], [3, 3, 2]);
});

test('walls stand where the map has them, one block for neighbours in a row; zones and places bear their names', () => {
  const { entities } = read<Scene>('SceneUpdate', floorScene(FLOOR, 'site', TIME_US));
  const [walls, zone, places] = entities;
  assert.deepEqual(
    walls?.cubes.map(({ pose, size }) => [pose.position.x, pose.position.y, size.x, size.y]),
    [[2, 3, 4, 2]],
  );
  assert.deepEqual(
    zone?.cubes.map(({ pose, size }) => [pose.position.x, pose.position.y, size.x]),
    [[5, 1, 2]],
  );
  assert.equal(zone?.texts[0]?.text, 'Dock');
  assert.deepEqual([places?.texts[0]?.text, places?.texts[0]?.pose.position.x], ['p1', 5]);
  assert.ok(
    entities.every(({ lifetime }) => lifetime === '0s'),
    'what stands does not go',
  );
});

test('a body stands in the frame of its agent; those whom it sees stand in the frame of the site, and go again', () => {
  const [body] = read<Scene>('SceneUpdate', bodyScene('r1', { radiusM: 0.4, heightM: 1 }, TIME_US)).entities;
  assert.deepEqual([body?.frameId, body?.cylinders[0]?.size], ['r1', { x: 0.8, y: 0.8, z: 1 }]);
  const seen = { id: '7', kind: 'person', xM: 3, yM: 4, widthM: 0.5 };
  const [person] = read<Scene>('SceneUpdate', othersScene([seen], 'site', 'r1', TIME_US)).entities;
  assert.deepEqual([person?.frameId, person?.lifetime], ['site', '1s']);
  assert.deepEqual([person?.cylinders[0]?.pose.position.x, person?.cylinders[0]?.pose.position.y], [3, 4]);
});
