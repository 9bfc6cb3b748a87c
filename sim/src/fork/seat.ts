import { type FaultName, MOTION } from '@sigma/fleet-model';
import {
  type Ask,
  encodeState,
  type MessageStimulus,
  type OrderStimulus,
  type PlanStimulus,
  type Stimulus,
} from '@sigma/kernel';
import type { LifeReader, LivedWake, PlacedOrder } from '@sigma/recorder';
import { type ForkRobot, ofRuntime } from './fork-robot.ts';

/** Orders of a fork are good for this long. */
const ORDER_US = 60_000_000;

/** Every step of the world has one frame of this channel, the first of the step; this field of it counts the steps. */
const CLOCK = MOTION.fields.indexOf('clock');

/** A plan on its way to a robot. */
interface ComingPlan {
  readonly atUs: number;
  readonly plan: PlanStimulus;
}

/** One robot's place in a closed loop: as it lived, or run. */
export class Seat {
  readonly index: number;
  readonly id: string;
  readonly reader: LifeReader;
  robot: ForkRobot | null = null;
  /** From when on it is recomputed; null while it lives as it did. */
  touchedUs: number | null = null;
  /** First moment at which its senses said something else than was recorded. */
  divergedUs: number | null = null;
  /** Faults that the world holds against it now, by name and strength. */
  faults: ReadonlyMap<FaultName, number> = new Map();
  reconciled: Stimulus[] = [];
  readonly #orders: PlacedOrder[];
  /** What its senses said in the steps that it has not heard of yet, by the clock of the step. */
  readonly #sensed = new Map<number, readonly Stimulus[]>();
  #plans: ComingPlan[] = [];
  #revision = 0;
  #ordered = 0;
  #standsIn = false;

  constructor(index: number, id: string, reader: LifeReader, orders: readonly PlacedOrder[]) {
    this.index = index;
    this.id = id;
    this.reader = reader;
    this.#orders = [...orders].sort((a, b) => a.atUs - b.atUs);
  }

  touch(atUs: number): void {
    if (this.robot === null && (this.touchedUs === null || atUs < this.touchedUs)) this.touchedUs = atUs;
  }

  begin(robot: ForkRobot): void {
    this.robot = robot;
    this.#revision = robot.agent.planRevisions.secondary;
  }

  /**
   * What its senses say in a step, computed; it hears of it when it heard of that step then.
   *
   * @returns when it hears something else than was recorded; null when it was recorded so, or it never heard of that step
   */
  sense(stimuli: readonly Stimulus[]): number | null {
    const clock = clockOf(stimuli[0]);
    if (clock === null) return null;
    this.#sensed.set(clock, stimuli);
    for (const { atUs, inbox } of this.reader.peek(Number.POSITIVE_INFINITY)) {
      const lived = stepsOf(inbox).find((step) => step.clock === clock);
      if (lived === undefined) continue;
      if (sameStimuli(lived.stimuli, stimuli)) return null;
      this.divergedUs ??= atUs;
      return atUs;
    }
    return null;
  }

