import { AgentRuntime, type Journal, type RuntimeOutput, type Terrain } from '@sigma/edge';
import type { FleetBelief } from '@sigma/fleet-model';
import { type Agent, agentKey, decodeState, type Stimulus, type TerrainModel } from '@sigma/kernel';
import {
  AgentJournal,
  ChainWriter,
  type EventDraft,
  type Life,
  LifeReader,
  type Lineage,
  type LivedWake,
  type Opening,
  openingEvent,
  pieceAt,
  type SealedBlock,
  type Sha256,
} from '@sigma/recorder';
import { ActuatorLine } from '../actuator-line.ts';
import { VirtualDisk } from '../virtual-disk.ts';

export interface ForkRobotOptions {
  readonly index: number;
  readonly life: Life;
  /** How it lived, and how it lives in the fork. */
  readonly terrain: Terrain<FleetBelief>;
  readonly changed: TerrainModel<FleetBelief>;
  /** Text of the policy of `changed`. */
  readonly policyText: string;
  readonly sha256: Sha256;
  readonly software: string;
  /** The fork's lineage but for the place, which is each chain's own. */
  readonly lineageFrom: (wake: LivedWake) => Lineage;
  /** What its actuators were told last before a moment, and when. */
  readonly toldBefore: (atUs: number) => { readonly stimulus: Stimulus; readonly atUs: number } | null;
}

/** Long enough before the moment that nothing of an earlier time waits for a disk or stands at an actuator any more. */
const WARM_UP_US = 3_000_000;

/**
 * A robot whose life goes on otherwise: restored from its snapshot, led over what it was given up to the moment with all
 * that stands around its kernel (commands that wait for the disk, what its actuators hold), and from there on run.
 */
export class ForkRobot {
  readonly index: number;
  readonly id: string;
  readonly #options: ForkRobotOptions;
  readonly #runtime: AgentRuntime<FleetBelief>;
  readonly #journal: ForkJournal;
  readonly #model: SwitchedModel;
  readonly #actuators: ActuatorLine;
  readonly #disk: VirtualDisk;
  readonly #opening: Opening;
  #chain: ChainWriter | null = null;
  #forkOpening: EventDraft | null = null;
  #syncing: { readonly sequence: number; readonly durableUs: number }[] = [];
  /** Wakes that were run again only to come to the moment. */
  warmUps = 0;
  /** Wakes of the fork. */
  wakes = 0;

  /** Leads the robot up to, and not into, the wake at `fromUs`. @throws StoreError, MalformedBytesError */
  static async at(options: ForkRobotOptions, fromUs: number): Promise<ForkRobot> {
    // What a fork of a fork shares was lived under another model: it begins no earlier than its parent did.
    const leastUs = pieceAt(options.life, fromUs).fromUs;
    const reader = await LifeReader.leadingUpTo(options.life, fromUs, Math.max(leastUs, fromUs - WARM_UP_US));
    const robot = new ForkRobot(options, reader);
    let last = reader.place ?? undefined;
    for (let wake = reader.next(fromUs); wake !== undefined; wake = reader.next(fromUs)) {
      robot.#relive(wake);
      last = wake;
    }
    if (last === undefined) throw new RangeError(`nothing was lived by ${robot.id} right before ${fromUs} us`);
    robot.#begin(last);
    return robot;
  }

