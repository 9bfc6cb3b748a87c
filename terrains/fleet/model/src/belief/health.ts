import { HEALTH, NO_READING } from '../channels.ts';
import type { HealthBelief } from './belief.ts';

/** Temperatures, battery and joints. A field without a reading keeps its last value. */
export function foldHealth(health: HealthBelief, values: Int32Array, atUs: number): HealthBelief {
  const read = (field: number, before: number): number => {
    const count = values[field];
    return count === undefined || count === NO_READING ? before : count * (HEALTH.scale[field] as number);
  };
  return {
    atUs,
    motorLeftC: read(0, health.motorLeftC),
    motorRightC: read(1, health.motorRightC),
    boardC: read(2, health.boardC),
    batteryV: read(3, health.batteryV),
    batteryA: read(4, health.batteryA),
    charge: Math.max(0, Math.min(1, read(5, health.charge))),
    batteryC: read(6, health.batteryC),
    batteryHealth: Math.max(0, Math.min(1, read(7, health.batteryHealth))),
    jointTorqueNm: health.jointTorqueNm.map((before, joint) => read(8 + joint, before)),
    jointCurrentA: health.jointCurrentA.map((before, joint) => read(14 + joint, before)),
  };
}
