/**
 * What each number of a robot is, by the field's name on the wire: a name alone does not say what is measured, from
 * where, or which way it counts. What a robot of another kind tells beside these is shown with its name only.
 */
const MEANING: Readonly<Record<string, string>> = {
  xM: 'How far east it believes it is, from the south-west corner of the site',
  yM: 'How far north it believes it is, from the south-west corner of the site',
  headingRad: 'Which way it faces: 0 is east, half of π is north',
  speedMps: 'Along its heading; below zero it drives backwards',
  turnRadps: 'How fast it turns; above zero to its left',
  positionSigmaM: 'How far off its own position may be: one standard deviation',
  charge: 'Share of the battery’s charge that is left',
  battery: 'Share of the battery’s charge that is left, as it is told with its position',
  batteryCharge: 'Share of the battery’s charge that is left',
  batteryV: 'Voltage of the battery, which sinks under load',
  batteryA: 'Current of the battery',
  batteryC: 'Temperature of the battery',
  batteryHealth: 'Capacity of the battery as a share of what it had when new',
  motorLeftC: 'Temperature of the left drive motor',
  motorRightC: 'Temperature of the right drive motor',
  boardC: 'Temperature of the computer on board',
  currentLeftA: 'Current of the left drive motor',
  currentRightA: 'Current of the right drive motor',
  pitchRad: 'How far it leans forward or back',
  rollRad: 'How far it leans to a side',
  freePathM: 'How far the way ahead of it is free, by its laser scanner',
  personM: 'Distance of the nearest person that it sees',
  gyroBiasRadps: 'Turning that its gyroscope reports at rest, as it estimates it',
  fixGapM: 'How far its last position fix lay from where it had reckoned it was',
  encoderStuck: 'Whether a wheel’s encoder stands still while the wheel turns',
  lidarFrozen: 'Whether its laser scanner repeats one picture although it moves',
  imuDrift: 'Whether its inertial sensor drifts beyond what can be corrected',
};

/** A sentence on what the field measures, without its full stop; empty for a field that nobody described. */
export const sensorMeaning = (field: string): string =>
  Object.hasOwn(MEANING, field) ? (MEANING[field] as string) : '';
