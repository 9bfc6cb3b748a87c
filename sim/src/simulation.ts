import { verify as checkSignature, createPublicKey } from 'node:crypto';
import { fleetTerrain, type UplinkFrame } from '@sigma/edge';
import {
  BODIES,
  centreXM,
  centreYM,
  DEFAULT_POLICY,
  type FaultName,
  type FleetBelief,
  NEW_ROBOT_FLAGS,
  type Site,
} from '@sigma/fleet-model';
import {
  type Injection,
  injectionStimulus,
  type Outcomes,
  RecordedWorld,
  robotTruth,
  STEP_US,
} from '@sigma/fleet-world';
import { seededOrderKey } from '@sigma/hub/roles';
import { agentKey, type Json, type Stimulus } from '@sigma/kernel';
import type { ConnectRequest, ConnectResponse } from '@sigma/proto';
import type { SealedBlock, Sha256 } from '@sigma/recorder';
import type { ChainFacts } from '@sigma/recorder/facts';
import { DecisionTimes } from './decision-times.ts';
import type { PlannedFault } from './fault-plan.ts';
import { type PlannedRobot, planFleet } from './fleet-plan.ts';
import { VirtualHub } from './hub/virtual-hub.ts';
import { type Breach, harms, overlaps } from './invariants.ts';
import { VirtualMesh } from './mesh.ts';
import { VirtualNetwork } from './network.ts';
import { reconcile } from './reconcile.ts';
import { SimRobot } from './sim-robot.ts';
import { VirtualDisk } from './virtual-disk.ts';
import { VirtualPlanner } from './virtual-planner.ts';
import { missionAt, missionsWanted } from './workload.ts';

const TENANT = 'solo';
const SOFTWARE = 'sigma 0.1.0 (simulation)';
/** Wall time at which every simulation begins: 2026-01-01T00:00:00Z. One seed, one recording, on any day. */
const EPOCH_TIME_US = 1_767_225_600_000_000;

export const CUT_US = 50_000;
export const WORLD_CUT_US = 250_000;
export const WORLD_SNAPSHOT_US = 2_500_000;
const PLANNER_BEAT_US = 100_000;
/** Bodies are looked at this often: no faster than 3.6 m/s towards each other, none passes through another meanwhile. */
const WATCH_US = 50_000;

export interface SimulationOptions {
  readonly site: Site;
  readonly seed: number;
  readonly robots: number;
  readonly people: number;
  /** `mixed`: endless deliveries, patrols and covers. `none`: only what somebody wishes of `hub`. */
  readonly workload: 'mixed' | 'none';
  readonly faults: readonly PlannedFault[];
  /** Share of packets between hub and edges that have to be sent twice, 0 to 1. */
  readonly lossShare: number;
  /** Behaviour flags of the robots; those of new ones when absent. */
  readonly flags?: readonly number[];
}

/** A robot touched something. */
export interface Contact {
  readonly robot: string;
  readonly with: 'robot' | 'person' | 'wall';
  readonly speedMps: number;
  readonly atUs: number;
}

type Packet =
  | { readonly type: 'up'; readonly edgeId: string; readonly frame: ConnectRequest }
  | { readonly type: 'down'; readonly edgeId: string; readonly frame: ConnectResponse };

/**
 * Hub, edges, network, disks and world in one process on a virtual clock. Every call of `step` is one instant of 10 ms;
 * nothing in it waits for anything but its own computing, and the same options give the same bytes.
 */
export class Simulation {
  readonly hub: VirtualHub;
  readonly robots: readonly SimRobot<FleetBelief>[];
  readonly times = new DecisionTimes();
  readonly breaches: Breach[] = [];
  /** Faults that the world would not have, and why. */
  readonly refusedFaults: string[] = [];
  /** Every contact at 0.05 m/s or more. */
  readonly contacts: Contact[] = [];

