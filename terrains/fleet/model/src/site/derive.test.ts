import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deriveSite } from './derive.ts';
import { parseMovingAiMap } from './grid.ts';
import type { Site } from './site.ts';
import { siteFromJson, siteToJson } from './site-record.ts';
import { components, DIRECTIONS, neighbour, openExits, strongComponentCount } from './ways.ts';

const shared = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../../../../../shared/data');
const maps = ['movingai/*.map', 'lifelong-mapf/*/maps/*.map']
  .flatMap((pattern) => globSync(pattern, { cwd: shared }))
  .sort();
const map = (...rows: string[]) =>
  `type octile\nheight ${rows.length}\nwidth ${rows[0]?.length}\nmap\n${rows.join('\n')}\n`;
const derive = (...rows: string[]) => deriveSite(parseMovingAiMap(map(...rows), 'drawn'));

/** What a fleet relies on, whatever the map. */
function holdsTogether(site: Site): void {
  const { docks, chargers, stations, blocked } = site;
  assert.equal(components(site).sizes.length, 1, 'one connected floor');
  const parked = new Uint8Array(blocked);
  for (const place of [...docks, ...chargers]) parked[place.cell] = 1;
  assert.equal(strongComponentCount(site, site.exits, blocked), 1, 'every cell reaches every other');
  if (docks.length + chargers.length > 1) {
    assert.equal(strongComponentCount(site, site.exits, parked), 1, 'also with every parking place taken');
    for (const place of [...docks, ...chargers]) {
      const out = DIRECTIONS.some((d) => {
        const next = neighbour(site, place.cell, d);
        return next >= 0 && parked[next] === 0 && ((site.exits[place.cell] as number) & d) !== 0;
      });
      assert.ok(out, `'${place.id}' can be left with its neighbours taken`);
    }
  }
  const cells = [...docks, ...chargers, ...stations].map((place) => place.cell);
  assert.equal(new Set(cells).size, cells.length, 'no two places share a cell');
  for (const cell of cells) assert.equal(blocked[cell], 0);
  for (const zone of site.zones) {
    assert.ok(zone.cells.length > 0, zone.id);
    for (const cell of zone.cells) assert.equal(blocked[cell], 0);
  }
  assert.ok(site.zones.some((zone) => zone.kind === 'work'));
}

for (const file of maps) {
  test(`[W8] ${basename(file)} becomes a site for a fleet`, () => {
    const site = deriveSite(parseMovingAiMap(readFileSync(resolve(shared, file), 'utf8'), basename(file, '.map')));
    holdsTogether(site);
    assert.ok(site.docks.length >= 20 && site.chargers.length >= 5 && site.stations.length >= 10, 'room for a fleet');
    assert.deepEqual(siteFromJson(JSON.parse(JSON.stringify(siteToJson(site)))), site);
  });
}

test('[W8] the maps of the shared data were there', {
  skip: existsSync(shared) ? false : 'no shared data here',
}, () => {
  assert.ok(maps.length >= 10, `${maps.length} maps`);
});

test('[W8] aisles one cell wide alternate their direction, crossings included', () => {
  const site = derive(
    '...................',
    '..@@@@@@.@@@@@@@...',
    '...................',
    '..@@@@@@.@@@@@@@...',
    '...................',
    '..@@@@@@.@@@@@@@...',
    '...................',
    '..@@@@@@.@@@@@@@...',
    '...................',
  );
  holdsTogether(site);
  const narrowed = openExits(site).filter((bits, cell) => bits !== site.exits[cell]).length;
  assert.ok(narrowed > 30, `${narrowed} cells with fewer exits`);
  assert.notEqual(site.exits[2 * 19 + 4], site.exits[4 * 19 + 4], 'neighbouring aisles run against each other');
});

test('[W8] only the largest floor is kept, and a blind alley stays open both ways', () => {
  const site = derive('......@..', '......@..', '@.@@@@@@@', '@.@@@@@@@', '@.@@@@@@@', '@.@@@@@@@', '@.@@@@@@@');
  holdsTogether(site);
  assert.equal(site.blocked[7], 1, 'the island is closed');
  assert.equal(site.exits[4 * 9 + 1], openExits(site)[4 * 9 + 1]);
});

test('[W8] nobody is parked in', () => {
  // A room of four cells at the end of a long lane, and four parking places to find.
  holdsTogether(derive(`..${'@'.repeat(62)}`, '.'.repeat(64)));
});

test('[W8] the smallest maps still give a site', () => {
  for (const rows of [['.'], ['..'], ['...'], ['..', '..'], ['.@.', '...'], ['.....']]) {
    const site = derive(...rows);
    assert.ok(site.docks.length >= 1, rows.join('/'));
    assert.equal(strongComponentCount(site, site.exits, site.blocked), 1);
  }
});

test('[W6] the digest of a site is the same on every run and differs for every map', () => {
  const site = derive('.....', '.@.@.', '.....');
  assert.equal(site.digest, derive('.....', '.@.@.', '.....').digest);
  assert.notEqual(site.digest, derive('.....', '.@.@.', '....@').digest);
});
