import { AgentRuntime, type Report, type RuntimeOutput } from '@sigma/edge';
import { type Agent, type AgentOptions, agentKey, type Stimulus, type TerrainModel } from '@sigma/kernel';
import { AgentJournal, ChainWriter, type SealedBlock, type Sha256 } from '@sigma/recorder';
import { VirtualDisk } from './virtual-disk.ts';

export interface SimRobotOptions<World> {
  readonly model: TerrainModel<World>;
  readonly report: Report<World>;
  readonly agent: AgentOptions;
  readonly body: string;
  readonly policyText: string;
  readonly software: string;
  readonly epochTimeUs: number;
  readonly sha256: Sha256;
  readonly verify: (order: Uint8Array, signature: Uint8Array) => boolean;
}

/** One edge agent of the simulation: the runtime that real edges use, with its chain and a disk on the virtual clock. */
export class SimRobot<World> {
  readonly id: string;
  readonly runtime: AgentRuntime<World>;
  readonly #chain: ChainWriter;
  readonly #disk: VirtualDisk;
  readonly #epochTimeUs: number;
  #syncing: { readonly sequence: number; readonly durableUs: number }[] = [];

  constructor(options: SimRobotOptions<World>) {
    const { model, report, agent, body, policyText, software, epochTimeUs, sha256, verify } = options;
    const { id, tenant, epoch, seed } = agent;
    this.id = id;
    this.#epochTimeUs = epochTimeUs;
    this.#chain = new ChainWriter({ tenant, source: id, epoch }, sha256);
    this.#disk = new VirtualDisk(seed, agentKey(id));
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
    });
  }

  get agent(): Agent<World> {
    return this.runtime.agent;
  }

  /** Tells the runtime what has reached the disk by now. */
  sync(atUs: number): void {
    while (this.#syncing[0] !== undefined && this.#syncing[0].durableUs <= atUs) {
      this.runtime.durable(this.#syncing[0].sequence, atUs);
      this.#syncing.shift();
    }
  }

  wake(stimuli: readonly Stimulus[], atUs: number): RuntimeOutput {
    for (const stimulus of stimuli) this.runtime.deliver(stimulus);
    return this.runtime.wake(atUs);
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
