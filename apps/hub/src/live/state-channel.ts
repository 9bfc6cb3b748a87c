import type { ChannelSchema, TelemetryFrame } from '@sigma/proto';

/**
 * What an edge says about its body for everyone to see, on the channel `state`: fields `xM`, `yM`, `headingRad`,
 * `speedMps` and `charge` (0 to 1), found by name so that a body may send more or fewer.
 */
export const STATE_CHANNEL = 'state';
/** Things that the body sees: rows of `kind` (0: a person), `xM` and `yM`. */
export const TRACKS_CHANNEL = 'tracks';
/** Metres to the first surface along each ray; NaN or 0 where there is none within range. */
export const SCAN_CHANNEL = 'scan';

/** A channel whose first field is `id` carries any number of rows in one frame, one after the other. */
export const isList = (schema: ChannelSchema): boolean => schema.fields[0]?.name === 'id';

export interface Pose {
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
  readonly speedMps: number;
  readonly battery: number;
  readonly timeUs: number;
  readonly epoch: number;
  readonly inputSequence: number;
}

type Columns = Readonly<Record<'xM' | 'yM' | 'headingRad' | 'speedMps' | 'charge', number>>;

/** Schemas live as long as their link, and are asked for every frame. */
const states = new WeakMap<ChannelSchema, Columns>();
const tracks = new WeakMap<ChannelSchema, readonly [kind: number, x: number, y: number]>();

/** Where each field of the state channel stands; -1 where the body has none. */
export function stateColumns(schema: ChannelSchema): Columns {
  const before = states.get(schema);
  if (before !== undefined) return before;
  const at = (name: string): number => schema.fields.findIndex((field) => field.name === name);
  const columns = {
    xM: at('xM'),
    yM: at('yM'),
    headingRad: at('headingRad'),
    speedMps: at('speedMps'),
    charge: at('charge'),
  };
  states.set(schema, columns);
  return columns;
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
  return {
    xM,
    yM,
    headingRad: read(columns.headingRad, last?.headingRad ?? 0),
    speedMps: read(columns.speedMps, last?.speedMps ?? 0),
    battery: read(columns.charge, last?.battery ?? 1),
    timeUs: Number(frame.timeUs),
    epoch: frame.epoch,
    inputSequence: Number(frame.inputSequence),
  };
}

const PERSON = 0;

function trackColumns(schema: ChannelSchema): readonly [kind: number, x: number, y: number] {
  const before = tracks.get(schema);
  if (before !== undefined) return before;
  const at = (name: string): number => schema.fields.findIndex((field) => field.name === name);
  const columns = [at('kind'), at('xM'), at('yM')] as const;
  tracks.set(schema, columns);
  return columns;
}

/** x and y of every person in a frame of tracks. */
export function peopleIn(frame: TelemetryFrame, schema: ChannelSchema): readonly (readonly [xM: number, yM: number])[] {
  const [kind, x, y] = trackColumns(schema);
  if (kind < 0 || x < 0 || y < 0) return [];
  const people: [number, number][] = [];
  for (let row = 0; row < frame.values.length; row += schema.fields.length) {
    if (frame.values[row + kind] === PERSON)
      people.push([frame.values[row + x] as number, frame.values[row + y] as number]);
  }
  return people;
}
