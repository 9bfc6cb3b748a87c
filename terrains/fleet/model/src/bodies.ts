/** The two kinds of robot, with the limits that the model plans with and the computed world obeys. SI units. */
export interface Body {
  readonly kind: 'humanoid' | 'carrier';
  readonly radiusM: number;
  readonly heightM: number;
  readonly trackM: number;
  readonly massKg: number;
  readonly payloadKg: number;
  readonly maxSpeedMps: number;
  readonly maxTurnRadps: number;
  readonly accelMps2: number;
  /** Share of the acceleration that is left with the full payload. */
  readonly loadedAccelShare: number;
  /** Normal stop (category 2) and set-point changes. */
  readonly brakeMps2: number;
  /** Protective stop (category 1). */
  readonly hardBrakeMps2: number;
  /** Spring brakes after power is cut (category 0). */
  readonly mechanicalBrakeMps2: number;
  readonly turnAccelRadps2: number;
  readonly batteryWh: number;
  readonly idleW: number;
  readonly motorRatedA: number;
  readonly lidarRangeM: number;
}

export const HUMANOID: Body = {
  kind: 'humanoid',
  radiusM: 0.32,
  heightM: 1.65,
  trackM: 0.46,
  massKg: 85,
  payloadKg: 15,
  maxSpeedMps: 1.2,
  maxTurnRadps: 1.6,
  accelMps2: 0.8,
  loadedAccelShare: 0.6,
  brakeMps2: 1.0,
  hardBrakeMps2: 1.8,
  mechanicalBrakeMps2: 2.2,
  turnAccelRadps2: 4.0,
  batteryWh: 900,
  idleW: 95,
  motorRatedA: 12,
  lidarRangeM: 15,
};

export const CARRIER: Body = {
  kind: 'carrier',
  radiusM: 0.38,
  heightM: 0.45,
  trackM: 0.56,
  massKg: 120,
  payloadKg: 300,
  maxSpeedMps: 1.8,
  maxTurnRadps: 1.6,
  accelMps2: 1.0,
  loadedAccelShare: 0.6,
  brakeMps2: 1.2,
  hardBrakeMps2: 2.2,
  mechanicalBrakeMps2: 2.6,
  turnAccelRadps2: 4.0,
  batteryWh: 1600,
  idleW: 60,
  motorRatedA: 18,
  lidarRangeM: 15,
};

export const BODIES: Readonly<Record<Body['kind'], Body>> = { humanoid: HUMANOID, carrier: CARRIER };
