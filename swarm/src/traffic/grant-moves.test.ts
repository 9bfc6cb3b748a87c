import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Drive, newBody } from '../../testing/drive.ts';
import { drawGrid, seededChance } from '../../testing/sites.ts';
import { DistanceFields } from './distance-fields.ts';
import { emptyTraffic, grantMoves, type TrafficAgent } from './grant-moves.ts';

function report(id: string, cell: number, goal: number, extra: Partial<TrafficAgent> = {}): TrafficAgent {
  return { id, cell, to: -1, goal, halted: false, horizon: 1, ...extra };
}

function run(drive: Drive, steps: number, until: () => boolean = () => false): boolean {
  for (let k = 0; k < steps && !until(); k++) drive.step();
  return until();
}

const arrived = (drive: Drive) => () => drive.bodies.every((body) => body.goal === -1 || body.arrivals > 0);

test('[S5] [S6] an agent alone is led along a shortest way', () => {
  const drive = new Drive(drawGrid('.....'), [newBody('a', 0, { goal: 4, horizon: 1 })]);
  assert.ok(run(drive, 4, arrived(drive)));
  assert.equal(drive.steps, 4);
});

test('[S11] a longer horizon is granted ahead, never past the goal, never beyond a cell that is taken', () => {
  const graph = drawGrid('......');
  const grants = (goal: number, horizon: number, others: TrafficAgent[] = []) =>
    grantMoves(graph, [report('a', 0, goal, { horizon }), ...others], emptyTraffic).grants.find((g) => g.agent === 'a');
  assert.deepEqual(grants(5, 3)?.path, [1, 2, 3]);
  assert.deepEqual(grants(2, 3)?.path, [1, 2]);
  assert.deepEqual(grants(5, 3, [report('b', 2, -1, { halted: true })]), undefined);
  assert.deepEqual(grants(5, 1)?.path, [1]);
});

test('[S11] a horizon that is no sensible number is read as 1, a huge one as 16', () => {
  const graph = drawGrid('....................');
  const ahead = (horizon: number) => grantMoves(graph, [report('a', 0, 19, { horizon })], emptyTraffic).grants[0]?.path;
  for (const horizon of [0, -3, Number.NaN]) assert.deepEqual(ahead(horizon), [1]);
  assert.equal(ahead(1e9)?.length, 16);
});

test('[S11] what lies ahead is granted while driving, so a fast robot need not stop', () => {
  const graph = drawGrid('......');
  const first = grantMoves(graph, [report('a', 0, 5, { horizon: 2 })], emptyTraffic);
  const second = grantMoves(graph, [report('a', 1, 5, { horizon: 2, to: 2 })], first.state);
  assert.deepEqual(second.grants, [{ agent: 'a', path: [2, 3], after: null }]);
});

test('[S7] [S9] [S10] in a corridor with a bay the one longer on its way pushes the other back', () => {
  const graph = drawGrid('.......', '.#####.', '.......');
  const drive = new Drive(graph, [newBody('a', 1, { goal: 5 }), newBody('b', 5, { goal: 1 })]);
  assert.ok(run(drive, 60, arrived(drive)), 'both arrive');
});

test('[S8] a full square turns as one, each behind the one that leaves', () => {
  const graph = drawGrid('..', '..');
  const agents = [report('a', 0, 1), report('b', 1, 3), report('c', 3, 2), report('d', 2, 0)];
  const { grants } = grantMoves(graph, agents, emptyTraffic);
  assert.deepEqual(grants, [
    { agent: 'a', path: [1], after: 'b' },
    { agent: 'b', path: [3], after: 'c' },
    { agent: 'c', path: [2], after: 'd' },
    { agent: 'd', path: [0], after: 'a' },
  ]);
});

test('[S7] two agents in a corridor of two cells never swap', () => {
  const graph = drawGrid('..');
  const { grants, waits } = grantMoves(graph, [report('a', 0, 1), report('b', 1, 0)], emptyTraffic, { convoy: true });
  assert.deepEqual(grants, []);
  assert.deepEqual(
    waits.map(({ agent, blockedBy }) => [agent, blockedBy]),
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
  );
});

