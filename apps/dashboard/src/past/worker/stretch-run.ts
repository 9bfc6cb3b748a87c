import { decodeState, step } from '@sigma/kernel';
import type { AgentDecision, AgentStatus, Fence } from '@sigma/proto';
import { decodeSegment } from '@sigma/recorder';
import { type FilmPiece, POSE_WIDTH, type Since, type StretchId, type TaskShare } from '../film/film-piece.ts';
import {
  decisionMade,
  fencesOf,
  peopleOf,
  type Robot,
  type RobotModel,
  statusAt,
  statusDiffers,
  tasksOf,
  wayOf,
} from './robot-words.ts';

/** Poses, people and state are looked at this often; decisions are taken whenever one is made. */
const LOOK_EVERY_US = 100_000;

/**
 * Runs one robot's kernel on from a snapshot over the recorded inputs, and films what it does. Inputs come in pieces as
 * they arrive from the hub; the film is taken off in pieces too.
 */
export class StretchRun {
  readonly id: StretchId;
  readonly fromUs: number;
  /** First sequence of the block that the stretch starts in: where reading begins. */
  readonly blockSequence: number;
  /** Last sequence whose inputs are run. */
  ranTo: number;
  #next: number | null = null;
  readonly #epochTimeUs: number;
  readonly #model: RobotModel;
  /** Null once it has ended. */
  #robot: Robot | null;
  #shown: Robot | null = null;
  #lookedUs = Number.NEGATIVE_INFINITY;
  #untilUs: number;
  #toldEnd = false;
  #poses: number[] = [];
  #statuses: Since<AgentStatus>[] = [];
  #decisions: AgentDecision[] = [];
  #paths: Since<Float32Array>[] = [];
  #people: Since<Float32Array>[] = [];
  #fences: Since<readonly Fence[]>[] = [];
  #tasks: Since<readonly TaskShare[]>[] = [];

  constructor(id: StretchId, blockSequence: number, robot: Robot, model: RobotModel, epochTimeUs: number) {
    this.id = id;
    this.blockSequence = blockSequence;
    this.ranTo = id.sequence;
    this.#robot = robot;
    this.#model = model;
    this.#epochTimeUs = epochTimeUs;
    this.fromUs = epochTimeUs + robot.wokeUs;
    this.#untilUs = this.fromUs;
    // What it does at the beginning was decided before: the decision is in its state.
    if (robot.decision !== null) this.#decisions.push(decisionMade(robot, robot.decision, epochTimeUs));
    this.#look(robot);
  }

  get untilUs(): number {
    return this.#untilUs;
  }
  /** Sequence of the snapshot that ended it; null while it goes on. */
  get next(): number | null {
    return this.#next;
  }
  get robot(): Robot {
    if (this.#robot === null) throw new Error('a stretch that has ended keeps no robot');
    return this.#robot;
  }

  /** Another stretch begins at that sequence: this one never goes on, and lets go of its robot. */
  end(next: number): void {
    this.#next = next;
    this.#robot = null;
    this.#shown = null;
  }

  /**
   * Runs the wakes of one recorded segment; with `stopAtUs`, those at or before that hub time.
   *
   * @throws MalformedBytesError
   */
  run(segment: Uint8Array, stopAtUs = Number.POSITIVE_INFINITY): void {
    for (const { atUs, inbox } of decodeSegment(segment).wakes) {
      if (this.#epochTimeUs + atUs > stopAtUs) return;
      const { agent, outputs } = step(this.#model, this.robot, inbox, atUs);
      this.#robot = agent;
      this.#untilUs = this.#epochTimeUs + atUs;
      if (outputs.decision !== null) this.#decisions.push(decisionMade(agent, outputs.decision, this.#epochTimeUs));
      if (atUs - this.#lookedUs >= LOOK_EVERY_US) this.#look(agent);
    }
  }

  #look(robot: Robot): void {
    const before = this.#shown;
    const timeUs = this.#untilUs;
    const { motion, health } = robot.world;
    this.#lookedUs = robot.wokeUs;
    this.#shown = robot;
    const sinceMs = (timeUs - this.fromUs) / 1_000;
    this.#poses.push(sinceMs, motion.xM, motion.yM, motion.headingRad, motion.speedMps, health.charge);
    if (before === null || statusDiffers(before, robot))
      this.#statuses.push({ timeUs, value: statusAt(robot, this.#model) });
    if (before === null || before.plan?.intents !== robot.plan?.intents || before.plan?.cursor !== robot.plan?.cursor)
      this.#paths.push({ timeUs, value: wayOf(robot) });
    if (before === null || before.world.fences !== robot.world.fences)
      this.#fences.push({ timeUs, value: fencesOf(robot) });
    if (before === null || before.tasks !== robot.tasks || before.world.errands !== robot.world.errands)
      this.#tasks.push({ timeUs, value: tasksOf(robot) });
    if (before?.world.sight.tracks === robot.world.sight.tracks) return;
    const people = peopleOf(robot);
    if (people.length > 0 || before === null || this.#people.at(-1)?.value.length !== 0)
      this.#people.push({ timeUs, value: people });
  }

  /** What was filmed since the last time, or null when nothing was. */
  take(): FilmPiece | null {
    const complete = this.#next !== null;
    const ended = complete && !this.#toldEnd;
    if (this.#poses.length === 0 && this.#decisions.length === 0 && !ended) return null;
    this.#toldEnd = complete;
    const piece: FilmPiece = {
      ...this.id,
      fromUs: this.fromUs,
      untilUs: this.#untilUs,
      complete,
      exact: true,
      poses: Float32Array.from(this.#poses),
      statuses: this.#statuses,
      decisions: this.#decisions,
      paths: this.#paths,
      people: this.#people,
      fences: this.#fences,
      tasks: this.#tasks,
    };
    this.#poses = [];
    this.#statuses = [];
    this.#decisions = [];
    this.#paths = [];
    this.#people = [];
    this.#fences = [];
    this.#tasks = [];
    return piece;
  }
}

const UTF8 = new TextDecoder();

/** The robot as a snapshot holds it. @throws SyntaxError when it holds none */
export const robotIn = (state: Uint8Array): Robot => decodeState(UTF8.decode(state)) as Robot;

/** A robot that this page cannot run again, at the moment of a snapshot: where it was, and no more. */
export function stillPiece(id: StretchId, state: Uint8Array, epochTimeUs: number): FilmPiece | null {
  const { wokeUs, world } = robotIn(state);
  const { xM, yM, headingRad, speedMps } = world?.motion ?? {};
  if (![wokeUs, xM, yM, headingRad, speedMps].every((value) => Number.isFinite(value))) return null;
  const row = [0, xM, yM, headingRad, speedMps, world.health?.charge ?? Number.NaN];
  if (row.length !== POSE_WIDTH) return null;
  const fromUs = epochTimeUs + wokeUs;
  const nothing = { statuses: [], decisions: [], paths: [], people: [], fences: [], tasks: [] };
  return { ...id, ...nothing, fromUs, untilUs: fromUs, complete: true, exact: false, poses: Float32Array.from(row) };
}
