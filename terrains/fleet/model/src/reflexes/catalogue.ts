import type { Reflex, ReflexAnswer } from '@sigma/kernel';
import { bodyOf, type FleetBelief } from '../belief/belief.ts';
import { pictureLateS, speedOnPicture } from '../belief/freshness.ts';
import { imuDrifts } from '../belief/motion.ts';
import { fencedGround, type Ground } from '../ground.ts';
import { sweptPathM } from './corridor.ts';
import { nextCrossing } from './crossing.ts';
import { fenceBound } from './fences.ts';
import {
  freePathM,
  headsBack,
  nearestPerson,
  OBSTACLE_MARGIN_M,
  personSpeed,
  separationSpeed,
  stepDown,
} from './separation.ts';

/** Below this share of charge, or of what a healthy battery delivers, the robot saves its strength for standing safely. */
const LOW_CHARGE = 0.15;
/** Tilt beyond which speed is bounded; the failsafe stops the robot at twice that. */
const TILT_BOUND_RAD = 0.12;

const NO_FORBID: readonly string[] = [];

const speedBound = (speedMps: number, rationale: string): ReflexAnswer => ({
  restriction: { atMost: { speedMps }, forbid: NO_FORBID },
  rationale,
});

/** Speed and separation monitoring: who might walk towards the robot must find it standing. */
const separation: Reflex<FleetBelief> = {
  id: 'human_proximity',
  reference: 'ISO/TS 15066:2016 5.5.4.2.3 (speed and separation monitoring), ISO 13855 (1.6 m/s)',
  propose: (situation) => {
    const { world, atUs } = situation;
    if (world.sight.tracks.length === 0) return null;
    const near = nearestPerson(world, headsBack(situation));
    if (near === null) return null;
    const body = bodyOf(world);
    const apart = personSpeed(near.gapM, body, pictureLateS(world, atUs));
    const allowed = near.facing < -0.3 ? Math.max(0.3, apart) : apart;
    if (allowed >= body.maxSpeedMps) return null;
    const speedMps = stepDown(allowed);
    const atMost = near.gapM < 0.4 ? { speedMps, turnRadps: 0.5 } : { speedMps };
    return {
      restriction: { atMost, forbid: NO_FORBID },
      rationale: `person ${near.track.id} at ${near.distanceM.toFixed(1)} m: at most ${speedMps} m/s`,
    };
  },
};

/** Never faster than the robot can stop before what stands, or comes, in its lane. */
const obstacle: Reflex<FleetBelief> = {
  id: 'obstacle_ahead',
  reference: 'ISO 3691-4:2020 4.8.2 (stopping within the range of personnel detection)',
  propose: (situation) => {
    const { world, atUs } = situation;
    const straightM = freePathM(world, headsBack(situation));
    const sweptM = sweptPathM(world);
    const freeM = Math.min(straightM, sweptM);
    const body = bodyOf(world);
    if (freeM > 8) return null;
    const lateS = pictureLateS(world, atUs);
    const allowed = separationSpeed(freeM, world.sight.approachMps, body.brakeMps2, OBSTACLE_MARGIN_M, lateS);
    if (allowed >= body.maxSpeedMps) return null;
    const speedMps = stepDown(allowed);
    const path = sweptM < straightM ? 'free path in its turn' : 'free path';
    return speedBound(speedMps, `${freeM.toFixed(1)} m of ${path}: at most ${speedMps} m/s`);
  },
};

/** Right of way where nobody granted it: whoever comes from the right goes first. */
const crossing: Reflex<FleetBelief> = {
  id: 'crossing_traffic',
  reference: 'ISO 3691-4:2020 4.8.2, rule of the road (priority to the right)',
  propose: ({ world, atUs }) => {
    const found = nextCrossing(world, pictureLateS(world, atUs));
    if (found === null || found.speedMps >= bodyOf(world).maxSpeedMps) return null;
    const speedMps = stepDown(found.speedMps);
    return speedBound(speedMps, `something (${found.track}) will cross the way: at most ${speedMps} m/s`);
  },
};

/** What the battery and the posture still allow. */
const lowPower: Reflex<FleetBelief> = {
  id: 'low_power',
  reference: 'ISO 13482:2014 5.3 (energy supply failure)',
  propose: ({ world }) => {
    const { charge } = world.health;
    if (charge >= LOW_CHARGE) return null;
    return speedBound(0.6, `charge ${(charge * 100).toFixed(0)} %: at most 0.6 m/s`);
  },
};

const tilt: Reflex<FleetBelief> = {
  id: 'tilt',
  reference: 'ISO 13482:2014 5.10.3 (instability in travel)',
  propose: ({ world }) => {
    const { pitchRad, rollRad } = world.motion;
    const lean = Math.max(Math.abs(pitchRad), Math.abs(rollRad));
    if (lean < TILT_BOUND_RAD) return null;
    return {
      restriction: { atMost: { speedMps: 0.3, turnRadps: 0.4 }, forbid: NO_FORBID },
      rationale: `tilted by ${lean.toFixed(2)} rad: at most 0.3 m/s`,
    };
  },
};

/** Encoders alone give the heading, and they slip: no fast driving until the IMU has been seen to. */
const drifting: Reflex<FleetBelief> = {
  id: 'imu_drift',
  reference: 'ISO 13849-1:2023 6.1.8 (detection of faults in monitoring)',
  propose: ({ world }) => (imuDrifts(world.motion) ? speedBound(0.6, 'the gyro drifts: at most 0.6 m/s') : null),
};

/** Nobody moves on a picture that is too old, whatever made it late; it clears with the next one. */
const blind: Reflex<FleetBelief> = {
  id: 'no_fresh_scan',
  reference: 'ISO 13849-1:2023 6.1.8 (detection of faults in monitoring)',
  propose: ({ world, atUs }) => {
    const allowed = speedOnPicture(world, atUs);
    if (allowed === null) return null;
    const speedMps = stepDown(allowed);
    return {
      restriction: { atMost: { speedMps, turnRadps: speedMps }, forbid: NO_FORBID },
      rationale: world.sight.atUs < 0 ? 'no scan yet: stand' : `scan is late: at most ${speedMps} m/s`,
    };
  },
};

function fences(ground: Ground): Reflex<FleetBelief> {
  return {
    id: 'zones',
    reference: 'ISO 3691-4:2020 4.8.5 (operating zones), VDA 5050 2.1 (zones)',
    propose: (situation) => {
      const { world } = situation;
      const now = fencedGround(ground, world.fences);
      if (!now.fenced) return null;
      const bound = fenceBound(now, bodyOf(world), world.motion, headsBack(situation));
      return bound === null ? null : speedBound(bound.speedMps, `${bound.why}: at most ${bound.speedMps} m/s`);
    },
  };
}

/** The reflexes of a fleet robot, evaluated at every wake. Each only bounds; stopping is the failsafe's business. */
export const fleetReflexes = (ground: Ground): readonly Reflex<FleetBelief>[] => [
  separation,
  obstacle,
  crossing,
  fences(ground),
  lowPower,
  tilt,
  drifting,
  blind,
];
