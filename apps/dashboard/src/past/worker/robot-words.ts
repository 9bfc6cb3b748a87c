import { create, fromBinary } from '@bufbuild/protobuf';
import { errandShare, type FleetBelief, NO_READING, SCAN } from '@sigma/fleet-model';
import type { Agent, Decision, TerrainModel } from '@sigma/kernel';
import {
  type AgentDecision,
  AgentDecisionSchema,
  type AgentStatus,
  AgentStatusSchema,
  DecisionSchema,
  type Fence,
  FenceSchema,
} from '@sigma/proto';
import { encodeDecision, WireWriter } from '@sigma/recorder';
import type { PastScan, TaskShare } from '../film/film-piece.ts';

export type Robot = Agent<FleetBelief>;
export type RobotModel = TerrainModel<FleetBelief>;

/** What the robot would have told the hub of itself at this moment: the same words as the edge uses. */
export function statusAt(robot: Robot, model: RobotModel): AgentStatus {
  const { plan, decision, failsafe, world } = robot;
  const task = robot.tasks.find(({ status }) => status === 'active') ?? robot.tasks.at(-1) ?? null;
  return create(AgentStatusSchema, {
    agentId: robot.id,
    epoch: robot.epoch,
    atUs: BigInt(robot.wokeUs),
    role: robot.role,
    body: world.body,
    mode: robot.mode,
    chain: robot.chain.active,
    failsafe: failsafe.selected ?? '',
    failsafeEntries: failsafe.entries.map((entry) => {
      const condition = model.failsafe.conditions.find(({ id }) => id === entry.condition);
      return {
        condition: entry.condition,
        action: entry.action,
        cause: entry.cause,
        advice: condition?.advice ?? '',
        sinceUs: BigInt(entry.sinceUs),
        present: entry.present,
        acknowledgedBy: entry.acknowledgedBy ?? '',
        holding: entry.holding,
        clear: condition?.clear ?? '',
      };
    }),
    stop: robot.stop,
    leaseHolder: robot.lease?.holder ?? '',
    taskId: task?.task.id ?? '',
    taskStatus: task?.status ?? '',
    taskProgress: task === null ? 0 : errandShare(world, task.task.id),
    planRevision: BigInt(robot.planRevisions.primary),
    planCursor: plan?.cursor ?? 0,
    planLength: plan?.intents.length ?? 0,
    decisionSequence: BigInt(robot.decisionSequence),
    command: robot.command.name,
    authority: decision?.authority ?? 'rest',
    rationale: decision?.rationale ?? '',
  });
}

/** Whether the robot would tell something else of itself than before. */
export function statusDiffers(a: Robot, b: Robot): boolean {
  return (
    a.decisionSequence !== b.decisionSequence ||
    a.command.name !== b.command.name ||
    a.mode !== b.mode ||
    a.stop !== b.stop ||
    a.chain.active !== b.chain.active ||
    a.failsafe.selected !== b.failsafe.selected ||
    !sameEntries(a.failsafe.entries, b.failsafe.entries) ||
    a.lease !== b.lease ||
    a.tasks !== b.tasks ||
    a.planRevisions.primary !== b.planRevisions.primary ||
    a.plan?.cursor !== b.plan?.cursor
  );
}

type Entries = Robot['failsafe']['entries'];

const sameEntries = (a: Entries, b: Entries): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every((entry, k) => {
      const other = b[k] as Entries[number];
      return (
        entry === other ||
        (entry.condition === other.condition &&
          entry.present === other.present &&
          entry.holding === other.holding &&
          entry.acknowledgedBy === other.acknowledgedBy)
      );
    }));

/** x, y of the points that the plan still has before it, metres; empty without a plan. */
export function wayOf(robot: Robot): Float32Array {
  const { plan } = robot;
  if (plan === null) return NOWHERE;
  const points: number[] = [];
  for (const { args } of plan.intents.slice(plan.cursor)) {
    const [xM, yM] = [args['xM'], args['yM']];
    if (typeof xM === 'number' && typeof yM === 'number') points.push(xM, yM);
  }
  return Float32Array.from(points);
}

const NOWHERE = new Float32Array(0);

/** x, y of everybody whom the robot believes to see. */
export function peopleOf(robot: Robot): Float32Array {
  const points: number[] = [];
  for (const { kind, confirmed, xM, yM } of robot.world.sight.tracks) {
    if (confirmed && kind === 'person') points.push(xM, yM);
  }
  return points.length === 0 ? NOWHERE : Float32Array.from(points);
}

/** What people had drawn on the floor, as the robot had been told; without the names that only the hub knows. */
export function fencesOf(robot: Robot): readonly Fence[] {
  return (robot.world.fences?.list ?? []).map(({ id, kind, speedMps, points }) =>
    create(FenceSchema, { id, name: id, kind, speedMps, polygon: { points: points.map(([xM, yM]) => ({ xM, yM })) } }),
  );
}

/** How far the robot had come with its tasks, by what it had sensed: the same count as the edge reports. */
export const tasksOf = ({ tasks, world }: Robot): readonly TaskShare[] =>
  tasks.map(({ task: { id }, status }) => ({ taskId: id, share: status === 'done' ? 1 : errandShare(world, id) }));

const SCALE_M = SCAN.scale[0] as number;

/** The lidar's last scan, laid where the robot is now; null before the first. */
export function scanOf(robot: Robot, timeUs: number): PastScan | null {
  const { sight, motion } = robot.world;
  if (sight.ranges === null) return null;
  const rangesM = Array.from(sight.ranges, (count) => (count === NO_READING ? 0 : count * SCALE_M));
  return { source: robot.id, timeUs, xM: motion.xM, yM: motion.yM, headingRad: motion.headingRad, rangesM };
}

const wire = new WireWriter();

/** A decision of the kernel as the hub tells it. */
export function decisionMade(robot: Robot, decision: Decision, epochTimeUs: number): AgentDecision {
  wire.reset();
  encodeDecision(wire, decision);
  return create(AgentDecisionSchema, {
    agentId: robot.id,
    atUs: BigInt(decision.atUs),
    timeUs: BigInt(epochTimeUs + decision.atUs),
    decision: fromBinary(DecisionSchema, wire.take()),
  });
}
