import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Site } from '@sigma/fleet-model';
import { cos, sin } from '@sigma/kernel';
import fc from 'fast-check';
import { Course, cellOf, drive, hold, siteOf } from '../testing/course.ts';
import { castRay } from './lidar.ts';

/** Cell by cell, asking for the edge of the grid at each: what `castRay` must agree with to the last bit. */
function plainRay(site: Site, xM: number, yM: number, dirX: number, dirY: number, rangeM: number): number {
  const { width, height, metresPerCell, blocked } = site;
  const outside = (column: number, row: number): boolean => column < 0 || column >= width || row < 0 || row >= height;
  const gx = xM / metresPerCell;
  const gy = height - yM / metresPerCell;
  let column = Math.floor(gx);
  let row = Math.floor(gy);
  if (outside(column, row)) return 0;
  const acrossX = dirX === 0 ? Infinity : metresPerCell / Math.abs(dirX);
  const acrossY = dirY === 0 ? Infinity : metresPerCell / Math.abs(dirY);
  let nextX = dirX === 0 ? Infinity : (dirX > 0 ? column + 1 - gx : gx - column) * acrossX;
  let nextY = dirY === 0 ? Infinity : (dirY < 0 ? row + 1 - gy : gy - row) * acrossY;
  for (;;) {
    const distance = Math.min(nextX, nextY);
    if (nextX < nextY) {
      column += dirX > 0 ? 1 : -1;
      nextX += acrossX;
    } else {
      row += dirY < 0 ? 1 : -1;
      nextY += acrossY;
    }
    if (distance >= rangeM) return rangeM;
    if (outside(column, row) || blocked[row * width + column] !== 0) return distance;
  }
}

const anySite = fc
  .record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }), walls: fc.integer() })
  .chain(({ width, height }) =>
    fc.record({
      rows: fc.array(fc.string({ unit: fc.constantFrom('.', '.', '.', '#'), minLength: width, maxLength: width }), {
        minLength: height,
        maxLength: height,
      }),
      metresPerCell: fc.constantFrom(0.3, 0.75, 1),
    }),
  )
  .map(({ rows, metresPerCell }) => ({
    width: rows[0]?.length ?? 0,
    height: rows.length,
    metresPerCell,
    blocked: Uint8Array.from(rows.join(''), (letter) => (letter === '#' ? 1 : 0)),
  }));
const part = fc.double({ min: -0.05, max: 1.05, noNaN: true });
const bearing = fc.oneof(fc.double({ min: -3.2, max: 3.2, noNaN: true }), fc.constantFrom(0, 0.25, 0.5, 0.75, 1));

test('[W17] a ray is the plain walk from cell to cell, to the last bit, on open grids too', () => {
  fc.assert(
    fc.property(anySite, part, part, bearing, fc.constantFrom(0.5, 3, 12), (site, x, y, angle, rangeM) => {
      const map = site as unknown as Site;
      const xM = x * site.width * site.metresPerCell;
      const yM = y * site.height * site.metresPerCell;
      const expected = plainRay(map, xM, yM, cos(angle), sin(angle), rangeM);
      assert.ok(Object.is(castRay(map, xM, yM, cos(angle), sin(angle), rangeM), expected));
    }),
    { seed: 11, numRuns: 3000 },
  );
});

test('[W17] a robot that stood, drove and stands again sees what one sees that was never looked at before', () => {
  const rooms = siteOf(['########', '#...#..#', '#......#', '#......#', '########']);
  const fresh = () => new Course(rooms, [{ id: 'r1', body: 'humanoid', cell: cellOf(rooms, 2, 2) }]);
  const course = fresh();
  const moves = [hold, drive(0.4, 0.3), hold, drive(0, 0.8), hold, drive(-0.3), hold];
  for (const move of moves) course.run(1, move);
  // The same run with every step begun from a world that no scan has been made of.
  const again = fresh();
  const scans: number[][] = [];
  for (const move of moves) {
    for (let k = 0; k < 100; k++) {
      again.world = { ...again.world, layout: { ...again.world.layout } };
      const due = again.step({ 0: move }).frames[0]?.find(({ channel }) => channel === 'scan');
      if (due !== undefined) scans.push([...due.values]);
    }
  }
  const seen = course.frames.filter(({ channel }) => channel === 'scan').map(({ values }) => [...values]);
  assert.equal(seen.length, 70);
  assert.deepEqual(seen, scans);
});
