import {
  type Agent,
  type Command,
  cos,
  createAgent,
  drawNormal,
  type Intent,
  type KernelEvent,
  type Order,
  type Outputs,
  purpose,
  type Stimulus,
  sin,
  step,
  type Task,
  type TerrainModel,
  wrapAngle,
} from '@sigma/kernel';
import type { FleetBelief } from '../src/belief/belief.ts';
import { BODIES, type Body } from '../src/bodies.ts';
import { HEALTH, MOTION, SCAN_RAYS } from '../src/channels.ts';
import { NEW_ROBOT_FLAGS } from '../src/flags.ts';
import { fleetModel } from '../src/fleet-model.ts';
import { isWall } from '../src/ground.ts';
import type { PolicyText } from '../src/policy/policy.ts';
import { parseMovingAiMap } from '../src/site/grid.ts';
import type { Site, Zone } from '../src/site/site.ts';
import { sealSite, siteToJson } from '../src/site/site-record.ts';
import { openExits } from '../src/site/ways.ts';

/** A site drawn as text: `@` is wall, `.` floor. One metre a cell. */
export function drawnSite(rows: readonly string[], zones: readonly Zone[] = [], stations: Site['stations'] = []): Site {
  const height = rows.length;
  const width = rows[0]?.length ?? 0;
  const text = ['type octile', `height ${height}`, `width ${width}`, 'map', ...rows].join('\n');
  const grid = parseMovingAiMap(text, 'drawn');
  const exits = openExits(grid);
  const { blocked } = grid;
  return sealSite({
    name: 'drawn',
    width,
    height,
    metresPerCell: 1,
    blocked,
    exits,
    docks: [],
    chargers: [],
    stations,
    zones,
  });
}

/** A hall of 20 by 9 metres with walls around. */
export const HALL = ['@'.repeat(20), ...Array.from({ length: 7 }, () => `@${'.'.repeat(18)}@`), '@'.repeat(20)];
/** An aisle, one cell wide, that goes 12 m east, then 5 m north. */
export const AISLE = [
  '@@@@@@@@@@@@@@@@',
  '@@@@@@@@@@@@@.@@',
  '@@@@@@@@@@@@@.@@',
  '@@@@@@@@@@@@@.@@',
  '@@@@@@@@@@@@@.@@',
  '@@@@@@@@@@@@@.@@',
  '@.............@@',
  '@@@@@@@@@@@@@@@@',
];

export const NO_RULES: PolicyText = { version: 'none', rules: [] };
const TICK_US = 10_000;
const NOISE = purpose('stage-noise');
const BRAKES: Command = { kind: 'setpoint', name: 'cutoff', params: {}, durationUs: 1_000_000 };

/** Something round that stands or walks. */
export interface Actor {
  xM: number;
  yM: number;
  vxMps: number;
  vyMps: number;
  radiusM: number;
}

export interface StageOptions {
  readonly site: Site;
  readonly body?: Body['kind'];
  readonly start?: { readonly xM: number; readonly yM: number; readonly headingRad: number };
  readonly policy?: PolicyText;
  /** Behaviour flags; those of a new robot when absent. */
  readonly flags?: readonly number[];
}

/**
 * One robot on a site: exact kinematics with limits and a lag, a lidar by ray marching, beacons with noise. What a test
 * wants broken it breaks through the public fields. Small on purpose: the computed world has the real dynamics.
 */
