import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Governor } from './governor.ts';
import { betweenLooks, dragLook, fitLook, keepLook, Lens, type Look, orbitLook, zoomLook } from './lens.ts';

const map: Look = { mode: 'map', centreXM: 30, centreYM: 15, pxPerM: 12, azimuthRad: 0, tiltRad: 0 };
const solid: Look = { ...map, mode: 'perspective', azimuthRad: 0.7, tiltRad: 0.9 };
const site = { widthM: 60, heightM: 30 };
const [width, height] = [800, 500];

const at = (lens: Lens, x: number, y: number, z = 0): [number, number, number] => {
  const out = new Float64Array(3);
  assert.ok(lens.project(x, y, z, out));
  return [...out] as [number, number, number];
};

test('in the map north is up, east is right, and a metre is as long everywhere', () => {
  const lens = new Lens(map, width, height);
  const [x, y, scale] = at(lens, 30, 15);
  assert.ok(Math.abs(x - 400) < 1e-6 && Math.abs(y - 250) < 1e-6 && Math.abs(scale - 12) < 1e-9);
  const [east, north] = [at(lens, 31, 15), at(lens, 30, 16)];
  assert.ok(Math.abs(east[0] - 412) < 1e-6 && Math.abs(north[1] - 238) < 1e-6);
  assert.ok(Math.abs(at(lens, 40, 20, 3)[0] - at(lens, 40, 20)[0]) < 1e-6, 'height changes nothing from above');
});

test('in perspective the middle keeps the scale of the map, what is nearer is larger, and high things stand up', () => {
  const lens = new Lens({ ...solid, azimuthRad: 0 }, width, height);
  const [x, y, scale] = at(lens, 30, 15);
  assert.ok(Math.abs(x - 400) < 1e-6 && Math.abs(y - 250) < 1e-6 && Math.abs(scale - 12) < 1e-6);
  assert.ok(at(lens, 30, 5)[2] > scale && at(lens, 30, 25)[2] < scale);
  assert.ok(at(lens, 30, 15, 2)[1] < y);
});

test('a pixel leads to the floor under it and back, in either mode and from any side', () => {
  const look = fc.record({
    mode: fc.constantFrom('map' as const, 'perspective' as const),
    centreXM: fc.double({ min: 0, max: 60, noNaN: true }),
    centreYM: fc.double({ min: 0, max: 30, noNaN: true }),
    pxPerM: fc.double({ min: 1, max: 120, noNaN: true }),
    azimuthRad: fc.double({ min: -3, max: 3, noNaN: true }),
    tiltRad: fc.double({ min: 0.12, max: 1.1, noNaN: true }),
  });
  fc.assert(
    fc.property(look, fc.integer({ min: 0, max: width }), fc.integer({ min: 250, max: height }), (found, px, py) => {
      const lens = new Lens(found.mode === 'map' ? { ...found, azimuthRad: 0, tiltRad: 0 } : found, width, height);
      const floor = lens.floorAt(px, py);
      assert.ok(floor !== null);
      const [x, y] = at(lens, ...floor);
      assert.ok(Math.abs(x - px) < 0.01 && Math.abs(y - py) < 0.01, `${x} ${y}`);
    }),
    { seed: 9, numRuns: 200 },
  );
});

test('above the horizon there is no floor, and what is behind the eye is not drawn', () => {
  const lens = new Lens({ ...solid, tiltRad: 1.32, azimuthRad: 0 }, width, height);
  assert.equal(lens.floorAt(400, 0), null);
  assert.equal(lens.project(30, -400, 0, new Float64Array(3)), false);
});

test('zooming keeps the point under the pointer, dragging carries the floor along', () => {
  for (const look of [map, solid]) {
    const lens = new Lens(look, width, height);
    const held = lens.floorAt(250, 330) as readonly [number, number];
    const nearer = new Lens(zoomLook(lens, 250, 330, 2.5), width, height);
    const [x, y] = at(nearer, ...held);
    assert.ok(Math.abs(x - 250) < 0.01 && Math.abs(y - 330) < 0.01);
    const moved = new Lens(dragLook(lens, 250, 330, 300, 380), width, height);
    const [left, top] = at(moved, ...held);
    assert.ok(Math.abs(left - 300) < 0.5 && Math.abs(top - 380) < 0.5, `${look.mode} ${left} ${top}`);
  }
});

