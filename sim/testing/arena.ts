import { createHash } from 'node:crypto';
import { fleetTerrain } from '@sigma/edge';
import {
  BODIES,
  centreXM,
  centreYM,
  DEFAULT_POLICY,
  type FleetBelief,
  parseMovingAiMap,
  parseSiteFile,
  type Site,
} from '@sigma/fleet-model';
import {
  type Collision,
  createWorld,
  type Outcomes,
  type RobotPlan,
  resolve,
  robotTruth,
  type World,
} from '@sigma/fleet-world';
import {
  type Agent,
  agentKey,
  cos,
  drawUnit,
  type Intent,
  type Order,
  purpose,
  type Stimulus,
  sin,
  type Task,
} from '@sigma/kernel';
import { SimRobot } from '../src/sim-robot.ts';

const WHIM = purpose('arena-whim');
const SHAPE = purpose('arena-shape');
const STEP_US = 10_000;
const BEAT_US = 100_000;
const CUT_US = 50_000;

export interface ArenaOptions {
  readonly seed: number;
  readonly robots: number;
  /** Behaviour flags of the robots. */
  readonly flags: readonly number[];
}

/** A contact at 0.05 m/s or more, which is what the world reports. */
export interface ArenaContact extends Collision {
  readonly atUs: number;
  /** How fast the robot itself was. */
  readonly ownMps: number;
}

/** What one robot's planner and operator have said so far, and when they change their mind. */
interface Whim {
  nextUs: number;
  n: number;
  revision: number;
  sequence: number;
}

/** A walled floor of random size: rubble wherever chance puts it, or rows of shelves with aisles one cell wide between them. */
function randomSite(seed: number): Site {
  const pick = (n: number): number => drawUnit(seed, 0, 0, SHAPE, n);
  const width = 16 + Math.floor(pick(0) * 12);
  const height = 10 + Math.floor(pick(1) * 8);
  const rubble = 0.02 + 0.2 * pick(2);
  const shelves = pick(3) < 0.5;
  const rows: string[] = [];
  for (let row = 0; row < height; row++) {
    let text = '';
    for (let column = 0; column < width; column++) {
      const rim = row === 0 || column === 0 || row === height - 1 || column === width - 1;
      const stands = shelves ? row % 2 === 0 && column % 9 > 1 : pick(10 + row * width + column) < rubble;
      text += rim || (row > 1 && stands) ? '@' : '.';
    }
    rows.push(text);
  }
  const map = `type octile\nheight ${height}\nwidth ${width}\nmap\n${rows.join('\n')}\n`;
  const metresPerCell = shelves || pick(4) < 0.5 ? 1 : 1.5;
  return parseSiteFile(JSON.stringify({ metresPerCell }), parseMovingAiMap(map, `arena ${seed}`));
}

/**
 * Robots of the real runtime in the computed world, under planners and operators that want them to run into things: each
 * robot is told something else every fraction of a second, as plans and as bare wheel speeds.
 */
export class Arena {
  readonly contacts: ArenaContact[] = [];
  /** Metres driven by all robots together. */
  drivenM = 0;
  readonly #options: ArenaOptions;
  readonly #site: Site;
  readonly #robots: readonly SimRobot<FleetBelief>[];
  #world: World;
  #outcomes: Outcomes | null = null;
  readonly #whims: readonly Whim[];
  #atUs = 0;