export class Stage {
  readonly model: TerrainModel<FleetBelief>;
  readonly body: Body;
  readonly site: Site;
  agent: Agent<FleetBelief>;
  outputs: Outputs | null = null;
  atUs = 0;
  xM: number;
  yM: number;
  headingRad: number;
  speedMps = 0;
  turnRadps = 0;
  readonly actors: Actor[] = [];
  readonly events: KernelEvent[] = [];
  linked = true;
  primaryAlive = true;
  secondaryAlive = true;
  lidarFrozen = false;
  lidarSilent = false;
  /** Frames stay on their way: none arrives until this is false again, then all at once. */
  framesHeld = false;
  /** Every frame takes so many ticks. */
  frameDelay = 0;
  stuckLeft = false;
  gyroDriftRadps = 0;
  extraCurrentA = 0;
  bumper = 0;
  pitchRad = 0;
  charge = 0.9;
  batteryV = 48;
  motorC = 40;
  boardC = 40;
  batteryC = 30;
  /** Floor that gives no grip: the wheels turn, the robot stays. */
  slips = false;
  /** Share of the wheels' travel that the floor gives. */
  grip = 1;
  /** Share of the commanded speed that a dragging brake leaves. */
  drag = 1;
  /** A drive that runs by itself, whatever it is told. */
  runaway: { readonly speedMps: number; readonly turnRadps: number } | null = null;
  #left = 0;
  #right = 0;
  #tick = 0;
  #scan: Int32Array | null = null;
  #inbox: Stimulus[] = [];
  #onTheWay: { readonly frame: Stimulus; readonly tick: number }[] = [];
  #sequence = 0;
  #revision = 0;

  constructor({
    site,
    body = 'humanoid',
    start = { xM: 1.5, yM: 1.5, headingRad: 0 },
    policy = NO_RULES,
    flags = NEW_ROBOT_FLAGS,
  }: StageOptions) {
    this.model = fleetModel({ site, policy });
    this.body = BODIES[body];
    this.site = site;
    const record = siteToJson(site);
    const config = JSON.parse(JSON.stringify({ site: record, body, name: 'r1', start }));
    this.agent = createAgent(this.model, {
      id: 'r1',
      tenant: 't',
      role: 'robot',
      seed: 1,
      epoch: 1,
      flags,
      config,
      atUs: 0,
    });
    this.xM = start.xM;
    this.yM = start.yM;
    this.headingRad = start.headingRad;
  }