  private constructor(options: ForkRobotOptions, reader: LifeReader) {
    const { index, life, terrain, changed } = options;
    const { opening, restored } = reader;
    const { source: id, tenant, role, seed, epoch, flags, config, atUs } = opening;
    this.#options = options;
    this.#opening = opening;
    this.index = index;
    this.id = life.source;
    this.#model = new SwitchedModel(terrain.model, changed);
    this.#journal = new ForkJournal(
      new AgentJournal({ agent: id, model: terrain.model, sha256: options.sha256, inputSequence: 0 }),
    );
    const resume =
      restored === null ? undefined : (decodeState(new TextDecoder().decode(restored.state)) as Agent<FleetBelief>);
    this.#runtime = new AgentRuntime({
      model: this.#model.model,
      agent: { id, tenant, role, seed, epoch, flags, config, atUs },
      opening: { policyText: options.policyText, previousEpochHash: opening.previousEpochHash, software: '' },
      journal: this.#journal,
      epochTimeUs: opening.timeUs - opening.atUs,
      report: { ...terrain.report, channels: [] },
      body: '',
      verify: () => false,
      simulated: true,
      ...(resume === undefined ? {} : { resume }),
    });
    this.#disk = new VirtualDisk(seed, agentKey(id));
    this.#actuators = new ActuatorLine(index);
    const told = restored === null ? null : options.toldBefore(restored.atUs);
    if (told !== null) this.#actuators.resume(told.stimulus, told.atUs);
  }

  get agent(): Agent<FleetBelief> {
    return this.#runtime.agent;
  }

  get life(): Life {
    return this.#options.life;
  }

  /** One wake as it was lived, with the runner's part around it. */
  #relive({ atUs, inbox, cutUs }: LivedWake): void {
    this.warmUps++;
    this.sync(atUs);
    this.#runtime.wakeAgain(atUs, inbox);
    // Cut when it was cut, so that the disk is as busy as it was.
    if (atUs === cutUs) this.cut(atUs, true);
    this.#actuators.say(this.#runtime.actuatorsAt(atUs), atUs);
  }

  /** From here on it is the fork's: under the changed model, on a chain of its own. */
  #begin(last: LivedWake): void {
    const { changed, policyText, sha256, software, lineageFrom } = this.#options;
    const { agent } = this;
    this.#model.change();
    const journal = new AgentJournal({ agent: agent.id, model: changed, sha256, inputSequence: agent.inputSequence });
    journal.snapshot(agent);
    this.#journal.inner = journal;
    const { tenant, source, epoch } = this.life;
    this.#chain = new ChainWriter({ tenant, source, epoch }, sha256);
    const { timeUs, atUs } = this.#opening;
    const lineage = lineageFrom(last);
    this.#forkOpening = openingEvent({
      ...this.#opening,
      modelVersion: changed.version,
      policyText,
      policyHash: changed.policy.hash,
      previousEpochHash: new Uint8Array(),
      atUs: agent.wokeUs,
      timeUs: timeUs - atUs + agent.wokeUs,
      software,
      lineage,
    });
  }

  /** Tells the runtime what has reached the disk by now. */
  sync(atUs: number): void {
    while (this.#syncing[0] !== undefined && this.#syncing[0].durableUs <= atUs) {
      this.#runtime.durable(this.#syncing[0].sequence, atUs);
      this.#syncing.shift();
    }
  }

  wake(atUs: number, inbox: readonly Stimulus[]): RuntimeOutput {
    this.wakes++;
    this.sync(atUs);
    for (const stimulus of inbox) this.#runtime.deliverAgain(stimulus);
    return this.#runtime.wake(atUs);
  }

  /** What the actuators must be told at `atUs`; null when they hold it already. */
  actuate(atUs: number): Stimulus | null {
    return this.#actuators.say(this.#runtime.actuatorsAt(atUs), atUs);
  }

  /** Seals what wants to be recorded and starts its way to the disk; there are no blocks while the life is only led up. */
  cut(atUs: number, force: boolean): readonly SealedBlock[] {
    if (!force && !this.#runtime.wantsCut(atUs)) return [];
    const events = this.#runtime.cut(this.#opening.timeUs - this.#opening.atUs + atUs);
    if (events.length === 0) return [];
    this.#syncing.push({ sequence: this.#runtime.recorded.cut, durableUs: this.#disk.durableAt(atUs) });
    if (this.#chain === null) return [];
    const blocks = this.#chain.sealCut(this.#forkOpening === null ? events : [this.#forkOpening, ...events]);
    this.#forkOpening = null;
    return blocks;
  }
}

/** Signals that the runtime itself gives its agent: run again, it gives them again. */
export const ofRuntime = (stimulus: Stimulus): boolean =>
  stimulus.kind === 'signal' && (stimulus.name === 'recorder_down' || stimulus.name === 'command_held');

/** The journal of a life that is led up to a moment, and another one from there on. */
class ForkJournal implements Journal {
  inner: AgentJournal;

  constructor(inner: AgentJournal) {
    this.inner = inner;
  }

  wake(...wake: Parameters<Journal['wake']>): void {
    this.inner.wake(...wake);
  }

  note(...note: Parameters<Journal['note']>): void {
    this.inner.note(...note);
  }

  snapshot(...snapshot: Parameters<Journal['snapshot']>): void {
    this.inner.snapshot(...snapshot);
  }

  cut(timeUs: number): readonly EventDraft[] {
    return this.inner.cut(timeUs);
  }
}

/** A model that becomes another one under whoever holds it. */
class SwitchedModel {
  readonly model: TerrainModel<FleetBelief>;
  readonly #changed: TerrainModel<FleetBelief>;
  #present: TerrainModel<FleetBelief>;

  constructor(lived: TerrainModel<FleetBelief>, changed: TerrainModel<FleetBelief>) {
    this.#changed = changed;
    this.#present = lived;
    const fields = Object.keys(lived) as (keyof TerrainModel<FleetBelief>)[];
    const model = {};
    for (const field of fields)
      Object.defineProperty(model, field, { enumerable: true, get: () => this.#present[field] });
    this.model = model as TerrainModel<FleetBelief>;
  }

  change(): void {
    this.#present = this.#changed;
  }
}
