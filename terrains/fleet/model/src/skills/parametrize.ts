import {
  type Action,
  angleDifference,
  type Command,
  type Intent,
  type Params,
  type PlanState,
  type SetPoint,
  type Situation,
} from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { DOCK, DRIVE, HOLD, LOAD, LOOK, UNDOCK, UNLOAD } from '../commands.ts';
import { againstSince } from './obedience.ts';
import { arrived, bend, steer, turnTowards } from './steer.ts';

export const ADVANCE = 'advance';
export const TURN = 'turn';
export const WAIT = 'wait';

/** A set-point is renewed ten times a second and outlives two renewals that fail to come. */
const SETPOINT_US = 300_000;
/** Bends up to this are driven through; for more the robot stands and turns. */
const SMOOTH_BEND_RAD = 0.2;
/** No need to look further along the plan than any robot needs to stop. */
const HORIZON_M = 4;

/** Longest time an action may take before nobody knows what became of it. */
const DEADLINE_US: Readonly<Record<string, number>> = {
  [LOAD]: 40_000_000,
  [UNLOAD]: 40_000_000,
  [DOCK]: 30_000_000,
  [UNDOCK]: 20_000_000,
  [LOOK]: 10_000_000,
};

export const HOLD_COMMAND: SetPoint = { kind: 'setpoint', name: HOLD, params: {}, durationUs: 1_000_000 };

export const number = (params: Params, name: string): number | null => {
  const value = params[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

const drive = (params: Params): SetPoint => ({ kind: 'setpoint', name: DRIVE, params, durationUs: SETPOINT_US });

/**
 * An intent with the parameters of this moment. A drive carries, besides the wheels' speeds, the stretch it belongs to:
 * the actuators ignore it, the expectation is made of it.
 */
export function parametrize(
  intent: Intent,
  situation: Situation<FleetBelief>,
  id: string,
  key: string,
): Command | null {
  switch (intent.name) {
    case ADVANCE:
      return advance(intent, situation);
    case TURN: {
      const headingRad = number(intent.args, 'headingRad');
      if (headingRad === null) return null;
      const { world } = situation;
      const turnRadps = turnTowards(angleDifference(headingRad, world.motion.headingRad), bodyOf(world));
      return drive({ speedMps: 0, turnRadps, toHeadingRad: headingRad, ...againstSince(situation) });
    }
    case WAIT:
      return HOLD_COMMAND;
    default: {
      const withinUs = DEADLINE_US[intent.name];
      if (withinUs === undefined) return null;
      const deadlineUs = situation.atUs + withinUs;
      // The id ends in what was to be done, so that the bare result of an action says what has been done.
      const action: Action = {
        kind: 'action',
        name: intent.name,
        params: intent.args,
        id: `${id}/${intent.name}`,
        idempotencyKey: key,
        deadlineUs,
      };
      return action;
    }
  }
}

function advance(intent: Intent, situation: Situation<FleetBelief>): Command | null {
  const { world, plan } = situation;
  const toXM = number(intent.args, 'xM');
  const toYM = number(intent.args, 'yM');
  if (toXM === null || toYM === null) return null;
  const body = bodyOf(world);
  const { motion } = world;
  const before = plan === null ? undefined : plan.intents[plan.cursor - 1];
  const from = before?.name === ADVANCE ? pointOf(before) : null;
  const beyondM = plan === null ? 0 : wayBeyond(plan, from ?? motion, toXM, toYM);
  const wanted = number(intent.args, 'speedMps');
  const cruiseMps = Math.min(body.maxSpeedMps, wanted !== null && wanted > 0 ? wanted : body.maxSpeedMps);
  const { speedMps, turnRadps } = steer(motion, { toXM, toYM, from, beyondM, cruiseMps }, body);
  const params = { speedMps, turnRadps, cruiseMps, toXM, toYM, beyondM, ...againstSince(situation) };
  return drive(from === null ? params : { ...params, fromXM: from.xM, fromYM: from.yM });
}

function pointOf(intent: Intent): { readonly xM: number; readonly yM: number } | null {
  const xM = number(intent.args, 'xM');
  const yM = number(intent.args, 'yM');
  return xM === null || yM === null ? null : { xM, yM };
}

/** Way after this waypoint that needs no stop: on through every further waypoint that lies straight ahead. */
function wayBeyond(
  plan: PlanState,
  from: { readonly xM: number; readonly yM: number },
  toXM: number,
  toYM: number,
): number {
  let ax = from.xM;
  let ay = from.yM;
  let bx = toXM;
  let by = toYM;
  let way = 0;
  for (let k = plan.cursor + 1; k < plan.intents.length && way < HORIZON_M; k++) {
    const next = plan.intents[k] as Intent;
    const point = next.name === ADVANCE ? pointOf(next) : null;
    if (point === null) break;
    const length = Math.sqrt((point.xM - bx) * (point.xM - bx) + (point.yM - by) * (point.yM - by));
    const short = (bx - ax) * (bx - ax) + (by - ay) * (by - ay) < 0.01;
    if (!short && length > 0.01 && bend(ax, ay, bx, by, point.xM, point.yM) > SMOOTH_BEND_RAD) break;
    if (length > 0.01) {
      ax = bx;
      ay = by;
    }
    bx = point.xM;
    by = point.yM;
    way += length;
  }
  return way;
}

/** Standing still for this long with the way not done means that it cannot be done as planned. */
const BLOCKED_AFTER_US = 12_000_000;

export function intentProgress(
  world: FleetBelief,
  intent: Intent,
  sinceUs: number,
  atUs: number,
): 'running' | 'done' | 'failed' {
  const { motion } = world;
  switch (intent.name) {
    case ADVANCE: {
      const point = pointOf(intent);
      if (point === null) return 'failed';
      if (arrived(motion, point.xM, point.yM)) return 'done';
      const standsUs = motion.standsSinceUs < 0 ? 0 : atUs - Math.max(motion.standsSinceUs, sinceUs);
      return standsUs > BLOCKED_AFTER_US ? 'failed' : 'running';
    }
    case TURN: {
      const headingRad = number(intent.args, 'headingRad');
      if (headingRad === null) return 'failed';
      const close = Math.abs(angleDifference(headingRad, motion.headingRad)) < 0.025;
      return close && Math.abs(motion.turnRadps) < 0.1 ? 'done' : 'running';
    }
    case WAIT: {
      const untilUs = number(intent.args, 'untilUs');
      return untilUs !== null && atUs >= untilUs ? 'done' : 'running';
    }
    case LOAD:
    case UNLOAD:
    case DOCK:
    case UNDOCK:
    case LOOK:
      return 'running';
    default:
      return 'failed';
  }
}
