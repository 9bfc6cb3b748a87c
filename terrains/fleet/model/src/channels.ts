/**
 * The sensors of a robot as channels of raw int32 counts: what the hardware delivers, what is recorded, and what the
 * model turns into SI units by the scale beside each field. A count of `NO_READING` means the sensor gave none.
 */
export const NO_READING = -2147483648;

/** Rays of one lidar scan: ray k looks at heading + k * 2 degrees, counterclockwise. */
export const SCAN_RAYS = 180;

/** 100 Hz. Encoder counts are cumulative; 1 count = 0.0001 m of wheel travel. */
export const MOTION = {
  channel: 'motion',
  fields: [
    'encoderLeft',
    'encoderRight',
    'gyroZ',
    'accelX',
    'accelY',
    'pitch',
    'roll',
    'currentLeft',
    'currentRight',
    'bumper',
    'clock',
  ],
  /** m, m, rad/s, m/s2, m/s2, rad, rad, A, A, 0 or 1, s on the controller's own clock (it wraps) */
  scale: [1e-4, 1e-4, 1e-4, 1e-3, 1e-3, 1e-4, 1e-4, 1e-3, 1e-3, 1, 1e-4],
} as const;

/** 10 Hz. Millimetres to the first surface; 0 = nothing within range. */
export const SCAN = {
  channel: 'scan',
  fields: Array.from({ length: SCAN_RAYS }, (_, ray) => `range${ray}`),
  scale: Array.from({ length: SCAN_RAYS }, () => 1e-3),
} as const;

/** 10 Hz. Position from the site's beacons. `quality` 0 to 100. */
export const FIX = {
  channel: 'fix',
  fields: ['x', 'y', 'heading', 'quality'],
  /** m, m, rad, - */
  scale: [1e-3, 1e-3, 1e-4, 1],
} as const;

/** 2 Hz. Temperatures, battery and the six joints (waist, shoulder left/right, elbow left/right, lift). */
export const HEALTH = {
  channel: 'health',
  fields: [
    'motorTempLeft',
    'motorTempRight',
    'boardTemp',
    'batteryVoltage',
    'batteryCurrent',
    'batteryCharge',
    'batteryTemp',
    'batteryHealth',
    'torqueWaist',
    'torqueShoulderLeft',
    'torqueShoulderRight',
    'torqueElbowLeft',
    'torqueElbowRight',
    'torqueLift',
    'currentWaist',
    'currentShoulderLeft',
    'currentShoulderRight',
    'currentElbowLeft',
    'currentElbowRight',
    'currentLift',
  ],
  /** degC x3, V, A (discharge positive), fraction 0..1, degC, fraction 0..1, N m x6, A x6 */
  scale: [
    0.1, 0.1, 0.1, 1e-3, 1e-3, 1e-4, 0.1, 1e-4, 1e-2, 1e-2, 1e-2, 1e-2, 1e-2, 1e-2, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3,
  ],
} as const;

export const CHANNELS = [MOTION, SCAN, FIX, HEALTH] as const;
