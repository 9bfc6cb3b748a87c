import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Body, Drive, newBody } from '../../testing/drive.ts';
import { buildWarehouse, drawGrid, readMap, seededChance } from '../../testing/sites.ts';
import { deadEnds } from './dead-ends.ts';
import type { GridGraph } from './road-graph.ts';
import { strongComponents } from './strong-components.ts';

type Run = {
  readonly graph: GridGraph;
  readonly agents: number;
  readonly steps: number;
  /** No agent may be on its way to one goal for more steps than this. */
  readonly patience: number;
  readonly halts: boolean;
  readonly convoy: boolean;
};

function loadMap(name: string): GridGraph {
  return readMap(readFileSync(new URL(`../../testing/maps/${name}.map`, import.meta.url), 'utf8'));
}

function mainCells(graph: GridGraph): number[] {
  const { componentOf, sizes } = strongComponents(graph);
  const main = sizes.indexOf(Math.max(...sizes));
  return [...componentOf.keys()].filter((cell) => componentOf[cell] === main);
}

/** Lifelong traffic: each body gets a new random goal as soon as it arrives. */
function drive(t: TestContext, run: Run): void {
  const chance = seededChance(7);
  const cells = mainCells(run.graph);
  const free = [...cells];
  const anyCell = (): number => cells[chance(cells.length)] as number;
  const bodies = Array.from({ length: run.agents }, (_, i) =>
    newBody(`r${String(i).padStart(3, '0')}`, free.splice(chance(free.length), 1)[0] as number, {
      goal: anyCell(),
      stepsPerCell: 1 + chance(6),
      horizon: 1 + chance(3),
    }),
  );
  const world = new Drive(run.graph, bodies, run.convoy);
  const resumes = new Map<Body, number>();
  const callMs: number[] = [];
  let idealSteps = 0;
  for (let step = 0; step < run.steps; step++) {
    for (const body of run.halts ? bodies : []) {
      if (body.halted) body.halted = (resumes.get(body) as number) > step;
      else if (chance(2000) === 0) {
        body.halted = true;
        resumes.set(body, step + 50 + chance(200));
      }
    }
    const before = performance.now();
    world.ask();
    callMs.push(performance.now() - before);
    world.move();
    world.settle((body) => {
      const goal = anyCell();
      idealSteps += Math.max(0, world.fields.to(goal)[body.cell] as number) * body.stepsPerCell;
      return goal;
    });
    for (const body of bodies) {
      assert.ok(body.waited <= run.patience, `step ${step}: ${body.id} is on its way for ${body.waited} steps`);
    }
  }
  const goals = bodies.reduce((sum, body) => sum + body.arrivals, 0);
  const bound = (run.agents * run.steps) / (idealSteps / goals);
  const longest = Math.max(...bodies.map((body) => Math.max(body.longest, body.waited)));
  callMs.sort((a, b) => a - b);
  const quantile = (share: number): string => (callMs[Math.floor(callMs.length * share)] as number).toFixed(2);
  t.diagnostic(
    `${goals} goals, ${(goals / (run.agents * run.steps)).toFixed(5)} per agent-step, ` +
      `${Math.round((100 * goals) / bound)} % of driving alone, longest ${longest} steps; ` +
      `ms per call p50 ${quantile(0.5)} p99 ${quantile(0.99)}`,
  );
}

const oneWay = buildWarehouse({ columns: 5, rows: 6, shelfWidth: 6, shelfHeight: 2, yard: 3, oneWayAisles: true });

test('[S5] [S25] 40 robots with one-way aisles, unequal speeds and halts: no collision, nobody starves', (t) => {
  assert.equal(strongComponents(oneWay).sizes.length, 1, 'the one-way aisles leave the site whole');
  drive(t, { graph: oneWay, agents: 40, steps: 3000, patience: 1500, halts: true, convoy: false });
});

test('[S5] [S25] 40 robots in the 161 x 63 warehouse, halting now and then', (t) => {
  const graph = loadMap('warehouse-10-20-10-2-1');
  drive(t, { graph, agents: 40, steps: 3000, patience: 2200, halts: true, convoy: false });
});

test('[S5] [S25] 200 robots in the 161 x 63 warehouse', (t) => {
  const graph = loadMap('warehouse-10-20-10-2-1');
  drive(t, { graph, agents: 200, steps: 3000, patience: 2900, halts: false, convoy: false });
});

test('[S5] [S8] [S25] 200 robots in the 161 x 63 warehouse as queues that move as one', (t) => {
  const graph = loadMap('warehouse-10-20-10-2-1');
  drive(t, { graph, agents: 200, steps: 3000, patience: 2500, halts: false, convoy: true });
});

test('[S5] [S25] 40 robots between narrow doors', (t) => {
  drive(t, { graph: loadMap('room-32-32-4'), agents: 40, steps: 3000, patience: 1500, halts: true, convoy: false });
});

test('[S5] [S8] [S25] 200 robots fill the rooms to a third and all move on', (t) => {
  drive(t, { graph: loadMap('room-32-32-4'), agents: 200, steps: 3000, patience: 2900, halts: false, convoy: true });
});

/** Every edge on a circle of three or more cells: the condition of [S25]. */
function isAllLoops(graph: GridGraph, cells: readonly number[]): boolean {
  const { of } = deadEnds(graph);
  if (cells.some((cell) => of[cell] !== -1)) return false;
  const out = (cell: number) => [...graph.targets.subarray(graph.offsets[cell], graph.offsets[cell + 1])];
  return cells.every((from) =>
    out(from).every((to) => {
      const seen = new Set([to]);
      for (const cell of seen) for (const next of out(cell)) if (cell !== to || next !== from) seen.add(next);
      return seen.has(from);
    }),
  );
}

test('[S25] on roads made of loops everybody arrives, even when nine cells in ten are taken', () => {
  const anySite = fc
    .array(fc.array(fc.constantFrom('.', '.', '.', '.', '.', '.', '.', '#'), { minLength: 6, maxLength: 6 }), {
      minLength: 4,
      maxLength: 6,
    })
    .map((rows) => drawGrid(...rows.map((row) => row.join(''))));
  fc.assert(
    fc.property(
      anySite,
      fc.integer(),
      fc.double({ min: 0.1, max: 0.9, noNaN: true }),
      fc.boolean(),
      (graph, seed, share, convoy) => {
        const cells = mainCells(graph);
        fc.pre(cells.length >= 6 && isAllLoops(graph, cells));
        const chance = seededChance(seed);
        const free = [...cells];
        const bodies = Array.from({ length: Math.max(1, Math.floor(cells.length * share)) }, (_, i) =>
          newBody(`r${i}`, free.splice(chance(free.length), 1)[0] as number, {
            goal: cells[chance(cells.length)] as number,
            stepsPerCell: 1 + chance(3),
            horizon: 1 + chance(3),
          }),
        );
        const world = new Drive(graph, bodies, convoy);
        for (let step = 0; step < 4000; step++) {
          if (bodies.every((body) => body.arrivals > 0)) return;
          world.step(() => cells[chance(cells.length)] as number);
        }
        assert.fail(`never arrived: ${bodies.filter((body) => body.arrivals === 0).map((body) => body.id)}`);
      },
    ),
    { seed: 8, numRuns: 60 },
  );
});
