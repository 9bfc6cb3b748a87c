import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Allocation, allocate, reallocate } from './allocate.ts';
import { assignOneToOne } from './one-to-one.ts';
import { type AllocationAgent, type AllocationTask, type LegCosts, routeEnergy } from './route-cost.ts';

/** Tasks and agents on a line; where they stand is the number in their id. Beyond 1000 nothing can be reached. */
const place = (id: string): number => Number(id.replace(/\D/g, ''));
const line: LegCosts = {
  travel: (agent, before, task) => (place(task) >= 1000 ? Infinity : Math.abs(place(task) - place(before ?? agent))),
  reserve: (_, last) => place(last),
};

function agent(id: string, extra: Partial<AllocationAgent> = {}): AllocationAgent {
  return { id, abilities: ['drive'], capacity: 10, energyLeft: 10_000, halted: false, ...extra };
}

function task(id: string, extra: Partial<AllocationTask> = {}): AllocationTask {
  return { id, needs: ['drive'], ...extra };
}

function plansOf({ plans }: Allocation): Record<string, readonly string[]> {
  return Object.fromEntries(plans.map((plan) => [plan.agent, plan.tasks]));
}

test('[S26] tasks go to whom they cost least, in an order that makes sense', () => {
  const result = allocate([task('t90'), task('t10'), task('t20'), task('t80')], [agent('a0'), agent('b100')], line);
  assert.deepEqual(plansOf(result), { a0: ['t10', 't20'], b100: ['t90', 't80'] });
  assert.deepEqual(result.unallocated, []);
  assert.deepEqual(
    result.plans.map(({ cost, energy }) => [cost, energy]),
    [
      [20, 40],
      [20, 100],
    ],
  );
});

test('[S30] a task nobody can take comes back with the reason of each', () => {
  const agents = [
    agent('a0', { halted: true, abilities: [] }),
    agent('b0', { abilities: ['scan'] }),
    agent('c0', { capacity: 0 }),
    agent('d0', { busy: true }),
    agent('e0', { energyLeft: 99 }),
  ];
  const { unallocated } = allocate([task('t50')], agents, line);
  assert.deepEqual(unallocated, [
    {
      task: 't50',
      reasons: [
        { agent: 'a0', reason: 'halted' },
        { agent: 'b0', reason: 'no_capability' },
        { agent: 'c0', reason: 'busy' },
        { agent: 'd0', reason: 'busy' },
        { agent: 'e0', reason: 'battery' },
      ],
    },
  ]);
  assert.equal(allocate([task('t1000')], [agent('a0')], line).unallocated[0]?.reasons[0]?.reason, 'unreachable');
  assert.deepEqual(allocate([task('t50')], [agent('e0', { energyLeft: 100 })], line).unallocated, []);
});

test('[S26] higher priority is served first when there is not room for all', () => {
  const result = allocate([task('t1'), task('t99', { priority: 5 })], [agent('a0', { capacity: 1 })], line);
  assert.deepEqual(plansOf(result), { a0: ['t99'] });
  assert.equal(result.unallocated[0]?.task, 't1');
});

test('[S29] nothing is put before a task that has begun', () => {
  const busy = agent('a0', { plan: ['t50', 't60'], started: 1 });
  assert.deepEqual(plansOf(allocate([task('t10')], [busy], line)).a0?.[0], 't50');
  const fresh = agent('a0', { plan: ['t50', 't60'] });
  assert.deepEqual(plansOf(allocate([task('t10')], [fresh], line)).a0, ['t10', 't50', 't60']);
});

test('[S28] the longest plan is kept short when that is what counts', () => {
  const tasks = ['t10', 't20', 't30', 't40'].map((id) => task(id));
  const agents = [agent('a0'), agent('b0')];
  const sum = allocate(tasks, agents, line);
  const longest = allocate(tasks, agents, line, { objective: 'longest' });
  const most = (result: Allocation) => Math.max(...result.plans.map((plan) => plan.cost));
  assert.equal(
    sum.plans.reduce((total, plan) => total + plan.cost, 0),
    40,
  );
  assert.ok(most(longest) <= most(sum));
});

const someTasks = fc.uniqueArray(fc.integer({ min: 1, max: 1010 }), { maxLength: 12 }).chain((places) =>
  fc.tuple(
    ...places.map((at) =>
      fc.record({
        id: fc.constant(`t${at}`),
        needs: fc.subarray(['drive', 'lift']),
        priority: fc.integer({ min: 0, max: 1 }),
      }),
    ),
  ),
);
const someAgents = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 5 }).chain((places) =>
  fc.tuple(
    ...places.map((at) =>
      fc.record({
        id: fc.constant(`a${at}`),
        abilities: fc.subarray(['drive', 'lift']),
        capacity: fc.integer({ min: 0, max: 5 }),
        energyLeft: fc.integer({ min: 0, max: 3000 }),
        halted: fc.boolean(),
      }),
    ),
  ),
);
const eitherObjective = fc.constantFrom('sum' as const, 'longest' as const);

