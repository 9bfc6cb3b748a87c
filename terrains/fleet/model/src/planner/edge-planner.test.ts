import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from '@sigma/kernel';
import { AISLE, drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';
import { groundOf } from '../ground.ts';
import type { Zone } from '../site/site.ts';
import { planOnEdge } from './edge-planner.ts';

const points = (plan: ReturnType<typeof planOnEdge>): number[][] =>
  plan.intents.filter(({ name }) => name === 'advance').map(({ args }) => [args.xM as number, args.yM as number]);

test('[F70] waypoints stand at the corners only', () => {
  const site = drawnSite(AISLE);
  const stage = new Stage({ site, start: { xM: 1.5, yM: 1.5, headingRad: 0 } });
  stage.assign(goTo(13.5, 6.5)).tick();
  assert.deepEqual(points(planOnEdge(groundOf(site), stage.belief, goTo(13.5, 6.5))), [
    [13.5, 1.5],
    [13.5, 6.5],
  ]);
});

test('[F71] it goes round restricted zones and round what stands in its way', () => {
  const wall: Zone = { id: 'z', name: 'z', kind: 'restricted', cells: [30, 50, 70, 90, 110], speedMps: null };
  const site = drawnSite(HALL, [wall]);
  const ground = groundOf(site);
  const stage = new Stage({ site, start: { xM: 8.5, yM: 4.5, headingRad: 0 } });
  stage.assign(goTo(12.5, 4.5)).tick();
  const free = points(planOnEdge(ground, stage.belief, goTo(12.5, 4.5)));
  assert.ok(
    free.some(([, y]) => (y as number) < 3),
    'through the gap in the south',
  );
  stage.person(10.5, 2.5);
  stage.run(0.6);
  const around = points(planOnEdge(ground, stage.belief, goTo(12.5, 4.5)));
  assert.ok(
    around.some(([, y]) => (y as number) < 2),
    `past the person: ${JSON.stringify(around)}`,
  );
});

test('[F72] step by step its plans finish a delivery’s way, a patrol and a coverage', () => {
  const site = drawnSite(HALL);
  const ground = groundOf(site);
  const tasks: Task[] = [
    {
      id: 't1',
      missionId: 'm',
      kind: 'cover',
      args: { cells: Array.from({ length: 18 }, (_, k) => 41 + k), sensingRadiusM: 3 },
      priority: 1,
    },
    {
      id: 't1',
      missionId: 'm',
      kind: 'patrol',
      args: {
        points: [
          { xM: 3.5, yM: 2.5 },
          { xM: 8.5, yM: 6.5 },
        ],
        rounds: 1,
      },
      priority: 1,
    },
    goTo(9.5, 2.5),
  ];
  for (const task of tasks) {
    const stage = new Stage({ site, start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
    stage.primaryAlive = false;
    stage.assign(task).run(3);
    assert.equal(stage.agent.chain.active, 'secondary');
    const done = (): boolean => stage.agent.tasks[0]?.status === 'done';
    stage.until(() => {
      if (stage.agent.plan === null && !done()) {
        const { intents, confidence } = planOnEdge(ground, stage.belief, task);
        stage.plan(intents, { from: 'secondary', confidence });
      }
      return done();
    }, 90);
    assert.deepEqual(stage.happened('violation'), []);
  }
});

test('[F73] without a way it waits and says why', () => {
  const site = drawnSite(['@@@@@@@', '@..@..@', '@@@@@@@']);
  const stage = new Stage({ site, start: { xM: 1.5, yM: 1.5, headingRad: 0 } });
  stage.tick();
  const world = { ...stage.belief, errands: [{ kind: 'goto' as const, taskId: 't1' }] };
  const plan = planOnEdge(groundOf(site), world, goTo(4.5, 1.5));
  assert.deepEqual(
    plan.intents.map(({ name }) => name),
    ['wait'],
  );
  assert.match(plan.rationale, /no way leads/);
});
