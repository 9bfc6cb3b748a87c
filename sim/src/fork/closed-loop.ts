import type { FaultName } from '@sigma/fleet-model';
import {
  type Divergence,
  divergence,
  injectionStimulus,
  type Outcomes,
  RecordedWorld,
  type RobotTruth,
  robotOf,
  robotTruth,
  STEP_US,
  type World,
  worldConfig,
} from '@sigma/fleet-world';
import type { Ask, MessageStimulus, OutgoingMessage, Stimulus } from '@sigma/kernel';
import { LifeReader, type LivedWake, type SealedBlock } from '@sigma/recorder';
import type { PlannedFault } from '../fault-plan.ts';
import { REACH_M } from '../mesh.ts';
import { reconcile } from '../reconcile.ts';
import { CUT_US, injectionOf, WORLD_CUT_US, WORLD_SNAPSHOT_US } from '../simulation.ts';
import { thinkingUs } from '../virtual-planner.ts';
import { ForkMesh } from './fork-mesh.ts';
import type { ForkParts, LostOf } from './fork-parts.ts';
import { ForkRobot } from './fork-robot.ts';
import { LivedWorld } from './lived-world.ts';
import { Seat } from './seat.ts';

/** Robots greet each other on this grid. */
const GREETING_US = 200_000;
/** A message takes no longer than this. */
const MESSAGE_US = 20_000;
/** Within one program it is heard at once, unless that is held up. */
const HELD_UP_US = 100_000;
/** A plan of the planner beside the body comes no later than this after the question. */
const ANSWER_US = 60_000;
/** A hub that is asked answers within this; when it was not heard to, the fork answers in its place after a while. */
const HUB_ANSWERS_US = 1_000_000;
const STAND_IN_US = 300_000;

export interface TouchedRobot {
  readonly id: string;
  readonly fromUs: number;
  /** When its senses first said something else than was recorded; null when they never did. */
  readonly divergedUs: number | null;
  /** Wakes of the fork, and those that led up to it. */
  readonly wakes: number;
  readonly warmUps: number;
}

/** What a closed loop did. */
export interface LoopResult {
  readonly endUs: number;
  /** Robots that were recomputed, with the moment from which on, in the order of their index. */
  readonly touched: readonly TouchedRobot[];
  readonly robots: number;
  /** Wakes of all robots in the fork, recomputed or reused. */
  readonly wakes: number;
  readonly collisions: number;
}

/**
 * The world and its robots, run on from a moment with a change (SPEC R114, R115). `step` is one instant of 10 ms; a robot
 * that lives as it did is not run, and its actuators are told what they were told.
 */
export class ClosedLoop {
  readonly #parts: ForkParts;
  readonly #lived: LivedWorld;
  readonly #world: RecordedWorld;
  readonly #seats: readonly Seat[];
  readonly #byId: ReadonlyMap<string, Seat>;
  readonly #mesh: ForkMesh;
  readonly #blocks: SealedBlock[] = [];
  readonly #fromUs: number;
  #faults: PlannedFault[];
  #faulty = false;
  /** Who is in reach of whom since the last greetings, as `speaker>listener`. */
  readonly #inReach = new Set<string>();
  #collisions = 0;
  #atUs: number;

  /** @throws RangeError when the moment is no step of the world, StoreError, MalformedBytesError */
  static async open(parts: ForkParts, fromUs: number): Promise<ClosedLoop> {
    const lived = await LivedWorld.at(parts.worldLife, fromUs);
    const seats: Seat[] = [];
    for (const [index, { id }] of lived.world.layout.robots.entries()) {
      const life = parts.lives.find(({ source }) => source === id);
      if (life === undefined) throw new RangeError(`the world has a robot '${id}' of which nothing is recorded`);
      // What is lived from that moment on is the fork's: a snapshot of the moment itself comes too late.
      const reader = await LifeReader.leadingUpTo(life, fromUs, Math.max(0, fromUs - 1));
      while (reader.next(fromUs) !== undefined);
      const orders = parts.orders.filter(({ agent }) => agent === id);
      seats.push(new Seat(index, id, reader, orders));
    }
    return new ClosedLoop(parts, lived, seats, fromUs);
  }

