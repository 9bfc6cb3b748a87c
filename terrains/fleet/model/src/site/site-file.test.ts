import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMovingAiMap } from './grid.ts';
import { EAST, NORTH, SOUTH, WEST } from './site.ts';
import { parseSiteFile, SiteFileError } from './site-file.ts';
import { BrokenSiteRecordError, siteFromJson, siteToJson } from './site-record.ts';
import { zoneFromPolygon } from './zone.ts';

// Two aisles, rows 1 and 3, joined by columns 1 and 5; a closed cell at (3, 2).
const RING = ['@@@@@@@', '@.....@', '@.@@@.@', '@.....@', '@@@@@@@'];
const grid = (rows: readonly string[]) =>
  parseMovingAiMap(`type octile\nheight ${rows.length}\nwidth ${rows[0]?.length}\nmap\n${rows.join('\n')}\n`, 'ring');
const ring = grid(RING);
const parse = (file: unknown, map = ring) => parseSiteFile(typeof file === 'string' ? file : JSON.stringify(file), map);
const at = (column: number, row: number) => row * 7 + column;

const ROUND = [
  { from: [1, 1], to: [5, 1], direction: 'east' },
  { from: [5, 1], to: [5, 3], direction: 'south' },
  { from: [1, 3], to: [5, 3], direction: 'west' },
  { from: [1, 1], to: [1, 3], direction: 'north' },
];

