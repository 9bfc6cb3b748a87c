import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeState } from '@sigma/kernel';
import { reportAt } from '../../testing/reports.ts';
import { cellAt, deriveSite, parseMovingAiMap, parseSiteFile, type Site } from '../site/index.ts';
import type { AgentReport, DrawnFence, MissionView, NewMission, SupervisorInput, SupervisorOutput } from './port.ts';
import { fleetSupervisor } from './supervise.ts';

const sites = new URL('../../../world/sites/', import.meta.url);
const grid = parseMovingAiMap(readFileSync(new URL('warehouse.map', sites), 'utf8'), 'warehouse');
const warehouse = parseSiteFile(readFileSync(new URL('warehouse.site.json', sites), 'utf8'), grid);

interface Robot {
  report: AgentReport;
  task: { id: string; kind: string } | null;
  queue: { name: string; args: Readonly<Record<string, unknown>> }[];
  seen: number;
  actS: number;
  blockedS: number;
}

const STEP_S = 0.1;

/** Robots that do what they are told at 1 m/s, and a supervisor that tells them; ten times a second. */
class Floor {
  readonly site: Site;
  readonly robots = new Map<string, Robot>();
  readonly missions = new Map<string, MissionView>();
  readonly said: SupervisorOutput[] = [];
  /** Cells in which something stands that only the robots see: they stop 0.7 m before its middle. */
  readonly blocked = new Set<number>();
  #supervisor;
  #state;
  #atUs = 0;
  #inputs: SupervisorInput[] = [];

  constructor(site: Site, count: number) {
    this.site = site;
    this.#supervisor = fleetSupervisor(site);
    this.#state = this.#supervisor.initial();
    for (let i = 0; i < count; i++) {
      const agentId = `r${String(i + 1).padStart(2, '0')}`;
      const cell = (site.docks[i] as { cell: number }).cell;
      this.robots.set(agentId, {
        report: reportAt(this.site, agentId, cell, { body: 'humanoid' }),
        task: null,
        queue: [],
        seen: 0,
        actS: 0,
        blockedS: 0,
      });
    }
  }

  draw(fences: readonly DrawnFence[]): void {
    this.#inputs.push({ type: 'fences', fences });
  }

  send(mission: Partial<NewMission> & Pick<NewMission, 'id' | 'goal'>): void {
    this.#inputs.push({ type: 'mission', mission: { name: mission.id, priority: 1, createdBy: 'ann', ...mission } });
  }

  cancel(missionId: string): void {
    this.#inputs.push({ type: 'cancel', missionId, reason: 'changed my mind' });
  }

  change(agentId: string, fields: Partial<AgentReport>): void {
    const robot = this.robots.get(agentId) as Robot;
    robot.report = { ...robot.report, ...fields };
  }

  preview(mission: NewMission) {
    return this.#supervisor.preview(this.#state, mission);
  }

  state(): string {
    return encodeState(this.#state);
  }

  run(seconds: number): void {
    for (let i = 0; i < seconds / STEP_S; i++) {
      this.#atUs += STEP_S * 1e6;
      for (const [id, robot] of this.robots) this.#move(id, robot);
      this.#noCollision();
      const inputs = [...[...this.robots.values()].map(({ report }) => report), ...this.#inputs];
      this.#inputs = [];
      const { state, outputs } = this.#supervisor.supervise(this.#state, inputs, this.#atUs);
      this.#state = state;
      for (const output of outputs) this.#obey(output);
    }
  }

  #move(id: string, robot: Robot): void {
    if (robot.report.halted || !robot.report.linked) return;
    const intent = robot.queue[0];
    robot.report = { ...robot.report, speedMps: 0 };
    if (intent === undefined || intent.name === 'wait') return;
    if (intent.name !== 'advance') {
      robot.actS += STEP_S;
      if (robot.actS >= 3) this.#intentDone(id, robot);
      return;
    }
    const { xM, yM } = robot.report;
    const toX = Number(intent.args.xM) - xM;
    const toY = Number(intent.args.yM) - yM;
    const left = Math.hypot(toX, toY);
    if (left < 0.75 && this.blocked.has(cellAt(this.site, Number(intent.args.xM), Number(intent.args.yM)))) {
      this.#stand(id, robot);
      return;
    }
    robot.blockedS = 0;
    const step = Math.min(left, STEP_S);
    robot.report = {
      ...robot.report,
      xM: xM + (left > 0 ? (toX / left) * step : 0),
      yM: yM + (left > 0 ? (toY / left) * step : 0),
      speedMps: 1,
    };
    if (left <= STEP_S) this.#intentDone(id, robot);
  }

  /** After ten seconds before something in its way the robot drops its plan and says so. */
  #stand(agentId: string, robot: Robot): void {
    robot.blockedS += STEP_S;
    if (robot.blockedS < 10 || robot.task === null) return;
    robot.blockedS = 0;
    robot.queue = [];
    const { planRevision } = robot.report;
    const reason = 'reality differs from what was expected';
    this.#inputs.push({ type: 'asked', agentId, taskId: robot.task.id, reason, basis: null, planRevision });
  }

