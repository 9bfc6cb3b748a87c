import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSite, parseMovingAiMap } from '@sigma/fleet-model';
import fc from 'fast-check';
import { siteShapes } from './site-shapes.ts';
import { cornersOf, type SnapGround, snap } from './snap.ts';

const ground: SnapGround = { width: 10, height: 6, metresPerCell: 0.5, corners: [[1.7, 0.9]] };
const outline = { kind: 'zone' as const, points: [] };
const patrol = { kind: 'patrol' as const, points: [] };

test('corners of an outline fall on the grid, points of a patrol on the middle of a cell', () => {
  assert.deepEqual(snap(outline, 1.3, 0.2, ground, 0.1).at, [1.5, 0]);
  assert.deepEqual(snap(outline, 99, -4, ground, 0.1).at, [5, 0]);
  assert.deepEqual(snap(patrol, 1.3, 0.2, ground, 0.1).at, [1.25, 0.25]);
  assert.deepEqual(snap(patrol, 99, 99, ground, 0.1).at, [4.75, 2.75]);
});

test('a corner that is there already is shared, from as far as the pointer reaches and no farther', () => {
  const near = snap(outline, 1.75, 0.85, ground, 0.1);
  assert.deepEqual([near.at, near.hold.kind], [[1.7, 0.9], 'corner']);
  assert.equal(snap(outline, 1.85, 0.9, ground, 0.1).hold.kind, 'grid');
  const closing = snap(
    {
      kind: 'fence',
      points: [
        [3.3, 1.1],
        [4, 1],
        [4, 2],
      ],
    },
    3.32,
    1.12,
    ground,
    0.1,
  );
  assert.deepEqual(closing.at, [3.3, 1.1]);
});

test('a point lines up with those drawn before, and says with which', () => {
  const drawn = { kind: 'fence' as const, points: [[0.73, 0.41] as const, [3.1, 0.41] as const] };
  const { at, hold } = snap(drawn, 3.08, 2.04, ground, 0.1);
  assert.deepEqual(at, [3.1, 2]);
  assert.deepEqual(hold, { kind: 'axis', to: [[3.1, 0.41]] });
});

test('freely placed points stay where they are, to the decimetre', () => {
  assert.deepEqual(snap(outline, 1.337, 0.849, ground, 0.1, true).at, [1.3, 0.8]);
});

test('no point ever leaves the site', () => {
  const anywhere = fc.double({ min: -100, max: 100, noNaN: true });
  fc.assert(
    fc.property(
      anywhere,
      anywhere,
      fc.boolean(),
      fc.constantFrom('zone' as const, 'patrol' as const),
      (x, y, free, kind) => {
        const { at } = snap({ kind, points: [] }, x, y, ground, 0.2, free);
        assert.ok(at[0] >= 0 && at[1] >= 0 && at[0] <= 5 && at[1] <= 3, `${at}`);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});

test('the corners of a rectangle of cells are four, and of one with a notch six', () => {
  const site = deriveSite(parseMovingAiMap('type octile\nheight 4\nwidth 4\nmap\n....\n....\n....\n....\n', 'Yard'));
  const shape = (cells: readonly number[]) =>
    siteShapes({ ...site, zones: [{ id: 'z', name: 'Z', kind: 'slow', cells, speedMps: 1 }] }).zones[0]?.outline ??
    new Float32Array();
  assert.equal(cornersOf(shape([5, 6, 9, 10])).length, 4);
  assert.equal(cornersOf(shape([5, 6, 9])).length, 6);
});