function refused(file: unknown, map = ring): SiteFileError {
  try {
    parse(file, map);
  } catch (error) {
    if (error instanceof SiteFileError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

test('[W3] a whole file becomes a site with its places, zones and ways', () => {
  const site = parse({
    name: 'Ring',
    metresPerCell: 1.5,
    docks: [{ id: 'd1', cell: [1, 1] }],
    chargers: [{ id: 'c1', cell: [5, 1] }],
    stations: [{ id: 's1', cell: [3, 3] }],
    oneWay: ROUND,
    zones: [
      { id: 'north', name: 'North aisle', kind: 'slow', speedMps: 0.5, rect: { from: [6, 0], to: [0, 1] } },
      {
        id: 'south',
        kind: 'restricted',
        polygonM: [
          [0, 0],
          [10.5, 0],
          [10.5, 3],
          [0, 3],
        ],
      },
    ],
  });
  assert.equal(site.name, 'Ring');
  assert.deepEqual(site.docks, [{ id: 'd1', cell: at(1, 1) }]);
  assert.deepEqual(site.zones[0]?.cells, [at(1, 1), at(2, 1), at(3, 1), at(4, 1), at(5, 1)]);
  assert.deepEqual(site.zones[1]?.cells, [at(1, 3), at(2, 3), at(3, 3), at(4, 3), at(5, 3)]);
  assert.deepEqual([site.exits[at(1, 1)], site.exits[at(3, 1)]], [EAST, EAST]);
  assert.deepEqual([site.exits[at(5, 2)], site.exits[at(3, 3)], site.exits[at(1, 2)]], [SOUTH, WEST, NORTH]);
  assert.equal(site.exits[at(3, 2)], 0, 'walls have no exits');
  assert.match(site.digest, /^[0-9a-f]{16}$/);
});

test('[W3] what a file leaves out is empty, and its ways are open both ways', () => {
  const site = parse({ metresPerCell: 1 });
  assert.deepEqual([site.docks, site.stations, site.zones, site.name], [[], [], [], 'ring']);
  assert.equal(site.exits[at(3, 1)], EAST | WEST);
});

test('[W4] a file that cannot be used names the field and the way out', () => {
  const place = { id: 'd1', cell: [1, 1] };
  const zone = { id: 'z1', kind: 'area', rect: { from: [1, 1], to: [5, 1] } };
  const cases: [unknown, string, RegExp][] = [
    ['{', '$', /no JSON/],
    ['[]', '$', /no object/],
    [{ metresPerCell: 1, dock: [] }, 'dock', /no field .* use one of/],
    [{}, 'metresPerCell', /missing; give a number from 0.1 to 100/],
    [{ metresPerCell: 0 }, 'metresPerCell', /is 0/],
    [{ metresPerCell: 1, docks: {} }, 'docks', /no list/],
    [{ metresPerCell: 1, docks: [{ id: 'D 1', cell: [1, 1] }] }, 'docks[0].id', /a-z/],
    [{ metresPerCell: 1, docks: [place, { id: 'd1', cell: [2, 1] }] }, 'docks[1].id', /twice/],
    [{ metresPerCell: 1, docks: [place], stations: [place] }, 'stations[0].id', /twice/],
    [{ metresPerCell: 1, docks: [place, { id: 'd2', cell: [1, 1] }] }, 'docks[1].cell', /taken/],
    [{ metresPerCell: 1, docks: [{ id: 'd1', cell: [3, 2] }] }, 'docks[0].cell', /is a wall; move it/],
    [
      { metresPerCell: 1, docks: [{ id: 'd1', cell: [7, 0] }] },
      'docks[0].cell',
      /outside the site; columns run from 0 to 6/,
    ],
    [{ metresPerCell: 1, docks: [{ id: 'd1', cell: [1.5, 0] }] }, 'docks[0].cell', /outside/],
    [{ metresPerCell: 1, docks: [{ id: 'd1', cell: 4 }] }, 'docks[0].cell', /write \[column, row\]/],
    [{ metresPerCell: 1, zones: [{ ...zone, kind: 'lava' }] }, 'zones[0].kind', /"lava"; use one of area/],
    [{ metresPerCell: 1, zones: [zone, zone] }, 'zones[1].id', /twice/],
    [{ metresPerCell: 1, zones: [{ ...zone, kind: 'slow' }] }, 'zones[0].speedMps', /missing/],
    [{ metresPerCell: 1, zones: [{ ...zone, speedMps: 1 }] }, 'zones[0].speedMps', /has no speed/],
    [{ metresPerCell: 1, zones: [{ id: 'z1', kind: 'area' }] }, 'zones[0]', /exactly one of/],
    [
      { metresPerCell: 1, zones: [{ ...zone, rect: { from: [1, 1], to: [5, 9] } }] },
      'zones[0].rect.to',
      /outside the site/,
    ],
    [{ metresPerCell: 1, zones: [{ ...zone, rect: { from: [2, 2], to: [4, 2] } }] }, 'zones[0].rect', /no floor/],
    [
      {
        metresPerCell: 1,
        zones: [
          {
            id: 'z1',
            kind: 'area',
            polygonM: [
              [0, 0],
              [99, 0],
              [0, 5],
            ],
          },
        ],
      },
      'zones[0].polygonM[1]',
      /outside the site; keep x within 0..7 m/,
    ],
    [{ metresPerCell: 1, oneWay: [{ from: [1, 1], to: [5, 1], direction: 'up' }] }, 'oneWay[0].direction', /use north/],
    [{ metresPerCell: 1, oneWay: [{ from: [1, 1], to: [5, 1], direction: 'south' }] }, 'oneWay[0].direction', /across/],
    [{ metresPerCell: 1, oneWay: [{ from: [1, 1], to: [5, 3], direction: 'east' }] }, 'oneWay[0]', /straight/],
    [
      { metresPerCell: 1, oneWay: [{ from: [1, 2], to: [5, 2], direction: 'east' }] },
      'oneWay[0]',
      /wall stands .* \[2, 2\]/,
    ],
  ];
  for (const [file, path, message] of cases) {
    const error = refused(file);
    assert.equal(error.path, path, error.message);
    assert.match(error.message, message);
    assert.ok(error.message.startsWith(`site 'ring', ${path}: `), error.message);
  }
});

test('[W5] a one-way aisle is closed against its direction at both ends and open across', () => {
  const site = parse({ metresPerCell: 1, oneWay: [{ from: [2, 1], to: [3, 1], direction: 'east' }] });
  assert.deepEqual(
    [1, 2, 3, 4].map((column) => site.exits[at(column, 1)]),
    [EAST | SOUTH, EAST, EAST, EAST],
  );
});

test('[W5] the one-way aisle that cuts the site is named', () => {
  const against = [...ROUND.slice(0, 3), { from: [1, 1], to: [1, 3], direction: 'south' }];
  const error = refused({ metresPerCell: 1, oneWay: against });
  assert.equal(error.path, 'oneWay[3]');
  assert.match(error.message, /cuts the site.*turn it round/);
});

test('[W5] places that no way joins are refused', () => {
  const halves = grid(['.....@.', '@@@@@@.']);
  const file = { metresPerCell: 1, docks: [{ id: 'd1', cell: [0, 0] }], stations: [{ id: 's1', cell: [6, 1] }] };
  const error = refused(file, halves);
  assert.equal(error.path, 'stations[0].cell');
  assert.match(error.message, /no way leads from 'd1' to 's1'/);
});

test('[W6] a site survives its record to the bit, and a changed record is found', () => {
  const zones = [{ id: 'z', kind: 'work', rect: { from: [1, 1], to: [5, 3] } }];
  const site = parse({ metresPerCell: 0.7, docks: [{ id: 'd1', cell: [1, 1] }], oneWay: ROUND, zones });
  const record = JSON.parse(JSON.stringify(siteToJson(site)));
  assert.deepEqual(siteFromJson(record), site);
  const changes = [
    { ...record, name: 'Other' },
    { ...record, metresPerCell: 0.8 },
    { ...record, docks: [{ id: 'd1', cell: 9 }] },
    { ...record, zones: [{ ...record.zones[0], kind: 'slow' }] },
    { ...record, rows: record.rows.map((row: string) => row.replace('2', '@')) },
    { ...record, rows: record.rows.slice(1) },
    { ...record, format: 'other' },
  ];
  for (const changed of changes) assert.throws(() => siteFromJson(changed), BrokenSiteRecordError);
});

test('[W7] a drawn zone holds the cells whose centres are inside, by even and odd', () => {
  const open = parse({ metresPerCell: 2 }, grid(['.....', '.....', '.....']));
  const drawn = zoneFromPolygon(open, [
    [0, 0],
    [6, 0],
    [6, 6],
    [0, 6],
  ]);
  assert.deepEqual(drawn, { ok: true, cells: [0, 1, 2, 5, 6, 7, 10, 11, 12] });
  // A bow tie: its two lobes, not the box around it. A centre on the crossing itself is inside.
  const bow = zoneFromPolygon(open, [
    [0, 0],
    [10, 6],
    [10, 0],
    [0, 6],
  ]);
  assert.deepEqual(bow.ok && bow.cells, [0, 4, 5, 6, 7, 8, 9, 10, 14]);
  // Twice round the same square is outside by even and odd.
  const square = [
    [0, 0],
    [6, 0],
    [6, 6],
    [0, 6],
  ] as const;
  assert.equal(zoneFromPolygon(open, [...square, ...square]).ok, false);
});

test('[W7] a zone that cannot be drawn says which point is to blame', () => {
  const site = parse({ metresPerCell: 1 });
  const outcome = (points: [number, number][]) => {
    const drawn = zoneFromPolygon(site, points);
    return drawn.ok ? 'ok' : `${drawn.reason} ${drawn.point}`;
  };
  assert.equal(
    outcome([
      [0, 0],
      [1, 1],
    ]),
    'too_few_points -1',
  );
  assert.equal(
    outcome([
      [0, 0],
      [7, 0],
      [7.01, 2],
    ]),
    'outside_site 2',
  );
  assert.equal(
    outcome([
      [0, 0],
      [7, -0.5],
      [7, 2],
    ]),
    'outside_site 1',
  );
  assert.equal(
    outcome([
      [0, 0],
      [Number.NaN, 0],
      [7, 2],
    ]),
    'not_a_number 1',
  );
  assert.equal(
    outcome([
      [2.1, 2.1],
      [3.9, 2.1],
      [3.9, 2.9],
    ]),
    'empty -1',
  );
  assert.equal(
    outcome([
      [0, 0],
      [7, 0],
      [7, 5],
    ]),
    'ok',
  );
});