  #intentDone(id: string, robot: Robot): void {
    const done = robot.queue.shift();
    robot.actS = 0;
    if (robot.queue.length > 0 || robot.task === null) return;
    robot.report = { ...robot.report, speedMps: 0 };
    const { kind, id: taskId } = robot.task;
    const last =
      kind === 'goto' || (kind === 'deliver' && done?.name === 'unload') || (kind === 'dock' && done?.name === 'dock');
    if (last) this.#end(id, robot, 'done');
    else
      this.#inputs.push({
        type: 'asked',
        agentId: id,
        taskId,
        reason: 'the plan is finished',
        basis: null,
        planRevision: robot.report.planRevision,
      });
  }

  #end(id: string, robot: Robot, status: 'done' | 'cancelled'): void {
    const taskId = robot.task?.id ?? '';
    robot.task = null;
    robot.queue = [];
    this.#inputs.push({ type: 'task', agentId: id, taskId, status, detail: '', progress: status === 'done' ? 1 : 0 });
  }

  #obey(output: SupervisorOutput): void {
    this.said.push(output);
    if (output.type === 'mission') this.missions.set(output.mission.id, output.mission);
    if (output.type === 'mission' || output.type === 'waits') return;
    const robot = this.robots.get(output.agentId) as Robot;
    if (!robot.report.linked) return;
    if (output.type === 'assign') {
      assert.equal(robot.task, null, `${output.agentId} has ${robot.task?.id} and gets ${output.task.id}`);
      robot.task = { id: output.task.id, kind: output.task.kind };
      this.#inputs.push({
        type: 'task',
        agentId: output.agentId,
        taskId: output.task.id,
        status: 'active',
        detail: '',
        progress: 0,
      });
    } else if (output.type === 'cancel_task') {
      if (robot.task?.id === output.taskId) this.#end(output.agentId, robot, 'cancelled');
    } else {
      assert.equal(output.plan.taskId, robot.task?.id, 'a plan for a task it has');
      assert.ok(output.plan.revision > robot.report.planRevision, 'a newer revision');
      robot.queue = output.plan.intents.map((intent) => ({ ...intent }));
      robot.report = { ...robot.report, planRevision: output.plan.revision };
    }
  }

  #noCollision(): void {
    const robots = [...this.robots.values()];
    for (let i = 0; i < robots.length; i++) {
      for (let j = 0; j < i; j++) {
        const a = (robots[i] as Robot).report;
        const b = (robots[j] as Robot).report;
        const gap = Math.hypot(a.xM - b.xM, a.yM - b.yM);
        assert.ok(gap > 0.45, `${a.agentId} and ${b.agentId} are ${gap.toFixed(2)} m apart at ${this.#atUs / 1e6} s`);
      }
    }
  }
}