test('[S8] a follower is promised the cell that its leader leaves, and gets it back taken when the leader halts', () => {
  const graph = drawGrid('....');
  const first = grantMoves(graph, [report('a', 1, 3), report('b', 0, 3)], emptyTraffic, { convoy: true });
  assert.deepEqual(first.grants, [
    { agent: 'a', path: [2], after: null },
    { agent: 'b', path: [1], after: 'a' },
  ]);
  const second = grantMoves(graph, [report('a', 1, 3, { halted: true }), report('b', 0, 3, { to: 1 })], first.state, {
    convoy: true,
  });
  assert.deepEqual(second.grants, [
    { agent: 'a', path: [], after: null },
    { agent: 'b', path: [], after: null },
  ]);
  assert.deepEqual(second.problems, []);
});

test('[S8] without convoy a follower waits until the cell is free', () => {
  const graph = drawGrid('....');
  const { grants, waits } = grantMoves(graph, [report('a', 1, 3), report('b', 0, 3)], emptyTraffic);
  assert.deepEqual(grants, [{ agent: 'a', path: [2], after: null }]);
  assert.deepEqual(waits, [{ agent: 'b', blockedBy: 'a', cell: 1, reason: 'occupied' }]);
});

test('[S9] priority grows from call to call, and starts anew on arrival though the next goal is set at once', () => {
  const graph = drawGrid('.....');
  let result = grantMoves(graph, [report('a', 0, 2, { horizon: 2 })], emptyTraffic);
  result = grantMoves(graph, [report('a', 1, 2, { to: 2 })], result.state);
  assert.equal(result.state.members[0]?.priority, 2);
  result = grantMoves(graph, [report('a', 2, 4)], result.state);
  assert.equal(result.state.members[0]?.priority, 1);
  result = grantMoves(graph, [report('a', 2, -1)], result.state);
  assert.equal(result.state.members[0]?.priority, 0);
});

test('[S10] an idle agent steps aside for one with a goal and returns to where it was parked', () => {
  const drive = new Drive(drawGrid('.......', '##.#.##', '##...##'), [
    newBody('idle', 5),
    newBody('a', 6, { goal: 0 }),
  ]);
  assert.ok(run(drive, 30, () => drive.bodies[1]?.arrivals === 1));
  assert.ok(run(drive, 30, () => drive.bodies[0]?.cell === 5));
});

test('[S5] four come together at a crossing and all get across', () => {
  const ring = drawGrid('.......', '.##.##.', '.##.##.', '.......', '.##.##.', '.##.##.', '.......');
  const drive = new Drive(ring, [
    newBody('n', 10, { goal: 38 }),
    newBody('e', 26, { goal: 22 }),
    newBody('s', 38, { goal: 10 }),
    newBody('w', 22, { goal: 26 }),
  ]);
  assert.ok(run(drive, 80, arrived(drive)));
});

test('[S12] a halted robot is driven round, and its goal ahead is withdrawn', () => {
  const graph = drawGrid('.....', '.....');
  const drive = new Drive(graph, [newBody('dead', 2, { halted: true }), newBody('a', 0, { goal: 4 })]);
  assert.ok(run(drive, 10, () => drive.bodies[1]?.arrivals === 1));
  const first = grantMoves(graph, [report('a', 0, 4, { horizon: 3 })], emptyTraffic);
  assert.equal(first.grants[0]?.path.length, 3);
  const moving = grantMoves(graph, [report('a', 0, 4, { horizon: 3, to: 1, halted: true })], first.state);
  assert.deepEqual(moving.grants, [{ agent: 'a', path: [1], after: null }]);
});

test('[S13] [S16] cut off by a dead robot, an agent waits and says by whom; the map alone is blamed on nobody', () => {
  const graph = drawGrid('....', '####', '....');
  const agents = [report('a', 0, 3), report('dead', 2, -1, { halted: true }), report('b', 8, 3)];
  const { waits, grants } = grantMoves(graph, agents, emptyTraffic);
  assert.deepEqual(grants, []);
  assert.deepEqual(waits, [
    { agent: 'a', blockedBy: 'dead', cell: 2, reason: 'cut-off' },
    { agent: 'b', blockedBy: null, cell: 3, reason: 'cut-off' },
  ]);
});

