import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawGrid } from '../../testing/sites.ts';
import { deadEnds } from './dead-ends.ts';
import { DistanceFields, distanceField } from './distance-fields.ts';
import { buildGridGraph, exits, hasEdge, type RoadGraph } from './road-graph.ts';
import { shortestPath } from './shortest-path.ts';
import { strongComponents } from './strong-components.ts';

const anySite = fc
  .array(fc.array(fc.constantFrom('.', '.', '.', '.', '#', '>', '<', '^', 'v'), { minLength: 6, maxLength: 6 }), {
    minLength: 2,
    maxLength: 6,
  })
  .map((rows) => drawGrid(...rows.map((row) => row.join(''))));

/** Floyd and Warshall: slow and plain. */
function allDistances(graph: RoadGraph): number[][] {
  const n = graph.cellCount;
  const d = Array.from({ length: n }, (_, a) =>
    Array.from({ length: n }, (_, b) => (a === b && graph.open[a] === 1 ? 0 : hasEdge(graph, a, b) ? 1 : Infinity)),
  );
  for (let via = 0; via < n; via++) {
    for (const row of d) {
      for (let b = 0; b < n; b++) row[b] = Math.min(row[b] as number, (row[via] as number) + (d[via]?.[b] as number));
    }
  }
  return d;
}

test('[S1] a grid joins open neighbours, and a one-way cell lets out one way only', () => {
  const graph = drawGrid('..#', '.>.');
  assert.deepEqual([...graph.targets.subarray(graph.offsets[0], graph.offsets[1])], [1, 3]);
  assert.deepEqual([...graph.targets.subarray(graph.offsets[1], graph.offsets[2])], [0, 4]);
  assert.deepEqual([...graph.targets.subarray(graph.offsets[4], graph.offsets[5])], [5]);
  assert.equal(graph.offsets[3], graph.offsets[2], 'a blocked cell has no edges');
});

test('[S1] nobody enters a one-way aisle against its direction', () => {
  const graph = drawGrid('.>>.');
  assert.ok(hasEdge(graph, 2, 3));
  assert.ok(!hasEdge(graph, 3, 2));
});

test('[S1] the end of a blind aisle is left the way it is entered, whatever a mask of open neighbours looks like', () => {
  const { north, east, south } = exits;
  const blocked = Uint8Array.from([0, 1, 0, 0]);
  // Two columns, two rows: cell 0 hangs on cell 2 and on nothing else, so its mask is a single bit.
  const graph = buildGridGraph({ width: 2, height: 2, blocked, oneWay: Uint8Array.from([south, 0, north + east, 8]) });
  assert.ok(hasEdge(graph, 2, 0));
  assert.ok(hasEdge(graph, 0, 2));
  const ring = Uint8Array.from([south, 8, east, north]);
  const circle = buildGridGraph({ width: 2, height: 2, blocked: new Uint8Array(4), oneWay: ring });
  assert.ok(hasEdge(circle, 0, 2) && !hasEdge(circle, 2, 0), 'a real one-way stays one');
});

test('[S1] the reverse rows hold the same edges', () => {
  fc.assert(
    fc.property(anySite, (graph) => {
      for (let a = 0; a < graph.cellCount; a++) {
        const sources = graph.reverseTargets.subarray(graph.reverseOffsets[a], graph.reverseOffsets[a + 1]);
        const expected = Array.from({ length: graph.cellCount }, (_, b) => b).filter((b) => hasEdge(graph, b, a));
        assert.deepEqual([...sources], expected);
      }
    }),
    { seed: 1, numRuns: 60 },
  );
});

test('[S1] a plan whose arrays do not fit is refused with the numbers', () => {
  assert.throws(() => buildGridGraph({ width: 3, height: 2, blocked: new Uint8Array(5) }), /5 cells.*3 x 2 has 6/);
  assert.throws(() => buildGridGraph({ width: 0, height: 2, blocked: new Uint8Array(0) }), /0 x 2/);
  assert.throws(
    () => buildGridGraph({ width: 1, height: 1, blocked: new Uint8Array(1), oneWay: new Uint8Array(2) }),
    /oneWay holds 2/,
  );
});

