import { create, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { BodyShape, SceneFloor, SceneZone, SeenOther } from '../scene.ts';
import { type FoxgloveName, foxgloveRegistry } from './descriptors.ts';

// What seldom changes (floor, bodies, people) is written by reflection from the published definitions.

const registry = foxgloveRegistry(['Grid', 'SceneUpdate']);

function message(name: FoxgloveName, value: object): Uint8Array {
  const schema = registry.getMessage(`foxglove.${name}`) as DescMessage;
  return toBinary(schema, create(schema, value as never));
}

const NOWHERE = { position: { x: 0, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
const UINT8 = 1;

const time = (timeUs: number) => timestampFromMs(Math.floor(timeUs / 1000));
const at = (x: number, y: number, z: number) => ({ ...NOWHERE, position: { x, y, z } });
const colour = (r: number, g: number, b: number, a: number) => ({ r, g, b, a });

const ZONE_COLOURS: Readonly<Record<string, ReturnType<typeof colour>>> = {
  restricted: colour(0.85, 0.2, 0.2, 0.25),
  slow: colour(0.95, 0.7, 0.15, 0.25),
  work: colour(0.25, 0.5, 0.95, 0.2),
};
const OTHER_COLOURS: Readonly<Record<string, ReturnType<typeof colour>>> = {
  person: colour(0.95, 0.55, 0.1, 0.9),
  robot: colour(0.3, 0.6, 0.9, 0.5),
};
const PLAIN = colour(0.6, 0.6, 0.6, 0.4);
const BODY = colour(0.2, 0.65, 0.85, 0.9);
const TEXT = colour(1, 1, 1, 1);

/** foxglove.Grid: field `blocked`, one byte a cell, 0 or 100. Its rows go from the south upwards, as Foxglove draws them. */
export function floorGrid(floor: SceneFloor, frame: string, timeUs: number): Uint8Array {
  const { columns, rows, cellM, blocked } = floor;
  const data = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      data[(rows - 1 - row) * columns + column] = (blocked[row * columns + column] as number) * 100;
    }
  }
  return message('Grid', {
    timestamp: time(timeUs),
    frameId: frame,
    pose: NOWHERE,
    columnCount: columns,
    cellSize: { x: cellM, y: cellM },
    rowStride: columns,
    cellStride: 1,
    fields: [{ name: 'blocked', offset: 0, type: UINT8 }],
    data,
  });
}

/** foxglove.SceneUpdate: walls as blocks, zones as coloured floor with their names, places as labels. */
export function floorScene(floor: SceneFloor, frame: string, timeUs: number): Uint8Array {
  const still = { timestamp: time(timeUs), frameId: frame, lifetime: { seconds: 0n, nanos: 0 }, frameLocked: true };
  const entities = [
    {
      ...still,
      id: 'walls',
      cubes: runsOf(floor, (cell) => floor.blocked[cell] === 1).map((run) => ({
        pose: at(run.xM, run.yM, 1),
        size: { x: run.lengthM, y: floor.cellM, z: 2 },
        color: colour(0.45, 0.47, 0.5, 1),
      })),
    },
    ...floor.zones.map((zone) => zoneEntity(floor, zone, still)),
    {
      ...still,
      id: 'places',
      texts: floor.places.map(({ id, xM, yM }) => label(id, xM, yM, 0.4)),
    },
  ];
  return message('SceneUpdate', { entities });
}

function zoneEntity(floor: SceneFloor, { id, name, kind, cells }: SceneZone, still: object): object {
  const within = new Set(cells);
  const runs = runsOf(floor, (cell) => within.has(cell));
  const middle = runs[Math.floor(runs.length / 2)];
  return {
    ...still,
    id: `zone ${id}`,
    metadata: [{ key: 'kind', value: kind }],
    cubes: runs.map((run) => ({
      pose: at(run.xM, run.yM, 0.01),
      size: { x: run.lengthM, y: floor.cellM, z: 0.02 },
      color: ZONE_COLOURS[kind] ?? PLAIN,
    })),
    texts: middle === undefined ? [] : [label(name, middle.xM, middle.yM, 0.8)],
  };
}

const label = (text: string, xM: number, yM: number, sizeM: number) => ({
  pose: at(xM, yM, 0.5),
  billboard: true,
  fontSize: sizeM,
  color: TEXT,
  text,
});

interface Run {
  /** Its middle. */
  readonly xM: number;
  readonly yM: number;
  readonly lengthM: number;
}

/** Neighbouring cells of a row as one block: a map of thousands of cells is then some hundred blocks. */
function runsOf({ columns, rows, cellM }: SceneFloor, holds: (cell: number) => boolean): Run[] {
  const runs: Run[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = column;
      while (column < columns && holds(row * columns + column)) column++;
      const length = column - from;
      if (length === 0) continue;
      runs.push({ xM: (from + length / 2) * cellM, yM: (rows - row - 0.5) * cellM, lengthM: length * cellM });
    }
  }
  return runs;
}

/** foxglove.SceneUpdate with the body of an agent and its name, standing in the agent's own frame. */
export function bodyScene(agent: string, { radiusM, heightM }: BodyShape, timeUs: number): Uint8Array {
  const entity = {
    timestamp: time(timeUs),
    frameId: agent,
    id: agent,
    lifetime: { seconds: 0n, nanos: 0 },
    frameLocked: true,
    cylinders: [
      {
        pose: at(0, 0, heightM / 2),
        size: { x: 2 * radiusM, y: 2 * radiusM, z: heightM },
        bottomScale: 1,
        topScale: 0.9,
        color: BODY,
      },
    ],
    arrows: [
      {
        pose: at(0, 0, heightM),
        shaftLength: radiusM,
        shaftDiameter: 0.05,
        headLength: 0.12,
        headDiameter: 0.12,
        color: TEXT,
      },
    ],
    texts: [label(agent, 0, 0, 0.5)].map((text) => ({ ...text, pose: at(0, 0, heightM + 0.4) })),
  };
  return message('SceneUpdate', { entities: [entity] });
}

/** foxglove.SceneUpdate with those whom an agent sees now. They go when nothing is said of them for a second. */
export function othersScene(others: readonly SeenOther[], frame: string, agent: string, timeUs: number): Uint8Array {
  const entities = others.map(({ id, kind, xM, yM, widthM }) => ({
    timestamp: time(timeUs),
    frameId: frame,
    id: `${agent} sees ${id}`,
    lifetime: { seconds: 1n, nanos: 0 },
    frameLocked: true,
    metadata: [{ key: 'kind', value: kind }],
    cylinders: [
      {
        pose: at(xM, yM, kind === 'person' ? 0.85 : 0.3),
        size: { x: Math.max(0.1, widthM), y: Math.max(0.1, widthM), z: kind === 'person' ? 1.7 : 0.6 },
        bottomScale: 1,
        topScale: 1,
        color: OTHER_COLOURS[kind] ?? PLAIN,
      },
    ],
  }));
  return message('SceneUpdate', { entities });
}
