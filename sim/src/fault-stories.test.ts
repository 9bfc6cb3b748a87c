import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { FAULTS, type FaultName } from '@sigma/fleet-model';
import { robotTruth } from '@sigma/fleet-world';
import { sha256 } from '@sigma/recorder/sqlite';
import { warehouse } from '../testing/warehouse.ts';
import { Simulation } from './simulation.ts';

const FAULT_US = 15_000_000;
const END_US = 45_000_000;

/** What became of the robot that had the fault. */
interface Story {
  readonly robot: string;
  readonly speedBeforeMps: number;
  /** Virtual time from the fault to each failsafe action's first selection, microseconds. */
  readonly selected: Map<string, number>;
  readonly causes: Set<string>;
  readonly chain: Map<string, number>;
  /** Greatest speed over the last five seconds. */
  speedAfterMps: number;
  readonly taskless: boolean;
}

const stories = new Map<FaultName, Story>();
let simulation: Simulation;

const OPTIONS = {
  site: warehouse(),
  seed: 11,
  robots: 16,
  people: 4,
  workload: 'mixed',
  lossShare: 0,
} as const;

/** Robots that drive at the moment of the faults. Until then a run with faults is the same as one without. */
async function driving(seed: number): Promise<readonly string[]> {
  const calm = await Simulation.open({ ...OPTIONS, seed, faults: [] }, sha256);
  while (calm.atUs < FAULT_US) await calm.step();
  return calm.robots.filter(({ index }) => robotTruth(calm.world, index).speedMps > 0.5).map(({ id }) => id);
}

/** One run for all: each fault has a driving robot of its own, so that every story is told under load. */
before(async () => {
  const robots = await driving(OPTIONS.seed);
  assert.ok(robots.length >= FAULTS.length, `only ${robots.length} robots drive at that moment`);
  const faults = FAULTS.map((fault, i) => ({ fault, robot: robots[i] as string, atUs: FAULT_US }));
  simulation = await Simulation.open({ ...OPTIONS, faults }, sha256);
  while (simulation.atUs < END_US) {
    await simulation.step();
    if (simulation.atUs === FAULT_US) for (const { fault, robot } of faults) stories.set(fault, begin(robot));
    for (const { fault, robot } of faults) follow(stories.get(fault), robot);
  }
});

function begin(robot: string): Story {
  const { agent, index } = simulation.robots.find(({ id }) => id === robot) ?? assert.fail(robot);
  return {
    robot,
    speedBeforeMps: robotTruth(simulation.world, index).speedMps,
    selected: new Map(),
    causes: new Set(),
    chain: new Map(),
    speedAfterMps: 0,
    taskless: agent.tasks.length === 0,
  };
}

function follow(story: Story | undefined, id: string): void {
  const robot = simulation.robots.find((one) => one.id === id);
  if (story === undefined || robot === undefined) return;
  const sinceUs = simulation.atUs - FAULT_US;
  const { failsafe, chain } = robot.agent;
  if (failsafe.selected !== null && !story.selected.has(failsafe.selected))
    story.selected.set(failsafe.selected, sinceUs);
  for (const { condition } of failsafe.entries) story.causes.add(condition);
  if (!story.chain.has(chain.active)) story.chain.set(chain.active, sinceUs);
  const { speedMps } = robotTruth(simulation.world, robot.index);
  if (simulation.atUs > END_US - 5_000_000) story.speedAfterMps = Math.max(story.speedAfterMps, Math.abs(speedMps));
}

function storyOf(fault: FaultName): Story {
  const story = stories.get(fault);
  assert.ok(story !== undefined, `no story of ${fault}`);
  assert.ok(story.speedBeforeMps > 0.1, `${story.robot} was not moving when it happened`);
  return story;
}

/** The action came for that cause within the bound, and people heard of it. */
function acted(fault: FaultName, action: string, cause: string, withinUs: number): Story {
  const story = storyOf(fault);
  const tookUs = story.selected.get(action);
  assert.ok(tookUs !== undefined, `${action} never came; selected were ${[...story.selected.keys()]}`);
  assert.ok(tookUs <= withinUs, `${action} took ${tookUs / 1000} ms, at most ${withinUs / 1000} ms`);
  assert.ok(story.causes.has(cause), `causes were ${[...story.causes]}`);
  const alert = simulation.hub.alerts.find(
    ({ agentId, cause: of }) => agentId === story.robot && of === `failsafe:${cause}`,
  );
  assert.ok(alert !== undefined, `no alert for ${cause} of ${story.robot}`);
  assert.ok(alert.raisedUs >= FAULT_US && alert.raisedUs <= FAULT_US + withinUs + 500_000);
  return story;
}

test('a motor overloads: power is cut within 200 ms, and the robot stays down until a person resets it', () => {
  const story = acted('motor_overload', 'motor_overload_cutoff', 'motor_overload', 200_000);
  assert.equal(story.speedAfterMps, 0);
});

test('a motor and the board overheat: the robot shuts down before anything burns', () => {
  const story = acted('overheating', 'thermal_shutdown', 'board_hot', 20_000_000);
  assert.equal(story.speedAfterMps, 0);
});