const deliver = (floor: Floor, id: string, from: number, to: number): void => {
  const { stations } = floor.site;
  const station = (index: number) => (stations[index % stations.length] as { id: string }).id;
  floor.send({ id, goal: { kind: 'deliver', from: station(from), to: station(to), item: 'box', agentId: null } });
};

test('[F80] forty robots deliver across the warehouse without a collision or a deadlock', () => {
  const floor = new Floor(warehouse, 40);
  for (let i = 0; i < 60; i++) deliver(floor, `m${i}`, i * 7, i * 7 + 13);
  floor.run(900);
  const open = [...floor.missions.values()].filter(({ status, createdBy }) => createdBy === 'ann' && status !== 'done');
  assert.deepEqual(
    open.map(({ id, detail }) => `${id}: ${detail}`),
    [],
  );
});

test('[F81] a zone is covered by several robots, and progress follows what they report', () => {
  const floor = new Floor(warehouse, 12);
  floor.send({
    id: 'c1',
    goal: {
      kind: 'cover',
      zoneId: null,
      polygon: [
        { xM: 2, yM: 2 },
        { xM: 24, yM: 2 },
        { xM: 24, yM: 30 },
        { xM: 2, yM: 30 },
      ],
      robots: 4,
    },
  });
  floor.run(2);
  const mission = floor.missions.get('c1') as MissionView;
  assert.equal(mission.status, 'active');
  assert.equal(new Set(mission.tasks.map(({ agentId }) => agentId)).size, 4);
  const cells = mission.tasks.map(({ task }) => (task.args as { cells: number[] }).cells);
  assert.equal(new Set(cells.flat()).size, cells.flat().length, 'no cell is given twice');
});

test('[F82] a robot that drops out loses its task to another, with the reason on record', () => {
  const floor = new Floor(warehouse, 3);
  deliver(floor, 'm1', 0, 9);
  floor.run(3);
  const first = floor.missions.get('m1')?.tasks[0]?.agentId as string;
  floor.change(first, { linked: false });
  floor.run(9);
  assert.equal(floor.missions.get('m1')?.tasks[0]?.agentId, first, 'a short loss changes nothing');
  floor.run(3);
  const task = floor.missions.get('m1')?.tasks[0];
  assert.notEqual(task?.agentId, first);
  const [lost] = task?.history ?? [];
  assert.deepEqual([lost?.agentId, lost?.reason], [first, `${first} is out of reach`]);
  assert.ok(Number(lost?.sinceUs) < 1_000_000, 'it had it from the first second on');
  assert.ok(Number(lost?.untilUs) > 13_000_000 && Number(lost?.untilUs) <= 15_000_000, 'until 10 s after it was lost');
  assert.equal(task?.sinceUs, lost?.untilUs, 'the other has it from then on');
  assert.equal(task?.untilUs, undefined);
  floor.run(400);
  assert.equal(floor.missions.get('m1')?.status, 'done');
  const done = floor.missions.get('m1')?.tasks[0];
  assert.ok(Number(done?.untilUs) > Number(done?.sinceUs) + 10_000_000, 'it ended with the robot that did it');
});

test('[F83] a battery that will not last: the task goes to another and the robot to a charger', () => {
  const floor = new Floor(warehouse, 3);
  deliver(floor, 'm1', 0, 9);
  floor.run(3);
  const first = floor.missions.get('m1')?.tasks[0]?.agentId as string;
  floor.change(first, { battery: 0.1 });
  floor.run(1);
  assert.match(floor.missions.get('m1')?.tasks[0]?.history[0]?.reason ?? '', /battery/);
  const charge = [...floor.missions.values()].find(({ goal }) => goal.kind === 'dock');
  assert.equal(charge?.tasks[0]?.agentId, first);
  floor.run(300);
  assert.equal(floor.missions.get(charge?.id ?? '')?.status, 'done');
});