  /** It lived that wake as it did: what was sensed for it is of no use any more. */
  lived({ inbox }: LivedWake): void {
    if (this.#sensed.size === 0) return;
    for (const { clock } of stepsOf(inbox)) if (clock !== null) this.#sensed.delete(clock);
  }

  /**
   * What it is given at a wake of the fork, in the order in which the simulation gives it: what the hub said, peers, the
   * planner beside it, its senses.
   */
  inbox(lived: LivedWake, heard: readonly MessageStimulus[]): readonly Stimulus[] {
    const { atUs } = lived;
    const inbox: Stimulus[] = this.reconciled.splice(0);
    if (!this.faults.has('link_loss'))
      for (const one of lived.inbox) if (this.#fromHub(one)) inbox.push(this.#renumbered(one));
    while (this.#orders[0] !== undefined && this.#orders[0].atUs <= atUs)
      inbox.push(this.#order(this.#orders.shift() as PlacedOrder, atUs));
    inbox.push(...heard);
    const due = this.#plans.filter((coming) => coming.atUs <= atUs);
    this.#plans = this.#plans.filter((coming) => coming.atUs > atUs);
    for (const { plan } of due) if (plan.from === 'primary' || !this.#hangs(2)) inbox.push(plan);
    if (!this.#hangs(2))
      for (const one of lived.inbox) if (one.kind === 'beat' && one.from === 'secondary') inbox.push(one);
    for (const { clock, stimuli } of stepsOf(lived.inbox)) {
      inbox.push(...((clock === null ? undefined : this.#sensed.get(clock)) ?? stimuli));
      if (clock !== null) this.#sensed.delete(clock);
    }
    return inbox;
  }

  /** A question to the planner beside the body gets the number that it had, where it was asked then too. */
  answerNumber(ask: Ask, ahead: Iterable<LivedWake>): number {
    for (const { inbox } of ahead) {
      for (const one of inbox) {
        if (one.kind !== 'plan' || one.from !== 'secondary' || one.basis?.inputSequence !== ask.basis.inputSequence)
          continue;
        this.#revision = Math.max(this.#revision, one.revision);
        return one.revision;
      }
    }
    return ++this.#revision;
  }

  /** @returns whether the hub was heard to answer a question about this task */
  static answered(taskId: string, ahead: Iterable<LivedWake>): boolean {
    for (const { inbox } of ahead) {
      if (inbox.some((one) => one.kind === 'plan' && one.from === 'primary' && one.taskId === taskId)) return true;
    }
    return false;
  }

  bring(plan: PlanStimulus, atUs: number): void {
    if (plan.from === 'primary') this.#standsIn = true;
    this.#plans.push({ atUs, plan });
  }

  /** True when the planner beside the body is to say what is not true. */
  get secondaryLies(): boolean {
    return (this.faults.get('planner_lies') ?? 0) >= 2;
  }

  #hangs(least: number): boolean {
    const value = this.faults.get('planner_hang');
    return value !== undefined && Math.max(1, value) >= least;
  }

  #fromHub(stimulus: Stimulus): boolean {
    switch (stimulus.kind) {
      case 'order':
      case 'observation':
        return true;
      case 'plan':
        return stimulus.from === 'primary' && !this.#hangs(1);
      case 'beat':
        return stimulus.from === 'link' || (stimulus.from === 'primary' && !this.#hangs(1));
      case 'signal':
        return !ofRuntime(stimulus);
      default:
        return false;
    }
  }

  /** Where the fork answered in the hub's place, the hub's next plan must not look older than that answer. */
  #renumbered(stimulus: Stimulus): Stimulus {
    if (!this.#standsIn || stimulus.kind !== 'plan') return stimulus;
    const least = (this.robot as ForkRobot).agent.planRevisions.primary + 1;
    return stimulus.revision >= least ? stimulus : { ...stimulus, revision: least };
  }

  #order({ order }: PlacedOrder, atUs: number): OrderStimulus {
    return { kind: 'order', issuer: 'fork', sequence: ++this.#ordered, expiresAtUs: atUs + ORDER_US, order };
  }
}

const ofSenses = ({ kind }: Stimulus): boolean => kind === 'percept' || kind === 'result';

/** What the world said in one step. */
interface SensedStep {
  /** Null for what was heard before any frame of a step. */
  readonly clock: number | null;
  readonly stimuli: Stimulus[];
}

/** What the world said at a wake, step by step: one that came late hears of several. */
function stepsOf(inbox: readonly Stimulus[]): readonly SensedStep[] {
  const steps: SensedStep[] = [];
  for (const stimulus of inbox) {
    if (!ofSenses(stimulus)) continue;
    const clock = clockOf(stimulus);
    const last = steps.at(-1);
    if (clock !== null || last === undefined) steps.push({ clock, stimuli: [stimulus] });
    else last.stimuli.push(stimulus);
  }
  return steps;
}

const clockOf = (stimulus: Stimulus | undefined): number | null =>
  stimulus?.kind === 'percept' && stimulus.channel === MOTION.channel ? (stimulus.values[CLOCK] ?? null) : null;

function sameStimuli(a: readonly Stimulus[], b: readonly Stimulus[]): boolean {
  return a.length === b.length && a.every((one, k) => sameStimulus(one, b[k] as Stimulus));
}

function sameStimulus(a: Stimulus, b: Stimulus): boolean {
  if (a.kind === 'percept' && b.kind === 'percept') {
    return (
      a.channel === b.channel &&
      a.values.length === b.values.length &&
      a.values.every((value, k) => value === b.values[k])
    );
  }
  return encodeState(a) === encodeState(b);
}
