import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command, PlanStimulus, Stimulus } from '@sigma/kernel';
import type { Fault, Order, OrderSchema } from '@sigma/proto';
import { AgentJournal, type EventDraft } from '@sigma/recorder';
import { AgentRuntime } from '../src/runtime/agent-runtime.ts';
import type { AgentRuntimeOptions, Free } from '../src/runtime/runtime-words.ts';
import type { Uplink } from '../src/runtime/uplink.ts';
import { cart, cartReport, type Rail, railFrame } from './cart.ts';
import { orderSigner } from './signed-orders.ts';

export const STORY_EPOCH_US = 1_700_000_000_000_000;
const TICK_US = 10_000;

type OrderInit = Exclude<MessageInitShape<typeof OrderSchema>, Order>;
type OrderCase = NonNullable<OrderInit['order']>;

/** A cart, its runtime and a disk whose hand the test holds: small verbs, explicit time, nothing real. */
export class CartStory {
  readonly hub = orderSigner();
  readonly runtime: AgentRuntime<Rail>;
  readonly uplink: Uplink[] = [];
  readonly faults: Fault[] = [];
  readonly blocks: { readonly events: readonly EventDraft[]; readonly sequence: number; readonly atUs: number }[] = [];
  atUs = 0;
  /** Microseconds from cut to durable; null: the disk does not answer. */
  diskUs: number | null = 0;
  rangeM = 100;
  #sequence = 0;
  #revision = 0;

  constructor(overrides: Partial<AgentRuntimeOptions<Rail>> = {}) {
    const agent = {
      id: 'cart-1',
      tenant: 'acme',
      role: 'carrier',
      seed: 7,
      epoch: 0,
      flags: [],
      config: null,
      atUs: 0,
      ...overrides.agent,
    };
    this.runtime = new AgentRuntime<Rail>({
      model: cart,
      opening: { policyText: '', previousEpochHash: new Uint8Array(), software: 'test' },
      journal: new AgentJournal({ agent: 'cart-1', model: cart, sha256, inputSequence: 0 }),
      epochTimeUs: STORY_EPOCH_US,
      report: cartReport,
      body: 'cart',
      verify: this.hub.verify,
      simulated: true,
      ...overrides,
      agent,
    });
  }

  /** One tick: a frame, a cycle, and the disk if it answers by now. @returns what the actuators hold */
  tick(...stimuli: Stimulus[]): Command {
    this.atUs += TICK_US;
    this.runtime.deliver(railFrame(0, this.rangeM));
    for (const stimulus of stimuli) this.runtime.deliver(stimulus);
    this.runtime.deliver({ kind: 'beat', from: 'primary' });
    this.#release(this.runtime.wake(this.atUs));
    if (this.runtime.wantsCut(this.atUs)) {
      const events = this.runtime.cut(STORY_EPOCH_US + this.atUs);
      if (events.length > 0) this.blocks.push({ events, sequence: this.runtime.recorded.cut, atUs: this.atUs });
    }
    this.#disk();
    return this.runtime.actuatorsAt(this.atUs).command;
  }

  run(ticks: number): Command {
    let command = this.tick();
    for (let i = 1; i < ticks; i++) command = this.tick();
    return command;
  }

  #disk(): void {
    const { diskUs } = this;
    if (diskUs === null) return;
    const saved = this.blocks.findLast(({ atUs }) => atUs + diskUs <= this.atUs);
    if (saved !== undefined) this.runtime.durable(saved.sequence, this.atUs);
    this.#release(this.runtime.collect());
  }

  #release({ uplink, faults }: Free): void {
    this.uplink.push(...uplink);
    this.faults.push(...faults);
  }

  order(order: OrderCase, overrides: Partial<OrderInit> = {}): Uint8Array {
    const nowUs = STORY_EPOCH_US + this.atUs;
    return this.hub.sign({
      tenant: 'acme',
      agentId: 'cart-1',
      issuer: 'core',
      sequence: BigInt(++this.#sequence),
      issuedTimeUs: BigInt(nowUs),
      expiresTimeUs: BigInt(nowUs + 1_000_000),
      ...overrides,
      order,
    });
  }

  send(order: OrderCase, overrides: Partial<OrderInit> = {}): void {
    this.runtime.receiveOrder(this.order(order, overrides), this.atUs);
  }

  assign(): void {
    this.send({ case: 'assign', value: { task: { id: 't1', missionId: 'm1', kind: 'reach', argsJson: '{"xM":50}' } } });
  }

  plan(speedMps: number): PlanStimulus {
    return {
      kind: 'plan',
      from: 'primary',
      taskId: 't1',
      revision: ++this.#revision,
      intents: [{ name: 'advance', args: { xM: 50, speedMps } }],
      confidence: 1,
      rationale: 'along the rail',
      basis: null,
      alternatives: [],
    };
  }

  frames<Case extends Uplink['frame']['case']>(kind: Case): Extract<Uplink['frame'], { case: Case }>['value'][] {
    return this.uplink.flatMap(({ frame }) => (frame.case === kind ? [frame.value] : [])) as never;
  }

  answers(): string[] {
    return this.frames('answer').map(({ accepted, reason }) => (accepted ? 'accepted' : reason));
  }
}

export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
