import type { Body } from '@sigma/fleet-model';
import { LOAD, UNLOAD } from '@sigma/fleet-model';
import { LOAD_KG, PHASE, PHASE_END_US, PHASE_SINCE_US, ROBOT } from './state.ts';
import type { Draft } from './step.ts';

const GRAVITY_MPS2 = 9.81;
/** Torque constant of each joint's gear motor, N m per A. */
const TORQUE_PER_A = [9, 4, 4, 3, 3, 6];
/** What the arms and the lift weigh at each joint by themselves, N m, and the lever of the load, m. */
const HUMANOID_OWN = [6, 3, 3, 1.2, 1.2, 4];
const HUMANOID_LEVER = [0.25, 0.2, 0.2, 0.12, 0.12, 0.06];
/** A carrier has a scissor lift and nothing else. */
const CARRIER_OWN_LIFT = 3;
const CARRIER_LIFT_LEVER = 0.012;
const JOINT_OHM = 0.4;
/** Carrying costs half the effort of the middle of a lift. */
const CARRYING = 0.5;

export const JOINTS = 6;
const LIFT = 5;

/**
 * Torque at one joint, N m, or null for a joint that the body does not have. Load and effort follow one parabola
 * over the time of a load or unload: nothing at its ends, most in the middle.
 */
export function jointTorque(draft: Draft, robot: number, joint: number): number | null {
  const body = draft.layout.bodies[robot] as Body;
  if (body.kind === 'carrier' && joint !== LIFT) return null;
  const effort = liftEffort(draft, robot);
  const carriedKg = draft.robots[robot * ROBOT + LOAD_KG] as number;
  const kg = effort > 0 ? Math.max(carriedKg, body.payloadKg * 0.3) : carriedKg;
  const share = Math.max(effort, carriedKg > 0 ? CARRYING : 0);
  if (body.kind === 'carrier') return CARRIER_OWN_LIFT * share + kg * GRAVITY_MPS2 * CARRIER_LIFT_LEVER * share;
  const own = (HUMANOID_OWN[joint] as number) * (1 + effort);
  return own + kg * GRAVITY_MPS2 * (HUMANOID_LEVER[joint] as number) * share;
}

export const jointCurrent = (joint: number, torqueNm: number): number => torqueNm / (TORQUE_PER_A[joint] as number);

/** Electrical power of the joints, W. */
export function jointPower(draft: Draft, robot: number): number {
  let watts = 60 * liftEffort(draft, robot);
  for (let joint = 0; joint < JOINTS; joint++) {
    const torque = jointTorque(draft, robot, joint);
    if (torque === null) continue;
    const current = jointCurrent(joint, torque);
    watts += JOINT_OHM * current * current;
  }
  return watts;
}

function liftEffort(draft: Draft, robot: number): number {
  const action = draft.actions[robot];
  const at = robot * ROBOT;
  if (!action || draft.robots[at + PHASE] !== 2 || (action.name !== LOAD && action.name !== UNLOAD)) return 0;
  const since = draft.robots[at + PHASE_SINCE_US] as number;
  const part = (draft.fromUs - since) / ((draft.robots[at + PHASE_END_US] as number) - since);
  return 4 * part * (1 - part);
}