test('[F88] a robot that stands for long gives its cells back before others get them, and goes on when it can', () => {
  const floor = new Floor(warehouse, 6);
  for (let i = 0; i < 6; i++) deliver(floor, `m${i}`, i, i + 9);
  floor.run(8);
  const halted = floor.missions.get('m0')?.tasks[0]?.agentId as string;
  const told = () => floor.said.filter((output) => output.type === 'plan' && output.agentId === halted).length;
  floor.change(halted, { halted: true, speedMps: 0 });
  const before = told();
  floor.run(1.5);
  assert.equal(told(), before, 'a moment changes nothing');
  floor.run(1);
  assert.equal(told(), before + 1);
  assert.deepEqual(
    floor.robots.get(halted)?.queue.map(({ name }) => name),
    ['wait'],
  );
  floor.run(10);
  floor.change(halted, { halted: false });
  floor.run(600);
  assert.ok([...floor.missions.values()].every(({ status }) => status === 'done'));
});

test('[F89] [F90] an aisle is blocked by what only the robot sees: it backs off to its cell and is led around', () => {
  const floor = new Floor(warehouse, 1);
  const robot = floor.robots.get('r01') as Robot;
  const home = cellAt(warehouse, robot.report.xM, robot.report.yM);
  deliver(floor, 'm1', 0, 9);
  floor.run(2);
  const plan = floor.said.findLast((output) => output.type === 'plan');
  const args = plan?.plan.intents.at(-1)?.args;
  const cell = cellAt(warehouse, Number(args?.xM), Number(args?.yM));
  assert.notEqual(cell, home);
  floor.blocked.add(cell);
  floor.said.length = 0;
  floor.run(600);
  assert.equal(floor.missions.get('m1')?.status, 'done');
  const backed = floor.said.findIndex(
    (said) => said.type === 'plan' && said.plan.rationale.endsWith('middle of its cell'),
  );
  assert.ok(backed >= 0, 'it was told to go back to the middle of its cell');
});

test('[F91] no way leads through a restricted zone', () => {
  const cage = warehouse.zones.find(({ kind }) => kind === 'restricted');
  const floor = new Floor(warehouse, 40);
  for (let i = 0; i < 40; i++) deliver(floor, `m${i}`, i * 11, i * 11 + 12);
  floor.run(300);
  for (const output of floor.said) {
    if (output.type !== 'plan') continue;
    for (const { name, args } of output.plan.intents) {
      if (name !== 'advance') continue;
      assert.ok(!cage?.cells.includes(cellAt(warehouse, Number(args.xM), Number(args.yM))), JSON.stringify(output));
    }
  }
});

test('[F96] nobody is led through a fence that was drawn', () => {
  const [xM, yM] = [warehouse.width * warehouse.metresPerCell * 0.4, warehouse.height * warehouse.metresPerCell * 0.5];
  const points = [
    { xM, yM: yM - 3 },
    { xM: xM + 10, yM: yM - 3 },
    { xM: xM + 10, yM: yM + 3 },
    { xM, yM: yM + 3 },
  ];
  const inside = (output: SupervisorOutput): boolean =>
    output.type === 'plan' &&
    output.plan.intents.some(({ name, args }) => {
      const [x, y] = [Number(args.xM), Number(args.yM)];
      return name === 'advance' && x > xM && x < xM + 10 && y > yM - 3 && y < yM + 3;
    });
  const crossings = (fenced: boolean): number => {
    const floor = new Floor(warehouse, 12);
    if (fenced) floor.draw([{ id: 'spill', kind: 'restricted', speedMps: 0, points }]);
    for (let i = 0; i < 16; i++) deliver(floor, `m${i}`, i * 11, i * 11 + 12);
    floor.run(600);
    const open = [...floor.missions.values()].filter(
      ({ status, createdBy }) => createdBy === 'ann' && status !== 'done',
    );
    assert.deepEqual(
      open.map(({ id, detail }) => `${id}: ${detail}`),
      [],
    );
    return floor.said.filter(inside).length;
  };
  assert.ok(crossings(false) > 0, 'ways lead through there');
  assert.equal(crossings(true), 0);
});

