import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AgentEvent,
  AgentEventSchema,
  type DecisionMade,
  DecisionMadeSchema,
  DecisionSchema,
  OrderIssuedSchema,
  OrderSchema,
  SignedOrderSchema,
  SystemSignalSchema,
} from '@sigma/proto';
import {
  type BlockBatch,
  ChainWriter,
  EVENT_TYPE,
  type EventDraft,
  openingEvent,
  type SealedBlock,
  sealStub,
} from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { testOpening } from '@sigma/recorder/testing';
import fc from 'fast-check';

export const LIFE_BEGAN_US = 1_600_000_000_000_000;

/** What a robot lived through in one wake. */
export interface LivedWake {
  readonly atUs: number;
  readonly signals?: readonly { readonly name: string; readonly body: unknown }[];
  /** Sequence of the decision that was made in it. */
  readonly decision?: number;
  /** A stop that it was ordered, and accepts in this wake. */
  readonly stop?: string;
  /** So many bytes of something that nobody looks for. */
  readonly padding?: number;
}

export const VIOLATION = {
  violation: { kind: 'physical', decisionSequence: 4, command: 'drive', quantity: 'xM', expected: 2, observed: 1.5 },
};
export const RAISED = { change: 'raised', entry: { action: 'protective_stop', cause: 'too near' }, selected: null };

/** One life of a robot, as its recording holds it and as its hub hears it. */
export class RobotLife {
  readonly agentId: string;
  readonly epoch: number;
  readonly blocks: SealedBlock[] = [];
  readonly events: AgentEvent[] = [];
  readonly decisions: DecisionMade[] = [];
  /** When which stop was in force from. */
  readonly stops: { readonly atUs: number; readonly stop: string }[] = [];
  readonly #writer: ChainWriter;
  readonly #beganUs: number;
  #orders = 0;

