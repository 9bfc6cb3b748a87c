import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from '@sigma/kernel';
import { advance, drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';
import { errandShare } from '../belief/errands.ts';
import type { Zone } from '../site/site.ts';

const STATIONS = [
  { id: 's1', cell: 81 },
  { id: 's2', cell: 97 },
];
const PIT: Zone = { id: 'pit', name: 'pit', kind: 'restricted', cells: [30, 31], speedMps: null };
const SITE = drawnSite(HALL, [PIT], STATIONS);
const stage = (body: 'humanoid' | 'carrier' = 'humanoid'): Stage =>
  new Stage({ site: SITE, body, start: { xM: 1.5, yM: 4.5, headingRad: 0 } }).run(0.6);
const task = (kind: string, args: Task['args'], id = 't1'): Task => ({ id, missionId: 'm', kind, args, priority: 1 });
const deliver = (more: Readonly<Record<string, number | string>> = {}): Task =>
  task('deliver', { from: 's1', to: 's2', item: 'box', ...more });

test('[F24] what a robot cannot do it refuses with a reason that a person can act on', () => {
  const refusal = (one: Task, robot = stage()): string => robot.model.refuses(robot.belief, one) ?? 'accepted';
  assert.equal(refusal(deliver()), 'accepted');
  assert.match(refusal(deliver({ massKg: 40 })), /humanoid carries at most 15 kg, 'box' weighs 40 kg/);
  assert.equal(refusal(deliver({ massKg: 40 }), stage('carrier')), 'accepted');
  assert.match(refusal(deliver({ to: 's9' })), /no station 's9'/);
  assert.match(refusal(task('dance', {})), /no such kind of task/);
  assert.match(refusal(task('goto', { xM: 'a', yM: 1 })), /finite numbers/);
  assert.match(refusal(task('goto', { xM: 99, yM: 1 })), /outside/);
  assert.match(refusal(task('goto', { xM: 0.5, yM: 0.5 })), /wall/);
  assert.match(refusal(task('goto', { xM: 10.5, yM: 7.5 })), /restricted/);
  assert.match(refusal(task('cover', { cells: [0, 1], sensingRadiusM: 2 })), /no cell of the area is floor/);
  assert.match(refusal(task('patrol', { points: [], rounds: 1 })), /at least one/);
  assert.match(refusal(task('dock', { place: 'nowhere' })), /no dock or charger/);
  const tired = stage();
  tired.charge = 0.1;
  tired.run(1);
  assert.match(refusal(deliver(), tired), /battery is at 10 %/);
});

test('[F24] a goal behind walls is cut off', () => {
  const island = new Stage({
    site: drawnSite(['@@@@@@@', '@..@..@', '@@@@@@@']),
    start: { xM: 1.5, yM: 1.5, headingRad: 0 },
  });
  assert.match(island.model.refuses(island.belief, goTo(4.5, 1.5)) ?? '', /no way leads from here/);
});

test('[F23] a delivery is done when the body has loaded here and unloaded there, and not before', () => {
  const robot = stage();
  robot.assign(deliver()).tick();
  robot
    .plan([
      { name: 'load', args: { station: 's1', item: 'box' } },
      ...advance([17.5, 4.5]),
      { name: 'unload', args: { station: 's2', item: 'box' } },
    ])
    .run(0.2);
  const action = (): string => {
    const { command } = robot.agent;
    assert.ok(command.kind === 'action');
    return command.id;
  };
  assert.match(action(), /\/load$/);
  robot
    .tell({ kind: 'result', actionId: action(), status: 'done', detail: { item: 'box', massKg: 3, station: 's1' } })
    .run(0.1);
  assert.equal(robot.belief.cargo, 'box');
  assert.equal(robot.agent.tasks[0]?.status, 'active');
  robot.until(() => robot.agent.command.kind === 'action', 30);
  robot.tell({ kind: 'result', actionId: action(), status: 'done', detail: { item: 'box', station: 's2' } }).run(0.6);
  assert.equal(robot.belief.cargo, null);
  assert.equal(robot.agent.tasks[0]?.status, 'done');
});

test('[F23] a patrol counts the points it passed in order; covering counts the cells it saw', () => {
  const robot = stage();
  robot
    .assign(
      task('patrol', {
        points: [
          { xM: 4.5, yM: 4.5 },
          { xM: 2.5, yM: 4.5 },
        ],
        rounds: 2,
      }),
    )
    .tick();
  robot.plan(advance([4.5, 4.5], [2.5, 4.5], [4.5, 4.5], [2.5, 4.5]));
  robot.until(() => robot.agent.tasks[0]?.status === 'done', 40);

  const watcher = stage();
  const cells = Array.from({ length: 18 }, (_, k) => 81 + k);
  watcher.assign(task('cover', { cells, sensingRadiusM: 3 })).tick();
  watcher.plan(advance([16.5, 4.5]));
  const shares: number[] = [];
  const seconds = watcher.until(() => {
    shares.push(errandShare(watcher.belief, watcher.agent.tasks[0]?.task.id ?? ''));
    return watcher.agent.tasks[0]?.status === 'done';
  }, 30);
  assert.ok(shares.every((share, k) => share >= (shares[k - 1] ?? 0) && share <= 1) && new Set(shares).size > 8);
  assert.ok(seconds > 8 && watcher.xM > 14.9, 'only once the far end was in sight');
});

test('[F25] turn and wait end when they are done', () => {
  const robot = stage();
  robot.assign(task('goto', { xM: 1.5, yM: 4.5, headingRad: 2 })).tick();
  robot.plan([
    { name: 'wait', args: { untilUs: robot.atUs + 1_000_000 } },
    { name: 'turn', args: { headingRad: 2 } },
  ]);
  const seconds = robot.until(() => robot.agent.tasks[0]?.status === 'done', 10);
  assert.ok(seconds > 1);
  assert.ok(Math.abs(robot.headingRad - 2) < 0.05);
});

test('[F25] an intent that nobody knows fails, and a new plan is asked for', () => {
  const robot = stage();
  robot.assign(goTo(5.5, 4.5)).tick();
  let reason = '';
  robot.plan([{ name: 'fly', args: {} }]).run(0.3, (outputs) => {
    reason ||= outputs.asks[0]?.reason ?? '';
  });
  assert.match(reason, /'fly' failed/);
});
