import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { visibleCells } from '@sigma/swarm';
import { groundOf } from '../../ground.ts';
import { parseMovingAiMap, parseSiteFile } from '../../site/index.ts';
import { stopsOf } from './errand.ts';

const sites = new URL('../../../../world/sites/', import.meta.url);
const grid = parseMovingAiMap(readFileSync(new URL('warehouse.map', sites), 'utf8'), 'warehouse');
const ground = groundOf(parseSiteFile(readFileSync(new URL('warehouse.site.json', sites), 'utf8'), grid));

test('[F94] the stops of a cover show every cell of it, whatever way is driven between them', () => {
  const { site } = ground;
  for (const zone of site.zones.filter(({ kind }) => kind === 'area')) {
    const cells = zone.cells.filter((cell) => site.blocked[cell] === 0 && ground.restricted[cell] === 0);
    const task = { id: 't', missionId: 'm', kind: 'cover', args: { cells, sensingRadiusM: 3 }, priority: 1 };
    const from = site.docks[0]?.cell as number;
    const stops = stopsOf(ground, task, from);
    assert.ok(typeof stops !== 'string');
    const seen = new Set(stops.flatMap(({ cell }) => visibleCells(ground.permitted, cell, 3)));
    assert.deepEqual(
      cells.filter((cell) => !seen.has(cell)),
      [],
      zone.name,
    );
    assert.ok(stops.length < cells.length / 2, `${stops.length} stops for ${cells.length} cells`);
  }
});
