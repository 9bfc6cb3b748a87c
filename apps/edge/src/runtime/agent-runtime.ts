import { create, toBinary } from '@bufbuild/protobuf';
import {
  type Agent,
  type AgentOptions,
  agentKey,
  createAgent,
  type Outputs,
  type PlanStimulus,
  type Stimulus,
  step,
  type TerrainModel,
} from '@sigma/kernel';
import { OrderIssuedSchema } from '@sigma/proto';
import {
  agentEvents,
  EVENT_TYPE,
  type EventDraft,
  type Gap,
  gapEvent,
  type Opening,
  openingEvent,
  signalEvent,
  upgradeBetween,
} from '@sigma/recorder';
import type { Standing } from './actuators.ts';
import { Commitment } from './commitment.ts';
import { answerFrame, askFrame, decisionFrame, eventFrame } from './frames.ts';
import { OrderDoor, type OrderName } from './order-door.ts';
import type { Journal, Report } from './ports.ts';
import {
  type AgentRuntimeOptions,
  type Free,
  RUNTIME_LIMITS,
  type RuntimeCounts,
  type RuntimeLimits,
  type RuntimeOutput,
} from './runtime-words.ts';
import type { Uplink, UplinkFrame } from './uplink.ts';
import { UplinkReport } from './uplink-report.ts';

type Counts = { -readonly [Field in keyof RuntimeCounts]: RuntimeCounts[Field] } & { failsafe: Record<string, number> };

const NOTHING: readonly never[] = [];

/**
 * One agent with its record, its orders and its actuators: what stands between the pure kernel and any world, live or
 * simulated. Synchronous and deterministic; it has no clock, thread or disk. The runner calls
 *
 * - `deliver`, `receiveOrder` when something arrives, `wake` when `wakeAtUs` has come;
 * - `cut` when `wantsCut`, and then `durable` once the block is on disk;
 * - `actuatorsAt` whenever it writes the actuators, and `collect` to send what has become free meanwhile.
 */
