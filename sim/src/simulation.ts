import type { UplinkFrame } from '@sigma/edge';
import {
  centreXM,
  centreYM,
  DEFAULT_POLICY,
  type FaultName,
  type FleetBelief,
  fleetModel,
  fleetSupervisor,
  type Ground,
  groundOf,
  type Site,
  siteToJson,
} from '@sigma/fleet-model';
import { type Injection, type Outcomes, robotTruth, STEP_US } from '@sigma/fleet-world';
import { agentKey, encodeState, type Json, type Stimulus } from '@sigma/kernel';
import { ChainWriter, type EventDraft, openingEvent, type SealedBlock, type Sha256 } from '@sigma/recorder';
import { DecisionTimes } from './decision-times.ts';
import type { PlannedFault } from './fault-plan.ts';
import { planFleet } from './fleet-plan.ts';
import { fleetReport } from './fleet-report.ts';
import type { DownOrder } from './hub/order-desk.ts';
import { SimHub } from './hub/sim-hub.ts';
import { type Breach, breaches } from './invariants.ts';
import { VirtualMesh } from './mesh.ts';
import { VirtualNetwork } from './network.ts';
import { orderKey } from './order-key.ts';
import { SecondaryPlanner } from './secondary-planner.ts';
import { SimRobot } from './sim-robot.ts';
import { VirtualDisk } from './virtual-disk.ts';
import { missionAt, missionsWanted } from './workload.ts';
import {
  actuatorStimulus,
  injectionStimulus,
  RecordedWorld,
  WORLD_MODEL,
  WORLD_MODEL_VERSION,
  worldConfigToJson,
} from './world-chain.ts';

export const TENANT = 'solo';
const SOFTWARE = 'sigma 0.1.0 (simulation)';
/** Wall time at which every simulation begins: 2026-01-01T00:00:00Z. One seed, one recording, on any day. */
export const EPOCH_TIME_US = 1_767_225_600_000_000;

const CUT_US = 50_000;
const WORLD_CUT_US = 250_000;
const WORLD_SNAPSHOT_US = 10_000_000;
const BEAT_US = 200_000;

export interface SimulationOptions {
  readonly site: Site;
  readonly seed: number;
  readonly robots: number;
  readonly people: number;
  /** `mixed`: endless deliveries, patrols and covers. `none`: only what `missions` of a test sends. */
  readonly workload: 'mixed' | 'none';
  readonly faults: readonly PlannedFault[];
  /** Share of packets between hub and edges that have to be sent twice, 0 to 1. */
  readonly lossShare: number;
}

type Packet =
  | { readonly type: 'up'; readonly agentId: string; readonly frame: UplinkFrame }
  | { readonly type: 'order'; readonly order: DownOrder }
  | { readonly type: 'beat'; readonly agentId: string };

/** One robot's place in the simulation. */
interface Body {
  readonly index: number;
  readonly robot: SimRobot<FleetBelief>;
  /** What reached the actuators last, as text, so that only changes are put on record. */
  actuated: string;
  inbox: Stimulus[];
  faults: ReadonlyMap<FaultName, number>;
}

/**
 * Hub, edges, network, disks and world in one process on a virtual clock. Every call of `step` is one instant of 10 ms;
 * nothing in it waits, and the same options give the same bytes.
 */
export class Simulation {
  readonly hub: SimHub;
  readonly times = new DecisionTimes();
  readonly breaches: Breach[] = [];
  /** Faults that the world would not have, and why. */
  readonly refusedFaults: string[] = [];
  collisions = 0;

  readonly #options: SimulationOptions;
  readonly #ground: Ground;
  readonly #bodies: readonly Body[];
  readonly #byId: ReadonlyMap<string, Body>;
  readonly #world: RecordedWorld;
  readonly #network: VirtualNetwork<Packet>;
  readonly #mesh: VirtualMesh;
  readonly #secondary: SecondaryPlanner;
  readonly #hubDisk: VirtualDisk;
  readonly #hubChain: ChainWriter;
  readonly #worldChain: ChainWriter;
  #hubOrders: { readonly durableUs: number; readonly orders: readonly DownOrder[] }[] = [];
  #hubEvents: EventDraft[] = [];
  #worldEvents: EventDraft[] = [];
  #faults: PlannedFault[];
  #outcomes: Outcomes | null = null;
  #blocks: SealedBlock[] = [];
  #missions = 0;
  #atUs = 0;

