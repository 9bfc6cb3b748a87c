import { BODIES } from '@sigma/fleet-model';
import { type Outcomes, robotTruth, type World } from '@sigma/fleet-world';

/** What must never happen, whatever the seed. */
export interface Breach {
  readonly atUs: number;
  readonly what: string;
}

/**
 * Fastest a robot may touch somebody, m/s. ISO/TS 15066:2016 annex A allows a transient contact of some 0.25 m/s for a
 * body of about 100 kg against the weaker regions of a person (formula A.6 with 130 N on the abdomen and k = 10 N/mm).
 */
const CONTACT_MPS = 0.25;
/** Rounding of positions: bodies may seem to overlap by so much and only touch, m. */
const TOUCH_M = 1e-6;

/** No two robots overlap. */
export function overlaps(world: World): readonly Breach[] {
  const found: Breach[] = [];
  const { robots } = world.layout;
  const truths = robots.map((_, i) => robotTruth(world, i));
  for (let i = 0; i < truths.length; i++) {
    const a = truths[i] as (typeof truths)[number];
    const radiusM = BODIES[robots[i]?.body ?? 'carrier'].radiusM;
    for (let j = i + 1; j < truths.length; j++) {
      const b = truths[j] as (typeof truths)[number];
      const dx = a.xM - b.xM;
      if (dx > 1 || dx < -1) continue;
      const dy = a.yM - b.yM;
      const leastM = radiusM + BODIES[robots[j]?.body ?? 'carrier'].radiusM - TOUCH_M;
      if (dx * dx + dy * dy >= leastM * leastM) continue;
      const gapM = Math.sqrt(dx * dx + dy * dy);
      found.push({ atUs: world.atUs, what: `robots ${a.id} and ${b.id} overlap: ${gapM.toFixed(3)} m apart` });
    }
  }
  return found;
}

/**
 * Nobody who walks the site is touched faster than the contact speed. Somebody whom a fault puts inside a robot's
 * stopping distance is a collision and no breach: no brake could have helped.
 */
export function harms(world: World, outcomes: Outcomes): readonly Breach[] {
  const found: Breach[] = [];
  for (const { robot, with: what, other, speedMps } of outcomes.collisions) {
    if (what !== 'person' || speedMps <= CONTACT_MPS || other >= world.layout.people) continue;
    const text = `${world.layout.robots[robot]?.id} touched person ${other} at ${speedMps.toFixed(2)} m/s`;
    found.push({ atUs: world.atUs, what: text });
  }
  return found;
}
