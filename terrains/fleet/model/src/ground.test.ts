import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawnSite } from '../testing/stage.ts';
import { isWall, nearWall } from './ground.ts';

test('[F10] a point is near a wall where it, or a corner of the square around it, is wall: within the site, at its rim and far outside', () => {
  const site = drawnSite(['@@@@@@@', '@.@...@', '@...@.@', '@.....@', '@@@@@@@']);
  const widthM = site.width * site.metresPerCell;
  const heightM = site.height * site.metresPerCell;
  const onGrid = (cells: number) => fc.integer({ min: 0, max: 2 * cells }).map((n) => (n * site.metresPerCell) / 2);
  const place = (cells: number, lengthM: number) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 1000 }).map((n) => (n * lengthM) / 1000) },
      fc.constantFrom(-0.1, lengthM + 0.1),
      onGrid(cells),
      fc.constantFrom(1e300, -1e300, Number.NaN, Number.POSITIVE_INFINITY),
    );
  const within = fc.oneof(
    fc.integer({ min: 1, max: 60 }).map((n) => n / 100),
    fc.constantFrom(0, 0.5, 1.5),
  );
  let walls = 0;
  fc.assert(
    fc.property(place(site.width, widthM), place(site.height, heightM), within, (xM, yM, withinM) => {
      const corners = [-withinM, withinM].flatMap((dx) => [-withinM, withinM].map((dy) => [xM + dx, yM + dy] as const));
      const expected = [[xM, yM] as const, ...corners].some(([x, y]) => isWall(site, x, y));
      assert.equal(nearWall(site, xM, yM, withinM), expected);
      if (expected && !isWall(site, xM, yM)) walls++;
    }),
    { seed: 10, numRuns: 4000 },
  );
  assert.ok(walls > 100, `${walls} points were near a wall and not in it`);
});
