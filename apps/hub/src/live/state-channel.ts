import type { ChannelSchema, TelemetryFrame } from '@sigma/proto';

/**
 * What an edge says about its body for everyone to see, on the channel `state`: fields `xM`, `yM`, `headingRad`,
 * `speedMps`, `battery` (0 to 1) and `halted` (0 or 1), found by name so that a body may send more or fewer.
 */
export const STATE_CHANNEL = 'state';
/** People that the body sees, as fields `x0M`, `y0M`, `x1M`, `y1M` ...; NaN where there is none. */
export const PEOPLE_CHANNEL = 'people';
/** Metres to the first surface along each ray; NaN or 0 where there is none within range. */
export const SCAN_CHANNEL = 'scan';

export interface Pose {
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly speedMps: number;
  readonly battery: number;
  /** null when the body does not say. */
  readonly halted: boolean | null;
  readonly timeUs: number;
  readonly epoch: number;
  readonly inputSequence: number;
}

type Columns = Readonly<Record<'xM' | 'yM' | 'headingRad' | 'speedMps' | 'battery' | 'halted', number>>;

/** Where each field of the state channel stands; -1 where the body has none. */
export function stateColumns(schema: ChannelSchema): Columns {
  const at = (name: string): number => schema.fields.findIndex((field) => field.name === name);
  return {
    xM: at('xM'),
    yM: at('yM'),
    headingRad: at('headingRad'),
    speedMps: at('speedMps'),
    battery: at('battery'),
    halted: at('halted'),
  };
}

/** The pose in a frame, or null when it holds no position. A field without reading keeps its last value. */
export function poseOf(frame: TelemetryFrame, columns: Columns, last: Pose | null): Pose | null {
  const read = (column: number, before: number): number => {
    const value = frame.values[column];
    return value === undefined || Number.isNaN(value) ? before : value;
  };
  const xM = read(columns.xM, last?.xM ?? Number.NaN);
  const yM = read(columns.yM, last?.yM ?? Number.NaN);
  if (Number.isNaN(xM) || Number.isNaN(yM)) return null;
  const halted = frame.values[columns.halted];
  return {
    xM,
    yM,
    headingRad: read(columns.headingRad, last?.headingRad ?? 0),
    speedMps: read(columns.speedMps, last?.speedMps ?? 0),
    battery: read(columns.battery, last?.battery ?? 1),
    halted: halted === undefined || Number.isNaN(halted) ? (last?.halted ?? null) : halted > 0.5,
    timeUs: Number(frame.timeUs),
    epoch: frame.epoch,
    inputSequence: Number(frame.inputSequence),
  };
}
