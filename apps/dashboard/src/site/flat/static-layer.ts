import { centreXM, centreYM, type Place, type Site } from '@sigma/fleet-model';
import { type Box, boxOf, type LabelWish, placeLabels } from '../labels.ts';
import type { MapColours } from '../map-colours.ts';
import { type SiteShapes, type ZoneShape, zoneNames } from '../site-shapes.ts';
import { scaleBar, toScreenX, toScreenY, type Viewport } from './viewport.ts';

type Context = CanvasRenderingContext2D;

/** Smallest spacing of one-way arrows, and the smallest cell in which places are drawn with their sign. */
const ARROW_SPACING_PX = 34;
const SIGN_FROM_PX = 6;
const PLACE_NAMES_FROM_PX = 30;

/**
 * Draws what stands still: floor, zones, walls, one-way arrows, places, north and scale. Called when the view changes.
 *
 * @returns where its names stand, so that the names of robots may keep off them
 */
export function drawStatic(
  context: Context,
  view: Viewport,
  site: Site,
  shapes: SiteShapes,
  colours: MapColours,
): readonly Box[] {
  context.fillStyle = colours.void;
  context.fillRect(0, 0, view.widthPx, view.heightPx);
  context.fillStyle = colours.floor;
  fillRectangles(context, view, Float32Array.of(0, 0, shapes.widthM, shapes.heightM));
  for (const zone of shapes.zones) drawZone(context, view, zone, colours);
  drawWalls(context, view, shapes, colours, site.metresPerCell * view.pxPerM);
  drawOneWays(context, view, shapes, colours, site.metresPerCell * view.pxPerM);
  drawPlaces(context, view, site, site.docks, 'dock', colours);
  drawPlaces(context, view, site, site.chargers, 'charger', colours);
  drawPlaces(context, view, site, site.stations, 'station', colours);
  const names = drawNames(context, view, site, shapes, colours);
  drawScale(context, view, colours);
  return names;
}

function fillRectangles(context: Context, view: Viewport, rectangles: Float32Array): void {
  context.beginPath();
  traceRectangles(context, view, rectangles);
  context.fill();
}

function traceRectangles(context: Context, view: Viewport, rectangles: Float32Array): void {
  for (let k = 0; k + 3 < rectangles.length; k += 4) {
    const left = toScreenX(view, rectangles[k] as number);
    const bottom = toScreenY(view, rectangles[k + 1] as number);
    const width = (rectangles[k + 2] as number) * view.pxPerM;
    const height = (rectangles[k + 3] as number) * view.pxPerM;
    if (left > view.widthPx || left + width < 0 || bottom < 0 || bottom - height > view.heightPx) continue;
    context.rect(left, bottom - height, width, height);
  }
}

function drawWalls(context: Context, view: Viewport, shapes: SiteShapes, colours: MapColours, cellPx: number): void {
  context.fillStyle = colours.wall;
  context.beginPath();
  traceRectangles(context, view, shapes.walls);
  context.fill();
  if (cellPx < 6) return;
  context.strokeStyle = colours.wallEdge;
  context.lineWidth = 1;
  context.stroke();
}

function drawZone(context: Context, view: Viewport, shape: ZoneShape, colours: MapColours): void {
  const kind = shape.zone.kind;
  const colour = kind === 'restricted' ? colours.zoneRestricted : kind === 'slow' ? colours.zoneSlow : colours.zone;
  context.save();
  context.fillStyle = colour;
  context.globalAlpha = 0.1;
  fillRectangles(context, view, shape.runs);
  if (kind === 'restricted' || kind === 'slow') hatch(context, view, shape, colour);
  context.globalAlpha = 0.8;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash(kind === 'restricted' ? [] : [5, 4]);
  context.beginPath();
  for (let k = 0; k + 3 < shape.outline.length; k += 4) {
    context.moveTo(toScreenX(view, shape.outline[k] as number), toScreenY(view, shape.outline[k + 1] as number));
    context.lineTo(toScreenX(view, shape.outline[k + 2] as number), toScreenY(view, shape.outline[k + 3] as number));
  }
  context.stroke();
  context.restore();
}

/** Diagonals, so that a restricted or slow zone is known without its colour; the denser ones are restricted. */
function hatch(context: Context, view: Viewport, shape: ZoneShape, colour: string): void {
  const spacing = shape.zone.kind === 'restricted' ? 8 : 16;
  context.save();
  context.beginPath();
  traceRectangles(context, view, shape.runs);
  context.clip();
  context.globalAlpha = 0.35;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = -view.heightPx; x < view.widthPx; x += spacing) {
    context.moveTo(x, view.heightPx);
    context.lineTo(x + view.heightPx, 0);
  }
  context.stroke();
  context.restore();
}

function drawOneWays(context: Context, view: Viewport, shapes: SiteShapes, colours: MapColours, cellPx: number): void {
  const every = Math.max(1, Math.ceil(ARROW_SPACING_PX / cellPx));
  const size = Math.min(5, Math.max(2.5, cellPx * 0.3));
  context.strokeStyle = colours.arrow;
  context.lineWidth = 1.4;
  context.lineCap = 'round';
  context.beginPath();
  for (let k = 0; k + 3 < shapes.oneWays.length; k += 4) {
    if ((shapes.oneWays[k + 3] as number) % every !== 0) continue;
    const x = toScreenX(view, shapes.oneWays[k] as number);
    const y = toScreenY(view, shapes.oneWays[k + 1] as number);
    if (x < 0 || y < 0 || x > view.widthPx || y > view.heightPx) continue;
    const heading = shapes.oneWays[k + 2] as number;
    const ux = Math.cos(heading);
    const uy = -Math.sin(heading);
    context.moveTo(x - ux * size * 0.5 - uy * size, y - uy * size * 0.5 + ux * size);
    context.lineTo(x + ux * size * 0.5, y + uy * size * 0.5);
    context.lineTo(x - ux * size * 0.5 + uy * size, y - uy * size * 0.5 - ux * size);
  }
  context.stroke();
}

