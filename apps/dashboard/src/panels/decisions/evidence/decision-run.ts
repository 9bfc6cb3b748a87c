import type { FleetBelief, fleetModel } from '@sigma/fleet-model';
import { type Agent, type Decision, type PendingExpectation, type Stimulus, step } from '@sigma/kernel';
import { encodeDecision, WireWriter } from '@sigma/recorder';
import type { ExpectationTrail, Prediction } from './evidence-words.ts';

export type Model = ReturnType<typeof fleetModel>;

/** The cycle in which the agent decided. */
export interface Moment {
  /** Right after it: what it believed and had in force. */
  readonly agent: Agent<FleetBelief>;
  readonly inbox: readonly Stimulus[];
  readonly atUs: number;
  /** The decision in the bytes of the record. */
  readonly bytes: Uint8Array;
}

/** How long the run goes on after the decision to see what came of it. */
const FOLLOW_US = 8_000_000;

/**
 * Runs one agent again over its recorded inputs, from a snapshot to a decision and on until it is known what came of
 * the first prediction made under it.
 */
export class DecisionRun {
  readonly #model: Model;
  readonly #wanted: number;
  #agent: Agent<FleetBelief>;
  #moment: Moment | null = null;
  #nextAtUs: number | null = null;
  #wakes = 0;
  #open: PendingExpectation | null = null;
  #first: Prediction | null = null;
  #violated: Prediction | null = null;
  #kept = 0;
  #made = 0;

  constructor(model: Model, start: Agent<FleetBelief>, wanted: number) {
    this.#model = model;
    this.#wanted = wanted;
    this.#agent = start;
  }

  get moment(): Moment | null {
    return this.#moment;
  }
  get wakes(): number {
    return this.#wakes;
  }
  /** Agent time from the decision to the next one; null while it was still in force. */
  get lastedUs(): number | null {
    return this.#moment === null || this.#nextAtUs === null ? null : this.#nextAtUs - this.#moment.atUs;
  }
  get trail(): ExpectationTrail {
    return { first: this.#first, violated: this.#violated, kept: this.#kept, made: this.#made };
  }

  /** Nothing more can be learned from further inputs. */
  get over(): boolean {
    if (this.#moment === null) return false;
    const settled = this.#open === null && this.#nextAtUs !== null;
    return settled || this.#agent.wokeUs > this.#moment.atUs + FOLLOW_US;
  }

  /** The agent has gone past the decision without making it: the run started too late. */
  get missed(): boolean {
    return this.#moment === null && this.#agent.decisionSequence >= this.#wanted;
  }

  wake(atUs: number, inbox: readonly Stimulus[]): void {
    const { agent, outputs } = step(this.#model, this.#agent, inbox, atUs);
    this.#agent = agent;
    this.#wakes++;
    if (outputs.decision?.sequence === this.#wanted) this.#decided(outputs.decision, inbox, atUs);
    else if (outputs.decision !== null && this.#moment !== null) this.#nextAtUs ??= atUs;
    const broken = outputs.events.some(
      (event) =>
        event.type === 'violation' &&
        event.violation.kind === 'physical' &&
        event.violation.decisionSequence === this.#wanted,
    );
    this.#compare(broken);
  }

  #decided(decision: Decision, inbox: readonly Stimulus[], atUs: number): void {
    const wire = new WireWriter();
    encodeDecision(wire, decision);
    this.#moment = { agent: this.#agent, inbox, atUs, bytes: wire.take() };
  }

  #compare(broken: boolean): void {
    const { expectation } = this.#agent;
    const now = expectation?.decisionSequence === this.#wanted ? expectation : null;
    if (this.#open !== null && now !== this.#open) this.#settle(this.#open, broken);
    if (now === null || now === this.#open) return;
    this.#open = now;
    this.#made++;
    this.#first ??= this.#prediction(now, 'open');
  }

  #settle(open: PendingExpectation, broken: boolean): void {
    const due = this.#agent.wokeUs >= open.dueUs;
    const verdict = broken ? 'violated' : due ? 'kept' : 'overtaken';
    const told = this.#prediction(open, verdict);
    if (this.#first?.madeUs === open.madeUs) this.#first = told;
    if (verdict === 'kept') this.#kept++;
    else if (verdict === 'violated') this.#violated ??= told;
    this.#open = null;
  }

  #prediction(expectation: PendingExpectation, verdict: Prediction['verdict']): Prediction {
    const { quantities, madeUs, dueUs } = expectation;
    const judged = verdict === 'kept' || verdict === 'violated';
    const names = quantities.map(({ name }) => name);
    const seen = judged ? this.#model.observe(this.#agent.world, names) : {};
    return {
      madeUs,
      dueUs,
      verdict,
      quantities: quantities.map(({ name, value, tolerance }) => ({
        name,
        expected: value,
        tolerance,
        came: seen[name] ?? Number.NaN,
      })),
    };
  }
}