test('[S26] [S28] [S29] [S31] any allocation is whole, lawful, repeatable, and improving it never hurts', () => {
  fc.assert(
    fc.property(someTasks, someAgents, eitherObjective, (tasks, agents, objective) => {
      const result = allocate(tasks, agents, line, { objective });
      const taken = [...result.plans.flatMap((plan) => plan.tasks), ...result.unallocated.map((lost) => lost.task)];
      assert.deepEqual(taken.sort(), tasks.map(({ id }) => id).sort());
      for (const plan of result.plans) {
        const owner = agents.find(({ id }) => id === plan.agent) as AllocationAgent;
        assert.ok(plan.tasks.length <= owner.capacity);
        assert.ok(plan.tasks.length === 0 || plan.energy <= owner.energyLeft);
        assert.equal(plan.energy, routeEnergy(line, plan.agent, plan.tasks));
        for (const id of plan.tasks) {
          assert.ok(!owner.halted);
          assert.ok(tasks.find((one) => one.id === id)?.needs.every((need) => owner.abilities.includes(need)));
        }
      }
      for (const { reasons } of result.unallocated) {
        assert.equal(reasons.length, agents.length);
        assert.ok(reasons.every(({ reason }) => typeof reason === 'string'));
      }
      assert.deepEqual(allocate([...tasks].reverse(), [...agents].reverse(), line, { objective }), result);
      const plain = allocate(tasks, agents, line, { objective, improve: false });
      if (plain.unallocated.length !== result.unallocated.length) return;
      const score = ({ plans }: Allocation) =>
        objective === 'sum'
          ? plans.reduce((sum, { cost }) => sum + cost, 0)
          : Math.max(...plans.map(({ cost }) => cost));
      assert.ok(score(result) <= score(plain));
    }),
    { seed: 31, numRuns: 300 },
  );
});

test('[S32] when agents drop out only their tasks move; all others keep theirs in their order', () => {
  fc.assert(
    fc.property(someTasks, someAgents, eitherObjective, fc.nat(), (tasks, agents, objective, which) => {
      const before = allocate(tasks, agents, line, { objective });
      const dropped = agents[which % agents.length]?.id as string;
      const after = reallocate(before, [dropped], tasks, agents, line, { objective });
      const had = plansOf(before);
      assert.equal(plansOf(after)[dropped], undefined);
      for (const [id, kept] of Object.entries(had)) {
        if (id === dropped) continue;
        const now = plansOf(after)[id] ?? [];
        assert.deepEqual(
          now.filter((one) => kept.includes(one)),
          kept,
        );
        for (const one of now) assert.ok(kept.includes(one) || had[dropped]?.includes(one));
      }
    }),
    { seed: 32, numRuns: 300 },
  );
});

/** Tries every assignment: most rows served, then least cost. */
function bestByTrying(rows: number, columns: number, cost: readonly number[]): { served: number; total: number } {
  let best = { served: -1, total: 0 };
  const tryRow = (row: number, used: ReadonlySet<number>, served: number, total: number): void => {
    if (row === rows) {
      if (served > best.served || (served === best.served && total < best.total)) best = { served, total };
      return;
    }
    tryRow(row + 1, used, served, total);
    for (let column = 0; column < columns; column++) {
      const here = cost[row * columns + column] as number;
      if (!used.has(column) && here < Infinity) tryRow(row + 1, new Set([...used, column]), served + 1, total + here);
    }
  };
  tryRow(0, new Set(), 0, 0);
  return best;
}

test('[S27] one to one: as many as possible, as cheaply as possible, just as trying them all finds', () => {
  const anyCost = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) }, fc.constant(Infinity));
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      fc.array(anyCost, { minLength: 16, maxLength: 16 }),
      (rows, columns, pool) => {
        const cost = pool.slice(0, rows * columns);
        const chosen = assignOneToOne(rows, columns, cost);
        const used = [...chosen].filter((column) => column >= 0);
        assert.equal(new Set(used).size, used.length);
        let total = 0;
        chosen.forEach((column, row) => {
          if (column >= 0) total += cost[row * columns + column] as number;
        });
        assert.deepEqual({ served: used.length, total }, bestByTrying(rows, columns, cost));
      },
    ),
    { seed: 27, numRuns: 500 },
  );
});

test('[S27] a cost that does not fit its rows and columns is refused', () => {
  assert.throws(() => assignOneToOne(2, 2, [1, 2, 3]), /3 numbers, not 4/);
});
