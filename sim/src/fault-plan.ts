import { FAULTS, type FaultName } from '@sigma/fleet-model';

/** A fault to be injected during a run. */
export interface PlannedFault {
  readonly fault: FaultName;
  readonly robot: string;
  /** Virtual time at which it begins, microseconds. */
  readonly atUs: number;
  /** How long it lasts; absent: until the end. */
  readonly forUs?: number;
  /** Strength in the fault's own unit; absent: the world's default. */
  readonly value?: number;
}

export class FaultPlanError extends Error {
  constructor(text: string, problem: string) {
    super(`Fault '${text}': ${problem}. Write NAME:ROBOT@SECONDS[+SECONDS][=VALUE], as in motor_overload:r03@12+5`);
    this.name = 'FaultPlanError';
  }
}

const PATTERN = /^([a-z_]+):([a-z0-9][a-z0-9._-]*)@(\d+(?:\.\d+)?)(?:\+(\d+(?:\.\d+)?))?(?:=(-?\d+(?:\.\d+)?))?$/;

const microseconds = (seconds: string): number => Math.round(Number(seconds) * 1e6);

/**
 * Reads `NAME:ROBOT@SECONDS[+SECONDS][=VALUE]`.
 *
 * @throws FaultPlanError naming what is wrong
 */
export function parseFault(text: string): PlannedFault {
  const match = PATTERN.exec(text);
  if (match === null) throw new FaultPlanError(text, 'cannot be read');
  const [, name, robot, at, duration, value] = match;
  const fault = FAULTS.find((known) => known === name);
  if (fault === undefined)
    throw new FaultPlanError(text, `there is no fault '${name}'; known are ${FAULTS.join(', ')}`);
  return {
    fault,
    robot: robot as string,
    atUs: microseconds(at as string),
    ...(duration === undefined ? {} : { forUs: microseconds(duration) }),
    ...(value === undefined ? {} : { value: Number(value) }),
  };
}
