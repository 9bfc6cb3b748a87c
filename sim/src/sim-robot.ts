import { AgentRuntime, type RuntimeOutput, type Terrain } from '@sigma/edge';
import type { FaultName } from '@sigma/fleet-model';
import { type Agent, type AgentOptions, agentKey, type Stimulus } from '@sigma/kernel';
import { AgentJournal, ChainWriter, FactsJournal, type SealedBlock, type Sha256 } from '@sigma/recorder';
import type { ChainFacts } from '@sigma/recorder/facts';
import { ActuatorLine } from './actuator-line.ts';
import { EdgeLink } from './edge-link.ts';
import { VirtualDisk } from './virtual-disk.ts';

export interface SimRobotOptions<World> {
  readonly terrain: Terrain<World>;
  readonly agent: AgentOptions;
  readonly body: string;
  readonly software: string;
  readonly epochTimeUs: number;
  readonly capabilities: readonly string[];
  readonly sha256: Sha256;
  readonly verify: (order: Uint8Array, signature: Uint8Array) => boolean;
}

/** How strong a planner's fault is: the hub's for this robot, or the one beside the body too. */
const HUB = 1;
const BOTH = 2;

/** One edge of the simulation: the runtime that real edges use, with its chain, its link and a disk on virtual time. */
export class SimRobot<World> {
  readonly id: string;
  readonly index: number;
  readonly runtime: AgentRuntime<World>;
  readonly link: EdgeLink;
  /** Faults that the world holds against this robot now, by name and strength. */
  faults: ReadonlyMap<FaultName, number> = new Map();
  readonly #chain: ChainWriter;
  readonly #disk: VirtualDisk;
  readonly #epochTimeUs: number;
  #syncing: { readonly sequence: number; readonly durableUs: number }[] = [];
  readonly #actuators: ActuatorLine;
  readonly #facts: FactsJournal<World> | null;
  readonly #basis: ChainFacts['basis'];

  constructor(index: number, options: SimRobotOptions<World>) {
    const { terrain, agent, body, software, epochTimeUs, sha256, verify, capabilities } = options;
    const { model, report, policyText, planner } = terrain;
    const { id, tenant, epoch, seed, role } = agent;
    this.id = id;
    this.index = index;
    this.#actuators = new ActuatorLine(index);
    this.#epochTimeUs = epochTimeUs;
    this.#chain = new ChainWriter({ tenant, source: id, epoch }, sha256);
    this.#disk = new VirtualDisk(seed, agentKey(id));
    this.link = new EdgeLink({ tenant, agentId: id, role, body, software, epochTimeUs, capabilities, report });
    const journal = new AgentJournal({ agent: id, model, sha256, inputSequence: 0 });
    this.#facts = terrain.facts === undefined ? null : new FactsJournal(journal, model, terrain.facts);
    this.#basis = { model: model.name, modelVersion: model.version, policyHash: model.policy.hash };
    this.runtime = new AgentRuntime({
      model: this.#facts?.model ?? model,
      agent,
      opening: { policyText, previousEpochHash: new Uint8Array(), software },
      journal: this.#facts ?? journal,
      epochTimeUs,
      report,
      body,
      verify,
      simulated: true,
      tamper: (plan) => {
        if (this.#fails('planner_hang', HUB)) return null;
        return this.#fails('planner_lies', HUB) ? planner.lie(plan) : plan;
      },
    });
  }

  get agent(): Agent<World> {
    return this.runtime.agent;
  }

  #fails(fault: 'planner_hang' | 'planner_lies', least: number): boolean {
    const value = this.faults.get(fault);
    return value !== undefined && Math.max(HUB, value) >= least;
  }

  /** The hub was heard: it lives, and so does its planner unless a fault hangs it. */
  hubHeard(): void {
    this.runtime.deliver({ kind: 'beat', from: 'link' });
    if (!this.#fails('planner_hang', HUB)) this.runtime.deliver({ kind: 'beat', from: 'primary' });
  }

  get secondaryHangs(): boolean {
    return this.#fails('planner_hang', BOTH);
  }

  get secondaryLies(): boolean {
    return this.#fails('planner_lies', BOTH);
  }

  /** Tells the runtime what has reached the disk by now. */
  sync(atUs: number): void {
    while (this.#syncing[0] !== undefined && this.#syncing[0].durableUs <= atUs) {
      this.runtime.durable(this.#syncing[0].sequence, atUs);
      this.#syncing.shift();
    }
  }

  wake(atUs: number): RuntimeOutput {
    return this.runtime.wake(atUs);
  }

  /** What the actuators must be told at `atUs`, in counts; null when they hold it already. */
  actuate(atUs: number): Stimulus | null {
    return this.#actuators.say(this.runtime.actuatorsAt(atUs), atUs);
  }

  /** Seals what wants to be recorded, and starts its way to the disk. */
  cut(atUs: number, force: boolean): readonly SealedBlock[] {
    if (!force && !this.runtime.wantsCut(atUs)) return [];
    const events = this.runtime.cut(this.#epochTimeUs + atUs);
    if (events.length === 0) return [];
    const first = this.#chain.head.sequence + 1;
    const blocks = this.#chain.sealCut(events);
    for (const block of blocks) {
      const from = block.firstSequence - first;
      this.#facts?.sealed(block, events.slice(from, from + block.count));
    }
    this.#syncing.push({ sequence: first + events.length - 1, durableUs: this.#disk.durableAt(atUs) });
    return blocks;
  }

  /** Facts that have come together since it was last asked; null for none. */
  takeFacts(): ChainFacts | null {
    const stretches = this.#facts?.take() ?? [];
    return stretches.length === 0 ? null : { chain: this.#chain.head, basis: this.#basis, stretches };
  }
}
