import type { WireWriter } from '../../../src/index.ts';

// Hot messages of Foxglove, written field by field; `foxglove.test.ts` holds them against the published definitions.

/** Levels of foxglove.Log. */
export const LOG_LEVEL = { debug: 1, info: 2, warning: 3, error: 4, fatal: 5 } as const;

/** google.protobuf.Timestamp as field `field`. */
function timestamp(wire: WireWriter, field: number, timeUs: number): void {
  const seconds = Math.floor(timeUs / 1e6);
  const mark = wire.open(field);
  wire.int(1, seconds);
  wire.uint(2, (timeUs - seconds * 1e6) * 1000);
  wire.close(mark);
}

function vector(wire: WireWriter, field: number, x: number, y: number, z: number): void {
  const mark = wire.open(field);
  wire.double(1, x);
  wire.double(2, y);
  wire.double(3, z);
  wire.close(mark);
}

/** A turn about the vertical axis as foxglove.Quaternion. */
function heading(wire: WireWriter, field: number, headingRad: number): void {
  const mark = wire.open(field);
  wire.double(3, Math.sin(headingRad / 2));
  wire.double(4, Math.cos(headingRad / 2));
  wire.close(mark);
}

function pose(wire: WireWriter, field: number, xM: number, yM: number, headingRad: number): void {
  const mark = wire.open(field);
  vector(wire, 1, xM, yM, 0);
  heading(wire, 2, headingRad);
  wire.close(mark);
}

/** foxglove.FrameTransform. @param timeUs wall clock, microseconds since 1970 */
export function writeTransform(
  wire: WireWriter,
  timeUs: number,
  parent: string,
  child: string,
  xM: number,
  yM: number,
  headingRad: number,
): void {
  timestamp(wire, 1, timeUs);
  wire.string(2, parent);
  wire.string(3, child);
  vector(wire, 4, xM, yM, 0);
  heading(wire, 5, headingRad);
}

/** foxglove.PoseInFrame. */
export function writePose(
  wire: WireWriter,
  timeUs: number,
  frame: string,
  xM: number,
  yM: number,
  headingRad: number,
): void {
  timestamp(wire, 1, timeUs);
  wire.string(2, frame);
  pose(wire, 3, xM, yM, headingRad);
}

/** foxglove.LaserScan, seen from the origin of `frame`. */
export function writeScan(
  wire: WireWriter,
  timeUs: number,
  frame: string,
  startRad: number,
  endRad: number,
  rangesM: Float64Array,
): void {
  timestamp(wire, 1, timeUs);
  wire.string(2, frame);
  pose(wire, 3, 0, 0, 0);
  wire.double(4, startRad);
  wire.double(5, endRad);
  wire.bytes(6, littleEndian(rangesM));
}

/** Packed doubles of protobuf are the bytes that such an array has in memory, on every machine that Node runs on. */
const littleEndian = (values: Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** foxglove.Log. */
export function writeLog(wire: WireWriter, timeUs: number, level: number, message: string, name: string): void {
  timestamp(wire, 1, timeUs);
  wire.uint(2, level);
  wire.string(3, message);
  wire.string(4, name);
}

/** A message of `numbersDescriptors`. */
export function writeNumbers(wire: WireWriter, values: Float64Array): void {
  for (let k = 0; k < values.length; k++) wire.double(k + 1, values[k] as number);
}
