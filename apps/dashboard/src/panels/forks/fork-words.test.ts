import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CommandSchema } from '@sigma/proto';
import type { SiteView } from '../../live/site-view.ts';
import { apartNow, canBeCompared } from './apart.ts';
import { commandShort, outcomeRows } from './fork-words.ts';

test('outcomes stand in the order in which a person asks for them, each with its unit and the difference with its sign', () => {
  const rows = outcomeRows([
    { name: 'decisions', recorded: 4, forked: 4 },
    { name: 'distanceM', recorded: 24.27, forked: 6.01 },
    { name: 'collisions', recorded: 0, forked: 1 },
    { name: 'energyWh', recorded: 0.521, forked: 0.5214 },
    { name: 'waited', recorded: 1, forked: 2 },
  ]);
  assert.deepEqual(
    rows.map(({ name, apart }) => [name, apart]),
    [
      ['Contacts', '+1'],
      ['Distance', '−18.3 m'],
      ['Energy', ''],
      ['Decisions', ''],
      ['waited', '+1.00'],
    ],
  );
  assert.deepEqual([rows[1]?.recorded, rows[1]?.forked], ['24.3 m', '6.0 m']);
});

test('a command is told with its speed, and none with nothing', () => {
  const params = [{ name: 'speedMps', value: { case: 'number' as const, value: 0.3 } }];
  assert.equal(commandShort(create(CommandSchema, { name: 'drive', params })), 'drive 0.3 m/s');
  assert.equal(commandShort(create(CommandSchema, { name: 'stop' })), 'stop');
  assert.equal(commandShort(undefined), '');
});

test('whoever stands elsewhere in the other life is found by name, the farthest first, and nobody whose pose is old', () => {
  const site = (robots: readonly (readonly [string, number, number, number?])[]): SiteView =>
    ({
      ids: robots.map(([id]) => id),
      row: (id: string) => robots.findIndex(([name]) => name === id),
      sample: () => ({
        xM: robots.map(([, xM]) => xM),
        yM: robots.map(([, , yM]) => yM),
        ageMs: robots.map(([, , , ageMs = 0]) => ageMs),
      }),
    }) as unknown as SiteView;
  const recorded = site([
    ['r1', 0, 0],
    ['r2', 5, 5],
    ['r3', 9, 9],
    ['r4', 1, 1],
    ['r5', 2, 2],
  ]);
  const forked = site([
    ['r3', 9, 6],
    ['r2', 5.1, 5],
    ['r1', 0, 0.4],
    ['r5', 30, 30, 4_000],
  ]);
  assert.deepEqual(
    apartNow(recorded, forked, 0).map(({ id, distanceM }) => [id, Math.round(distanceM * 10) / 10]),
    [
      ['r3', 3],
      ['r1', 0.4],
    ],
  );
  assert.equal(canBeCompared(recorded, forked, 0), true);
  const old = site([
    ['r3', 9, 6, 4_000],
    ['r9', 0, 0],
  ]);
  assert.equal(canBeCompared(recorded, old, 0), false, 'nobody is known in both: nothing can be said');
});