  constructor(options: SimulationOptions, hash: Sha256) {
    const { site, seed, people, lossShare } = options;
    this.#options = options;
    this.#ground = groundOf(site);
    const plan = planFleet(site, options.robots, seed);
    const config = { site, robots: plan, people };
    this.#world = new RecordedWorld(config, seed, hash);
    this.#network = new VirtualNetwork(seed, lossShare);
    this.#mesh = new VirtualMesh(seed);
    this.#secondary = new SecondaryPlanner(this.#ground, seed);
    const key = orderKey(seed);
    const model = fleetModel({ site, policy: DEFAULT_POLICY });
    const policyText = JSON.stringify(DEFAULT_POLICY);
    this.#bodies = plan.map(({ id, body, cell }, index) => {
      const truth = robotTruth(this.#world.world, index);
      const start = { xM: centreXM(site, cell), yM: centreYM(site, cell), headingRad: 0 };
      const robotConfig: Json = {
        site: { digest: site.digest },
        body,
        name: id,
        start,
        docked: truth.dockedAt,
        charge: truth.charge,
      };
      const agent = {
        id,
        tenant: TENANT,
        role: 'robot',
        seed,
        epoch: 0,
        flags: [],
        config: robotConfig,
        atUs: 0,
      };
      const common = { policyText, software: SOFTWARE, epochTimeUs: EPOCH_TIME_US, sha256: hash, verify: key.verify };
      const robot = new SimRobot({ model, report: fleetReport, agent, body, ...common });
      return { index, robot, actuated: '', inbox: [], faults: new Map() };
    });
    this.#byId = new Map(this.#bodies.map((body) => [body.robot.id, body]));
    this.#faults = [...options.faults].sort((a, b) => a.atUs - b.atUs);
    this.hub = new SimHub({
      tenant: TENANT,
      epochTimeUs: EPOCH_TIME_US,
      supervisor: fleetSupervisor(site),
      agents: plan,
      stateFields: (fleetReport.channels[0]?.fields ?? []).map(({ name }) => name),
      key,
      sha256: hash,
    });
    this.#hubDisk = new VirtualDisk(seed, agentKey('hub'));
    this.#hubChain = new ChainWriter({ tenant: TENANT, source: 'hub', epoch: 0 }, hash);
    this.#worldChain = new ChainWriter({ tenant: TENANT, source: 'world', epoch: 0 }, hash);
    this.#hubEvents.push(opening('hub', 'hub', '', 0, { site: siteToJson(site) as unknown as Json }, 0));
    const world = worldConfigToJson(config);
    this.#worldEvents.push(opening('world', 'world', WORLD_MODEL, WORLD_MODEL_VERSION, world, seed));
  }

  get atUs(): number {
    return this.#atUs;
  }

  get robots(): readonly SimRobot<FleetBelief>[] {
    return this.#bodies.map(({ robot }) => robot);
  }

  get world(): RecordedWorld['world'] {
    return this.#world.world;
  }

  /** One instant: what arrives is heard, everybody due acts, and the world goes on by 10 ms. */
  step(): void {
    const atUs = this.#atUs;
    this.#feedWork();
    this.#arrive(atUs);
    for (const body of this.#bodies) this.#run(body, atUs);
    this.#runHub(atUs);
    if (atUs % CUT_US === 0) this.#cutRobots(atUs, false);
    this.#moveWorld(atUs);
    this.#atUs = atUs + STEP_US;
  }

  /** Seals what is left, so that the recording ends where the run ends. */
  finish(): void {
    this.#cutRobots(this.#atUs, true);
    this.#cutHub();
    this.#cutWorld(this.#atUs, true);
  }

  /** Blocks sealed since the last call, in the order of sealing. */
  takeBlocks(): readonly SealedBlock[] {
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }

  #feedWork(): void {
    const { site, seed, workload, robots } = this.#options;
    if (workload === 'none') return;
    for (let wanted = missionsWanted(robots, this.hub.openTasks + this.hub.waitingWishes); wanted > 0; wanted--) {
      const mission = missionAt(site, seed, this.#missions);
      if (mission === null) return;
      this.#missions++;
      this.hub.wish(mission);
    }
  }

  #arrive(atUs: number): void {
    for (const { packet } of this.#network.arrived(atUs)) {
      if (packet.type === 'up') this.hub.hear(packet.agentId, packet.frame, atUs);
      else if (packet.type === 'beat') this.#beat(packet.agentId);
      else this.#receive(packet.order, atUs);
    }
    for (const { to, stimulus } of this.#mesh.arrived(atUs)) this.#byId.get(to)?.inbox.push(stimulus);
    for (const { agentId, plan } of this.#secondary.answered(atUs)) this.#byId.get(agentId)?.inbox.push(plan);
  }

  #beat(agentId: string): void {
    const body = this.#byId.get(agentId);
    if (body === undefined) return;
    body.inbox.push({ kind: 'beat', from: 'link' });
    if (!body.faults.has('planner_hang')) body.inbox.push({ kind: 'beat', from: 'primary' });
  }

  #receive({ agentId, signedOrder, answers }: DownOrder, atUs: number): void {
    const body = this.#byId.get(agentId);
    if (body === undefined) return;
    if (answers !== null && body.faults.has('planner_hang')) return;
    if (answers !== null) this.times.planned(agentId, answers, atUs);
    body.robot.runtime.receiveOrder(signedOrder, atUs);
  }

  #run(body: Body, atUs: number): void {
    const { robot, index } = body;
    robot.sync(atUs);
    if (atUs % BEAT_US === 0 && !body.faults.has('planner_hang')) body.inbox.push({ kind: 'beat', from: 'secondary' });
    this.#sense(body);
    const output = robot.wake(body.inbox, atUs);
    body.inbox = [];
    for (const { frame } of output.uplink) this.#send(body, frame, atUs);
    for (const message of output.messages) this.#mesh.say(this.#world.world, index, message, atUs);
    if (!body.faults.has('planner_hang')) {
      for (const ask of output.asks) this.#secondary.ask(robot.agent, ask, atUs);
    }
    for (const actionId of output.reconcile) body.inbox.push(this.#reconcile(body, actionId));
  }

  #send({ robot }: Body, frame: UplinkFrame, atUs: number): void {
    if (frame.case === 'telemetry') this.times.reported(robot.id, Number(frame.value.inputSequence), atUs);
    this.#network.send(`${robot.id}>hub`, { type: 'up', agentId: robot.id, frame }, atUs);
  }

  #sense(body: Body): void {
    const outcomes = this.#outcomes;
    if (outcomes === null) return;
    for (const { channel, values } of outcomes.frames[body.index] ?? []) {
      body.inbox.push({ kind: 'percept', channel, values });
    }
    for (const { robot, actionId, status, detail } of outcomes.results) {
      if (robot === body.index) body.inbox.push({ kind: 'result', actionId, status, detail });
    }
  }

  /** What became of an action, asked of the body: it knows the one it is busy with and the last one it finished. */
  #reconcile({ index, robot }: Body, actionId: string): Stimulus {
    const { actions, finished } = this.#world.world;
    if (actions[index]?.id === actionId) return { kind: 'result', actionId, status: 'running', detail: null };
    const flight = robot.agent.actions.find(({ action }) => action.id === actionId);
    const done = finished[index];
    if (done != null && done.key === flight?.action.idempotencyKey) {
      return { kind: 'result', actionId, status: 'done', detail: done.detail };
    }
    return { kind: 'result', actionId, status: 'failed', detail: { reason: 'the body does not know of it' } };
  }

  /** Orders leave once their record is on the hub's disk. */
  #runHub(atUs: number): void {
    const orders = this.hub.tick(atUs);
    const events = this.hub.cut();
    if (events.length > 0) {
      this.#hubEvents.push(...events);
      this.#cutHub();
    }
    if (orders.length > 0) this.#hubOrders.push({ durableUs: this.#hubDisk.durableAt(atUs), orders });
    while (this.#hubOrders[0] !== undefined && this.#hubOrders[0].durableUs <= atUs) {
      for (const order of this.#hubOrders.shift()?.orders ?? []) {
        this.#network.send(`hub>${order.agentId}`, { type: 'order', order }, atUs);
      }
    }
    if (atUs % BEAT_US !== 0) return;
    for (const { robot } of this.#bodies) {
      this.#network.send(`hub>${robot.id}`, { type: 'beat', agentId: robot.id }, atUs);
    }
  }

  #moveWorld(atUs: number): void {
    const inbox: Stimulus[] = [];
    for (const body of this.#bodies) {
      const stimulus = actuatorStimulus(body.index, body.robot.runtime.actuatorsAt(atUs).command);
      const text =
        stimulus.kind === 'percept' ? `${stimulus.channel} ${stimulus.values.join(' ')}` : encodeState(stimulus);
      if (text === body.actuated) continue;
      body.actuated = text;
      inbox.push(stimulus);
    }
    while (this.#faults[0] !== undefined && this.#faults[0].atUs <= atUs) {
      inbox.push(injectionStimulus(injectionOf(this.#faults.shift() as PlannedFault, atUs)));
    }
    const outcomes = this.#world.step(inbox, EPOCH_TIME_US + atUs);
    this.#outcomes = outcomes;
    this.collisions += outcomes.collisions.length;
    for (const { injection, reason } of outcomes.refused) {
      this.refusedFaults.push(`${injection.type === 'fault' ? injection.fault : injection.type}: ${reason}`);
    }
    this.breaches.push(...breaches(this.#world.world, outcomes));
    this.#holdFaults(outcomes);
    if (atUs % WORLD_CUT_US === 0) this.#cutWorld(atUs, atUs % WORLD_SNAPSHOT_US === 0 && atUs > 0);
  }

  /** Faults of links and planners are the world's to time and ours to carry out. */
  #holdFaults(outcomes: Outcomes): void {
    for (const body of this.#bodies) {
      const held = outcomes.faults.filter(({ robot }) => robot === body.index);
      if (held.length === 0 && body.faults.size === 0) continue;
      body.faults = new Map(held.map(({ fault, value }) => [fault, value]));
      if (body.faults.has('planner_lies')) this.hub.liars.add(body.robot.id);
      else this.hub.liars.delete(body.robot.id);
      const lost = body.faults.has('link_loss');
      for (const link of [`${body.robot.id}>hub`, `hub>${body.robot.id}`]) {
        if (this.#network.isCut(link) !== lost) this.#network.cut(link, lost);
      }
    }
  }

  #cutRobots(atUs: number, force: boolean): void {
    for (const { robot } of this.#bodies) {
      const block = robot.cut(atUs, force);
      if (block !== null) this.#blocks.push(block);
    }
  }

  #cutHub(): void {
    if (this.#hubEvents.length === 0) return;
    this.#blocks.push(this.#hubChain.seal(this.#hubEvents));
    this.#hubEvents = [];
  }

  #cutWorld(atUs: number, withState: boolean): void {
    this.#worldEvents.push(...this.#world.cut(EPOCH_TIME_US + atUs));
    if (withState) this.#worldEvents.push(this.#world.snapshot(atUs, EPOCH_TIME_US + atUs));
    if (this.#worldEvents.length === 0) return;
    this.#blocks.push(this.#worldChain.seal(this.#worldEvents));
    this.#worldEvents = [];
  }
}

function injectionOf({ fault, robot, value, forUs }: PlannedFault, atUs: number): Injection {
  return {
    type: 'fault',
    robot,
    fault,
    ...(value === undefined ? {} : { value }),
    ...(forUs === undefined ? {} : { untilUs: atUs + forUs }),
  };
}

function opening(
  source: string,
  role: string,
  model: string,
  modelVersion: number,
  config: Json,
  seed: number,
): EventDraft {
  return openingEvent({
    tenant: TENANT,
    source,
    epoch: 0,
    role,
    model,
    modelVersion,
    config,
    seed,
    flags: [],
    policyText: '',
    policyHash: '',
    previousEpochHash: new Uint8Array(),
    atUs: 0,
    timeUs: EPOCH_TIME_US,
    software: SOFTWARE,
  });
}
