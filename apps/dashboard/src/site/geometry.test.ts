import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSite, parseMovingAiMap } from '@sigma/fleet-model';
import { fit, keepInSight, panBy, scaleBar, toScreenX, toScreenY, toSiteX, toSiteY, zoomAt } from './flat/viewport.ts';
import { placeLabels } from './labels.ts';
import { rectangles, siteShapes } from './site-shapes.ts';

const view = fit(60, 30, 800, 500);

test('what fits is centred and wholly visible, and pixels lead back to metres', () => {
  assert.ok(toScreenX(view, 0) > 0 && toScreenX(view, 60) < 800 && toScreenY(view, 30) > 0 && toScreenY(view, 0) < 500);
  assert.ok(toScreenY(view, 30) < toScreenY(view, 0), 'north is up');
  assert.ok(Math.abs(toSiteX(view, toScreenX(view, 12.5)) - 12.5) < 1e-9);
  assert.ok(Math.abs(toSiteY(view, toScreenY(view, 7.25)) - 7.25) < 1e-9);
});

test('zooming keeps the point under the pointer, panning moves with the hand', () => {
  const near = zoomAt(view, 200, 100, 3);
  assert.ok(Math.abs(toSiteX(near, 200) - toSiteX(view, 200)) < 1e-9);
  assert.ok(Math.abs(toSiteY(near, 100) - toSiteY(view, 100)) < 1e-9);
  const moved = panBy(view, 40, -25);
  assert.ok(Math.abs(toScreenX(moved, 30) - toScreenX(view, 30) - 40) < 1e-9);
  assert.ok(Math.abs(toScreenY(moved, 15) - toScreenY(view, 15) + 25) < 1e-9);
});

test('nobody can lose the site by panning', () => {
  const lost = keepInSight(panBy(view, 1e6, -1e6), 60, 30);
  const visible =
    toScreenX(lost, 0) < 800 && toScreenX(lost, 60) > 0 && toScreenY(lost, 30) < 500 && toScreenY(lost, 0) > 0;
  assert.ok(visible);
  assert.equal(keepInSight(view, 60, 30), view);
});

test('the scale bar is round and fits', () => {
  for (const pxPerM of [0.3, 2, 11, 47, 230]) {
    const { lengthM, lengthPx } = scaleBar(pxPerM, 120);
    assert.ok(lengthPx <= 120 + 1e-9 && lengthPx > 23, `${lengthPx}`);
    assert.match(lengthM.toPrecision(1), /^0?\.?0*[125]/);
  }
});

test('walls become few rectangles that cover them exactly', () => {
  const width = 7;
  const cells = ['@@@....', '@@@..@.', '....@@.', '@@@@@@@'].join('');
  const site = { width, height: 4, metresPerCell: 2 };
  const found = rectangles(site, (cell) => cells[cell] === '@');
  const covered = new Uint8Array(cells.length);
  for (let k = 0; k < found.length; k += 4) {
    const [x, y, w, h] = Array.from(found.slice(k, k + 4)).map((metres) => metres / 2) as [
      number,
      number,
      number,
      number,
    ];
    for (let row = 4 - y - h; row < 4 - y; row++)
      for (let column = x; column < x + w; column++) (covered[row * width + column] as number)++;
  }
  assert.equal([...covered].join(''), [...cells].map((letter) => (letter === '@' ? 1 : 0)).join(''));
  assert.equal(found.length / 4, 4);
});

test('a one-way aisle has arrows along its only direction', () => {
  const rows = Array.from({ length: 12 }, (_, row) => (row % 3 === 1 ? '..TTTTTTTTTT..' : '..............'));
  const site = deriveSite(parseMovingAiMap(`type octile\nheight 12\nwidth 14\nmap\n${rows.join('\n')}\n`, 'aisles'));
  const { oneWays, zones, widthM } = siteShapes(site);
  assert.equal(widthM, 14);
  for (let k = 0; k < oneWays.length; k += 4) {
    const [x, y, heading] = [oneWays[k] as number, oneWays[k + 1] as number, oneWays[k + 2] as number];
    const cell = (site.height - 1 - Math.floor(y)) * site.width + Math.floor(x);
    const bit = [2, 1, 8, 4][Math.round((heading + 2 * Math.PI) / (Math.PI / 2)) % 4] as number;
    assert.notEqual((site.exits[cell] as number) & bit, 0, `arrow at ${x}, ${y} points where nobody may go`);
  }
  for (const { outline, zone } of zones) assert.ok(outline.length >= 16, zone.id);
});

test('labels never overlap, the important ones stay, and equal wishes give equal places', () => {
  const wishes = Array.from({ length: 60 }, (_, k) => ({
    text: `r${k}`,
    xPx: (k % 8) * 14,
    yPx: Math.floor(k / 8) * 9,
    widthPx: 26,
    clearancePx: 6,
    priority: k === 37 ? 9 : 1,
  }));
  const placed = placeLabels(wishes, 14);
  assert.ok(placed.length > 3 && placed.length < wishes.length);
  assert.ok(placed.some((label) => label.text === 'r37'));
  for (const [k, a] of placed.entries()) {
    for (const b of placed.slice(k + 1)) {
      const apart = Math.abs(a.leftPx - b.leftPx) >= 26 || Math.abs(a.middlePx - b.middlePx) >= 14;
      assert.ok(apart, `${a.text} covers ${b.text}`);
    }
  }
  assert.deepEqual(placeLabels(wishes, 14), placed);
});

test('a label keeps off names and off the edge of the map when it can, and covers a name rather than go', () => {
  const wish = { text: 'r01', xPx: 90, yPx: 50, widthPx: 20, clearancePx: 5, priority: 1 };
  const seen = { left: 0, right: 100, top: 0, bottom: 100 };
  const [left] = placeLabels([wish], 14, [], [], seen);
  assert.equal(left?.leftPx, 65, 'to the right it would be cut off');
  const everywhere = [{ left: 0, right: 200, top: 0, bottom: 100 }];
  assert.equal(placeLabels([wish], 14, [], everywhere, seen).length, 1);
  assert.equal(placeLabels([wish], 14, everywhere, [], seen).length, 0);
});

test('what finds no room with all its words says its name alone', () => {
  const short = { text: 'r07', widthPx: 20 };
  const wish = { text: 'r07 · thermal shutdown', xPx: 50, yPx: 50, widthPx: 120, clearancePx: 5, priority: 60, short };
  const walls = [
    { left: 80, right: 90, top: 0, bottom: 100 },
    { left: 10, right: 20, top: 0, bottom: 100 },
  ];
  assert.deepEqual(
    placeLabels([wish], 14, walls).map(({ text, leftPx, widthPx }) => [text, leftPx, widthPx]),
    [['r07', 55, 20]],
  );
  assert.equal(placeLabels([wish], 14)[0]?.text, wish.text);
});

test('who must be named covers a neighbour rather than go unnamed, and never another name', () => {
  const everywhere = [{ left: 0, right: 200, top: 0, bottom: 100 }];
  const wish = { text: 'r07', xPx: 90, yPx: 50, widthPx: 20, clearancePx: 5, priority: 100, insists: true };
  assert.deepEqual(
    placeLabels([wish, { ...wish, text: 'r08', insists: false }], 14, everywhere).map(({ text }) => text),
    ['r07'],
  );
  const five = ['a', 'b', 'c', 'd', 'e'].map((text) => ({ ...wish, text, widthPx: 60, clearancePx: 9 }));
  assert.equal(placeLabels(five, 14, everywhere).length, 4, 'four spots, four names');
});
