import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawGrid, readMap } from '../../testing/sites.ts';
import { eachNeighbour, type GridGraph, type RoadGraph } from '../traffic/road-graph.ts';
import { decompose } from './decompose.ts';

function openCells(graph: RoadGraph): number[] {
  return [...graph.open.keys()].filter((cell) => graph.open[cell] === 1);
}

function countPieces(graph: RoadGraph, cells: readonly number[]): number {
  const left = new Set(cells);
  let pieces = 0;
  for (const first of cells) {
    if (!left.delete(first)) continue;
    pieces++;
    const queue = [first];
    for (const cell of queue) eachNeighbour(graph, cell, (next) => left.delete(next) && queue.push(next));
  }
  return pieces;
}

const anySite = fc
  .array(fc.array(fc.constantFrom('.', '.', '.', '#'), { minLength: 9, maxLength: 9 }), { minLength: 3, maxLength: 9 })
  .map((rows) => drawGrid(...rows.map((row) => row.join(''))));

test('[S18] [S19] on any site every open cell is in one part, and a whole region gives whole parts', () => {
  fc.assert(
    fc.property(anySite, fc.integer({ min: 1, max: 9 }), (graph, count) => {
      const all = Array.from({ length: graph.cellCount }, (_, cell) => cell);
      const { parts, unusable } = decompose(graph, all, [], count);
      assert.equal(parts.length, count);
      assert.deepEqual(
        parts.flat().sort((a, b) => a - b),
        openCells(graph),
      );
      assert.deepEqual(
        unusable,
        all.filter((cell) => graph.open[cell] === 0),
      );
      if (countPieces(graph, openCells(graph)) === 1) {
        for (const part of parts) assert.ok(countPieces(graph, part) <= 1);
      }
    }),
    { seed: 11, numRuns: 200 },
  );
});

test('[S20] an open hall and a warehouse are divided within 15 % of the ideal', () => {
  const warehouse = readMap(
    readFileSync(new URL('../../testing/maps/warehouse-10-20-10-2-1.map', import.meta.url), 'utf8'),
  );
  const hall = drawGrid(...Array.from({ length: 32 }, () => '.'.repeat(32)));
  for (const graph of [hall, warehouse] as GridGraph[]) {
    for (const count of [2, 3, 7, 13, 40]) {
      const { balance } = decompose(graph, openCells(graph), [], count);
      assert.ok(balance.largest <= balance.ideal * 1.15, `${count}: ${JSON.stringify(balance)}`);
      assert.ok(balance.smallest >= balance.ideal * 0.85, `${count}: ${JSON.stringify(balance)}`);
    }
  }
});

test('[S19] a region in two pieces gives each its share; a crumb goes whole to a part', () => {
  const graph = drawGrid('..........', '..........', '##########', '.....#####', '.....#####', '#######.##');
  const { parts } = decompose(graph, openCells(graph), [], 3);
  assert.deepEqual(
    parts.map((part) => part.length).sort((a, b) => a - b),
    [10, 10, 11],
  );
});

test('[S18] the parts go to the agents that are nearest, in all', () => {
  const graph = drawGrid('..........');
  const { parts } = decompose(graph, openCells(graph), [9, 0], 2);
  assert.deepEqual(parts, [
    [5, 6, 7, 8, 9],
    [0, 1, 2, 3, 4],
  ]);
});

test('[S18] more parts than cells leaves some empty; cells that are no places come back', () => {
  const graph = drawGrid('..#');
  const { parts, unusable } = decompose(graph, [0, 1, 2, -4, 77, 0], [1], 3);
  assert.deepEqual(parts.map((part) => part.length).sort(), [0, 1, 1]);
  assert.deepEqual(parts[0], [1]);
  assert.deepEqual(unusable, [-4, 2, 77]);
  assert.throws(() => decompose(graph, [0], [], 0), RangeError);
});

test('[S18] the order of the cells does not matter', () => {
  const graph = drawGrid('.....', '.#.#.', '.....');
  const cells = openCells(graph);
  assert.deepEqual(decompose(graph, [...cells].reverse(), [4, 0], 3), decompose(graph, cells, [4, 0], 3));
});
