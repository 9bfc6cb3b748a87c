import type { Site } from '@sigma/fleet-model';
import { type Selection, zoneOf } from '../../frame/place/selection.ts';
import type { Observable } from '../../live/observable.ts';
import type { SiteView } from '../../live/site-view.ts';
import { BodyTable } from '../body-table.ts';
import type { DraftPoint } from '../draft.ts';
import type { Box } from '../labels.ts';
import { type MapColours, readMapColours } from '../map-colours.ts';
import { type Handled, type HandPorts, SiteHand } from '../site-hand.ts';
import { type SiteShapes, siteShapes } from '../site-shapes.ts';
import { FlatBrush, type FlatPainter } from './flat-brush.ts';
import { drawLive, type Focus, radiusPx } from './live-layer.ts';
import { drawStatic } from './static-layer.ts';
import {
  fit,
  keepInSight,
  panBy,
  resized,
  toScreenX,
  toScreenY,
  toSiteX,
  toSiteY,
  type Viewport,
  zoomAt,
} from './viewport.ts';

export interface SiteMapPorts extends Omit<HandPorts, 'fences'> {
  readonly live: SiteView;
  readonly selection: Observable<Selection | null>;
  readonly nowMs: () => number;
  /** Layers, drawn over all that moves. */
  readonly painters: ReadonlySet<FlatPainter>;
  /** Told once, when robots were first drawn. */
  readonly drawn?: () => void;
}

const PICK_PX = 8;
const TABLE_MS = 200;

/**
 * The site from above on two canvases: what stands still below, redrawn when the view changes, and what moves above,
 * redrawn once a frame. Shown while the solid view loads, and wherever a browser has no WebGL; it shares with the solid
 * view all that is not drawing.
 */
export class SiteMap implements Handled {
  readonly #still: HTMLCanvasElement;
  readonly #moving: HTMLCanvasElement;
  readonly #frame: HTMLElement;
  readonly #ports: SiteMapPorts;
  readonly #hand: SiteHand;
  readonly #table = new BodyTable();
  #site: Site | undefined;
  #shapes: SiteShapes | undefined;
  #colours: MapColours;
  /** Colours of layers, by token. */
  readonly #tokens = new Map<string, string>();
  #view: Viewport;
  #stillDirty = true;
  /** The whole site is shown, and stays so when the map changes its size, until a person looks elsewhere. */
  #fitted = true;
  #names: readonly Box[] = [];
  #tableMs = Number.NEGATIVE_INFINITY;
  #request = 0;
  #told = false;
  readonly #sizes: ResizeObserver;
  readonly #stop: () => void;

