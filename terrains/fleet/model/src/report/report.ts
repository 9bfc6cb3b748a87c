import { type Agent, type Json, type MessageStimulus, PI } from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { POSE_TOPIC } from '../belief/fold.ts';
import { encoderStuck, imuDrifts } from '../belief/motion.ts';
import { lidarFrozen } from '../belief/sight.ts';
import { freePathM, nearestPerson } from '../reflexes/separation.ts';

/** One number of a channel that robots send to the hub. `low` and `high` bound what is normal, inclusive; null: no bound. */
export interface ReportField {
  readonly name: string;
  readonly unit: string;
  readonly low: number | null;
  readonly high: number | null;
}

const field = (name: string, unit: string, low: number | null, high: number | null): ReportField => ({
  name,
  unit,
  low,
  high,
});

/** Distances of things that are not there are reported as this. */
const FAR_M = 1000;

/** Channel `state`, 10 Hz. */
export const STATE_FIELDS: readonly ReportField[] = [
  field('xM', 'm', null, null),
  field('yM', 'm', null, null),
  field('headingRad', 'rad', -PI, PI),
  field('speedMps', 'm/s', -1.9, 1.9),
  field('turnRadps', 'rad/s', -1.8, 1.8),
  field('positionSigmaM', 'm', 0, 0.25),
  field('charge', '1', 0.15, 1),
  field('batteryV', 'V', 42, 56),
  field('batteryA', 'A', -60, 60),
  field('batteryC', 'degC', 0, 50),
  field('batteryHealth', '1', 0.6, 1),
  field('motorLeftC', 'degC', 0, 85),
  field('motorRightC', 'degC', 0, 85),
  field('boardC', 'degC', 0, 75),
  field('currentLeftA', 'A', -40, 40),
  field('currentRightA', 'A', -40, 40),
  field('pitchRad', 'rad', -0.12, 0.12),
  field('rollRad', 'rad', -0.12, 0.12),
  field('freePathM', 'm', 0, FAR_M),
  field('personM', 'm', 0.7, FAR_M),
  field('gyroBiasRadps', 'rad/s', -0.08, 0.08),
  field('fixGapM', 'm', 0, 0.4),
  field('encoderStuck', '0/1', 0, 0),
  field('lidarFrozen', '0/1', 0, 0),
  field('imuDrift', '0/1', 0, 0),
];

/** Channel `tracks`, 10 Hz: one group of these for each thing seen. */
export const TRACK_FIELDS: readonly ReportField[] = [
  field('id', '1', null, null),
  field('kind', '0 person, 1 robot, 2 object', 0, 2),
  field('xM', 'm', null, null),
  field('yM', 'm', null, null),
  field('vxMps', 'm/s', -4, 4),
  field('vyMps', 'm/s', -4, 4),
  field('widthM', 'm', 0, 3),
];

/** What a robot tells the hub: channel by channel its fields, in the order of the numbers. */
export const reportFields: Readonly<Record<'state' | 'tracks', readonly ReportField[]>> = {
  state: STATE_FIELDS,
  tracks: TRACK_FIELDS,
};

/** Numbers of channel `state`, in the order of `STATE_FIELDS`. */
export function stateReport(world: FleetBelief): number[] {
  const { motion, health, sight } = world;
  return [
    motion.xM,
    motion.yM,
    motion.headingRad,
    motion.speedMps,
    motion.turnRadps,
    Math.sqrt(motion.positionVar),
    health.charge,
    health.batteryV,
    health.batteryA,
    health.batteryC,
    health.batteryHealth,
    health.motorLeftC,
    health.motorRightC,
    health.boardC,
    motion.currentLeftA,
    motion.currentRightA,
    motion.pitchRad,
    motion.rollRad,
    Math.min(FAR_M, freePathM(world)),
    nearestPerson(world)?.distanceM ?? FAR_M,
    motion.gyroBiasRadps,
    motion.fixGapM,
    encoderStuck(motion) ? 1 : 0,
    lidarFrozen(sight, motion) ? 1 : 0,
    imuDrifts(motion) ? 1 : 0,
  ];
}