  readonly #options: SimulationOptions;
  readonly #byEdge: ReadonlyMap<string, SimRobot<FleetBelief>>;
  readonly #world: RecordedWorld;
  readonly #network: VirtualNetwork<Packet>;
  readonly #mesh: VirtualMesh;
  readonly #secondary: VirtualPlanner<FleetBelief>;
  readonly #blocks: SealedBlock[];
  #faults: PlannedFault[];
  #outcomes: Outcomes | null = null;
  /** True while any robot has a fault. */
  #faulty = false;
  #missions = 0;
  #atUs = 0;

  static async open(options: SimulationOptions, hash: Sha256): Promise<Simulation> {
    const { site, seed, lossShare } = options;
    const key = seededOrderKey(hash(new TextEncoder().encode(`sigma simulated hub ${seed}`)));
    const network = new VirtualNetwork<Packet>(seed, lossShare);
    const blocks: SealedBlock[] = [];
    const started = { atUs: (): number => 0 };
    const hub = await VirtualHub.open({
      tenant: TENANT,
      site,
      software: SOFTWARE,
      epochTimeUs: EPOCH_TIME_US,
      key,
      disk: new VirtualDisk(seed, agentKey('hub')),
      take: (sealed) => void blocks.push(...sealed),
      say: (edgeId, frame) => network.send(`hub>${edgeId}`, { type: 'down', edgeId, frame }, started.atUs()),
    });
    const verify = verifierOf(key.publicKey);
    const simulation = new Simulation(options, hash, hub, network, blocks, verify);
    started.atUs = () => simulation.atUs;
    return simulation;
  }