  constructor(frame: HTMLElement, still: HTMLCanvasElement, moving: HTMLCanvasElement, ports: SiteMapPorts) {
    this.#frame = frame;
    this.#still = still;
    this.#moving = moving;
    this.#ports = ports;
    this.#colours = readMapColours(frame);
    this.#view = { centreXM: 0, centreYM: 0, pxPerM: 10, widthPx: frame.clientWidth, heightPx: frame.clientHeight };
    this.#hand = new SiteHand(frame, moving, this, { ...ports, fences: () => ports.live.fences() });
    this.#sizes = new ResizeObserver(() => this.#resize());
    this.#sizes.observe(frame);
    this.#stop = ports.selected.subscribe(() => {
      const id = ports.selected.get();
      if (id !== null) this.reveal(id);
    });
    this.#resize();
    this.#request = requestAnimationFrame(() => this.#draw());
  }

  get size() {
    return this.#view;
  }
  get pxPerM(): number {
    return this.#view.pxPerM;
  }

  show(site: Site): void {
    this.#site = site;
    this.#shapes = siteShapes(site);
    this.#hand.show(site, this.#shapes);
    this.fit();
  }

  /** Reads the tokens anew, after the theme changed. */
  recolour(): void {
    this.#colours = readMapColours(this.#frame);
    this.#tokens.clear();
    this.#stillDirty = true;
  }

  fit(): void {
    if (this.#shapes === undefined) return;
    this.#show(fit(this.#shapes.widthM, this.#shapes.heightM, this.#view.widthPx, this.#view.heightPx));
    this.#fitted = true;
  }

  zoom(steps: number): void {
    this.#hand.zoom(steps);
  }

  zoomAt(xPx: number, yPx: number, factor: number): void {
    this.#look(zoomAt(this.#view, xPx, yPx, factor));
  }

  drag(fromXPx: number, fromYPx: number, toXPx: number, toYPx: number): void {
    this.#look(panBy(this.#view, toXPx - fromXPx, toYPx - fromYPx));
  }

  turn(): void {
    return;
  }

  floorAt(xPx: number, yPx: number): DraftPoint {
    return [toSiteX(this.#view, xPx), toSiteY(this.#view, yPx)];
  }

  /** Brings a robot into the middle when it is out of sight. */
  reveal(id: string): void {
    const row = this.#ports.live.row(id);
    const { xM, yM } = this.#ports.live.newest;
    const [x, y] = [xM[row] ?? Number.NaN, yM[row] ?? Number.NaN];
    if (Number.isNaN(x) || Number.isNaN(y)) return;
    const [left, top] = [toScreenX(this.#view, x), toScreenY(this.#view, y)];
    const inside = left > 0 && top > 0 && left < this.#view.widthPx && top < this.#view.heightPx;
    if (!inside) this.#look({ ...this.#view, centreXM: x, centreYM: y });
  }

  /** Where a point of the site stands on the map, in pixels from its top left corner. For tests and tooltips. */
  locate(xM: number, yM: number): { readonly xPx: number; readonly yPx: number } {
    return { xPx: toScreenX(this.#view, xM), yPx: toScreenY(this.#view, yM) };
  }

  /** The nearest robot whose body, or a little more, holds the point. */
  pick(x: number, y: number): string | null {
    const { live, nowMs } = this.#ports;
    const poses = live.sample(nowMs());
    let best: string | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (let row = 0; row < live.ids.length; row++) {
      const dx = toScreenX(this.#view, poses.xM[row] as number) - x;
      const dy = toScreenY(this.#view, poses.yM[row] as number) - y;
      const distance = dx * dx + dy * dy;
      const reach = radiusPx(this.#table.radiusM[row] ?? 0, this.#view) + PICK_PX;
      if (distance > reach * reach || distance >= least) continue;
      least = distance;
      best = live.ids[row] ?? null;
    }
    return best;
  }

  end(): void {
    this.#hand.end();
    this.#stop();
    this.#sizes.disconnect();
    cancelAnimationFrame(this.#request);
  }

  #look(view: Viewport): void {
    this.#fitted = false;
    this.#show(view);
  }

  #show(view: Viewport): void {
    const shapes = this.#shapes;
    this.#view = shapes === undefined ? view : keepInSight(view, shapes.widthM, shapes.heightM);
    this.#stillDirty = true;
  }

  #resize(): void {
    const [widthPx, heightPx] = [this.#frame.clientWidth, this.#frame.clientHeight];
    if (widthPx === 0 || heightPx === 0) return;
    const ratio = window.devicePixelRatio || 1;
    this.#colours = readMapColours(this.#frame);
    for (const canvas of [this.#still, this.#moving]) {
      canvas.width = Math.round(widthPx * ratio);
      canvas.height = Math.round(heightPx * ratio);
    }
    this.#show(resized(this.#view, widthPx, heightPx));
    if (this.#fitted) this.fit();
  }

  #chosenZone(): Focus['zone'] {
    const id = zoneOf(this.#ports.selection.get());
    if (id === null) return null;
    const shape = this.#shapes?.zones.find(({ zone }) => zone.id === id);
    return { id, kind: shape?.zone.kind ?? '', edges: shape?.outline ?? NO_EDGES };
  }

  #colour(token: string): string {
    const known = this.#tokens.get(token) ?? getComputedStyle(this.#frame).getPropertyValue(token).trim();
    this.#tokens.set(token, known);
    return known;
  }

  #draw(): void {
    this.#request = requestAnimationFrame(() => this.#draw());
    const { live, selected, draft, nowMs } = this.#ports;
    const now = nowMs();
    if (now - this.#tableMs >= TABLE_MS) {
      this.#tableMs = now;
      this.#table.update(live, now);
    }
    const ratio = window.devicePixelRatio || 1;
    if (this.#stillDirty && this.#site !== undefined && this.#shapes !== undefined) {
      const context = this.#still.getContext('2d');
      if (context === null) return;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.#names = drawStatic(context, this.#view, this.#site, this.#shapes, this.#colours);
      this.#stillDirty = false;
    }
    const context = this.#moving.getContext('2d');
    if (context === null) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const focus = {
      selected: selected.get(),
      hovered: this.#hand.hovered,
      draft: draft.get(),
      zone: this.#chosenZone(),
      names: this.#names,
    };
    drawLive(context, this.#view, live, this.#table, focus, this.#colours, now);
    for (const { token, paint } of this.#ports.painters) paint(new FlatBrush(context, this.#view, this.#colour(token)));
    if (this.#told || live.ids.length === 0) return;
    this.#told = true;
    this.#ports.drawn?.();
  }
}

/** A fence has no edges among the shapes of the site. */
const NO_EDGES = new Float32Array(0);

/** One picture of the whole site on a canvas of its own: for paper, which has no WebGL and no time. */
export function drawPrint(
  canvas: HTMLCanvasElement,
  site: Site,
  live: SiteView,
  colours: MapColours,
  nowMs: number,
): void {
  const [widthPx, heightPx] = [canvas.width, canvas.height];
  const context = canvas.getContext('2d');
  if (context === null) return;
  const shapes = siteShapes(site);
  const view = fit(shapes.widthM, shapes.heightM, widthPx, heightPx);
  const table = new BodyTable();
  table.update(live, nowMs);
  const names = drawStatic(context, view, site, shapes, colours);
  const focus = { selected: null, hovered: null, draft: null, zone: null, names };
  drawLive(context, view, live, table, focus, colours, nowMs, false);
}
