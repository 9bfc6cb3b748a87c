import type { AgentScan, Fence } from '@sigma/proto';
import type { SiteView } from '../../live/site-view.ts';
import type { AgentState } from '../../words/agent-state.ts';
import { span } from '../../words/quantities.ts';
import type { BodyTable } from '../body-table.ts';
import { type Draft, type DraftPoint, isOutline } from '../draft.ts';
import { type Box, placeLabels } from '../labels.ts';
import type { MapColours } from '../map-colours.ts';
import { plannedPath } from '../planned-path.ts';
import { wantedLabels } from '../wanted-labels.ts';
import { haloText } from './static-layer.ts';
import { toScreenX, toScreenY, type Viewport } from './viewport.ts';

type Context = CanvasRenderingContext2D;

/** What the moving layer shows besides the live site. */
export interface Focus {
  readonly selected: string | null;
  readonly hovered: string | null;
  readonly draft: Draft | null;
  /** The zone or fence that is selected; of a zone of the site its edges, of a fence none. */
  readonly zone: { readonly id: string; readonly kind: string; readonly edges: Float32Array } | null;
  /** Where the names of zones and places stand. */
  readonly names: readonly Box[];
}

/** A robot is never drawn smaller than this, and below it its body's outline gives way to a dot. */
const LEAST_RADIUS_PX = 4.5;
const PERSON_RADIUS_M = 0.28;
/** Against 1.5 of every other outline. */
const CHOSEN_PX = 4;

export const radiusPx = (radiusM: number, view: Viewport): number => Math.max(LEAST_RADIUS_PX, radiusM * view.pxPerM);

const textWidths = new Map<string, number>();
let measuredFont = '';

function widthOf(context: Context, text: string): number {
  if (context.font !== measuredFont || textWidths.size > 20_000) textWidths.clear();
  measuredFont = context.font;
  const known = textWidths.get(text);
  if (known !== undefined) return known;
  const { width } = context.measureText(text);
  textWidths.set(text, width);
  return width;
}

/** Draws what moves, once a frame: fences, lidar and path of the selected robot, people, robots, names, the draft. */
export function drawLive(
  context: Context,
  view: Viewport,
  live: SiteView,
  table: BodyTable,
  focus: Focus,
  colours: MapColours,
  nowMs: number,
  clear = true,
): void {
  if (clear) context.clearRect(0, 0, view.widthPx, view.heightPx);
  const poses = live.sample(nowMs);
  for (const fence of live.fences()) drawFence(context, view, fence, fence.id === focus.zone?.id, colours);
  if (focus.zone !== null) drawChosen(context, view, focus.zone, colours);
  if (focus.selected !== null) {
    drawScan(context, view, live.scan(focus.selected), colours);
    drawPath(context, view, live, focus.selected, nowMs, colours);
  }
  drawPeople(context, view, live.people, colours);
  for (let row = 0; row < table.count; row++) {
    const x = toScreenX(view, poses.xM[row] as number);
    const y = toScreenY(view, poses.yM[row] as number);
    if (!(x > -30 && y > -30 && x < view.widthPx + 30 && y < view.heightPx + 30)) continue;
    const id = live.ids[row] as string;
    const radius = radiusPx(table.radiusM[row] as number, view);
    const state = table.states[row] as AgentState;
    const heading = poses.headingRad[row] as number;
    drawRobot(context, x, y, radius, heading, table.humanoid[row] === 1, state, table.stale[row] === 1, colours);
    const chosen = id === focus.selected;
    if (chosen || id === focus.hovered) drawRing(context, x, y, radius + 5, colours.accent, chosen ? 2 : 1.2);
  }
  drawLabels(context, view, live, table, focus, colours, nowMs);
  if (focus.draft !== null) drawDraft(context, view, focus.draft, colours);
}

