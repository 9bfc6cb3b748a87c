import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { centreXM, centreYM, parseMovingAiMap, parseSiteFile, type Site, siteToJson } from '@sigma/fleet-model';
import type { Edge, EdgeBody, EdgeOptions } from '../src/edge-words.ts';
import { startEdge } from '../src/main.ts';
import { simulatedFleet } from '../src/terrain/simulated-fleet.ts';

const SITES = new URL('../../../terrains/fleet/world/sites/', import.meta.url);

export function warehouse(): Site {
  const grid = parseMovingAiMap(readFileSync(new URL('warehouse.map', SITES), 'utf8'), 'warehouse.map');
  return parseSiteFile(readFileSync(new URL('warehouse.site.json', SITES), 'utf8'), grid);
}

/** Carriers, each at a dock of its own. */
export function parkedCarriers(site: Site, ids: readonly string[]): readonly EdgeBody[] {
  return ids.map((id, i) => {
    const dock = site.docks[i];
    if (dock === undefined) throw new Error(`the site has ${site.docks.length} docks, not ${ids.length}`);
    const start = { xM: centreXM(site, dock.cell), yM: centreYM(site, dock.cell), headingRad: 0 };
    const config = { site: { digest: site.digest }, body: 'carrier', name: id, start, docked: dock.id };
    return { id, role: 'carrier', seed: i + 1, body: 'carrier', config };
  });
}

/** A live edge with simulated robots in the warehouse, each at a dock of its own; recorded in a temporary folder. */
export class LiveFleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'sigma-fleet-'));
  readonly recordingPath = join(this.folder, 'fleet.sigma');
  readonly site = warehouse();
  readonly ids: readonly string[];

  constructor(robots: number) {
    this.ids = Array.from({ length: robots }, (_, i) => `robot-${String(i + 1).padStart(2, '0')}`);
  }

  start(hub: EdgeOptions['hub'], people = 0): Promise<Edge> {
    const { site } = this;
    return startEdge({
      tenant: 'acme',
      edgeId: 'edge-1',
      recordingPath: this.recordingPath,
      hub,
      ...simulatedFleet({ site: siteToJson(site), seed: 7, people }),
      software: 'test',
      bodies: parkedCarriers(site, this.ids),
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