export class AgentRuntime<World> {
  readonly #model: TerrainModel<World>;
  readonly #journal: Journal;
  readonly #epochTimeUs: number;
  readonly #limits: RuntimeLimits;
  readonly #door: OrderDoor;
  readonly #report: UplinkReport<World>;
  readonly #greetings: Report<World>['greetings'];
  readonly #greetingsDueUs: number[];
  readonly #commitment: Commitment<World>;
  readonly #tamper: (plan: PlanStimulus) => PlanStimulus | null;
  readonly #counts: Counts = {
    wakes: 0,
    decisions: 0,
    violations: 0,
    ordersAccepted: 0,
    ordersRefused: 0,
    ordersForged: 0,
    failsafe: {},
  };

  #agent: Agent<World>;
  #opening: EventDraft | null;
  #inbox: Stimulus[] = [];
  /** Orders handed to the kernel whose answer is still to come, for the trace and for plans, which the kernel does not answer. */
  #plans: { readonly revision: number; readonly name: OrderName }[] = [];

  #sequence = 0;
  #durable = 0;
  #cutAtUs: number;
  #snapshotAtUs: number;
  #refusals = { windowUs: 0, recorded: 0, unrecorded: 0 };

  constructor(options: AgentRuntimeOptions<World>) {
    const { model, agent, opening, epochTimeUs, report } = options;
    this.#model = model;
    this.#journal = options.journal;
    this.#epochTimeUs = epochTimeUs;
    this.#limits = { ...RUNTIME_LIMITS, ...options.limits };
    this.#agent = options.resume ?? createAgent(model, agent);
    this.#door = new OrderDoor({
      tenant: agent.tenant,
      agentId: agent.id,
      epochTimeUs,
      verify: options.verify,
      simulated: options.simulated,
    });
    this.#report = new UplinkReport(model, report, options.body, epochTimeUs);
    this.#greetings = report.greetings;
    this.#greetingsDueUs = report.greetings.map(() => 0);
    this.#commitment = new Commitment(model, this.#limits);
    this.#tamper = options.tamper ?? ((plan) => plan);
    const fromUs = this.#agent.wokeUs;
    this.#cutAtUs = fromUs;
    // A fleet that starts at once does not put all its states on record at once, nor far behind any moment.
    this.#snapshotAtUs = fromUs - (agentKey(agent.id) % this.#limits.snapshotEveryUs);
    const made: Opening = {
      tenant: agent.tenant,
      source: agent.id,
      epoch: agent.epoch,
      role: agent.role,
      model: model.name,
      modelVersion: model.version,
      config: agent.config,
      seed: agent.seed,
      flags: agent.flags,
      policyHash: model.policy.hash,
      atUs: agent.atUs,
      timeUs: epochTimeUs + agent.atUs,
      ...opening,
    };
    this.#opening = options.resume === undefined ? openingEvent(made) : null;
    if (options.resume !== undefined) {
      this.#report.resume(options.resume);
      return;
    }
    const upgrade = options.before == null ? null : upgradeBetween(options.before, made);
    if (upgrade !== null) this.note('edge.upgraded', upgrade);
    this.#restart(agent, options.inFlight ?? NOTHING);
  }

  /** The agent as its last wake left it. */
  get agent(): Agent<World> {
    return this.#agent;
  }

  get counts(): RuntimeCounts {
    return this.#counts;
  }

  /** Sequence of the last event on disk, and of the last that was cut. */
  get recorded(): { readonly durable: number; readonly cut: number } {
    return { durable: this.#durable, cut: this.#sequence };
  }

  deliver(stimulus: Stimulus): void {
    this.#inbox.push(stimulus);
  }

  /** What the agent was given in a recorded life. What had come through the door is answered as it was then. */
  deliverAgain(stimulus: Stimulus): void {
    const name = { issuer: '', sequence: 0, traceparent: '' };
    if (stimulus.kind === 'plan' && stimulus.from === 'primary')
      this.#plans.push({ revision: stimulus.revision, name });
    else if (stimulus.kind === 'observation') this.#answer(name, '');
    this.#inbox.push(stimulus);
  }

  /** What the actuators must hold at `atUs`. A set-point that has expired is the model's rest command, whoever sleeps. */
  actuatorsAt(atUs: number): Standing {
    return this.#commitment.at(atUs);
  }

  /**
   * An order as it came from the hub, at `atUs`. What the door refuses is put on record, counted and, if it was really
   * the hub that sent it, answered; the rest goes to the kernel with the next wake.
   *
   * @param signedOrder bytes of sigma.v1.SignedOrder
   */
  receiveOrder(signedOrder: Uint8Array, atUs: number): void {
    const admission = this.#door.admit(signedOrder, atUs);
    if (admission.type === 'refused') {
      this.#refuse(admission.name, admission.reason, atUs);
      return;
    }
    this.#noteOrder(signedOrder, admission.name, admission.type);
    if (admission.type === 'fault') {
      this.#answer(admission.name, '');
      this.#commitment.fault(admission.fault, this.#agent.wokeUs);
      return;
    }
    if (admission.type === 'order') {
      this.#inbox.push(admission.stimulus);
      return;
    }
    if (admission.type === 'fences') {
      this.#inbox.push(admission.stimulus);
      this.#answer(admission.name, '');
      return;
    }
    const plan = this.#tamper(admission.stimulus);
    if (plan === null) return;
    this.#plans.push({ revision: plan.revision, name: admission.name });
    this.#inbox.push(plan);
  }

  /** Runs one cycle with everything delivered since the last. `atUs`: agent time, not before the last wake. */
  wake(atUs: number): RuntimeOutput {
    for (const signal of this.#commitment.watch(atUs)) this.#inbox.push(signal);
    return this.#run(atUs);
  }

  /** A wake of a recorded life: what it was given, signals of the runtime included, is all that it is given. */
  wakeAgain(atUs: number, inbox: readonly Stimulus[]): RuntimeOutput {
    this.#commitment.watch(atUs);
    for (const stimulus of inbox) this.deliverAgain(stimulus);
    return this.#run(atUs);
  }

  #run(atUs: number): RuntimeOutput {
    const inbox = this.#inbox;
    this.#inbox = [];
    const { agent, outputs } = step(this.#model, this.#agent, inbox, atUs);
    this.#agent = agent;
    this.#counts.wakes++;
    this.#journal.wake(atUs, inbox, outputs);
    this.#commitment.command(agent, atUs, outputs.urgent);
    this.#tell(outputs, atUs);
    return {
      actuate: this.#commitment.at(atUs),
      ...this.collect(),
      asks: outputs.asks.length === 0 ? NOTHING : outputs.asks.filter(({ of }) => of === 'secondary'),
      reconcile: outputs.events.length === 0 ? NOTHING : toReconcile(outputs),
      wakeAtUs: outputs.wakeAtUs,
    };
  }

  /** What has become free to leave since it was last asked. */
  collect(): Free {
    return this.#commitment.collect();
  }

  /** True when something waits for the disk, when something left before it was recorded, or when a cut is due anyway. */
  wantsCut(atUs: number): boolean {
    return this.#opening !== null || this.#commitment.wantsCut || atUs - this.#cutAtUs >= this.#limits.cutEveryUs;
  }

  /**
   * Everything since the last cut, to be sealed into one block; empty when nothing happened. The sequences of the
   * events run on from the cut before, from 1.
   *
   * @param timeUs wall clock, microseconds since 1970
   */
  cut(timeUs: number): readonly EventDraft[] {
    const atUs = this.#agent.wokeUs;
    if (atUs - this.#snapshotAtUs >= this.#limits.snapshotEveryUs) {
      this.#journal.snapshot(this.#agent);
      this.#snapshotAtUs = atUs;
    }
    const happened = this.#journal.cut(timeUs);
    const events = this.#opening === null ? happened : [this.#opening, ...happened];
    this.#opening = null;
    this.#cutAtUs = atUs;
    this.#sequence += events.length;
    if (events.length === 0) this.#commitment.nothingToSeal();
    else this.#commitment.sealed(this.#sequence);
    return events;
  }

  /** Events up to `sequence` are on disk: commands and frames that waited for them take effect. */
  durable(sequence: number, atUs: number): void {
    if (sequence > this.#sequence) throw new Error(`Event ${sequence} was never cut; the last is ${this.#sequence}`);
    if (sequence <= this.#durable) return;
    this.#durable = sequence;
    this.#commitment.durable(sequence, this.#agent, atUs);
  }

  /** The recorder said that it cannot write. Silence for `recorderTimeoutUs` means the same. */
  recorderDown(): void {
    this.#commitment.recorderFailed();
  }

  /**
   * Puts something of the runner's own on record, after the last wake and at its time (agent time stands still between
   * two wakes), and tells the hub once it is there. It is not re-executed.
   */
  note(name: `edge.${string}`, body: unknown): void {
    const atUs = this.#agent.wokeUs;
    const event = signalEvent(name, body, atUs, this.#epochTimeUs + atUs);
    this.#journal.note((timeUs) => ({ ...event, timeUs }));
    this.#send('safety', eventFrame(this.#agent.id, event));
  }

  /** Puts on record what is about to be dropped out of this agent's chain for want of room. */
  gap(gap: Gap): void {
    const atUs = this.#agent.wokeUs;
    this.#journal.note((timeUs) => gapEvent(gap, atUs, timeUs));
  }

  #restart(agent: AgentOptions, inFlight: readonly { readonly id: string; readonly name: string }[]): void {
    if (agent.epoch === 0) return;
    this.#inbox.push({ kind: 'signal', name: 'restarted', value: agent.epoch });
    for (const { id, name } of inFlight) {
      this.note('edge.action_lost', { actionId: id, name, status: 'unknown', epoch: agent.epoch - 1 });
    }
  }

  /** Sorts what the cycle said into what may leave at once and what waits for the disk. */
  #tell(outputs: Outputs, atUs: number): void {
    const agent = this.#agent;
    this.#report.telemetry(agent, atUs, (uplink) => this.#commitment.tell(uplink));
    this.#greet(atUs);
    for (const message of outputs.messages) {
      this.#commitment.message(message, message.topic === 'failsafe', atUs);
    }
    if (outputs.events.length > 0 || outputs.decision !== null) this.#tellEvents(outputs, atUs);
    if (this.#plans.length > 0) this.#answerPlans(outputs);
    for (const ask of outputs.asks) {
      if (ask.of === 'primary') this.#commitment.ask({ class: 'decision', frame: askFrame(agent.id, ask) }, atUs);
    }
    const status = this.#report.status(agent, atUs, this.#durable);
    if (status !== null) this.#commitment.status({ class: 'safety', frame: status }, atUs);
  }

  #greet(atUs: number): void {
    for (let i = 0; i < this.#greetings.length; i++) {
      if (atUs < (this.#greetingsDueUs[i] as number)) continue;
      const { everyUs, message } = this.#greetings[i] as Report<World>['greetings'][number];
      this.#greetingsDueUs[i] = (Math.floor(atUs / everyUs) + 1) * everyUs;
      const greeting = message(this.#agent, atUs);
      if (greeting !== null) this.#commitment.message(greeting, true, atUs);
    }
  }

  /** The frames bear the bytes that the record will hold. Failsafe changes are safety traffic and do not wait. */
  #tellEvents(outputs: Outputs, atUs: number): void {
    const { id } = this.#agent;
    const drafts: EventDraft[] = [];
    agentEvents(id, atUs, this.#epochTimeUs + atUs, outputs, drafts);
    for (let i = 0; i < drafts.length; i++) {
      const draft = drafts[i] as EventDraft;
      if (draft.type === EVENT_TYPE.decision) {
        this.#counts.decisions++;
        this.#send('decision', decisionFrame(id, draft));
        continue;
      }
      const event = draft.type === EVENT_TYPE.signal ? outputs.events[i] : undefined;
      if (event === undefined) continue;
      if (event.type === 'violation') this.#counts.violations++;
      if (event.type === 'order_accepted' || event.type === 'order_refused') {
        const refusal = event.type === 'order_refused' ? event.reason : '';
        this.#answer({ issuer: event.issuer, sequence: event.sequence, traceparent: '' }, refusal);
        continue;
      }
      const frame = eventFrame(id, draft);
      if (event.type !== 'failsafe') this.#send('decision', frame);
      else {
        if (event.change === 'selected' && event.selected !== null) {
          this.#counts.failsafe[event.selected] = (this.#counts.failsafe[event.selected] ?? 0) + 1;
        }
        this.#commitment.tell({ class: 'safety', frame });
      }
    }
  }

  /** The kernel tells only of plans it refuses; all others of this wake were accepted. */
  #answerPlans(outputs: Outputs): void {
    for (const { revision, name } of this.#plans.splice(0)) {
      const refusal = outputs.events.find(
        (event) => event.type === 'plan_refused' && event.from === 'primary' && event.revision === revision,
      );
      this.#answer(name, refusal?.type === 'plan_refused' ? refusal.reason : '');
    }
  }

  #answer(name: OrderName, refusal: string): void {
    if (refusal === '') this.#counts.ordersAccepted++;
    else this.#counts.ordersRefused++;
    this.#send('safety', answerFrame(this.#agent.id, name, refusal));
  }

  #send(kind: Uplink['class'], frame: UplinkFrame): void {
    this.#commitment.report({ class: kind, frame }, this.#agent.wokeUs);
  }

  #noteOrder(signedOrder: Uint8Array, { issuer, sequence, traceparent }: OrderName, summary: string): void {
    const atUs = this.#agent.wokeUs;
    const message = create(OrderIssuedSchema, { signedOrder, issuer, orderSequence: BigInt(sequence), summary });
    const data = toBinary(OrderIssuedSchema, message);
    this.#journal.note((timeUs) => ({ type: EVENT_TYPE.order, subject: '', atUs, timeUs, traceparent, data }));
  }

  /** A flood of forged orders must not fill the disk: beyond the rate, refusals are counted and told with the next. */
  #refuse(name: OrderName | null, reason: string, atUs: number): void {
    if (name === null) {
      this.#counts.ordersForged++;
      this.#counts.ordersRefused++;
    } else this.#answer(name, reason);
    const refusals = this.#refusals;
    if (atUs - refusals.windowUs >= 1_000_000) {
      refusals.windowUs = atUs;
      refusals.recorded = 0;
    }
    if (refusals.recorded >= this.#limits.refusalsPerS) {
      refusals.unrecorded++;
      return;
    }
    refusals.recorded++;
    const { issuer, sequence } = name ?? { issuer: '', sequence: 0 };
    const body = { issuer, sequence, reason, alsoRefused: refusals.unrecorded };
    refusals.unrecorded = 0;
    this.note('edge.order_refused', body);
  }
}

function toReconcile(outputs: Outputs): readonly string[] {
  const ids: string[] = [];
  for (const event of outputs.events) if (event.type === 'reconcile') ids.push(event.actionId);
  return ids;
}
