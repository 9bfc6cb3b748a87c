import type { Grid } from './grid.ts';
import { EAST, NORTH, type Place, type Site, SOUTH, WEST, type Zone } from './site.ts';
import { sealSite } from './site-record.ts';
import {
  closeAgainst,
  components,
  isFree,
  neighbour,
  type OneWayAisle,
  openExits,
  strongComponentCount,
} from './ways.ts';
import { type PointM, zoneFromPolygon } from './zone.ts';

/** A site file that cannot be used. `path` names the field (`zones[2].rect.to`), `wayOut` what to do about it. */
export class SiteFileError extends Error {
  readonly site: string;
  readonly path: string;
  readonly problem: string;
  readonly wayOut: string;

  constructor(site: string, path: string, problem: string, wayOut: string) {
    super(`site '${site}', ${path}: ${problem}; ${wayOut}`);
    this.name = 'SiteFileError';
    this.site = site;
    this.path = path;
    this.problem = problem;
    this.wayOut = wayOut;
  }
}

const DIRECTION_NAMES: Readonly<Record<string, number>> = { north: NORTH, east: EAST, south: SOUTH, west: WEST };
const ZONE_KINDS = ['area', 'restricted', 'slow', 'work'] as const;
const ID = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const FIELDS = ['name', 'metresPerCell', 'docks', 'chargers', 'stations', 'oneWay', 'zones'];

/**
 * The site that a map and the site file beside it describe. The file is JSON:
 *
 *     { "name": "...", "metresPerCell": 1.0,
 *       "docks": [{ "id": "d1", "cell": [column, row] }], "chargers": [...], "stations": [...],
 *       "oneWay": [{ "from": [column, row], "to": [column, row], "direction": "east" }],
 *       "zones": [{ "id": "z1", "name": "...", "kind": "slow", "speedMps": 0.5,
 *                   "rect": { "from": [column, row], "to": [column, row] } | "polygonM": [[x, y], ...] }] }
 *
 * Cells count from 0 at the north-west, rectangles include both corners, polygons are in metres. A one-way aisle is a
 * straight line of floor; nothing may move against its direction into, along or out of it.
 * @throws SiteFileError
 */
export function parseSiteFile(text: string, grid: Grid): Site {
  const reader = new Reader(grid);
  const file = reader.object(reader.json(text), '$');
  for (const field of Object.keys(file)) {
    if (!FIELDS.includes(field)) reader.fail(field, 'is no field of a site file', `use one of ${FIELDS.join(', ')}`);
  }
  const metresPerCell = reader.number(file['metresPerCell'], 'metresPerCell', 0.1, 100);
  const name = file['name'] === undefined ? grid.name : reader.text(file['name'], 'name');
  const taken = new Set<string>();
  const docks = reader.places(file['docks'], 'docks', taken);
  const chargers = reader.places(file['chargers'], 'chargers', taken);
  const stations = reader.places(file['stations'], 'stations', taken);
  reader.oneRegion([
    ['docks', docks],
    ['chargers', chargers],
    ['stations', stations],
  ]);
  const zones = reader.zones(file['zones'], metresPerCell);
  const exits = reader.exits(file['oneWay']);
  const { width, height, blocked } = grid;
  return sealSite({ name, width, height, metresPerCell, blocked, exits, docks, chargers, stations, zones });
}

