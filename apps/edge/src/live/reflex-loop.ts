import { AgentJournal, ChainWriter, FactsJournal, type SealedBlock, type Sha256 } from '@sigma/recorder';
import type { ChainFacts } from '@sigma/recorder/facts';
import type { Driver } from '../hal/driver.ts';
import { UplinkQueue } from '../link/uplink-queue.ts';
import { AgentRuntime } from '../runtime/agent-runtime.ts';
import { passOn } from '../runtime/peers.ts';
import type { VerifyOrder } from '../runtime/ports.ts';
import type { Free, RuntimeOutput } from '../runtime/runtime-words.ts';
import type { Uplink } from '../runtime/uplink.ts';
import type { FromPlanner, Question } from './planner-thread.ts';
import type { BodyCounts, BodyLife, ToReflex } from './reflex-messages.ts';
import type { Terrain } from './terrain.ts';

/** Where the loop's words go: other threads, each by its own road. Nothing here may wait. */
export interface LoopPorts {
  readonly store: (blocks: readonly SealedBlock[]) => void;
  /** Facts that came together beside blocks that were handed over before. */
  readonly facts: (facts: readonly ChainFacts[]) => void;
  readonly ask: (question: Question) => void;
  readonly uplink: (frames: readonly Uplink[]) => void;
  readonly wallUs: () => number;
  /** A block took so long from its cut until it was on disk, microseconds. */
  readonly committed: (us: number) => void;
}

export interface LoopSetup {
  readonly terrain: Terrain<unknown>;
  readonly driver: Driver;
  readonly bodies: readonly BodyLife[];
  readonly simulated: boolean;
  readonly software: string;
  readonly epochTimeUs: number;
  readonly verify: VerifyOrder;
  readonly sha256: Sha256;
  readonly ports: LoopPorts;
}

interface Body {
  readonly id: string;
  readonly runtime: AgentRuntime<unknown>;
  readonly chain: ChainWriter;
  readonly facts: FactsJournal<unknown> | null;
  /** Keeps frames while the simulated world has cut this body's link. */
  readonly gate: UplinkQueue;
  revision: number;
  cut: boolean;
}

/** Bytes handed to the recorder and not on disk; beyond this the recorder counts as lost and memory is spared. */
const MOST_UNSAVED_BYTES = 64 * 1024 * 1024;

/**
 * One turn of the reflex loop for all bodies of this edge, apart from threads and clocks: read, decide, act, and then
 * hand the rest to whoever may take its time.
 */