test('all of the site fits, flat and tilted', () => {
  for (const look of [map, solid]) {
    const lens = new Lens(fitLook(look, site, width, height), width, height);
    for (const [x, y] of [
      [0, 0],
      [60, 0],
      [0, 30],
      [60, 30],
    ] as const) {
      const [left, top] = at(lens, x, y);
      assert.ok(left > 0 && top > 0 && left < width && top < height, `${look.mode}: ${left}, ${top}`);
    }
    assert.equal(lens.look.azimuthRad, 0);
  }
});

test('a tilted site fills the view in one direction and, unless it is very long or high, nearly in both', () => {
  const shapes = [
    [800, 500, 60, 30],
    [560, 620, 170, 84],
    [1900, 900, 170, 84],
    [700, 420, 40, 60],
  ] as const;
  for (const [widthPx, heightPx, widthM, heightM] of shapes) {
    const look = fitLook(solid, { widthM, heightM }, widthPx, heightPx);
    const lens = new Lens(look, widthPx, heightPx);
    const corners = [at(lens, 0, 0), at(lens, widthM, 0), at(lens, 0, heightM), at(lens, widthM, heightM)] as const;
    const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
    const words = `${widthPx} × ${heightPx}: ${[left, right, top, bottom].map(Math.round)}`;
    assert.ok(left >= 13 && right <= widthPx - 13 && top >= 27 && bottom <= heightPx - 27, words);
    assert.ok(right - left > widthPx - 32 || bottom - top > heightPx - 60, `near enough: ${words}`);
    assert.ok(Math.abs(top + bottom - heightPx) < 4, `as much above as below: ${words}`);
    assert.ok(look.tiltRad >= 0.29 && look.tiltRad <= 0.81);
  }
  const wide = fitLook(solid, { widthM: 170, heightM: 84 }, 560, 620);
  assert.ok(wide.tiltRad < 0.31, 'a panel higher than the site looks down steeply');
  const [, , scale] = at(new Lens(wide, 560, 620), wide.centreXM, wide.centreYM);
  assert.ok(Math.abs(scale - wide.pxPerM) < 1e-6, 'the scale beside the map is that of its middle');
});

test('the map does not turn, the perspective neither falls below the floor nor turns over', () => {
  assert.equal(orbitLook(map, 300, 300), map);
  assert.ok(orbitLook(solid, 0, -10_000).tiltRad < Math.PI / 2);
  assert.ok(orbitLook(solid, 0, 10_000).tiltRad > 0);
  const lost = keepLook({ ...map, centreXM: 1e6, centreYM: -1e6 }, site);
  assert.ok(lost.centreXM < 80 && lost.centreYM > -20);
  const near = keepLook({ ...map, pxPerM: 240, centreXM: -9 }, site);
  assert.ok(near.centreXM < 0 && near.centreXM >= -0.5, 'however near one looks, some of the floor is in sight');
});

test('a glide turns the shorter way and ends where it was sent', () => {
  const from = { ...solid, azimuthRad: 3 };
  const to = { ...solid, azimuthRad: -3, pxPerM: 48 };
  assert.ok(Math.abs(betweenLooks(from, to, 0.5).azimuthRad) > 3);
  assert.ok(Math.abs(betweenLooks(from, to, 0.5).pxPerM - 24) < 1e-9);
  assert.ok(Math.abs(betweenLooks(from, to, 1).pxPerM - 48) < 1e-9);
});

test('a slow renderer draws less finely, one that a busy page holds up now and then does not', () => {
  const governor = new Governor();
  for (let k = 0; k < 200; k++) governor.note(k % 7 === 0 ? 12 : 90);
  assert.equal(governor.share, 1);
  for (let k = 0; k < 30; k++) governor.note(80);
  assert.equal(governor.share, 0.5);
});

test('what was given up comes back when there is room, and a GPU never gives up anything', () => {
  const slow = new Governor();
  for (let k = 0; k < 12; k++) slow.note(80);
  assert.ok(slow.share < 1);
  for (let k = 0; k < 200; k++) slow.note(10);
  assert.equal(slow.share, 1);
  const gpu = new Governor();
  for (let k = 0; k < 200; k++) {
    gpu.note(k % 40 === 0 ? 120 : 6);
    assert.equal(gpu.share, 1);
  }
  assert.equal(gpu.quick, true);
});
