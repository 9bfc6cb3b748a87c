import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Look } from './lens.ts';
import { parseViewpoint, viewpointText } from './viewpoint.ts';

const solid: Look = { mode: 'perspective', centreXM: 30.5, centreYM: 15.25, pxPerM: 20, azimuthRad: 0.5, tiltRad: 0.7 };

test('a viewpoint is short enough for a link, and shows as much of the site on another screen', () => {
  assert.equal(viewpointText(solid, 800, 500), '3d,30.5,15.25,25,28.6,40.1');
  assert.equal(viewpointText({ ...solid, mode: 'map', azimuthRad: 0, tiltRad: 0 }, 800, 500), 'map,30.5,15.25,25');
  assert.equal(parseViewpoint('map,30.5,15.25,25', 1600, 1000)?.pxPerM, 40);
});

test('a look comes back as it was, and a second writing changes nothing', () => {
  const look = fc.record({
    mode: fc.constant('perspective' as const),
    centreXM: fc.double({ min: -20, max: 300, noNaN: true }),
    centreYM: fc.double({ min: -20, max: 300, noNaN: true }),
    pxPerM: fc.double({ min: 0.5, max: 200, noNaN: true }),
    azimuthRad: fc.double({ min: -3.1, max: 3.1, noNaN: true }),
    tiltRad: fc.double({ min: 0.13, max: 1.3, noNaN: true }),
  });
  fc.assert(
    fc.property(look, (from) => {
      const text = viewpointText(from, 800, 500);
      const back = parseViewpoint(text, 800, 500);
      assert.ok(back !== null, text);
      for (const part of ['centreXM', 'centreYM', 'azimuthRad', 'tiltRad'] as const) {
        assert.ok(Math.abs(back[part] - from[part]) < 0.006, `${part} of ${text}`);
      }
      assert.ok(Math.abs(back.pxPerM / from.pxPerM - 1) < 0.003, text);
      assert.equal(viewpointText(back, 800, 500), text);
    }),
    { seed: 4, numRuns: 200 },
  );
});

test('what is no viewpoint is none, and one beyond the bounds is brought inside', () => {
  for (const text of [
    '',
    'map',
    'map,1,2',
    'map,1,2,0',
    '3d,1,2,3',
    'map,NaN,2,3',
    '4d,1,2,3,4,5',
    'map,1e9,2,3,',
    'map,1,2,-3',
  ]) {
    assert.equal(parseViewpoint(text, 800, 500), null, text);
  }
  assert.ok((parseViewpoint('3d,0,0,20,0,90', 800, 500)?.tiltRad ?? 9) < 1.4);
  assert.equal(parseViewpoint('map,0,0,0.01', 800, 500)?.pxPerM, 240);
});
