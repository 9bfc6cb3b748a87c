import { EAST, NORTH, type Place, type Site, SOUTH, WEST, type Zone } from './site.ts';

/** A site as it stands in a recording: plain JSON, compact enough to read, exact both ways. */
export interface SiteRecord {
  readonly format: 'sigma.site.1';
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly metresPerCell: number;
  /** A row a string: `@` blocked, else the hex digit of the cell's exits. */
  readonly rows: readonly string[];
  readonly docks: readonly Place[];
  readonly chargers: readonly Place[];
  readonly stations: readonly Place[];
  /** `runs`: first cell, length, first cell, length, ... ascending. */
  readonly zones: readonly (Omit<Zone, 'cells'> & { readonly runs: readonly number[] })[];
  readonly digest: string;
}

/** A recorded site that does not hold together, or is not the site its digest names. */
export class BrokenSiteRecordError extends Error {
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`recorded site: ${path}: ${problem}`);
    this.name = 'BrokenSiteRecordError';
    this.path = path;
  }
}

/** Completes a site with the digest of everything in it. */
export function sealSite(site: Omit<Site, 'digest'>): Site {
  return { ...site, digest: digestOf(site) };
}

/**
 * FNV-1a (Fowler, Noll, Vo) twice over the same bytes from two offset bases: 64 bits against accidental change. It is
 * a version, not a signature: the recording's chain protects it.
 */
function digestOf(site: Omit<Site, 'digest'>): string {
  let a = 0x811c9dc5;
  let b = 0x050c5d1f;
  const byte = (value: number) => {
    a = Math.imul(a ^ value, 0x01000193);
    b = Math.imul(b ^ value, 0x01000193);
  };
  const text = (value: string) => {
    for (let k = 0; k < value.length; k++) {
      const unit = value.charCodeAt(k);
      byte(unit & 0xff);
      byte(unit >>> 8);
    }
    byte(0);
    byte(0);
  };
  text(site.name);
  text(`${site.width} ${site.height} ${site.metresPerCell}`);
  for (const cell of site.blocked) byte(cell);
  for (const cell of site.exits) byte(cell);
  for (const places of [site.docks, site.chargers, site.stations]) {
    text(`${places.length}`);
    for (const place of places) text(`${place.id} ${place.cell}`);
  }
  text(`${site.zones.length}`);
  for (const zone of site.zones) {
    text(zone.id);
    text(zone.name);
    text(`${zone.kind} ${zone.speedMps} ${zone.cells.join(',')}`);
  }
  return hex8(a) + hex8(b);
}

const hex8 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

export function siteToJson(site: Site): SiteRecord {
  const rows: string[] = [];
  for (let row = 0; row < site.height; row++) {
    let line = '';
    for (let column = 0; column < site.width; column++) {
      const cell = row * site.width + column;
      line += site.blocked[cell] === 0 ? (site.exits[cell] as number).toString(16) : '@';
    }
    rows.push(line);
  }
  const zones = site.zones.map(({ id, name, kind, speedMps, cells }) => ({
    id,
    name,
    kind,
    speedMps,
    runs: toRuns(cells),
  }));
  const { name, width, height, metresPerCell, docks, chargers, stations, digest } = site;
  return { format: 'sigma.site.1', name, width, height, metresPerCell, rows, docks, chargers, stations, zones, digest };
}

/**
 * The site that was recorded. Whatever was changed since, by accident or on purpose, shows in the digest.
 * @throws BrokenSiteRecordError
 */
export function siteFromJson(record: SiteRecord): Site {
  if (record?.format !== 'sigma.site.1') throw new BrokenSiteRecordError('format', "expected 'sigma.site.1'");
  const { name, width, height, metresPerCell, rows, docks, chargers, stations } = record;
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new BrokenSiteRecordError('width, height', 'expected whole numbers above zero');
  }
  if (!Array.isArray(rows) || rows.length !== height)
    throw new BrokenSiteRecordError('rows', `expected ${height} rows`);
  const blocked = new Uint8Array(width * height);
  const exits = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const line = rows[row];
    if (typeof line !== 'string' || line.length !== width) {
      throw new BrokenSiteRecordError(`rows[${row}]`, `expected ${width} letters`);
    }
    for (let column = 0; column < width; column++) {
      const letter = line.charAt(column);
      const cell = row * width + column;
      if (letter === '@') blocked[cell] = 1;
      else if (/[0-9a-f]/.test(letter)) exits[cell] = Number.parseInt(letter, 16) & (NORTH | EAST | SOUTH | WEST);
      else throw new BrokenSiteRecordError(`rows[${row}]`, `unknown letter ${JSON.stringify(letter)} at ${column}`);
    }
  }
  const zones = record.zones.map(({ id, name: zoneName, kind, speedMps, runs }): Zone => {
    return { id, name: zoneName, kind, cells: fromRuns(runs), speedMps };
  });
  const site = sealSite({ name, width, height, metresPerCell, blocked, exits, docks, chargers, stations, zones });
  if (site.digest !== record.digest) {
    throw new BrokenSiteRecordError(
      'digest',
      `says ${record.digest}, the contents give ${site.digest}: the record was changed`,
    );
  }
  return site;
}

function toRuns(cells: readonly number[]): number[] {
  const runs: number[] = [];
  for (let k = 0; k < cells.length; ) {
    const first = cells[k] as number;
    let length = 1;
    while (cells[k + length] === first + length) length++;
    runs.push(first, length);
    k += length;
  }
  return runs;
}

function fromRuns(runs: readonly number[]): number[] {
  const cells: number[] = [];
  for (let k = 0; k + 1 < runs.length; k += 2) {
    const first = runs[k] as number;
    const end = first + (runs[k + 1] as number);
    for (let cell = first; cell < end; cell++) cells.push(cell);
  }
  return cells;
}