  constructor(options: ArenaOptions) {
    const { seed, robots, flags } = options;
    this.#options = options;
    this.#site = randomSite(seed);
    const site = this.#site;
    const plans: RobotPlan[] = Array.from({ length: robots }, (_, i) => ({
      id: `r${i + 1}`,
      body: i % 2 === 0 ? 'carrier' : 'humanoid',
      cell: site.width + 1 + 3 * i,
    }));
    this.#world = createWorld({ site, robots: plans, seed, people: 0 });
    const terrain = fleetTerrain(site, DEFAULT_POLICY);
    this.#robots = plans.map(({ id, body, cell }, index) => {
      const start = { xM: centreXM(site, cell), yM: centreYM(site, cell), headingRad: 0 };
      const config = { site: { digest: site.digest }, body, name: id, start };
      return new SimRobot(index, {
        terrain,
        agent: { id, tenant: 't', role: 'robot', seed, epoch: 0, flags, atUs: 0, config },
        body,
        software: 'arena',
        epochTimeUs: 0,
        capabilities: [],
        sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
        verify: () => true,
      });
    });
    this.#whims = plans.map(() => ({ nextUs: 0, n: 0, revision: 0, sequence: 0 }));
  }

  run(seconds: number): this {
    for (let k = 0; k < seconds * 100; k++) this.#step();
    return this;
  }

  #step(): void {
    const atUs = this.#atUs;
    const before = this.#robots.map(({ index }) => robotTruth(this.#world, index).speedMps);
    const commands = this.#robots.map((robot) => {
      robot.sync(atUs);
      this.#sense(robot);
      this.#incite(robot, atUs);
      robot.wake(atUs);
      if (atUs % CUT_US === 0) robot.cut(atUs, false);
      return robot.runtime.actuatorsAt(atUs).command;
    });
    const { world, outcomes } = resolve(this.#world, { atUs, commands, injections: [] });
    this.#world = world;
    this.#outcomes = outcomes;
    for (const collision of outcomes.collisions)
      this.contacts.push({ ...collision, atUs, ownMps: before[collision.robot] as number });
    for (const speedMps of before) this.drivenM += Math.abs(speedMps) * STEP_US * 1e-6;
    this.#atUs = atUs + STEP_US;
  }

  #sense({ index, runtime }: SimRobot<FleetBelief>): void {
    for (const { channel, values } of this.#outcomes?.frames[index] ?? [])
      runtime.deliver({ kind: 'percept', channel, values });
    if (this.#atUs % BEAT_US !== 0) return;
    for (const from of ['link', 'primary', 'secondary'] as const) runtime.deliver({ kind: 'beat', from });
    for (const { index: other, agent } of this.#robots) {
      if (other === index) continue;
      const { xM, yM, speedMps, cosH, sinH } = agent.world.motion;
      const body = [xM, yM, speedMps * cosH, speedMps * sinH, BODIES[agent.world.body].radiusM];
      runtime.deliver({ kind: 'message', from: agent.id, topic: 'pose', body });
    }
  }

  /** Whatever comes to the mind of one who wants a crash. */
  #incite({ id, agent, runtime, index }: SimRobot<FleetBelief>, atUs: number): void {
    const whim = this.#whims[index] as Whim;
    if (atUs < whim.nextUs) return;
    const key = agentKey(id);
    const pick = (n: number): number => drawUnit(this.#options.seed, key, whim.n, WHIM, n);
    whim.n++;
    whim.nextUs = atUs + (pick(0) < 0.5 ? 100_000 : 1_500_000) * (0.5 + pick(1));
    const order = (wish: Order): void =>
      runtime.deliver({
        kind: 'order',
        issuer: 'foe',
        sequence: ++whim.sequence,
        expiresAtUs: atUs + 1e9,
        order: wish,
      });
    if (whim.n === 1) order({ type: 'lease', leaseId: 'l', holder: 'foe', expiresAtUs: 1e12 });
    if (agent.failsafe.entries.length > 0 || agent.failsafe.selected !== null) {
      order({ type: 'acknowledge', by: 'foe' });
      order({ type: 'reset', by: 'foe' });
    }
    const { width, height, metresPerCell } = this.#site;
    if (agent.tasks.every(({ status }) => status !== 'active' && status !== 'queued')) {
      const args = { xM: pick(2) * width * metresPerCell, yM: pick(3) * height * metresPerCell };
      order({ type: 'assign', task: { id: `t${whim.n}`, missionId: 'm', kind: 'goto', args, priority: 1 } });
    }
    const { motion } = agent.world;
    if (motion.speedMps > 0.3 && pick(4) < 0.5) {
      const durationUs = 200_000 + Math.floor(pick(5) * 800_000);
      const params = { speedMps: 0.3 + 1.9 * pick(6), turnRadps: (pick(7) < 0.5 ? 1.8 : 0.6) * (2 * pick(8) - 1) };
      const command = { kind: 'setpoint', name: 'drive', params, durationUs } as const;
      order({ type: 'command', leaseId: 'l', command, rationale: 'crash' });
      return;
    }
    const task = agent.tasks.find(({ status }) => status === 'active')?.task;
    if (task !== undefined) runtime.deliver(lie(agent, task, whim, pick));
  }
}

/** A plan that leads to points near and far, through whatever stands there. */
function lie({ chain, world }: Agent<FleetBelief>, task: Task, whim: Whim, pick: (n: number) => number): Stimulus {
  const { xM, yM, headingRad } = world.motion;
  const intents: Intent[] = Array.from({ length: 3 }, (_, k) => {
    const courseRad = headingRad + (pick(10 + k) < 0.5 ? 0.6 : 3) * (2 * pick(20 + k) - 1);
    const awayM = 0.5 + 6 * pick(30 + k);
    const args = { xM: xM + awayM * cos(courseRad), yM: yM + awayM * sin(courseRad), speedMps: 0.4 + 2 * pick(40 + k) };
    return { name: 'advance', args };
  });
  return {
    kind: 'plan',
    from: chain.active === 'secondary' ? 'secondary' : 'primary',
    taskId: task.id,
    revision: ++whim.revision,
    intents,
    confidence: 1,
    rationale: 'trust me',
    basis: null,
    alternatives: [],
  };
}
