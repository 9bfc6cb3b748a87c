/** The fleet terrain: what a robot senses, does and expects, and the sites it works in. */
export { BODIES, type Body, CARRIER, HUMANOID } from './bodies.ts';
export { CHANNELS, FIX, HEALTH, MOTION, NO_READING, SCAN, SCAN_RAYS } from './channels.ts';
export {
  CUTOFF,
  DOCK,
  DRIVE,
  FAULTS,
  type FaultName,
  HOLD,
  LOAD,
  LOOK,
  STOP,
  UNDOCK,
  UNLOAD,
} from './commands.ts';
export * from './site/index.ts';
