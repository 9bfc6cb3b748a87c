import type { FoundPlace } from './import-jobs.ts';

// What Foxglove's messages say of places (docs.foxglove.dev, "Message schemas"), looked at from above: x, y and the turn
// about the vertical axis. Fields are called as in their schemas. What a file says may be anything.

/** A place in some frame: metres, and radians from its x axis to the left. */
interface Pose {
  readonly xM: number;
  readonly yM: number;
  readonly headingRad: number;
}

interface Placed extends Pose {
  readonly name: string;
  readonly frame: string;
  readonly pointsM: readonly number[];
}

/** Kinds of message that say where something is. */
export const PLACED_KINDS: ReadonlySet<string> = new Set([
  'foxglove.PoseInFrame',
  'foxglove.PosesInFrame',
  'foxglove.SceneUpdate',
  'foxglove.LaserScan',
]);

/** Kinds of message that say how frames lie in each other. */
export const TRANSFORM_KINDS: ReadonlySet<string> = new Set(['foxglove.FrameTransform', 'foxglove.FrameTransforms']);

const MOST_PLACES = 500;
const MOST_POINTS = 360;
/** What is made of more parts than this is scenery: a floor, walls. */
const MOST_PARTS = 10;
const DEEPEST = 16;

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 120) : '');
/** Protobuf leaves a zero out of its JSON. */
const numberOf = (value: unknown): number => (value === undefined ? 0 : typeof value === 'number' ? value : Number.NaN);

function poseOf(value: unknown, position = 'position', orientation = 'orientation'): Pose | null {
  const { [position]: place, [orientation]: turn } = fieldsOf(value);
  const { x, y } = fieldsOf(place);
  const pose = { xM: numberOf(x), yM: numberOf(y), headingRad: yawOf(fieldsOf(turn)) };
  return Object.values(pose).every(Number.isFinite) ? pose : null;
}

function yawOf({ x, y, z, w }: Fields): number {
  const [a, b, c, d] = [x, y, z, w].map(numberOf) as [number, number, number, number];
  return Math.atan2(2 * (d * c + a * b), 1 - 2 * (b * b + c * c));
}

/** A pose given in the frame that `base` places. */
function within(base: Pose, { xM, yM, headingRad }: Pose): Pose {
  const [sin, cos] = [Math.sin(base.headingRad), Math.cos(base.headingRad)];
  return {
    xM: base.xM + cos * xM - sin * yM,
    yM: base.yM + sin * xM + cos * yM,
    headingRad: base.headingRad + headingRad,
  };
}

/** How frames lay in each other, as far as a file has said it. */
export class Frames {
  readonly #within = new Map<string, { readonly parent: string; readonly pose: Pose }>();

  /** @param value a message of a kind of `TRANSFORM_KINDS`; of two for one frame the later holds */
  learn(kind: string, value: unknown): void {
    const all = kind === 'foxglove.FrameTransforms' ? listOf(fieldsOf(value)['transforms']) : [value];
    for (const one of all) {
      const { parent_frame_id: parent, child_frame_id: child } = fieldsOf(one);
      const pose = poseOf(one, 'translation', 'rotation');
      if (pose !== null) this.#within.set(textOf(child), { parent: textOf(parent), pose });
    }
  }

  /** In the outermost frame that is known. */
  resolve(frame: string, pose: Pose): Pose & { readonly frame: string } {
    let [at, found] = [frame, pose];
    for (let k = 0; k < DEEPEST; k++) {
      const outer = this.#within.get(at);
      if (outer === undefined) break;
      found = within(outer.pose, found);
      at = outer.parent;
    }
    return { ...found, frame: at };
  }
}

/**
 * Where the things are of which a message speaks.
 *
 * @param value as it was decoded
 * @param topic names what has no name
 */
export function placesIn(
  kind: string,
  value: unknown,
  of: Pick<FoundPlace, 'lane' | 'timeUs'> & { readonly topic: string },
  frames: Frames,
): readonly FoundPlace[] {
  const { lane, timeUs, topic } = of;
  const name = topic.replace(/^\//, '').replace(/\/(pose|scan)$/, '');
  return placedIn(kind, fieldsOf(value), name)
    .slice(0, MOST_PLACES)
    .map((placed) => {
      const { frame, ...pose } = frames.resolve(placed.frame, placed);
      const points: number[] = [];
      for (let k = 0; k + 1 < placed.pointsM.length; k += 2) {
        const at = within(pose, {
          xM: placed.pointsM[k] as number,
          yM: placed.pointsM[k + 1] as number,
          headingRad: 0,
        });
        points.push(at.xM, at.yM);
      }
      return { lane, timeUs, frame, name: placed.name, ...pick(pose), pointsM: points };
    });
}

const pick = ({ xM, yM, headingRad }: Pose): Pose => ({ xM, yM, headingRad });

function placedIn(kind: string, message: Fields, name: string): readonly Placed[] {
  const frame = textOf(message['frame_id']);
  const placed = (pose: Pose | null, called = name, points: readonly number[] = []): readonly Placed[] =>
    pose === null ? [] : [{ ...pose, frame, name: called, pointsM: points }];
  switch (kind) {
    case 'foxglove.PoseInFrame':
      return placed(poseOf(message['pose']));
    case 'foxglove.PosesInFrame':
      return listOf(message['poses']).flatMap((one, k) => placed(poseOf(one), `${name} ${k + 1}`));
    case 'foxglove.LaserScan':
      return placed(poseOf(message['pose'] ?? {}), name, scanned(message));
    case 'foxglove.SceneUpdate':
      return listOf(message['entities']).flatMap((one) => entityIn(fieldsOf(one), name));
    default:
      return [];
  }
}

/** A coloured floor is no thing that stands on it. */
const FLAT_M = 0.1;
const isFlat = ({ size }: Fields): boolean => size !== undefined && numberOf(fieldsOf(size)['z']) < FLAT_M;

/** What has a body, and what only describes. */
const BODIES = ['cubes', 'cylinders', 'spheres', 'models', 'arrows'] as const;
const SIGNS = ['triangles', 'lines', 'texts'] as const;

function entityIn(entity: Fields, name: string): readonly Placed[] {
  const bodies = BODIES.flatMap((part) => listOf(entity[part])).filter((body) => !isFlat(fieldsOf(body)));
  const signs = SIGNS.flatMap((part) => listOf(entity[part]));
  if (bodies.length === 0 || bodies.length + signs.length > MOST_PARTS) return [];
  const pose = poseOf(fieldsOf(bodies[0])['pose']);
  const frame = textOf(entity['frame_id']);
  return pose === null ? [] : [{ ...pose, frame, name: textOf(entity['id']) || name, pointsM: [] }];
}

/** The ends of the beams, as seen from where the scanner is. */
function scanned(scan: Fields): readonly number[] {
  const ranges = listOf(scan['ranges']);
  const [startRad, endRad] = [numberOf(scan['start_angle']), numberOf(scan['end_angle'])];
  const step = Math.max(1, Math.ceil(ranges.length / MOST_POINTS));
  const points: number[] = [];
  for (let k = 0; k < ranges.length; k += step) {
    const rangeM = numberOf(ranges[k]);
    const angleRad = startRad + ((endRad - startRad) * k) / Math.max(1, ranges.length - 1);
    // No echo is written as infinity, or as nothing.
    if (rangeM > 0 && Number.isFinite(rangeM) && Number.isFinite(angleRad))
      points.push(rangeM * Math.cos(angleRad), rangeM * Math.sin(angleRad));
  }
  return points;
}