test('[S16] nobody is sent into a one-way aisle behind a dead robot, and the wait names it', () => {
  const graph = drawGrid('......', '.>>>>.', '......');
  const { waits } = grantMoves(graph, [report('a', 6, 8), report('dead', 9, -1, { halted: true })], emptyTraffic);
  assert.deepEqual(waits, [{ agent: 'a', blockedBy: 'dead', cell: 9, reason: 'cut-off' }]);
});

test('[S17] one inside a dead end gets out past a stronger one that wants in', () => {
  const graph = drawGrid('....', '.##.', '....', '#.##', '#.##');
  const drive = new Drive(graph, [newBody('in', 17, { goal: 0 }), newBody('a-strong', 9, { goal: 17 })]);
  drive.step();
  assert.deepEqual(drive.last.waits[0], { agent: 'a-strong', blockedBy: 'in', cell: 9, reason: 'dead-end' });
  assert.ok(run(drive, 60, arrived(drive)));
});

test('[S17] who has just come out is not pushed back in by those who wait', () => {
  const graph = drawGrid('....', '.##.', '....', '#.##', '#.##');
  const strong = report('a-strong', 8, 17);
  const first = grantMoves(graph, [report('in', 13, 3), strong], emptyTraffic);
  assert.deepEqual(first.grants, [{ agent: 'in', path: [9], after: null }]);
  const second = grantMoves(graph, [report('in', 9, 3), strong], first.state);
  assert.deepEqual(second.waits, [{ agent: 'a-strong', blockedBy: 'in', cell: 9, reason: 'dead-end' }]);
  assert.deepEqual(second.grants, [{ agent: 'in', path: [10], after: null }]);
});

test('[S17] who makes room in a dead end goes with the right of the one it makes room for', () => {
  const graph = drawGrid('....', '.##.', '....', '#.##', '#.##');
  const agents = [report('old', 8, 17), report('parked', 13, -1), report('rival', 10, 8)];
  const members = ['old', 'rival'].map((id, k) => ({
    ...{ id, cell: k === 0 ? 8 : 10, path: [], after: null, park: -1, heading: 0 },
    ...{ priority: 90 - 10 * k, goal: k === 0 ? 17 : 8 },
  }));
  const { grants } = grantMoves(graph, agents, { members });
  assert.deepEqual(grants, [{ agent: 'parked', path: [9], after: null }]);
});

test('[S17] an idle robot parked in a dead end makes room for one that has to get past it', () => {
  const graph = drawGrid('....', '.##.', '....', '#.##', '#.##');
  const drive = new Drive(graph, [newBody('parked', 13), newBody('a', 0, { goal: 17 })]);
  assert.ok(run(drive, 60, () => drive.bodies[1]?.arrivals === 1));
});

test('[S14] false reports are values: off the grid, twice, in one cell, off the way, to no place', () => {
  const graph = drawGrid('.....', '.....');
  const first = grantMoves(graph, [report('a', 0, 4, { horizon: 2 })], emptyTraffic);
  const kinds = (agents: TrafficAgent[], state = emptyTraffic) =>
    grantMoves(graph, agents, state).problems.map((p) => `${p.agent}:${p.kind}`);
  assert.deepEqual(kinds([report('a', 99, 4), report('b', 1.5, 4)]), ['a:off-grid', 'b:off-grid']);
  assert.deepEqual(kinds([report('a', 0, 4), report('a', 0, 4)]), ['a:duplicate']);
  assert.deepEqual(kinds([report('a', 1, 4), report('b', 1, 3)]), ['a:conflict', 'b:conflict']);
  assert.deepEqual(kinds([report('a', 7, 4)], first.state), ['a:left-path']);
  assert.deepEqual(kinds([report('a', 0, 77), report('b', 1, Number.NaN)]), ['a:bad-goal', 'b:bad-goal']);
});