/** Walks the parsed JSON and knows what to call every place in it. */
class Reader {
  readonly #grid: Grid;

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  fail(path: string, problem: string, wayOut: string): never {
    throw new SiteFileError(this.#grid.name, path, problem, wayOut);
  }

  json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      return this.fail(
        '$',
        `is no JSON (${(error as Error).message})`,
        'repair the file or remove it to have a site derived',
      );
    }
  }

  object(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    return this.fail(path, 'is no object', 'write { ... }');
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined) return [];
    return Array.isArray(value) ? value : this.fail(path, 'is no list', 'write [ ... ], or leave the field out');
  }

  number(value: unknown, path: string, least: number, most: number): number {
    if (typeof value === 'number' && value >= least && value <= most) return value;
    return this.fail(path, `is ${JSON.stringify(value) ?? 'missing'}`, `give a number from ${least} to ${most}`);
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string' && value.length > 0 && value.length <= 100) return value;
    return this.fail(path, `is ${JSON.stringify(value) ?? 'missing'}`, 'give a text of 1 to 100 letters');
  }

  id(value: unknown, path: string, taken: Set<string>): string {
    if (typeof value !== 'string' || !ID.test(value)) {
      this.fail(path, `is ${JSON.stringify(value) ?? 'missing'}`, 'use 1 to 63 of a-z, 0-9, dot, dash and underscore');
    }
    if (taken.has(value)) this.fail(path, `'${value}' stands twice`, 'give every place, and every zone, its own id');
    taken.add(value);
    return value;
  }

  cell(value: unknown, path: string): number {
    const { width, height } = this.#grid;
    const pair =
      Array.isArray(value) && value.length === 2 ? value : this.fail(path, 'is no cell', 'write [column, row]');
    const [column, row] = pair as [number, number];
    if (
      !Number.isSafeInteger(column) ||
      !Number.isSafeInteger(row) ||
      column < 0 ||
      row < 0 ||
      column >= width ||
      row >= height
    ) {
      const wayOut = `columns run from 0 to ${width - 1}, rows from 0 to ${height - 1}`;
      this.fail(path, `cell ${JSON.stringify(value)} lies outside the site`, wayOut);
    }
    return row * width + column;
  }

  freeCell(value: unknown, path: string): number {
    const cell = this.cell(value, path);
    if (isFree(this.#grid, cell)) return cell;
    return this.fail(path, `cell ${JSON.stringify(value)} is a wall`, 'move it to a floor cell');
  }

  places(value: unknown, path: string, taken: Set<string>): readonly Place[] {
    const used = new Set<number>();
    return this.list(value, path).map((item, k) => {
      const here = `${path}[${k}]`;
      const entry = this.object(item, here);
      const place = {
        id: this.id(entry['id'], `${here}.id`, taken),
        cell: this.freeCell(entry['cell'], `${here}.cell`),
      };
      if (used.has(place.cell)) this.fail(`${here}.cell`, 'is taken by another of its kind', 'give each its own cell');
      used.add(place.cell);
      return place;
    });
  }

  /** Every place can be reached from every other, one-way rules aside. */
  oneRegion(lists: readonly (readonly [string, readonly Place[]])[]): void {
    const { of } = components(this.#grid);
    let region = -1;
    let first = '';
    for (const [path, places] of lists) {
      places.forEach((place, k) => {
        const own = of[place.cell] as number;
        if (region === -1) {
          region = own;
          first = place.id;
        } else if (own !== region) {
          this.fail(
            `${path}[${k}].cell`,
            `no way leads from '${first}' to '${place.id}'`,
            'put all places into one region',
          );
        }
      });
    }
  }

  zones(value: unknown, metresPerCell: number): readonly Zone[] {
    const taken = new Set<string>();
    return this.list(value, 'zones').map((item, k) => {
      const here = `zones[${k}]`;
      const entry = this.object(item, here);
      const id = this.id(entry['id'], `${here}.id`, taken);
      const name = entry['name'] === undefined ? id : this.text(entry['name'], `${here}.name`);
      const kind = ZONE_KINDS.find((word) => word === entry['kind']);
      if (kind === undefined) {
        const problem = `is ${JSON.stringify(entry['kind']) ?? 'missing'}`;
        return this.fail(`${here}.kind`, problem, `use one of ${ZONE_KINDS.join(', ')}`);
      }
      let speedMps: number | null = null;
      if (kind === 'slow') speedMps = this.number(entry['speedMps'], `${here}.speedMps`, 0.01, 10);
      else if (entry['speedMps'] !== undefined) {
        this.fail(`${here}.speedMps`, `a zone of kind '${kind}' has no speed`, "leave it out or make the kind 'slow'");
      }
      return { id, name, kind, cells: this.zoneCells(entry, here, metresPerCell), speedMps };
    });
  }

  zoneCells(entry: Readonly<Record<string, unknown>>, here: string, metresPerCell: number): readonly number[] {
    const { width, height, blocked } = this.#grid;
    if ((entry['rect'] === undefined) === (entry['polygonM'] === undefined)) {
      this.fail(here, "needs exactly one of 'rect' and 'polygonM'", 'say where the zone lies');
    }
    if (entry['polygonM'] !== undefined) {
      const path = `${here}.polygonM`;
      const points = this.list(entry['polygonM'], path).map((point, k): PointM => {
        if (Array.isArray(point) && point.length === 2) return [Number(point[0]), Number(point[1])];
        return this.fail(`${path}[${k}]`, 'is no point', 'write [xM, yM]');
      });
      const outline = zoneFromPolygon({ width, height, metresPerCell, blocked }, points);
      if (outline.ok) return outline.cells;
      return this.fail(outline.point < 0 ? path : `${path}[${outline.point}]`, outline.reason, outline.message);
    }
    const rect = this.object(entry['rect'], `${here}.rect`);
    const from = this.cell(rect['from'], `${here}.rect.from`);
    const to = this.cell(rect['to'], `${here}.rect.to`);
    const left = Math.min(from % width, to % width);
    const right = Math.max(from % width, to % width);
    const cells: number[] = [];
    for (let row = Math.floor(Math.min(from, to) / width); row <= Math.floor(Math.max(from, to) / width); row++) {
      for (let column = left; column <= right; column++) {
        const cell = row * width + column;
        if (blocked[cell] === 0) cells.push(cell);
      }
    }
    if (cells.length === 0) this.fail(`${here}.rect`, 'holds no floor', 'draw it larger or elsewhere');
    return cells;
  }

  exits(value: unknown): Uint8Array {
    const grid = this.#grid;
    const aisles = this.list(value, 'oneWay').map((item, k) => this.aisle(item, `oneWay[${k}]`));
    const regions = components(grid).sizes.length;
    const exits = openExits(grid);
    for (const aisle of aisles) closeAgainst(grid, exits, aisle);
    if (aisles.length === 0 || strongComponentCount(grid, exits, grid.blocked) === regions) return exits;
    const trial = openExits(grid);
    for (let k = 0; k < aisles.length; k++) {
      closeAgainst(grid, trial, aisles[k] as OneWayAisle);
      if (strongComponentCount(grid, trial, grid.blocked) === regions) continue;
      const problem = 'cuts the site: with it some floor can be entered but not left, or left but not entered';
      this.fail(`oneWay[${k}]`, problem, 'turn it round, shorten it, or add an aisle that leads back');
    }
    return exits;
  }

  aisle(item: unknown, here: string): OneWayAisle {
    const { width } = this.#grid;
    const entry = this.object(item, here);
    const from = this.freeCell(entry['from'], `${here}.from`);
    const to = this.freeCell(entry['to'], `${here}.to`);
    const word = entry['direction'];
    const direction =
      typeof word === 'string' && Object.hasOwn(DIRECTION_NAMES, word) ? (DIRECTION_NAMES[word] as number) : 0;
    if (direction === 0)
      this.fail(`${here}.direction`, `is ${JSON.stringify(word) ?? 'missing'}`, 'use north, east, south or west');
    const alongRow = Math.floor(from / width) === Math.floor(to / width);
    if (!alongRow && from % width !== to % width) this.fail(here, 'is no straight line', 'keep one row or one column');
    if (from !== to && alongRow !== (direction === EAST || direction === WEST)) {
      this.fail(`${here}.direction`, `'${word}' runs across the aisle`, 'choose a direction along it');
    }
    const cells: number[] = [];
    const last = Math.max(from, to);
    for (let cell = Math.min(from, to); cell !== -1; cell = neighbour(this.#grid, cell, alongRow ? EAST : SOUTH)) {
      if (!isFree(this.#grid, cell)) {
        const at = `[${cell % width}, ${Math.floor(cell / width)}]`;
        this.fail(here, `a wall stands in the aisle at ${at}`, 'end the aisle before it');
      }
      cells.push(cell);
      if (cell === last) break;
    }
    return { cells, direction };
  }
}