const KIND = { person: 0, robot: 1, object: 2 } as const;

/** Numbers of channel `tracks`: confirmed tracks, one group of `TRACK_FIELDS` each. */
export function tracksReport(world: FleetBelief): number[] {
  const numbers: number[] = [];
  for (const { id, kind, xM, yM, vxMps, vyMps, widthM, confirmed } of world.sight.tracks) {
    if (confirmed) numbers.push(id, KIND[kind], xM, yM, vxMps, vyMps, widthM);
  }
  return numbers;
}

/** What the supervisor and the interface know a robot by. */
export interface RobotStatus {
  readonly agentId: string;
  readonly body: FleetBelief['body'];
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly speedMps: number;
  readonly battery: number;
  /** It cannot move by itself now, and why: a stop, a failsafe action, a mode, the planner chain. */
  readonly halted: boolean;
  readonly haltedBy: string | null;
  readonly mode: Agent<FleetBelief>['mode'];
  readonly chain: Agent<FleetBelief>['chain']['active'];
  readonly failsafe: string | null;
  readonly capabilities: readonly string[];
  readonly cargo: string | null;
  readonly docked: string | null;
  readonly taskId: string | null;
  readonly taskStatus: string | null;
  /** Last revision accepted of the primary planner's plans, and how far the plan in force has come; 0 without one. */
  readonly planRevision: number;
  readonly planCursor: number;
  readonly basis: { readonly epoch: number; readonly inputSequence: number };
}

export function statusOf(agent: Agent<FleetBelief>): RobotStatus {
  const { world } = agent;
  const { motion } = world;
  const current =
    agent.tasks.find(({ status }) => status === 'active') ??
    agent.tasks.find(({ status }) => status === 'queued') ??
    null;
  const haltedBy = haltReason(agent);
  return {
    agentId: agent.id,
    body: world.body,
    xM: motion.xM,
    yM: motion.yM,
    headingRad: motion.headingRad,
    speedMps: motion.speedMps,
    battery: world.health.charge,
    halted: haltedBy !== null,
    haltedBy,
    mode: agent.mode,
    chain: agent.chain.active,
    failsafe: agent.failsafe.selected,
    capabilities: ['drive', 'scan', 'load', 'unload', 'dock', world.body, `payload:${bodyOf(world).payloadKg}`],
    cargo: world.cargo,
    docked: world.docked,
    taskId: current?.task.id ?? null,
    taskStatus: current?.status ?? null,
    planRevision: agent.plan?.revision ?? agent.planRevisions.primary,
    planCursor: agent.plan?.cursor ?? 0,
    basis: { epoch: agent.epoch, inputSequence: agent.inputSequence },
  };
}

/** Null for a robot that may move; a person in its way halts nothing, it goes on by itself in a moment. */
function haltReason(agent: Agent<FleetBelief>): string | null {
  if (agent.stop !== 'none') return `${agent.stop} stop`;
  if (agent.mode !== 'automatic') return `${agent.mode} mode`;
  if (agent.chain.active !== 'primary') return `${agent.chain.active} link plans`;
  const { selected, selectedBy } = agent.failsafe;
  if (selected === null || selected === 'sos_broadcast' || selected === 'low_power_stability') return null;
  return selectedBy === 'person_too_close' ? null : selected;
}

/** What a robot tells its peers about five times a second, so that they do not take it for a person. */
export function poseMessage(
  agent: Agent<FleetBelief>,
): Pick<MessageStimulus, 'from' | 'topic'> & { readonly body: Json } {
  const { motion } = agent.world;
  const vx = motion.speedMps * motion.cosH;
  const vy = motion.speedMps * motion.sinH;
  return { from: agent.id, topic: POSE_TOPIC, body: [motion.xM, motion.yM, vx, vy, bodyOf(agent.world).radiusM] };
}
