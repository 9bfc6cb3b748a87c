import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EAST, NORTH, SOUTH, WEST } from './site.ts';
import { DIRECTIONS, type Floor, neighbour, strongComponentCount } from './ways.ts';

/** Cells that can be reached from a cell, by the definition. */
function reach(floor: Floor, exits: Uint8Array, from: number): Set<number> {
  const seen = new Set([from]);
  for (const cell of seen) {
    for (const direction of DIRECTIONS) {
      const next = neighbour(floor, cell, direction);
      if (((exits[cell] as number) & direction) !== 0 && next >= 0 && floor.blocked[next] === 0) seen.add(next);
    }
  }
  return seen;
}

function countByDefinition(floor: Floor, exits: Uint8Array): number {
  const cells = [...floor.blocked.keys()].filter((cell) => floor.blocked[cell] === 0);
  const reached = new Map(cells.map((cell) => [cell, reach(floor, exits, cell)]));
  const roots = cells.filter(
    (cell) => !cells.some((c) => c < cell && reached.get(cell)?.has(c) && reached.get(c)?.has(cell)),
  );
  return roots.length;
}

test('[W5] strong components are counted as the definition says, on any grid with any exits', () => {
  const grids = fc.integer({ min: 1, max: 6 }).chain((width) =>
    fc
      .array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: NORTH | EAST | SOUTH | WEST })), {
        minLength: width,
        maxLength: 36,
      })
      .map((cells) => {
        const height = Math.floor(cells.length / width);
        const used = cells.slice(0, width * height);
        const blocked = Uint8Array.from(used, ([wall]) => (wall ? 1 : 0));
        return { floor: { width, height, blocked }, exits: Uint8Array.from(used, ([, bits]) => bits) };
      }),
  );
  fc.assert(
    fc.property(grids, ({ floor, exits }) => {
      assert.equal(strongComponentCount(floor, exits, floor.blocked), countByDefinition(floor, exits));
    }),
    { seed: 3, numRuns: 500 },
  );
});