test('[F84] missions that cannot be: each is failed at once and names the culprit', () => {
  const floor = new Floor(warehouse, 2);
  const refuse = (id: string, goal: NewMission['goal'], message: RegExp): void => {
    floor.send({ id, goal });
    floor.run(0.1);
    assert.equal(floor.missions.get(id)?.status, 'failed');
    assert.match(floor.missions.get(id)?.detail ?? '', message);
  };
  refuse('a', { kind: 'cover', zoneId: 'atlantis', polygon: null, robots: 0 }, /no zone 'atlantis'; zones here/);
  refuse(
    'b',
    {
      kind: 'cover',
      zoneId: null,
      polygon: [
        { xM: -5, yM: 0 },
        { xM: 1, yM: 1 },
        { xM: 2, yM: 5 },
      ],
      robots: 0,
    },
    /outside the site/,
  );
  refuse('c', { kind: 'deliver', from: 'nowhere', to: 'nowhere', item: 'x', agentId: null }, /no station 'nowhere'/);
  refuse('d', { kind: 'patrol', points: [{ xM: 1e9, yM: 1 }], rounds: 1, agentId: null }, /outside the site/);
  refuse('e', { kind: 'dock', agentId: 'r99', dockId: null }, /no robot 'r99'/);
  refuse('f', { kind: 'patrol', points: [], rounds: 1, agentId: null }, /at least one point/);
});

test('[F85] nobody can: the mission waits and says why in numbers', () => {
  const floor = new Floor(warehouse, 3);
  for (const id of floor.robots.keys()) floor.change(id, { halted: true });
  deliver(floor, 'm1', 0, 9);
  floor.run(1);
  const mission = floor.missions.get('m1');
  assert.equal(mission?.status, 'queued');
  assert.match(mission?.detail ?? '', /3 cannot move/);
});

test('[F86] cancel takes the task from its robot and the mission stays cancelled', () => {
  const floor = new Floor(warehouse, 2);
  deliver(floor, 'm1', 0, 9);
  floor.run(5);
  floor.cancel('m1');
  floor.run(5);
  assert.equal(floor.missions.get('m1')?.status, 'cancelled');
  assert.ok([...floor.robots.values()].every(({ task }) => task === null || task.id.startsWith('way-')));
});

test('[F87] preview says who would come and how long it takes, and changes nothing', () => {
  const floor = new Floor(warehouse, 5);
  floor.run(1);
  const before = floor.state();
  const { stations } = warehouse;
  const preview = floor.preview({
    id: 'p',
    name: 'p',
    priority: 1,
    createdBy: 'ann',
    goal: { kind: 'deliver', from: stations[0]?.id ?? '', to: stations[5]?.id ?? '', item: 'box', agentId: null },
  });
  assert.match(preview.detail, /1 of 1/);
  assert.ok(preview.seconds > 20 && preview.seconds < 600);
  assert.equal(floor.state(), before);
});

test('[L2] the same reports give the same outputs and the same state', () => {
  const run = () => {
    const floor = new Floor(warehouse, 20);
    for (let i = 0; i < 30; i++) deliver(floor, `m${i}`, i * 5, i * 5 + 11);
    floor.run(60);
    return [floor.state(), encodeState(floor.said)];
  };
  assert.deepEqual(run(), run());
});

test('[F80] ten robots work on a site derived from a maze', () => {
  const maze = [
    'type octile',
    'height 9',
    'width 24',
    'map',
    ...Array.from({ length: 9 }, (_, row) => (row % 3 === 1 ? '.TTTTTTTTTT.TTTTTTTTTTT.' : '.'.repeat(24))),
  ].join('\n');
  const site = deriveSite(parseMovingAiMap(maze, 'maze'));
  const floor = new Floor(site, Math.min(6, site.docks.length));
  for (let i = 0; i < 8; i++) deliver(floor, `m${i}`, i, i + 1);
  floor.run(600);
  const undone = [...floor.missions.values()].filter(
    ({ createdBy, status }) => createdBy === 'ann' && status !== 'done' && status !== 'failed',
  );
  assert.deepEqual(
    undone.map(({ id, detail }) => `${id}: ${detail}`),
    [],
  );
});