  constructor(agentId: string, epoch = 0, over: { readonly beganUs?: number; readonly tenant?: string } = {}) {
    this.agentId = agentId;
    this.epoch = epoch;
    this.#beganUs = over.beganUs ?? LIFE_BEGAN_US;
    const opening = testOpening(agentId, { epoch, timeUs: this.#beganUs, tenant: over.tenant ?? 'acme' });
    this.#writer = new ChainWriter(opening, sha256);
    this.blocks.push(this.#writer.seal([openingEvent(opening)]));
  }

  /** Wakes that stand in one block. */
  lives(...wakes: readonly LivedWake[]): SealedBlock {
    return this.records(wakes.flatMap((wake) => this.#eventsOf(wake)));
  }

  /** A block with these events. */
  records(events: readonly EventDraft[]): SealedBlock {
    const block = this.#writer.seal(events);
    this.blocks.push(block);
    return block;
  }

  /** In the place of these blocks, of which the first is not the opening: a spool had no room for them (R127). */
  stub(first: number, end: number): SealedBlock {
    const blocks = this.blocks.slice(first, end);
    const [{ tenant, source, epoch, firstSequence, previousHash }] = blocks as [SealedBlock];
    const { lastAtUs } = blocks.at(-1) as SealedBlock;
    const dropped = blocks.map(({ hash, count }) => ({ hash, count }));
    return sealStub({ tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs });
  }

  batch(first = 0, end = this.blocks.length): BlockBatch {
    const blocks = this.blocks.slice(first, end);
    const [{ tenant, source, epoch, firstSequence, previousHash }] = blocks as [SealedBlock];
    const { hash } = blocks.at(-1) as SealedBlock;
    const bytes = blocks.map((block) => block.bytes);
    return { tenant, source, epoch, firstSequence, previousHash, hash, blocks: bytes, time: { us: 0, count: 0 } };
  }

  /** An event of this life at its time. */
  event(atUs: number, type: string, data: Uint8Array): EventDraft {
    return { type, subject: '', atUs, timeUs: this.#beganUs + atUs, traceparent: '', data };
  }

  signal(atUs: number, name: string, body: unknown): EventDraft {
    const message = create(SystemSignalSchema, { name, bodyJson: JSON.stringify(body) });
    return this.event(atUs, EVENT_TYPE.signal, toBinary(SystemSignalSchema, message));
  }

  decided(atUs: number, sequence: number, over: { rationale?: string; epoch?: number } = {}): EventDraft {
    const { rationale = 'so', epoch = this.epoch } = over;
    const decision = create(DecisionSchema, { sequence: BigInt(sequence), rationale, context: { epoch } });
    return this.event(atUs, EVENT_TYPE.decision, toBinary(DecisionSchema, decision));
  }

  #eventsOf({ atUs, signals = [], decision, stop, padding = 0 }: LivedWake): readonly EventDraft[] {
    const { agentId } = this;
    const events: EventDraft[] = [];
    if (stop !== undefined) {
      const order = create(OrderSchema, {
        order: stop === 'reset' ? { case: 'reset', value: {} } : { case: 'stop', value: { stop } },
      });
      const signedOrder = toBinary(
        SignedOrderSchema,
        create(SignedOrderSchema, { order: toBinary(OrderSchema, order) }),
      );
      const issued = { signedOrder, issuer: 'operator:ann', orderSequence: BigInt(++this.#orders) };
      events.push(this.event(atUs, EVENT_TYPE.order, toBinary(OrderIssuedSchema, create(OrderIssuedSchema, issued))));
      const accepted = { type: 'order_accepted', issuer: 'operator:ann', sequence: this.#orders, order: 'stop' };
      events.push(this.signal(atUs, 'order_accepted', accepted));
      this.stops.push({ atUs, stop: stop === 'reset' ? 'none' : stop });
    }
    for (const { name, body } of signals) {
      events.push(this.signal(atUs, name, body));
      const signal = { name, bodyJson: JSON.stringify(body) };
      this.events.push(create(AgentEventSchema, { agentId, atUs: BigInt(atUs), signal }));
    }
    if (padding > 0) events.push(this.signal(atUs, 'edge.padding', 'x'.repeat(padding)));
    if (decision !== undefined) {
      events.push(this.decided(atUs, decision));
      const made = { sequence: BigInt(decision), context: { epoch: this.epoch }, rationale: 'so' };
      this.decisions.push(create(DecisionMadeSchema, { agentId, atUs: BigInt(atUs), decision: made }));
    }
    return events.length > 0 ? events : [this.signal(atUs, 'edge.padding', '')];
  }
}

const someSignal = fc.constantFrom(
  { name: 'violation', body: VIOLATION },
  { name: 'violation', body: { violation: { kind: 'social', peer: 'r2', what: 'yield' } } },
  { name: 'failsafe', body: RAISED },
  { name: 'failsafe', body: { ...RAISED, change: 'cleared' } },
  { name: 'task', body: { taskId: 't' } },
);

const someWake = fc.record({
  afterUs: fc.integer({ min: 1, max: 5_000_000 }),
  signals: fc.uniqueArray(someSignal, { maxLength: 3, selector: (one) => JSON.stringify(one) }),
  decides: fc.boolean(),
  stop: fc.option(fc.constantFrom('normal', 'protective', 'emergency'), { nil: undefined, freq: 6 }),
  padding: fc.constantFrom(0, 0, 100_000),
});

/** Lives of r1 in its epoch 3, of some blocks. A stop is made harder only; an emergency stop stays. */
export const anyLife = fc
  .array(fc.array(someWake, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 })
  .map((blocks): RobotLife => {
    const life = new RobotLife('r1', 3);
    let [atUs, decision, inForce] = [0, 0, 'none'];
    for (const wakes of blocks) {
      const lived = wakes.map(({ afterUs, decides, stop, signals, padding }): LivedWake => {
        atUs += afterUs;
        if (decides) decision++;
        const stops = stop !== undefined && stop !== inForce && inForce !== 'emergency';
        if (stops) inForce = stop;
        return { atUs, signals, padding, ...(decides ? { decision } : {}), ...(stops ? { stop } : {}) };
      });
      life.lives(...lived);
    }
    return life;
  });

/** A long life of a robot in its epoch 3, the same for the same seed: mostly what nobody looks for, in wakes of a block each. */
export function aWeek(blocks: number, seed: number, agentId = 'r1'): RobotLife {
  const life = new RobotLife(agentId, 3);
  let drawn = seed >>> 0;
  const draw = (below: number): number => {
    // The multiplier is that of Numerical Recipes (W. Press et al.).
    drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((drawn / 2 ** 32) * below);
  };
  const happens = [
    { name: 'violation', body: VIOLATION },
    { name: 'failsafe', body: RAISED },
  ];
  let [atUs, decision, stop] = [0, 0, 'none'];
  for (let n = 0; n < blocks; n++) {
    const wakes = Array.from({ length: 1 + draw(6) }, (): LivedWake => {
      atUs += 1 + draw(5_000_000);
      const stops = draw(8) === 0;
      if (stops)
        stop =
          stop === 'emergency'
            ? 'reset'
            : (['normal', 'emergency', 'protective'].filter((to) => to !== stop)[draw(2)] ?? 'normal');
      return {
        atUs,
        signals: draw(4) === 0 ? [happens[draw(2)] as (typeof happens)[number]] : [],
        padding: draw(2_000),
        ...(draw(3) > 0 && { decision: ++decision }),
        ...(stops && { stop }),
      };
    });
    life.lives(...wakes);
    if (stop === 'reset') stop = 'none';
  }
  return life;
}
