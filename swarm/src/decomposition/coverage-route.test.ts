import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawGrid, readMap } from '../../testing/sites.ts';
import { distanceField } from '../traffic/distance-fields.ts';
import { hasEdge } from '../traffic/road-graph.ts';
import { coverageRoute } from './coverage-route.ts';
import { lineOfSight, visibleCells } from './line-of-sight.ts';

const anySite = fc
  .array(fc.array(fc.constantFrom('.', '.', '.', '#'), { minLength: 7, maxLength: 7 }), { minLength: 2, maxLength: 7 })
  .map((rows) => drawGrid(...rows.map((row) => row.join(''))));

test('[S21] sight is blocked by what stands in the line, and passes a corner that is open on one side', () => {
  const graph = drawGrid('...', '.#.', '...');
  assert.ok(lineOfSight(graph, 0, 2));
  assert.ok(!lineOfSight(graph, 3, 5));
  assert.ok(!lineOfSight(graph, 0, 8));
  assert.ok(lineOfSight(graph, 1, 5), 'past a corner with one open side');
  assert.ok(!lineOfSight(drawGrid('.#', '#.'), 0, 3), 'not through a closed corner');
});

test('[S21] who sees is seen', () => {
  fc.assert(
    fc.property(anySite, fc.nat(), fc.nat(), (graph, a, b) => {
      const from = a % graph.cellCount;
      const to = b % graph.cellCount;
      assert.equal(lineOfSight(graph, from, to), lineOfSight(graph, to, from));
    }),
    { seed: 21, numRuns: 500 },
  );
});

test('[S22] [S23] [S24] every cell is covered by driving the route, or named as out of reach', () => {
  fc.assert(
    fc.property(anySite, fc.nat(), fc.integer({ min: 0, max: 3 }), fc.nat(), (graph, at, radius, mask) => {
      const part = [...graph.open.keys()].filter((cell) => ((mask >> (cell % 5)) & 1) === 0);
      const start = at % graph.cellCount;
      fc.pre(graph.open[start] === 1);
      const { stops, path, unreachable } = coverageRoute(graph, part, start, { radius });
      assert.equal(path[0], start);
      for (let k = 1; k < path.length; k++) assert.ok(hasEdge(graph, path[k - 1] as number, path[k] as number));
      let along = 0;
      for (const stop of stops) {
        assert.ok(part.includes(stop));
        while (along < path.length && path[along] !== stop) along++;
        assert.ok(along < path.length, 'the stops are on the path, in order');
      }
      const seen = new Set(path.flatMap((cell) => visibleCells(graph, cell, radius)));
      const reach = distanceField(graph, start);
      for (const cell of part) {
        const views = visibleCells(graph, cell, radius).filter((other) => part.includes(other));
        const possible = views.some((other) => (reach[other] as number) >= 0);
        if (seen.has(cell)) assert.ok(!unreachable.includes(cell));
        else assert.ok(unreachable.includes(cell) && !possible, `cell ${cell} was forgotten`);
      }
    }),
    { seed: 22, numRuns: 300 },
  );
});

test('[S22] a warehouse is swept with little driving twice, and seen with far less driving', () => {
  const graph = readMap(
    readFileSync(new URL('../../testing/maps/warehouse-10-20-10-2-1.map', import.meta.url), 'utf8'),
  );
  const cells = [...graph.open.keys()].filter((cell) => graph.open[cell] === 1);
  const start = cells[0] as number;
  assert.ok(coverageRoute(graph, cells, start).path.length <= cells.length * 1.2);
  assert.ok(coverageRoute(graph, cells, start, { radius: 3 }).path.length <= cells.length * 0.7);
});

test('[S24] from no place nothing can be reached', () => {
  const graph = drawGrid('.#.');
  assert.deepEqual(coverageRoute(graph, [2, 0], 1), { stops: [], path: [], unreachable: [0, 2] });
  assert.deepEqual(coverageRoute(graph, [2, 0, 9], 0), { stops: [0], path: [0], unreachable: [2, 9] });
});