test('an encoder sticks: wheels and gyro disagree, and the robot stops within 300 ms', () => {
  const story = acted('stuck_encoder', 'unsafe_movement_override', 'odometry_disagrees', 300_000);
  assert.equal(story.speedAfterMps, 0);
});

test('the lidar freezes while the robot drives: it counts as blind and stops within 700 ms', () => {
  acted('lidar_freeze', 'unsafe_movement_override', 'blind', 700_000);
});

test('the gyro drifts: the robot notices, says so and asks for help', () => {
  const { causes, robot } = storyOf('imu_drift');
  assert.ok(causes.has('imu_drifts') || causes.has('odometry_disagrees'), `causes were ${[...causes]}`);
  assert.ok(simulation.hub.alerts.some(({ agentId, cause }) => agentId === robot && cause.startsWith('failsafe:')));
});

test('a battery collapses: the robot goes on in the low-power mode, slowly', () => {
  const story = acted('battery_collapse', 'low_power_stability', 'battery_low', 15_000_000);
  assert.ok(story.speedAfterMps <= 0.62, `it drove ${story.speedAfterMps} m/s`);
});

test('the network is pulled: the robot notices within 2.5 s and its edge plans for itself', () => {
  const { chain, robot } = storyOf('link_loss');
  const tookUs = chain.get('secondary');
  assert.ok(tookUs !== undefined && tookUs <= 2_500_000, `the secondary planner took over after ${tookUs} us`);
  const { agent } = simulation.robots.find(({ id }) => id === robot) ?? {};
  assert.equal(agent?.chain.active, 'secondary');
});

test('the planner hangs: the one beside the body takes over within 2.5 s', () => {
  const tookUs = storyOf('planner_hang').chain.get('secondary');
  assert.ok(tookUs !== undefined && tookUs <= 2_500_000, `the secondary planner took over after ${tookUs} us`);
});

test('[L9] [F102] the planner lies: the robot goes where its own eyes allow and touches nothing', () => {
  const story = storyOf('planner_lies');
  assert.deepEqual(
    simulation.contacts.filter(({ robot }) => robot === story.robot),
    [],
  );
  assert.ok(simulation.robots.find(({ id }) => id === story.robot)?.agent.planRevisions.primary !== 0);
});

test('a person steps in front of a robot: it brakes as hard as it can within 200 ms', () => {
  const story = acted('person_steps_in', 'human_proximity_override', 'person_too_close', 200_000);
  assert.ok(story.speedBeforeMps > 0.1);
});

test('whatever fails, no two robots overlap and nobody who walks there is hit', () => {
  assert.deepEqual(simulation.breaches, []);
  assert.deepEqual(simulation.refusedFaults, []);
});

/** One with which somebody stands where a lie leads into a wall. */
const ASTRAY_SEED = 13;

/** Every robot that drives is lied to by the hub's planner and by the one beside its body. */
async function liesToAll(seed: number, flags?: readonly number[]): Promise<Simulation> {
  const robots = await driving(seed);
  const faults = robots.map((robot) => ({ fault: 'planner_lies' as const, robot, value: 2, atUs: FAULT_US }));
  return Simulation.open({ ...OPTIONS, seed, faults, ...(flags === undefined ? {} : { flags }) }, sha256);
}

test('[L9] [F102] every planner lies to everybody: nobody touches anything', async () => {
  const lied = await liesToAll(OPTIONS.seed);
  while (lied.atUs < FAULT_US + 25_000_000) await lied.step();
  assert.deepEqual(lied.contacts, []);
});

test('[L9] [K54] [K91] robots without the corridor: whoever a liar leads into a wall has it on record against that planner', async () => {
  const lied = await liesToAll(ASTRAY_SEED, []);
  const bumped = new Set<string>();
  while (lied.atUs < FAULT_US + 25_000_000 && bumped.size === 0) {
    await lied.step();
    for (const { id, agent, runtime } of lied.robots) {
      if (bumped.has(id) || !agent.failsafe.entries.some(({ condition }) => condition === 'bumped')) continue;
      bumped.add(id);
      const { atUs, planner } = agent.violations.at(-1) ?? {};
      assert.equal(planner, 'primary', `${id} was led there and says nothing of it`);
      assert.equal(atUs, agent.wokeUs, 'in the very cycle in which the failsafe stopped it');
      assert.ok(runtime.counts.violations > 0);
    }
  }
  assert.ok(bumped.size > 0, 'nobody was led astray');
});

test('a planner fault of strength 2 takes the one beside the body too: nobody is left to plan, and the robot stands', async () => {
  const one = { ...OPTIONS, robots: 2, people: 0, workload: 'none' } as const;
  const faults = [{ fault: 'planner_hang', robot: 'r01', value: 2, atUs: 1_000_000 } as const];
  const hung = await Simulation.open({ ...one, faults }, sha256);
  while (hung.atUs < 4_000_000) await hung.step();
  assert.deepEqual(hung.refusedFaults, []);
  assert.deepEqual(
    hung.robots.map(({ agent }) => agent.chain.active),
    ['mechanical', 'primary'],
  );
});