/** A dock is an open square, a charger a square with a bolt, a station a filled square with a notch. */
function drawPlaces(
  context: Context,
  view: Viewport,
  site: Site,
  places: readonly Place[],
  kind: 'dock' | 'charger' | 'station',
  colours: MapColours,
): void {
  const side = site.metresPerCell * view.pxPerM * 0.78;
  context.strokeStyle = colours[kind];
  context.fillStyle = colours[kind];
  context.lineWidth = side >= SIGN_FROM_PX ? 1.3 : 1;
  for (const place of places) {
    const x = toScreenX(view, centreXM(site, place.cell));
    const y = toScreenY(view, centreYM(site, place.cell));
    if (x < -side || y < -side || x > view.widthPx + side || y > view.heightPx + side) continue;
    if (side < 4) {
      context.fillRect(x - 1.5, y - 1.5, 3, 3);
      continue;
    }
    context.strokeRect(x - side / 2, y - side / 2, side, side);
    if (kind === 'dock' || side < SIGN_FROM_PX) continue;
    context.beginPath();
    if (kind === 'charger') {
      context.moveTo(x + side * 0.08, y - side * 0.36);
      context.lineTo(x - side * 0.2, y + side * 0.06);
      context.lineTo(x + side * 0.16, y - side * 0.02);
      context.lineTo(x - side * 0.08, y + side * 0.36);
      context.stroke();
    } else {
      context.moveTo(x - side * 0.26, y + side * 0.26);
      context.lineTo(x + side * 0.26, y + side * 0.26);
      context.lineTo(x, y - side * 0.26);
      context.fill();
    }
  }
}

/** What a name keeps free is so much higher than its type. */
const LEADING_PX = 2;
/** Half the side of a place's sign, as a share of its cell. */
const SIGN_REACH = 0.4;

function drawNames(
  context: Context,
  view: Viewport,
  site: Site,
  shapes: SiteShapes,
  colours: MapColours,
): readonly Box[] {
  context.font = `400 ${colours.textPx}px ${colours.font}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  const wish = (text: string, xM: number, yM: number, clearancePx: number, priority: number) => {
    const widthPx = context.measureText(text).width;
    return { text, xPx: toScreenX(view, xM), yPx: toScreenY(view, yM), widthPx, clearancePx, priority };
  };
  const fits = (text: string, roomM: number) => context.measureText(text).width <= roomM * view.pxPerM;
  const wishes = shapes.zones.map((shape) => {
    const [full, short] = zoneNames(shape);
    const text = fits(full, shape.widthM) || short === '' ? full : short;
    const name = wish(text, shape.labelXM, shape.labelYM, 0, shape.zone.kind === 'restricted' ? 9 : 5);
    return { ...name, xPx: name.xPx - name.widthPx / 2 };
  });
  const visible = (one: LabelWish): boolean =>
    one.xPx > -one.widthPx && one.xPx < view.widthPx && one.yPx > 0 && one.yPx < view.heightPx;
  const heightPx = colours.textPx + LEADING_PX;
  const draw = (all: readonly LabelWish[], taken: readonly Box[]): readonly Box[] =>
    placeLabels(all.filter(visible), heightPx, taken).map(({ text, leftPx, middlePx }) => {
      haloText(context, text, leftPx, middlePx, colours.name, colours.halo);
      return boxOf(leftPx, middlePx, context.measureText(text).width, heightPx);
    });
  const zoneBoxes = draw(wishes, []);
  const side = site.metresPerCell * view.pxPerM;
  if (side < PLACE_NAMES_FROM_PX) return zoneBoxes;
  const reach = side * SIGN_REACH;
  const named = [...site.stations, ...site.docks, ...site.chargers].map(({ id, cell }) =>
    wish(id, centreXM(site, cell), centreYM(site, cell), reach + 3, 1),
  );
  const signs = named.map(({ xPx, yPx }) => ({
    left: xPx - reach,
    right: xPx + reach,
    top: yPx - reach,
    bottom: yPx + reach,
  }));
  return [...zoneBoxes, ...draw(named, [...signs, ...zoneBoxes])];
}

export function haloText(context: Context, text: string, x: number, y: number, ink: string, halo: string): void {
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.strokeText(text, x, y);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}

function drawScale(context: Context, view: Viewport, colours: MapColours): void {
  const { lengthM, lengthPx } = scaleBar(view.pxPerM, 120);
  const right = view.widthPx - 16;
  const bottom = view.heightPx - 14;
  context.strokeStyle = colours.ink;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(right - lengthPx, bottom - 5);
  context.lineTo(right - lengthPx, bottom);
  context.lineTo(right, bottom);
  context.lineTo(right, bottom - 5);
  const northX = right - lengthPx - 18;
  context.moveTo(northX, bottom + 1);
  context.lineTo(northX, bottom - 16);
  context.moveTo(northX - 4, bottom - 10);
  context.lineTo(northX, bottom - 16);
  context.lineTo(northX + 4, bottom - 10);
  context.stroke();
  context.font = `500 ${colours.textPx}px ${colours.font}`;
  context.textBaseline = 'alphabetic';
  context.textAlign = 'center';
  haloText(context, `${lengthM} m`, right - lengthPx / 2, bottom - 8, colours.ink, colours.halo);
  haloText(context, 'N', northX, bottom - 21, colours.ink, colours.halo);
  context.textAlign = 'left';
}