test('[S14] two in one cell get nothing until one has left, and others drive round them', () => {
  const graph = drawGrid('...', '...');
  const both = [report('a', 1, 2), report('b', 1, 0), report('c', 0, 2)];
  const held = grantMoves(graph, both, emptyTraffic);
  assert.deepEqual(
    held.grants.map((grant) => [grant.agent, grant.path]),
    [['c', [3]]],
  );
  assert.deepEqual(held.waits[0], { agent: 'a', blockedBy: 'b', cell: 1, reason: 'conflict' });
  const parted = grantMoves(graph, [report('a', 1, 2), report('b', 4, 0)], held.state);
  assert.equal(parted.grants.length, 2);
});

test('[S14] an agent off the grid keeps what it held: nobody is sent there', () => {
  const graph = drawGrid('...');
  const first = grantMoves(graph, [report('a', 0, 2, { horizon: 1 }), report('b', 2, -1)], emptyTraffic);
  const lost = grantMoves(graph, [report('a', -1, 2), report('b', 2, 0)], first.state);
  assert.deepEqual(lost.grants, []);
  assert.equal(lost.waits[0]?.blockedBy, 'a');
});

test('[S6] a grant not yet carried out stays held, until it is given back or the agent is gone', () => {
  const graph = drawGrid('...', '...');
  const first = grantMoves(graph, [report('a', 0, 2)], emptyTraffic);
  assert.deepEqual(first.grants[0]?.path, [1]);
  const other = [report('b', 4, 1)];
  const held = grantMoves(graph, [report('a', 0, 2), ...other], first.state);
  assert.ok(!held.grants.some((grant) => grant.agent === 'b' && grant.path.includes(1)));
  const gone = grantMoves(graph, other, first.state);
  assert.deepEqual(gone.grants[0]?.path, [1]);
});

test('[S14] no report whatever makes it throw, and what it answers is always lawful', () => {
  const graph = drawGrid('....', '.##.', '..>.', '.#..');
  const anyCell = fc.oneof(fc.integer({ min: -2, max: 18 }), fc.constant(Number.NaN), fc.constant(0.5));
  const anyReport = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    cell: anyCell,
    to: anyCell,
    goal: anyCell,
    halted: fc.boolean(),
    horizon: fc.integer({ min: -1, max: 5 }),
    released: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fc.array(anyReport, { maxLength: 7 }), { maxLength: 8 }), fc.boolean(), (calls, convoy) => {
      let state = emptyTraffic;
      const fields = new DistanceFields(graph);
      for (const agents of calls) {
        const result = grantMoves(graph, agents, state, { convoy, fields });
        const shuffled = grantMoves(graph, [...agents].reverse(), state, { convoy });
        assert.equal(JSON.stringify(shuffled), JSON.stringify(result), '[S15] order and cache do not matter');
        state = result.state;
      }
    }),
    { seed: 5, numRuns: 400 },
  );
});

test('[S5] [S7] [S8] [S12] [S15] any traffic on any site is lawful at every step', () => {
  const anySite = fc.array(
    fc.array(fc.constantFrom('.', '.', '.', '.', '.', '#', '>', '^'), { minLength: 5, maxLength: 5 }),
    {
      minLength: 3,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(anySite, fc.integer(), fc.integer({ min: 1, max: 12 }), fc.boolean(), (rows, seed, count, convoy) => {
      const graph = drawGrid(...rows.map((row) => row.join('')));
      const cells = [...graph.open.keys()].filter((cell) => graph.open[cell] === 1);
      const chance = seededChance(seed);
      const free = [...cells];
      const bodies = Array.from({ length: Math.min(count, cells.length) }, (_, i) =>
        newBody(`r${i}`, free.splice(chance(free.length), 1)[0] as number, {
          goal: cells[chance(cells.length)] as number,
          stepsPerCell: 1 + chance(4),
          horizon: 1 + chance(3),
        }),
      );
      const drive = new Drive(graph, bodies, convoy);
      for (let step = 0; step < 60; step++) {
        for (const body of bodies) if (chance(25) === 0) body.halted = !body.halted;
        drive.step(() => (chance(6) === 0 ? -1 : (cells[chance(cells.length)] as number)));
      }
    }),
    { seed: 6, numRuns: 300 },
  );
});