  order(order: Order): this {
    this.#inbox.push({
      kind: 'order',
      issuer: 'hub',
      sequence: ++this.#sequence,
      expiresAtUs: this.atUs + 60_000_000,
      order,
    });
    return this;
  }

  assign(task: Task): this {
    return this.order({ type: 'assign', task });
  }

  plan(
    intents: readonly Intent[],
    options: { taskId?: string; from?: 'primary' | 'secondary'; confidence?: number } = {},
  ): this {
    const { taskId = 't1', from = 'primary', confidence = 1 } = options;
    this.#inbox.push({
      kind: 'plan',
      from,
      taskId,
      revision: ++this.#revision,
      intents,
      confidence,
      rationale: 'test',
      basis: null,
      alternatives: [],
      for: { planRevision: this.agent.plan?.revision ?? 0 },
    } as unknown as Stimulus);
    return this;
  }

  tell(stimulus: Stimulus): this {
    this.#inbox.push(stimulus);
    return this;
  }

  /** A person, 0.25 m in radius. */
  person(xM: number, yM: number, vxMps = 0, vyMps = 0): Actor {
    const actor = { xM, yM, vxMps, vyMps, radiusM: 0.25 };
    this.actors.push(actor);
    return actor;
  }

  /** Runs for so long, calling `each` after every tick. */
  run(seconds: number, each?: (outputs: Outputs) => void): this {
    for (let k = 0; k < Math.round(seconds * 100); k++) {
      const outputs = this.tick();
      each?.(outputs);
    }
    return this;
  }

  /** @returns seconds until `done` was true. @throws when it does not become true in time */
  until(done: () => boolean, within: number): number {
    for (let k = 0; k < within * 100; k++) {
      if (done()) return k / 100;
      this.tick();
    }
    throw new Error(
      `not within ${within} s; robot at (${this.xM.toFixed(2)}, ${this.yM.toFixed(2)}), ${this.outputs?.decision?.rationale ?? ''}`,
    );
  }

  tick(): Outputs {
    this.atUs += TICK_US;
    this.#tick++;
    this.#move(this.outputs?.command ?? this.model.rest);
    const inbox = [...this.#inbox, ...this.#arrivals()];
    this.#inbox = [];
    const result = step(this.model, this.agent, inbox, this.atUs);
    this.agent = result.agent;
    this.outputs = result.outputs;
    this.events.push(...result.outputs.events);
    return result.outputs;
  }

  /** The loop stands still: the body goes on, brakes by itself after a tenth of a second, and its frames wait. */
  stall(seconds: number): this {
    const wasHeld = this.framesHeld;
    this.framesHeld = true;
    for (let k = 0; k < Math.round(seconds * 100); k++) {
      this.atUs += TICK_US;
      this.#tick++;
      this.#move(k < 10 ? (this.outputs?.command ?? this.model.rest) : BRAKES);
      this.#inbox.push(...this.#arrivals());
    }
    this.framesHeld = wasHeld;
    return this;
  }

  get belief(): FleetBelief {
    return this.agent.world;
  }

  get failsafe(): string | null {
    return this.agent.failsafe.selected;
  }

  happened(type: KernelEvent['type']): readonly KernelEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  #move(command: Command): void {
    const { body } = this;
    const dt = TICK_US * 1e-6;
    const { runaway } = this;
    const drives = (command.kind === 'setpoint' && command.name === 'drive') || runaway !== null;
    const told = (name: 'speedMps' | 'turnRadps', most: number): number => {
      const value = runaway !== null ? runaway[name] : drives ? command.params[name] : 0;
      return typeof value === 'number' ? Math.max(-most, Math.min(most, value)) : 0;
    };
    const speed = told('speedMps', body.maxSpeedMps) * this.drag;
    const braking =
      command.name === 'stop'
        ? body.hardBrakeMps2
        : command.name === 'cutoff'
          ? body.mechanicalBrakeMps2
          : body.brakeMps2;
    const limit = (Math.abs(speed) > Math.abs(this.speedMps) ? body.accelMps2 : braking) * dt;
    const change = (speed - this.speedMps) * (drives ? 0.2 : 1);
    this.speedMps += Math.max(-limit, Math.min(limit, change));
    const swing = body.turnAccelRadps2 * dt;
    this.turnRadps += Math.max(-swing, Math.min(swing, (told('turnRadps', body.maxTurnRadps) - this.turnRadps) * 0.2));
    if (Math.abs(this.turnRadps) < 1e-5) this.turnRadps = 0;
    if (Math.abs(this.speedMps) < 1e-5) this.speedMps = 0;
    const travel = this.speedMps * dt;
    const turn = this.turnRadps * dt;
    if (!this.stuckLeft) this.#left += travel - (turn * body.trackM) / 2;
    this.#right += travel + (turn * body.trackM) / 2;
    if (!this.slips) {
      this.xM += this.grip * travel * cos(this.headingRad + turn / 2);
      this.yM += this.grip * travel * sin(this.headingRad + turn / 2);
      this.headingRad = wrapAngle(this.headingRad + turn);
    }
    for (const actor of this.actors) {
      actor.xM += actor.vxMps * dt;
      actor.yM += actor.vyMps * dt;
    }
  }

  #noise(n: number): number {
    return drawNormal(7, 1, this.#tick, NOISE, n);
  }

  #arrivals(): Stimulus[] {
    const now: Stimulus[] = [];
    for (const stimulus of this.#sense()) {
      if (stimulus.kind === 'percept') this.#onTheWay.push({ frame: stimulus, tick: this.#tick });
      else now.push(stimulus);
    }
    if (this.framesHeld) return now;
    const arrived = this.#onTheWay.filter(({ tick }) => tick + this.frameDelay <= this.#tick);
    this.#onTheWay = this.#onTheWay.filter(({ tick }) => tick + this.frameDelay > this.#tick);
    return [...arrived.map(({ frame }) => frame), ...now];
  }

  #sense(): Stimulus[] {
    const inbox: Stimulus[] = [];
    const real = this.slips ? 0 : this.turnRadps;
    const gyro = Math.round((real + this.gyroDriftRadps + this.#noise(0) * 0.002) * 1e4);
    const amps = Math.round((2 + this.extraCurrentA) * 1000);
    const pitch = Math.round(this.pitchRad * 1e4);
    const motion = [
      Math.round(this.#left * 1e4),
      Math.round(this.#right * 1e4),
      gyro,
      0,
      0,
      pitch,
      0,
      amps,
      amps,
      this.bumper,
      this.#tick * 100,
    ];
    inbox.push({ kind: 'percept', channel: MOTION.channel, values: Int32Array.from(motion) });
    if (this.#tick % 10 === 1) {
      const scan = this.lidarFrozen && this.#scan !== null ? this.#scan.slice() : this.#look();
      this.#scan = scan;
      if (!this.lidarSilent) inbox.push({ kind: 'percept', channel: 'scan', values: scan });
      const fix = [
        Math.round((this.xM + this.#noise(1) * 0.02) * 1000),
        Math.round((this.yM + this.#noise(2) * 0.02) * 1000),
        Math.round(wrapAngle(this.headingRad + this.#noise(3) * 0.01) * 1e4),
        90,
      ];
      inbox.push({ kind: 'percept', channel: 'fix', values: Int32Array.from(fix) });
      if (this.linked) inbox.push({ kind: 'beat', from: 'link' });
      if (this.linked && this.primaryAlive) inbox.push({ kind: 'beat', from: 'primary' });
      if (this.secondaryAlive) inbox.push({ kind: 'beat', from: 'secondary' });
    }
    if (this.#tick % 50 === 1) inbox.push(this.#health());
    return inbox;
  }

  #health(): Stimulus {
    const values = new Int32Array(HEALTH.fields.length);
    values.set([
      this.motorC * 10,
      this.motorC * 10,
      this.boardC * 10,
      this.batteryV * 1000,
      3000,
      this.charge * 1e4,
      this.batteryC * 10,
      9800,
    ]);
    return { kind: 'percept', channel: HEALTH.channel, values };
  }

  #look(): Int32Array {
    const scan = new Int32Array(SCAN_RAYS);
    for (let ray = 0; ray < SCAN_RAYS; ray++) {
      const angle = this.headingRad + (ray * Math.PI) / 90;
      const dx = cos(angle);
      const dy = sin(angle);
      let range = this.#wallAt(dx, dy);
      for (const { xM, yM, radiusM } of this.actors) {
        const along = (xM - this.xM) * dx + (yM - this.yM) * dy;
        const aside = (yM - this.yM) * dx - (xM - this.xM) * dy;
        if (along > 0 && Math.abs(aside) < radiusM)
          range = Math.min(range, along - Math.sqrt(radiusM * radiusM - aside * aside));
      }
      scan[ray] =
        range >= this.body.lidarRangeM ? 0 : Math.max(1, Math.round((range + this.#noise(10 + ray) * 0.008) * 1000));
    }
    return scan;
  }

  #wallAt(dx: number, dy: number): number {
    for (let range = 0; range < this.body.lidarRangeM; range += 0.02) {
      if (isWall(this.site, this.xM + dx * range, this.yM + dy * range)) return range;
    }
    return this.body.lidarRangeM;
  }
}

export const advance = (...points: readonly (readonly [number, number])[]): Intent[] =>
  points.map(([xM, yM]) => ({ name: 'advance', args: { xM, yM } }));

export const goTo = (xM: number, yM: number, id = 't1'): Task => ({
  id,
  missionId: 'm1',
  kind: 'goto',
  args: { xM, yM },
  priority: 1,
});
