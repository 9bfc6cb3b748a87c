import { AgentRuntime, type Report, type RuntimeOutput } from '@sigma/edge';
import type { FaultName } from '@sigma/fleet-model';
import {
  type Agent,
  type AgentOptions,
  agentKey,
  type Command,
  encodeState,
  type Stimulus,
  type TerrainModel,
} from '@sigma/kernel';
import { AgentJournal, ChainWriter, type SealedBlock, type Sha256 } from '@sigma/recorder';
import { EdgeLink } from './edge-link.ts';
import { lieOf } from './lies.ts';
import { VirtualDisk } from './virtual-disk.ts';
import { actuatorStimulus } from './world-chain.ts';

export interface SimRobotOptions<World> {
  readonly model: TerrainModel<World>;
  readonly report: Report<World>;
  readonly agent: AgentOptions;
  readonly body: string;
  readonly policyText: string;
  readonly software: string;
  readonly epochTimeUs: number;
  readonly capabilities: readonly string[];
  readonly sha256: Sha256;
  readonly verify: (order: Uint8Array, signature: Uint8Array) => boolean;
}

/** How strongly a planner hangs: the hub's for this robot, or the one beside the body too. */
const HUB_HANGS = 1;
const BOTH_HANG = 2;

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
  #command: Command | null = null;
  #actuated = '';

  constructor(index: number, options: SimRobotOptions<World>) {
    const { model, report, agent, body, policyText, software, epochTimeUs, sha256, verify, capabilities } = options;
    const { id, tenant, epoch, seed, role } = agent;
    this.id = id;
    this.index = index;
    this.#epochTimeUs = epochTimeUs;
    this.#chain = new ChainWriter({ tenant, source: id, epoch }, sha256);
    this.#disk = new VirtualDisk(seed, agentKey(id));
    this.link = new EdgeLink({ tenant, agentId: id, role, body, software, epochTimeUs, capabilities, report });
    this.runtime = new AgentRuntime({
      model,
      agent,
      opening: { policyText, previousEpochHash: new Uint8Array(), software },
      journal: new AgentJournal({ agent: id, model, sha256, inputSequence: 0 }),
      epochTimeUs,
      report,
      body,
      verify,
      simulated: true,
      tamper: (plan) => {
        if (this.hangs(HUB_HANGS)) return null;
        return this.faults.has('planner_lies') ? lieOf(plan) : plan;
      },
    });
  }

  get agent(): Agent<World> {
    return this.runtime.agent;
  }

  /** True while the hub's planner (1) or even the one beside the body (2) is hung by a fault. */
  hangs(least: number): boolean {
    return Math.max(this.faults.get('planner_hang') ?? 0, this.faults.has('planner_hang') ? 1 : 0) >= least;
  }

  /** The hub was heard: it lives, and so does its planner unless a fault hangs it. */
  hubHeard(): void {
    this.runtime.deliver({ kind: 'beat', from: 'link' });
    if (!this.hangs(HUB_HANGS)) this.runtime.deliver({ kind: 'beat', from: 'primary' });
  }

  get secondaryHangs(): boolean {
    return this.hangs(BOTH_HANG);
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
    const { command } = this.runtime.actuatorsAt(atUs);
    if (command === this.#command) return null;
    this.#command = command;
    const stimulus = actuatorStimulus(this.index, command);
    const text = stimulus.kind === 'percept' ? `${stimulus.channel} ${stimulus.values}` : encodeState(stimulus);
    if (text === this.#actuated) return null;
    this.#actuated = text;
    return stimulus;
  }

  /** Seals what wants to be recorded, and starts its way to the disk. */
  cut(atUs: number, force: boolean): SealedBlock | null {
    if (!force && !this.runtime.wantsCut(atUs)) return null;
    const events = this.runtime.cut(this.#epochTimeUs + atUs);
    if (events.length === 0) return null;
    const block = this.#chain.seal(events);
    const sequence = block.firstSequence + block.count - 1;
    this.#syncing.push({ sequence, durableUs: this.#disk.durableAt(atUs) });
    return block;
  }
}