test('[S2] [S3] [S4] fields, components and paths agree with the slow way on any site', () => {
  fc.assert(
    fc.property(anySite, (graph) => {
      const d = allDistances(graph);
      const { componentOf } = strongComponents(graph);
      for (let goal = 0; goal < graph.cellCount; goal++) {
        const field = distanceField(graph, goal);
        for (let from = 0; from < graph.cellCount; from++) {
          const there = d[from]?.[goal] as number;
          assert.equal(field[from], there === Infinity ? -1 : there);
          const together = there < Infinity && (d[goal]?.[from] as number) < Infinity;
          if (graph.open[from] === 1 && graph.open[goal] === 1) {
            assert.equal(componentOf[from] === componentOf[goal], together);
          }
          const path = shortestPath(graph, from, goal);
          assert.equal(path === null ? Infinity : path.length - 1, there);
          for (let k = 1; k < (path?.length ?? 0); k++) {
            assert.ok(hasEdge(graph, path?.[k - 1] as number, path?.[k] as number));
          }
        }
      }
    }),
    { seed: 2, numRuns: 25 },
  );
});

test('[S3] components are numbered by their smallest cell', () => {
  const { componentOf, sizes } = strongComponents(drawGrid('..#.', '..#.'));
  assert.deepEqual([...componentOf], [0, 0, -1, 1, 0, 0, -1, 1]);
  assert.deepEqual([...sizes], [4, 2]);
});

test('[S4] of two equal ways the one with the smaller cells is taken, and avoided cells are gone round', () => {
  const graph = drawGrid('...', '...', '...');
  assert.deepEqual(shortestPath(graph, 0, 8), [0, 1, 2, 5, 8]);
  const avoid = new Uint8Array(9);
  avoid[1] = 1;
  assert.deepEqual(shortestPath(graph, 0, 8, avoid), [0, 3, 4, 5, 8]);
  avoid[3] = 1;
  assert.equal(shortestPath(graph, 0, 8, avoid), null);
});

test('[S2] a field leads around blocked cells, and to a blocked goal from nowhere', () => {
  const graph = drawGrid('...', '...');
  assert.deepEqual([...distanceField(graph, 2, [1])], [4, -1, 0, 3, 2, 1]);
  assert.deepEqual([...distanceField(graph, 1, [1])], [-1, -1, -1, -1, -1, -1]);
});

test('[S2] the cache keeps within its bound and never changes an answer', () => {
  const graph = drawGrid('......', '.####.', '......');
  const fields = new DistanceFields(graph, { capacityBytes: 3 * 18 * 4, views: 2 });
  for (let round = 0; round < 3; round++) {
    for (const goal of [0, 5, 6, 11, 12, 17]) {
      assert.deepEqual(fields.to(goal), distanceField(graph, goal));
      assert.deepEqual(fields.to(goal, [2]), distanceField(graph, goal, [2]));
      assert.deepEqual(fields.to(goal, [2, 3, 2]), distanceField(graph, goal, [3, 2]));
      assert.ok(fields.size <= 3);
    }
  }
  const twice = fields.to(0);
  assert.equal(fields.to(0), twice, 'a field in use is not computed again');
});

test('[S16] around a halt in a one-way aisle no road leads into what has become a trap', () => {
  const graph = drawGrid('......', '.>>>>.', '......');
  const fields = new DistanceFields(graph);
  assert.equal(fields.to(8)[0], 3, 'the aisle is open');
  assert.equal(fields.to(8, [9])[0], -1, 'nobody is sent in behind a halt');
  assert.equal(fields.to(11, [9])[10], 1, 'who is past it drives on');
});

test('[S17] dead ends are trees on a mouth, loops are none', () => {
  const graph = drawGrid('...', '.#.', '...', '#.#', '#..');
  const { of, mouths, depth } = deadEnds(graph);
  assert.deepEqual([...mouths], [7]);
  assert.deepEqual(
    [10, 13, 14].map((cell) => [of[cell], depth[cell]]),
    [
      [0, 1],
      [0, 2],
      [0, 3],
    ],
  );
  assert.ok([0, 1, 2, 3, 5, 6, 7, 8].every((cell) => of[cell] === -1));
  assert.deepEqual([...deadEnds(drawGrid('...')).mouths], [-1], 'a tree has no mouth');
});