export class ReflexLoop {
  readonly #setup: LoopSetup;
  readonly #bodies = new Map<string, Body>();
  readonly #runtimes = new Map<string, AgentRuntime<unknown>>();
  #frames: Uplink[] = [];
  #unsavedBytes = 0;
  #unsaved: {
    readonly source: string;
    readonly sequence: number;
    readonly bytes: number;
    readonly cutUs: number;
  }[] = [];
  #recorderLost = false;
  #hubHeard = false;
  #plannerHeard = false;

  constructor(setup: LoopSetup) {
    this.#setup = setup;
    const { terrain, simulated, epochTimeUs, verify, sha256, software } = setup;
    const { model, report, policyText } = terrain;
    for (const { agent, body, previousEpochHash, before, inFlight } of setup.bodies) {
      const { id, tenant, epoch } = agent;
      const journal = new AgentJournal({ agent: id, model, sha256, inputSequence: 0 });
      const facts = terrain.facts === undefined ? null : new FactsJournal(journal, model, terrain.facts);
      const runtime = new AgentRuntime<unknown>({
        model: facts?.model ?? model,
        agent,
        opening: { policyText, previousEpochHash, software },
        before,
        journal: facts ?? journal,
        epochTimeUs,
        report,
        body,
        verify,
        simulated,
        inFlight,
        tamper: (plan) => {
          const faults = setup.driver.outside(id);
          if (faults.planner_hang !== undefined) return null;
          return faults.planner_lies === undefined ? plan : terrain.planner.lie(plan);
        },
      });
      const chain = new ChainWriter({ tenant, source: id, epoch }, sha256);
      this.#bodies.set(id, { id, runtime, chain, facts, gate: new UplinkQueue(), revision: 0, cut: false });
      this.#runtimes.set(id, runtime);
    }
  }

  /** One tick. @returns moment of the oldest frame read, agent time, or null when there was none */
  tick(atUs: number): number | null {
    const { driver, ports } = this.#setup;
    let oldestUs: number | null = null;
    for (const input of driver.read(atUs)) {
      const body = this.#bodies.get(input.agentId);
      if (body === undefined) continue;
      for (const stimulus of input.stimuli) body.runtime.deliver(stimulus);
      if (oldestUs === null || input.atUs < oldestUs) oldestUs = input.atUs;
    }
    this.#passBeats();
    const blocks: SealedBlock[] = [];
    for (const body of this.#bodies.values()) {
      const output = body.runtime.wake(atUs);
      const { command, untilUs } = output.actuate;
      driver.write(body.id, command, untilUs);
      this.#carryOut(body, output, atUs);
      this.#cut(body, atUs, blocks);
    }
    if (blocks.length > 0 && !this.#recorderLost) {
      ports.store(blocks);
      this.#handFacts();
    }
    this.#flush();
    return oldestUs;
  }

  hear(message: ToReflex, atUs: number): void {
    if (message.type === 'heard') this.#hubHeard = true;
    else if (message.type === 'order') {
      // An order for nobody here goes to some body's door all the same: there it is refused, counted and recorded.
      const body = this.#bodies.get(message.agentId) ?? this.#bodies.values().next().value;
      if (body !== undefined && !body.cut) body.runtime.receiveOrder(message.signedOrder, atUs);
    } else if (message.type === 'note') this.note(message.name, message.body);
    else if (message.type === 'gap') this.#bodies.get(message.agentId)?.runtime.gap(message.gap);
  }

  /** Puts something of this program's own on the record of every body. */
  note(name: `edge.${string}`, body: unknown): void {
    for (const { runtime } of this.#bodies.values()) runtime.note(name, body);
  }

  /** The secondary planner lives; passed on with the next tick. */
  plannerBeat(): void {
    this.#plannerHeard = true;
  }

  plan({ agentId, plan }: FromPlanner): void {
    const body = this.#bodies.get(agentId);
    if (body !== undefined && !hangs(this.#setup.driver, agentId, 2)) body.runtime.deliver(plan);
  }

  /** Blocks are on disk: what waited for them leaves now, between two ticks. */
  durable(sequences: ReadonlyMap<string, number>, atUs: number): void {
    const { driver } = this.#setup;
    for (const [source, sequence] of sequences) {
      const body = this.#bodies.get(source);
      if (body === undefined) continue;
      body.runtime.durable(sequence, atUs);
      const { command, untilUs } = body.runtime.actuatorsAt(atUs);
      driver.write(source, command, untilUs);
      this.#release(body, body.runtime.collect());
    }
    const { committed, wallUs } = this.#setup.ports;
    this.#unsaved = this.#unsaved.filter(({ source, sequence, bytes, cutUs }) => {
      const saved = sequence <= (sequences.get(source) ?? 0);
      if (saved) {
        this.#unsavedBytes -= bytes;
        committed(wallUs() - cutUs);
      }
      return !saved;
    });
    this.#flush();
  }

  /** The recorder is gone for this epoch: nothing is released any more that needs it. */
  recorderLost(): void {
    if (this.#recorderLost) return;
    this.#recorderLost = true;
    this.#unsaved = [];
    for (const { runtime } of this.#bodies.values()) runtime.recorderDown();
  }

  counts(): ReadonlyMap<string, BodyCounts> {
    return new Map(
      [...this.#bodies.values()].map(({ id, runtime }) => {
        const { agent, counts, recorded } = runtime;
        return [id, { ...counts, ...recorded, command: agent.command.name, chain: agent.chain.active }];
      }),
    );
  }

  /** Everything that is not cut yet, for the end of the program. */
  lastBlocks(): readonly SealedBlock[] {
    const blocks: SealedBlock[] = [];
    for (const body of this.#bodies.values()) {
      body.runtime.note('edge.closed', {});
      this.#seal(body, blocks);
    }
    return blocks;
  }

  #passBeats(): void {
    const { driver } = this.#setup;
    for (const { id, runtime, cut } of this.#bodies.values()) {
      if (this.#hubHeard && !cut) {
        runtime.deliver({ kind: 'beat', from: 'link' });
        if (!hangs(driver, id, 1)) runtime.deliver({ kind: 'beat', from: 'primary' });
      }
      if (this.#plannerHeard && !hangs(driver, id, 2)) runtime.deliver({ kind: 'beat', from: 'secondary' });
    }
    this.#hubHeard = false;
    this.#plannerHeard = false;
  }

  #carryOut(body: Body, output: RuntimeOutput, atUs: number): void {
    const { driver, ports } = this.#setup;
    for (const actionId of output.reconcile) driver.reconcile(body.id, actionId);
    for (const ask of output.asks) {
      const { world } = body.runtime.agent;
      const lie = (driver.outside(body.id).planner_lies ?? 0) >= 2;
      ports.ask({ agentId: body.id, world, ask, atUs, revision: ++body.revision, lie });
    }
    this.#gate(body, driver.outside(body.id).link_loss !== undefined);
    this.#release(body, output);
  }

  /** What is free leaves: to the hub first, for what is done to a simulated body may cut its way there. */
  #release(body: Body, { uplink, messages, faults }: Free): void {
    const { terrain, driver } = this.#setup;
    this.#send(body, uplink);
    passOn(terrain.report, this.#runtimes, body.id, messages);
    for (const { fault, clear, value, forUs } of faults) {
      driver.inject({ agentId: body.id, fault, clear, value, forUs: Number(forUs) });
    }
  }

  /** Opens or closes a body's own way to the hub. What waited goes out in order, each frame once (L6). */
  #gate(body: Body, cut: boolean): void {
    if (cut === body.cut) return;
    body.cut = cut;
    if (cut) return;
    const { shed } = body.gate;
    if (shed.decision + shed.telemetry > 0) body.runtime.note('edge.shed', { ...shed });
    this.#frames.push(...body.gate.drain());
  }

  #send(body: Body, frames: readonly Uplink[]): void {
    for (const frame of frames) {
      if (body.cut) body.gate.push(frame);
      else this.#frames.push(frame);
    }
  }

  #cut(body: Body, atUs: number, into: SealedBlock[]): void {
    if (!body.runtime.wantsCut(atUs)) return;
    this.#seal(body, into);
    if (this.#unsavedBytes > MOST_UNSAVED_BYTES) this.recorderLost();
  }

  #handFacts(): void {
    const { model } = this.#setup.terrain;
    const basis = { model: model.name, modelVersion: model.version, policyHash: model.policy.hash };
    let together: ChainFacts[] | null = null;
    for (const { facts, chain } of this.#bodies.values()) {
      const stretches = facts?.take() ?? [];
      if (stretches.length === 0) continue;
      together ??= [];
      together.push({ chain: chain.head, basis, stretches });
    }
    if (together !== null) this.#setup.ports.facts(together);
  }

  #seal({ runtime, chain, facts, id }: Body, into: SealedBlock[]): void {
    const cutUs = this.#setup.ports.wallUs();
    const events = runtime.cut(cutUs);
    if (events.length === 0 || this.#recorderLost) return;
    const first = chain.head.sequence + 1;
    let bytes = 0;
    for (const block of chain.sealCut(events)) {
      facts?.sealed(block, events.slice(block.firstSequence - first, block.firstSequence - first + block.count));
      into.push(block);
      bytes += block.bytes.length;
    }
    this.#unsavedBytes += bytes;
    this.#unsaved.push({ source: id, sequence: runtime.recorded.cut, bytes, cutUs });
  }

  #flush(): void {
    if (this.#frames.length === 0) return;
    this.#setup.ports.uplink(this.#frames);
    this.#frames = [];
  }
}

/** A simulated planner hang: value 1 (or none) the hub's for this body, 2 the secondary too. */
const hangs = (driver: Driver, agentId: string, least: number): boolean =>
  Math.max(driver.outside(agentId).planner_hang ?? 0, driver.outside(agentId).planner_hang === undefined ? 0 : 1) >=
  least;
