import type { Body } from '../bodies.ts';
import type { Ground } from '../ground.ts';
import { cellAt } from '../site/site.ts';
import { OBSTACLE_MARGIN_M, separationSpeed, stepDown } from './separation.ts';

export interface FenceBound {
  readonly speedMps: number;
  readonly why: string;
}

/** Distance between two looks along the way, m. */
const LOOK_M = 0.25;

/**
 * The bound by slow zones here and one stopping distance ahead; a restricted zone's edge is an obstacle that no sensor
 * shows. Null where no zone bounds the body. A function of the pose alone, so that a drive's expectation reckons with it.
 */
export function fenceBound(
  ground: Ground,
  body: Body,
  at: {
    readonly xM: number;
    readonly yM: number;
    readonly cosH: number;
    readonly sinH: number;
    readonly speedMps: number;
  },
  backwards = at.speedMps < -0.02,
): FenceBound | null {
  if (!ground.fenced) return null;
  const way = backwards ? -1 : 1;
  const reachM = (at.speedMps * at.speedMps) / (2 * body.brakeMps2) + body.radiusM + 0.6;
  let allowed = Number.POSITIVE_INFINITY;
  let why = '';
  for (let lookM = 0; ; lookM += LOOK_M) {
    const aheadM = Math.min(lookM, reachM);
    const cell = cellAt(ground.site, at.xM + way * at.cosH * aheadM, at.yM + way * at.sinH * aheadM);
    if (cell >= 0) {
      const limit = ground.limitMps[cell] as number;
      const roomM = Math.max(0, aheadM - body.radiusM);
      const bound = Math.sqrt(limit * limit + 2 * body.brakeMps2 * roomM);
      if (bound < allowed) {
        allowed = bound;
        why = `slow zone ${aheadM === 0 ? 'here' : 'ahead'}`;
      }
      // A robot that is inside already is the failsafe's business; here it only must not enter.
      if (ground.restricted[cell] !== 0 && lookM > 0) {
        const stop = separationSpeed(Math.max(0, roomM - LOOK_M), 0, body.brakeMps2, OBSTACLE_MARGIN_M);
        if (stop < allowed) {
          allowed = stop;
          why = 'restricted zone ahead';
        }
        break;
      }
    }
    if (aheadM === reachM) break;
  }
  return allowed >= body.maxSpeedMps ? null : { speedMps: stepDown(allowed), why };
}