  private constructor(parts: ForkParts, lived: LivedWorld, seats: readonly Seat[], fromUs: number) {
    this.#parts = parts;
    this.#lived = lived;
    this.#seats = seats;
    this.#byId = new Map(seats.map((seat) => [seat.id, seat]));
    this.#fromUs = fromUs;
    this.#atUs = fromUs;
    this.#faults = [...parts.faults].sort((a, b) => a.atUs - b.atUs);
    const { opening, wake } = lived;
    const { seed, tenant, source, epoch } = opening;
    this.#mesh = new ForkMesh(seed, !parts.everyStep);
    this.#world = new RecordedWorld({
      config: worldConfig(opening),
      seed,
      chain: { tenant, source, epoch },
      previousEpochHash: new Uint8Array(),
      software: parts.software,
      sha256: parts.sha256,
      atUs: (wake as LivedWake).atUs,
      timeUs: opening.timeUs - opening.atUs + (wake as LivedWake).atUs,
      fork: {
        lineage: parts.lineageFrom(wake as LivedWake, fromUs, parts.change),
        world: lived.world,
        inputSequence: lived.inputs,
      },
    });
    for (const seat of seats) {
      const touchedUs = parts.touchedFrom.get(seat.id);
      if (touchedUs !== undefined) seat.touch(touchedUs);
    }
  }

  get atUs(): number {
    return this.#atUs;
  }

  /** Robots that are recomputed by now. */
  get touched(): number {
    return this.#seats.filter(({ robot }) => robot !== null).length;
  }

  /** Blocks sealed since the last call, in the order of sealing. */
  takeBlocks(): readonly SealedBlock[] {
    return this.#blocks.splice(0);
  }

  /** Reads what was lived up to a moment, so that `step` has it. */
  async fill(untilUs: number): Promise<void> {
    await this.#lived.fill(untilUs + MESSAGE_US + STEP_US);
    for (const { reader } of this.#seats) await reader.fill(untilUs + HUB_ANSWERS_US + STEP_US);
  }

  /** One instant. @returns false when the recording ends here, and nothing more is known of what the hub said */
  async step(): Promise<boolean> {
    const atUs = this.#atUs;
    const { aheadUs } = this.#lived;
    if (aheadUs === null || this.#seats.some(({ reader }) => (reader.knownUntilUs ?? atUs) < atUs)) return false;
    if (atUs % GREETING_US === 0) this.#noticeNeighbours(atUs);
    for (const seat of this.#seats) {
      this.#noticeSilence(seat, atUs);
      if (seat.robot === null && seat.touchedUs !== null && seat.touchedUs <= atUs) await this.#begin(seat, atUs);
      this.#wake(seat, atUs);
    }
    this.#mesh.settle();
    if (atUs % CUT_US === 0) this.#cut(atUs, false);
    // Bodies that real time left behind have missed some steps.
    if (aheadUs <= atUs) this.#moveWorld(atUs);
    this.#atUs = atUs + STEP_US;
    return true;
  }

  /** Whose life was not on record any more where the loop ended before its time, or null. */
  async lost(): Promise<LostOf | null> {
    for (const { id, reader } of this.#seats) {
      const lost = await reader.lost();
      if (lost !== null && lost.fromUs <= this.#atUs) return { source: id, ...lost };
    }
    const lost = this.#lived.aheadUs === null ? await this.#lived.lost() : null;
    return lost === null ? null : { source: this.#lived.opening.source, ...lost };
  }

  finish(): LoopResult {
    this.#cut(this.#atUs, true);
    this.#seal(this.#atUs, true);
    const touched = this.#seats.flatMap(({ id, touchedUs, divergedUs, robot }) =>
      robot === null || touchedUs === null
        ? []
        : [{ id, fromUs: touchedUs, divergedUs, wakes: robot.wakes, warmUps: robot.warmUps }],
    );
    const wakes = (this.#seats.length * (this.#atUs - this.#fromUs)) / STEP_US;
    return { endUs: this.#atUs, touched, robots: this.#seats.length, wakes, collisions: this.#collisions };
  }

  /** From now on it is given something else: its robot is led up to this wake. */
  async #begin(seat: Seat, atUs: number): Promise<void> {
    const parts = this.#parts;
    const lived = this.#lived;
    const robotParts = parts.robotParts(seat.id, atUs);
    seat.begin(
      await ForkRobot.at(
        {
          index: seat.index,
          life: seat.reader.life,
          ...robotParts,
          lineageFrom: (wake) => parts.lineageFrom(wake, atUs, robotParts.change),
          toldBefore: (beforeUs) => lived.toldBefore(seat.index, beforeUs),
        },
        atUs,
      ),
    );
  }

  /** Who has come into reach of a recomputed robot, and was not, speaks to it: what he says is not on record. */
  #noticeNeighbours(atUs: number): void {
    this.#inReach.clear();
    const run = this.#seats.filter(({ touchedUs }) => touchedUs !== null && touchedUs <= atUs);
    if (run.length === 0) return;
    const here = truthsOf(this.#world.world);
    const there = truthsOf(this.#lived.world);
    for (const { index, id } of run) {
      for (const other of this.#seats) {
        if (other.index === index || !reaches(here, other.index, index)) continue;
        this.#inReach.add(`${other.id}>${id}`);
        if (other.touchedUs === null && !reaches(there, other.index, index)) other.touch(atUs);
      }
    }
  }

  /** Who was told something by a recomputed robot that it does not say any more. */
  #noticeSilence(seat: Seat, atUs: number): void {
    if (seat.robot !== null) return;
    const [wake] = seat.reader.peek(atUs + 1);
    for (const one of wake?.inbox ?? []) {
      if (one.kind === 'message' && this.#unsaid(one, seat, atUs)) seat.touch(atUs);
    }
  }

  /** True of a recorded message whose speaker was recomputed when he should have said it, and did not. */
  #unsaid(message: MessageStimulus, listener: Seat, heardUs: number): boolean {
    const speaker = this.#byId.get(message.from);
    if (speaker?.robot == null || speaker.touchedUs === null || this.#mesh.wasSaidAgain(message)) return false;
    return this.#saidUs(message, speaker.index, listener, heardUs) >= speaker.touchedUs;
  }

  /** When a recorded message was said, no later than it was. */
  #saidUs({ topic }: MessageStimulus, speaker: number, listener: Seat, heardUs: number): number {
    if (!this.#parts.everyStep) return speaker < listener.index ? heardUs : heardUs - STEP_US;
    return topic === 'pose' ? slotOf(heardUs - 1) : heardUs - MESSAGE_US;
  }

  #wake(seat: Seat, atUs: number): void {
    const lived = seat.reader.next(atUs + 1);
    // A program that was held up did not wake its robots in every step.
    if (lived === undefined) return;
    const { robot } = seat;
    if (robot === null) {
      this.#mesh.passBy(seat.index, atUs);
      seat.lived(lived);
      return;
    }
    const recorded = lived.inbox.filter((one): one is MessageStimulus => one.kind === 'message');
    const heard = this.#mesh.heard(seat.index, atUs, recorded, (message) => this.#keeps(message, seat, atUs));
    const output = robot.wake(atUs, seat.inbox(lived, heard));
    for (const message of output.messages) this.#speak(seat, message, atUs);
    for (const ask of output.asks) this.#ask(seat, ask, atUs);
    this.#standIn(seat, robot, atUs);
    for (const actionId of output.reconcile) {
      seat.reconciled.push(reconcile(this.#world.world, seat.index, robot.agent, actionId));
    }
  }

  #keeps(message: MessageStimulus, listener: Seat, heardUs: number): boolean {
    if (this.#unsaid(message, listener, heardUs)) return false;
    const { from, topic } = message;
    const speaker = this.#byId.get(from);
    const saidUs = speaker === undefined ? heardUs : this.#saidUs(message, speaker.index, listener, heardUs);
    return topic === 'failsafe' || slotOf(saidUs) < this.#fromUs || this.#inReach.has(`${from}>${listener.id}`);
  }

  #speak(seat: Seat, message: OutgoingMessage, atUs: number): void {
    const truths = truthsOf(this.#world.world);
    for (const other of this.#seats) {
      if (other === seat || (message.to !== '*' && message.to !== other.id)) continue;
      if (message.topic !== 'failsafe' && !reaches(truths, seat.index, other.index)) continue;
      const fromUs = this.#parts.everyStep ? atUs : atUs - 1;
      const forUs = this.#parts.everyStep ? MESSAGE_US : HELD_UP_US;
      const otherwiseUs = this.#mesh.say(seat, other, message, atUs, after(other.reader, fromUs, forUs));
      if (otherwiseUs !== null) other.touch(otherwiseUs);
    }
  }

  #ask(seat: Seat, ask: Ask, atUs: number): void {
    const { agent } = seat.robot as ForkRobot;
    const { planner } = this.#parts.robotParts(seat.id, seat.touchedUs ?? atUs).terrain;
    const revision = seat.answerNumber(ask, after(seat.reader, atUs, ANSWER_US));
    const plan = planner.plan({ agentId: seat.id, world: agent.world, ask, atUs, revision });
    if (plan === null) return;
    const dueUs = atUs + thinkingUs(this.#lived.opening.seed, seat.id, revision);
    seat.bring(seat.secondaryLies ? planner.lie(plan) : plan, Math.ceil(dueUs / STEP_US) * STEP_US);
  }

  /**
   * A robot that lives otherwise asks what the recorded hub was never asked. It is answered by the planner beside the body
   * in the hub's place, and the plan says so.
   */
  #standIn(seat: Seat, { agent }: ForkRobot, atUs: number): void {
    const { asked } = agent;
    if (seat.divergedUs === null || asked === null || asked.of !== 'primary' || asked.atUs !== atUs) return;
    const task = agent.tasks.find(({ status }) => status === 'active')?.task;
    if (task === undefined || Seat.answered(task.id, after(seat.reader, atUs, HUB_ANSWERS_US))) return;
    const basis = { epoch: agent.epoch, inputSequence: agent.inputSequence };
    const revision = agent.planRevisions.primary + 1;
    const ask: Ask = { of: 'primary', task, reason: asked.reason, basis, planRevision: agent.planRevisions.primary };
    const { planner } = this.#parts.robotParts(seat.id, seat.touchedUs ?? atUs).terrain;
    const plan = planner.plan({ agentId: seat.id, world: agent.world, ask, atUs, revision });
    if (plan === null) return;
    const rationale = `in the hub's place, which was not asked then: ${plan.rationale}`;
    seat.bring({ ...plan, from: 'primary', rationale }, atUs + STAND_IN_US);
  }

  #moveWorld(atUs: number): void {
    const recorded = this.#lived.ahead() ?? [];
    const inbox: Stimulus[] = [];
    for (const { index, robot } of this.#seats) {
      const told = robot === null ? recorded.filter((one) => robotOf(one) === index) : [robot.actuate(atUs)];
      for (const stimulus of told) if (stimulus !== null) inbox.push(stimulus);
    }
    for (const stimulus of recorded) if (robotOf(stimulus) < 0) inbox.push(stimulus);
    while (this.#faults[0] !== undefined && this.#faults[0].atUs <= atUs) {
      inbox.push(injectionStimulus(injectionOf(this.#faults.shift() as PlannedFault, this.#world.world.atUs)));
    }
    const livedOutcomes = this.#lived.step();
    const { layout, robots, people } = this.#lived.world;
    let apart: Divergence | null = null;
    const sensed = new Set<number>();
    const outcomes = this.#world.step(inbox, atUs, this.#timeUs(atUs), (robot, moved) => {
      apart ??= divergence(layout, moved, { robots, people });
      const seat = this.#seats[robot];
      const senses = seat?.robot != null || apart.mayNotice(robot);
      if (senses) sensed.add(robot);
      return senses;
    });
    this.#collisions += outcomes.collisions.length;
    for (const seat of this.#seats) {
      const results = resultsOf(outcomes, seat.index);
      if (sensed.has(seat.index)) {
        const frames = (outcomes.frames[seat.index] ?? []).map(perceptOf);
        const otherwiseUs = seat.sense([...frames, ...results]);
        if (otherwiseUs !== null) seat.touch(otherwiseUs);
      } else if (JSON.stringify(results) !== JSON.stringify(resultsOf(livedOutcomes, seat.index))) {
        seat.touch(atUs + STEP_US);
      }
    }
    this.#holdFaults(outcomes);
    if (atUs % WORLD_CUT_US === 0) this.#seal(atUs, atUs % WORLD_SNAPSHOT_US === 0);
  }

  #holdFaults({ faults }: Outcomes): void {
    if (faults.length === 0 && !this.#faulty) return;
    this.#faulty = faults.length > 0;
    for (const seat of this.#seats) {
      const held = faults.filter(({ robot }) => robot === seat.index);
      seat.faults = new Map(held.map(({ fault, value }): [FaultName, number] => [fault, value]));
    }
  }

  #timeUs(atUs: number): number {
    const { opening } = this.#lived;
    return opening.timeUs - opening.atUs + atUs;
  }

  #cut(atUs: number, force: boolean): void {
    for (const { robot } of this.#seats) this.#blocks.push(...(robot?.cut(atUs, force) ?? []));
  }

  #seal(atUs: number, withState: boolean): void {
    const block = this.#world.seal(withState, this.#timeUs(atUs));
    if (block !== null) this.#blocks.push(block);
  }
}

/** What lies behind a moment, up to so much later, inclusive. */
function* after(reader: LifeReader, atUs: number, forUs: number): Iterable<LivedWake> {
  for (const wake of reader.peek(atUs + forUs + 1)) if (wake.atUs > atUs) yield wake;
}

/** The moment of the greetings at or before that. */
const slotOf = (saidUs: number): number => Math.floor(saidUs / GREETING_US) * GREETING_US;

const truthsOf = (world: World): readonly RobotTruth[] => world.layout.robots.map((_, k) => robotTruth(world, k));

function reaches(truths: readonly RobotTruth[], from: number, to: number): boolean {
  const [a, b] = [truths[from] as RobotTruth, truths[to] as RobotTruth];
  const dx = a.xM - b.xM;
  const dy = a.yM - b.yM;
  return dx * dx + dy * dy <= REACH_M * REACH_M;
}

const perceptOf = ({ channel, values }: { readonly channel: string; readonly values: Int32Array }): Stimulus => ({
  kind: 'percept',
  channel,
  values,
});

function resultsOf(outcomes: Outcomes | null, robot: number): readonly Stimulus[] {
  return (outcomes?.results ?? [])
    .filter((result) => result.robot === robot)
    .map(({ actionId, status, detail }): Stimulus => ({ kind: 'result', actionId, status, detail }));
}