function drawLabels(
  context: Context,
  view: Viewport,
  live: SiteView,
  table: BodyTable,
  focus: Focus,
  colours: MapColours,
  nowMs: number,
): void {
  context.font = `500 ${colours.textPx}px ${colours.font}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  const { selected, hovered, names } = focus;
  const { widthPx, heightPx } = view;
  const project = (xM: number, yM: number, _zM: number, out: Float64Array): boolean => {
    out[0] = toScreenX(view, xM);
    out[1] = toScreenY(view, yM);
    out[2] = view.pxPerM;
    return true;
  };
  const width = (text: string): number => widthOf(context, text);
  const poses = live.sample(nowMs);
  const wishes = wantedLabels({
    live,
    table,
    poses,
    nowMs,
    selected,
    hovered,
    widthPx,
    heightPx,
    project,
    widthOf: width,
  });
  const bodies = wishes.map(({ xPx, yPx, clearancePx }) => {
    const reach = clearancePx - 3;
    return { left: xPx - reach, right: xPx + reach, top: yPx - reach, bottom: yPx + reach };
  });
  const seen = { left: 0, right: widthPx, top: 0, bottom: heightPx };
  for (const label of placeLabels(wishes, colours.textPx + 2, bodies, names, seen)) {
    haloText(context, label.text, label.leftPx, label.middlePx, colours.ink, colours.halo);
  }
}

/** An outline that a person drew: full for keep out, dashed for slow; the selected one stronger. */
function drawFence(context: Context, view: Viewport, fence: Fence, chosen: boolean, colours: MapColours): void {
  const points = fence.polygon?.points ?? [];
  const [first] = points;
  if (first === undefined) return;
  context.save();
  context.beginPath();
  for (const { xM, yM } of points) context.lineTo(toScreenX(view, xM), toScreenY(view, yM));
  context.closePath();
  const restricted = fence.kind === 'restricted';
  context.fillStyle = restricted ? colours.zoneRestricted : colours.zoneSlow;
  context.strokeStyle = context.fillStyle;
  context.globalAlpha = chosen ? 0.3 : 0.16;
  context.fill();
  context.globalAlpha = chosen ? 1 : 0.9;
  context.lineWidth = chosen ? CHOSEN_PX : 1.5;
  context.setLineDash(restricted || chosen ? [] : [6, 4]);
  context.stroke();
  context.restore();
}

/** The edges of the selected zone of the site. */
function drawChosen(
  context: Context,
  view: Viewport,
  { kind, edges }: NonNullable<Focus['zone']>,
  colours: MapColours,
): void {
  context.save();
  context.beginPath();
  for (let k = 0; k + 3 < edges.length; k += 4) {
    context.moveTo(toScreenX(view, edges[k] as number), toScreenY(view, edges[k + 1] as number));
    context.lineTo(toScreenX(view, edges[k + 2] as number), toScreenY(view, edges[k + 3] as number));
  }
  const zone = kind === 'slow' ? colours.zoneSlow : colours.name;
  context.strokeStyle = kind === 'restricted' ? colours.zoneRestricted : zone;
  context.lineWidth = CHOSEN_PX;
  context.lineCap = 'round';
  context.stroke();
  context.restore();
}

/** A carrier is a box with a pointed front, a humanoid a disc with a nose; a stop wears an octagon, a stale one is hollow. */
function drawRobot(
  context: Context,
  x: number,
  y: number,
  radius: number,
  heading: number,
  humanoid: boolean,
  state: AgentState,
  stale: boolean,
  colours: MapColours,
): void {
  const ux = Math.cos(heading);
  const uy = -Math.sin(heading);
  const colour = stale ? colours.stale : colours.level[state.level];
  context.beginPath();
  if (humanoid) traceHumanoid(context, x, y, radius, heading, ux, uy);
  else traceCarrier(context, x, y, radius, ux, uy);
  if (stale) {
    context.setLineDash([3, 2]);
    context.strokeStyle = colour;
    context.lineWidth = 1.4;
    context.stroke();
    context.setLineDash([]);
    return;
  }
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = colours.robotEdge;
  context.lineWidth = 1;
  context.stroke();
  if (state.shape === 'octagon') outline(context, x, y, radius + 4, 8, Math.PI / 8, colour);
  else if (state.shape === 'triangle') outline(context, x, y, radius + 6, 3, -Math.PI / 2, colour);
  else if (state.shape === 'diamond') outline(context, x, y, radius + 4, 4, 0, colour);
}

function traceHumanoid(
  context: Context,
  x: number,
  y: number,
  radius: number,
  heading: number,
  ux: number,
  uy: number,
): void {
  const open = 0.5;
  context.arc(x, y, radius, -heading + open, -heading - open + 2 * Math.PI);
  context.lineTo(x + ux * radius * 1.55, y + uy * radius * 1.55);
  context.closePath();
}

function traceCarrier(context: Context, x: number, y: number, radius: number, ux: number, uy: number): void {
  const long = radius * 0.95;
  const wide = radius * 0.72;
  const corner = (along: number, across: number): [number, number] => [
    x + ux * along - uy * across,
    y + uy * along + ux * across,
  ];
  context.moveTo(...corner(-long, -wide));
  context.lineTo(...corner(long * 0.7, -wide));
  context.lineTo(...corner(long * 1.45, 0));
  context.lineTo(...corner(long * 0.7, wide));
  context.lineTo(...corner(-long, wide));
  context.closePath();
}

function outline(
  context: Context,
  x: number,
  y: number,
  radius: number,
  sides: number,
  start: number,
  colour: string,
): void {
  context.beginPath();
  for (let k = 0; k < sides; k++) {
    const angle = start + (k * 2 * Math.PI) / sides;
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  context.closePath();
  context.strokeStyle = colour;
  context.lineWidth = 1.6;
  context.stroke();
}

function drawRing(context: Context, x: number, y: number, radius: number, colour: string, width: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

/** Head and shoulders from above, so that a person is never taken for a robot. */
function drawPeople(context: Context, view: Viewport, people: Float32Array, colours: MapColours): void {
  const radius = Math.max(3.5, PERSON_RADIUS_M * view.pxPerM);
  context.strokeStyle = colours.person;
  context.fillStyle = colours.person;
  context.lineWidth = 1.5;
  for (let k = 0; k + 1 < people.length; k += 2) {
    const x = toScreenX(view, people[k] as number);
    const y = toScreenY(view, people[k + 1] as number);
    context.beginPath();
    context.arc(x, y, radius * 0.5, 0, 2 * Math.PI);
    context.fill();
    context.beginPath();
    context.ellipse(x, y, radius * 1.3, radius * 0.85, 0, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawPath(
  context: Context,
  view: Viewport,
  live: SiteView,
  id: string,
  nowMs: number,
  colours: MapColours,
): void {
  const row = live.row(id);
  if (row < 0) return;
  const { xM, yM, speedMps } = live.sample(nowMs);
  const path = plannedPath(live, id, xM[row] as number, yM[row] as number, speedMps[row] as number);
  if (path === null) return;
  context.strokeStyle = colours.path;
  context.lineWidth = 2;
  context.lineJoin = 'round';
  context.setLineDash([6, 4]);
  context.beginPath();
  for (const point of path.points) context.lineTo(toScreenX(view, point.xM), toScreenY(view, point.yM));
  context.stroke();
  context.setLineDash([]);
  context.font = `500 ${colours.textPx}px ${colours.font}`;
  context.textBaseline = 'middle';
  for (const tick of path.ticks) {
    const [x, y] = [toScreenX(view, tick.xM), toScreenY(view, tick.yM)];
    drawRing(context, x, y, tick === path.ticks.at(-1) ? 4 : 2, colours.path, 2);
    haloText(context, `+${span(tick.inS * 1000)}`, x + 7, y - 7, colours.path, colours.halo);
  }
}

/** Where each ray met something; a ray that met nothing within range has no dot. Drawn from the pose it was taken at. */
function drawScan(context: Context, view: Viewport, scan: AgentScan | undefined, colours: MapColours): void {
  if (scan === undefined || scan.rangesM.length === 0) return;
  const step = (2 * Math.PI) / scan.rangesM.length;
  const originX = toScreenX(view, scan.xM);
  const originY = toScreenY(view, scan.yM);
  context.fillStyle = colours.lidar;
  context.strokeStyle = colours.lidar;
  context.lineWidth = 1;
  context.globalAlpha = 0.16;
  context.beginPath();
  const hits: number[] = [];
  for (let k = 0; k < scan.rangesM.length; k++) {
    const range = scan.rangesM[k] as number;
    if (!(range > 0)) continue;
    const angle = scan.headingRad + k * step;
    const x = originX + Math.cos(angle) * range * view.pxPerM;
    const y = originY - Math.sin(angle) * range * view.pxPerM;
    hits.push(x, y);
    context.moveTo(originX, originY);
    context.lineTo(x, y);
  }
  context.stroke();
  context.globalAlpha = 1;
  for (let k = 0; k < hits.length; k += 2)
    context.fillRect((hits[k] as number) - 1.25, (hits[k + 1] as number) - 1.25, 2.5, 2.5);
}

function drawDraft(context: Context, view: Viewport, draft: Draft, colours: MapColours): void {
  const at = ([xM, yM]: DraftPoint): [number, number] => [toScreenX(view, xM), toScreenY(view, yM)];
  const line = draft.pointer === null || draft.closed ? draft.points : [...draft.points, draft.pointer];
  context.strokeStyle = colours.accent;
  context.lineWidth = 2;
  context.setLineDash(draft.closed ? [] : [6, 3]);
  context.beginPath();
  for (const point of line) context.lineTo(...at(point));
  if (isOutline(draft) && line.length > 2) context.closePath();
  context.stroke();
  context.setLineDash([]);
  if (isOutline(draft) && line.length > 2) {
    context.globalAlpha = 0.16;
    context.fillStyle = colours.accent;
    context.fill('evenodd');
    context.globalAlpha = 1;
  }
  draft.points.forEach((point, k) => {
    const [x, y] = at(point);
    context.fillStyle = k === 0 && isOutline(draft) ? colours.accent : colours.floor;
    context.strokeStyle = colours.accent;
    context.beginPath();
    context.rect(x - 3.5, y - 3.5, 7, 7);
    context.fill();
    context.stroke();
    if (draft.kind === 'patrol') haloText(context, String(k + 1), x + 7, y - 7, colours.ink, colours.halo);
  });
  if (draft.pointer === null || draft.closed) return;
  drawRing(context, ...at(draft.pointer), draft.hold?.kind === 'corner' ? 7 : 5, colours.accent, 1.5);
  context.lineWidth = 1;
  context.globalAlpha = 0.55;
  for (const point of draft.hold?.to ?? []) {
    context.beginPath();
    context.moveTo(...at(point));
    context.lineTo(...at(draft.pointer));
    context.stroke();
  }
  context.globalAlpha = 1;
}