  private constructor(
    options: SimulationOptions,
    hash: Sha256,
    hub: VirtualHub,
    network: VirtualNetwork<Packet>,
    blocks: SealedBlock[],
    verify: (order: Uint8Array, signature: Uint8Array) => boolean,
  ) {
    const { site, seed, people, flags = NEW_ROBOT_FLAGS } = options;
    this.#options = options;
    this.hub = hub;
    this.#network = network;
    this.#blocks = blocks;
    const plan = planFleet(site, options.robots, seed);
    this.#world = new RecordedWorld({
      config: { site, robots: plan, people },
      seed,
      chain: { tenant: TENANT, source: 'world', epoch: 0 },
      previousEpochHash: new Uint8Array(),
      software: SOFTWARE,
      sha256: hash,
      atUs: 0,
      timeUs: EPOCH_TIME_US,
    });
    this.#mesh = new VirtualMesh(seed);
    const terrain = fleetTerrain(site, DEFAULT_POLICY);
    this.#secondary = new VirtualPlanner(terrain.planner, seed);
    this.#faults = [...options.faults].sort((a, b) => a.atUs - b.atUs);
    const common = {
      terrain,
      software: SOFTWARE,
      epochTimeUs: EPOCH_TIME_US,
      sha256: hash,
      verify,
    };
    this.robots = plan.map((planned, index) => {
      const robotConfig = this.#configOf(planned, index);
      const who = { id: planned.id, tenant: TENANT, role: 'robot', seed, epoch: 0, flags, atUs: 0 };
      const agent = { ...who, config: robotConfig };
      return new SimRobot(index, { ...common, agent, body: planned.body, capabilities: capabilitiesOf(planned) });
    });
    this.#byEdge = new Map(this.robots.map((robot) => [edgeOf(robot), robot]));
  }

  get atUs(): number {
    return this.#atUs;
  }

  get world(): RecordedWorld['world'] {
    return this.#world.world;
  }

  /** One instant: what arrives is heard, everybody acts, and the world goes on by 10 ms. */
  async step(): Promise<void> {
    const atUs = this.#atUs;
    this.#feedWork();
    this.#arrive(atUs);
    for (const robot of this.robots) this.#run(robot, atUs);
    await this.hub.tick(atUs);
    if (atUs % CUT_US === 0) this.#cutRobots(atUs, false);
    this.#moveWorld(atUs);
    this.#atUs = atUs + STEP_US;
  }

  /** Seals what is left, so that the recording ends where the run ends. */
  finish(): void {
    this.#cutRobots(this.#atUs, true);
    this.#sealWorld(this.#atUs, true);
  }

  /** Blocks sealed since the last call, in the order of sealing. */
  takeBlocks(): readonly SealedBlock[] {
    return this.#blocks.splice(0);
  }

  /** Facts that have come together since the last call, of blocks that were taken. */
  takeFacts(): readonly ChainFacts[] {
    return this.robots.flatMap((robot) => robot.takeFacts() ?? []);
  }

  #configOf({ id, body, cell }: PlannedRobot, index: number): Json {
    const { site } = this.#options;
    const { dockedAt, charge } = robotTruth(this.#world.world, index);
    const start = { xM: centreXM(site, cell), yM: centreYM(site, cell), headingRad: 0 };
    return { site: { digest: site.digest }, body, name: id, start, docked: dockedAt, charge };
  }

  #feedWork(): void {
    const { site, seed, workload, robots } = this.#options;
    if (workload === 'none') return;
    for (let wanted = missionsWanted(robots, this.hub.openTasks); wanted > 0; wanted--) {
      const mission = missionAt(site, seed, this.#missions);
      if (mission === null) return;
      this.#missions++;
      this.hub.wish(mission);
    }
  }

  #arrive(atUs: number): void {
    for (const { packet } of this.#network.arrived(atUs)) {
      if (packet.type === 'up') this.hub.hear(packet.edgeId, packet.frame);
      else this.#hearHub(packet.edgeId, packet.frame, atUs);
    }
    for (const { to, stimulus } of this.#mesh.arrived(atUs)) this.#byEdge.get(`edge-${to}`)?.runtime.deliver(stimulus);
    for (const { agentId, plan } of this.#secondary.answered(atUs)) {
      const robot = this.#byEdge.get(`edge-${agentId}`);
      if (robot?.secondaryHangs === false) robot.runtime.deliver(plan);
    }
  }

  #hearHub(edgeId: string, frame: ConnectResponse, atUs: number): void {
    const robot = this.#byEdge.get(edgeId);
    if (robot === undefined) return;
    const { means, leaves } = robot.link.hear(frame, atUs);
    for (const request of leaves) this.#send(robot, request, atUs);
    if (means.type === 'heard') robot.hubHeard();
    if (means.type !== 'order') return;
    if (means.basis !== null) this.times.planned(robot.id, means.basis, atUs);
    robot.runtime.receiveOrder(means.signedOrder, atUs);
  }

  #run(robot: SimRobot<FleetBelief>, atUs: number): void {
    robot.sync(atUs);
    if (atUs % PLANNER_BEAT_US === 0 && !robot.secondaryHangs)
      robot.runtime.deliver({ kind: 'beat', from: 'secondary' });
    this.#sense(robot);
    const output = robot.wake(atUs);
    for (const request of robot.link.tick(atUs)) this.#send(robot, request, atUs);
    for (const { frame } of output.uplink) this.#tell(robot, frame, atUs);
    for (const message of output.messages) this.#mesh.say(this.#world.world, robot.index, message, atUs);
    for (const ask of output.asks) this.#secondary.ask(robot.agent, ask, robot.secondaryLies, atUs);
    for (const actionId of output.reconcile) {
      robot.runtime.deliver(reconcile(this.#world.world, robot.index, robot.agent, actionId));
    }
  }

  #tell(robot: SimRobot<FleetBelief>, frame: UplinkFrame, atUs: number): void {
    for (const request of robot.link.send(frame)) {
      if (frame.case === 'telemetry') this.times.reported(robot.id, Number(frame.value.inputSequence), atUs);
      this.#send(robot, request, atUs);
    }
  }

  #send(robot: SimRobot<FleetBelief>, frame: ConnectRequest, atUs: number): void {
    const edgeId = edgeOf(robot);
    this.#network.send(`${edgeId}>hub`, { type: 'up', edgeId, frame }, atUs);
  }

  #sense({ index, runtime }: SimRobot<FleetBelief>): void {
    const outcomes = this.#outcomes;
    if (outcomes === null) return;
    for (const { channel, values } of outcomes.frames[index] ?? [])
      runtime.deliver({ kind: 'percept', channel, values });
    for (const { robot, actionId, status, detail } of outcomes.results) {
      if (robot === index) runtime.deliver({ kind: 'result', actionId, status, detail });
    }
  }

  #moveWorld(atUs: number): void {
    const inbox: Stimulus[] = [];
    for (const robot of this.robots) {
      const stimulus = robot.actuate(atUs);
      if (stimulus !== null) inbox.push(stimulus);
    }
    while (this.#faults[0] !== undefined && this.#faults[0].atUs <= atUs) {
      inbox.push(injectionStimulus(injectionOf(this.#faults.shift() as PlannedFault, atUs)));
    }
    const outcomes = this.#world.step(inbox, atUs, EPOCH_TIME_US + atUs);
    this.#outcomes = outcomes;
    for (const { robot, with: what, speedMps } of outcomes.collisions) {
      this.contacts.push({ robot: this.robots[robot]?.id ?? '', with: what, speedMps, atUs });
    }
    for (const { injection, reason } of outcomes.refused) {
      this.refusedFaults.push(`${injection.type === 'fault' ? injection.fault : injection.type}: ${reason}`);
    }
    if (atUs % WATCH_US === 0) for (const breach of overlaps(this.#world.world)) this.breaches.push(breach);
    for (const breach of harms(this.#world.world, outcomes)) this.breaches.push(breach);
    if (outcomes.faults.length > 0 || this.#faulty) this.#holdFaults(outcomes);
    if (atUs % WORLD_CUT_US === 0) this.#sealWorld(atUs, atUs % WORLD_SNAPSHOT_US === 0 && atUs > 0);
  }

  /** Faults of links and planners are the world's to time and ours to carry out. */
  #holdFaults(outcomes: Outcomes): void {
    this.#faulty = outcomes.faults.length > 0;
    for (const robot of this.robots) {
      const held = outcomes.faults.filter((fault) => fault.robot === robot.index);
      if (held.length === 0 && robot.faults.size === 0) continue;
      robot.faults = new Map(held.map(({ fault, value }): [FaultName, number] => [fault, value]));
      const lost = robot.faults.has('link_loss');
      for (const line of [`${edgeOf(robot)}>hub`, `hub>${edgeOf(robot)}`]) {
        if (this.#network.isCut(line) !== lost) this.#network.cut(line, lost);
      }
    }
  }

  #cutRobots(atUs: number, force: boolean): void {
    for (const robot of this.robots) this.#blocks.push(...robot.cut(atUs, force));
  }

  #sealWorld(atUs: number, withState: boolean): void {
    const block = this.#world.seal(withState, EPOCH_TIME_US + atUs);
    if (block !== null) this.#blocks.push(block);
  }
}

/** What a body can do, in the words of the fleet. */
const capabilitiesOf = ({ body }: PlannedRobot): readonly string[] => [
  'drive',
  'scan',
  'load',
  'unload',
  'dock',
  body,
  `payload:${BODIES[body].payloadKg}`,
];

/** Checks orders as every edge does, with the hub's key read once. */
function verifierOf(publicKey: Uint8Array): (order: Uint8Array, signature: Uint8Array) => boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return (order, signature) => checkSignature(null, order, key, signature);
}

const edgeOf = ({ id }: { readonly id: string }): string => `edge-${id}`;

export function injectionOf({ fault, robot, value, forUs }: PlannedFault, atUs: number): Injection {
  return {
    type: 'fault',
    robot,
    fault,
    ...(value === undefined ? {} : { value }),
    ...(forUs === undefined ? {} : { untilUs: atUs + forUs }),
  };
}
