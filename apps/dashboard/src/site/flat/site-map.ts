import type { Site } from '@sigma/fleet-model';
import type { Observable } from '../live/observable.ts';
import type { SiteView } from '../live/site-view.ts';
import { type Draft, type DraftAct, draftStep, snap } from './draft.ts';
import type { Box } from './labels.ts';
import { drawLive, radiusPx } from './live-layer.ts';
import { type MapColours, readMapColours } from './map-colours.ts';
import { type SiteShapes, siteShapes } from './site-shapes.ts';
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

export interface SiteMapPorts {
  readonly live: SiteView;
  readonly selected: Observable<string | null>;
  readonly draft: Observable<Draft | null>;
  /** Tells about the robot under the pointer, or null; with its place on the page. */
  readonly hover: (id: string | null, xPx: number, yPx: number) => void;
  readonly nowMs: () => number;
}

const PICK_PX = 8;
const DRAG_FROM_PX = 4;
const PAN_STEP_PX = 80;
const ZOOM_STEP = 1.4;

/**
 * The site from above on two canvases: what stands still below, redrawn when the view changes, and what moves above,
 * redrawn once a frame. Owns the view, the pointer and the keys; everything it shows it reads from the live site.
 */
export class SiteMap {
  readonly #still: HTMLCanvasElement;
  readonly #moving: HTMLCanvasElement;
  readonly #frame: HTMLElement;
  readonly #ports: SiteMapPorts;
  #site: Site | undefined;
  #shapes: SiteShapes | undefined;
  #colours: MapColours;
  #view: Viewport;
  #stillDirty = true;
  /** The whole site is shown, and stays so when the map changes its size, until a person looks elsewhere. */
  #fitted = true;
  #names: readonly Box[] = [];
  #hovered: string | null = null;
  #drag: { readonly x: number; readonly y: number; moved: boolean; lastX: number; lastY: number } | undefined;
  #request = 0;
  readonly #ended = new AbortController();
  readonly #sizes: ResizeObserver;

  constructor(frame: HTMLElement, still: HTMLCanvasElement, moving: HTMLCanvasElement, ports: SiteMapPorts) {
    this.#frame = frame;
    this.#still = still;
    this.#moving = moving;
    this.#ports = ports;
    this.#colours = readMapColours(frame);
    this.#view = { centreXM: 0, centreYM: 0, pxPerM: 10, widthPx: frame.clientWidth, heightPx: frame.clientHeight };
    this.#sizes = new ResizeObserver(() => this.#resize());
    this.#sizes.observe(frame);
    const { signal } = this.#ended;
    frame.addEventListener('pointerdown', (event) => this.#pointerDown(event), { signal });
    frame.addEventListener('pointermove', (event) => this.#pointerMove(event), { signal });
    frame.addEventListener('pointerup', (event) => this.#pointerUp(event), { signal });
    frame.addEventListener('pointercancel', () => this.#drop(), { signal });
    frame.addEventListener('pointerleave', () => this.#leave(), { signal });
    frame.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false });
    frame.addEventListener('keydown', (event) => this.#key(event), { signal });
    this.#resize();
    this.#request = requestAnimationFrame(() => this.#draw());
  }

  show(site: Site): void {
    this.#site = site;
    this.#shapes = siteShapes(site);
    this.fit();
  }

  /** Reads the tokens anew, after the theme changed. */
  recolour(): void {
    this.#colours = readMapColours(this.#frame);
    this.#stillDirty = true;
  }

  fit(): void {
    if (this.#shapes === undefined) return;
    this.#show(fit(this.#shapes.widthM, this.#shapes.heightM, this.#view.widthPx, this.#view.heightPx));
    this.#fitted = true;
  }

  zoom(steps: number): void {
    this.#look(zoomAt(this.#view, this.#view.widthPx / 2, this.#view.heightPx / 2, ZOOM_STEP ** steps));
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

  end(): void {
    this.#ended.abort();
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
    for (const canvas of [this.#still, this.#moving]) {
      canvas.width = Math.round(widthPx * ratio);
      canvas.height = Math.round(heightPx * ratio);
    }
    this.#show(resized(this.#view, widthPx, heightPx));
    if (this.#fitted) this.fit();
  }

  #draw(): void {
    this.#request = requestAnimationFrame(() => this.#draw());
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
    const { live, selected, draft, nowMs } = this.#ports;
    const focus = { selected: selected.get(), hovered: this.#hovered, draft: draft.get() };
    drawLive(context, this.#view, live, { ...focus, names: this.#names }, this.#colours, nowMs());
  }

  #place(event: PointerEvent | WheelEvent): readonly [number, number] {
    const box = this.#frame.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #pointerDown(event: PointerEvent): void {
    if (event.target !== this.#moving || event.button > 1) return;
    const [x, y] = this.#place(event);
    this.#drag = { x, y, moved: false, lastX: x, lastY: y };
    this.#frame.setPointerCapture(event.pointerId);
  }

  #pointerMove(event: PointerEvent): void {
    const [x, y] = this.#place(event);
    const drag = this.#drag;
    if (drag !== undefined) {
      if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > DRAG_FROM_PX) drag.moved = true;
      if (drag.moved) this.#look(panBy(this.#view, x - drag.lastX, y - drag.lastY));
      drag.lastX = x;
      drag.lastY = y;
      return;
    }
    if (this.#ports.draft.get() !== null) this.#draftAt(x, y, 'move');
    this.#hover(event.target === this.#moving ? this.#pick(x, y) : null, x, y);
  }

  #pointerUp(event: PointerEvent): void {
    const drag = this.#drag;
    this.#drop();
    if (drag === undefined || drag.moved) return;
    const [x, y] = this.#place(event);
    if (this.#ports.draft.get() !== null) this.#draftAt(x, y, 'point');
    else this.#ports.selected.set(this.#pick(x, y));
  }

  #drop(): void {
    this.#drag = undefined;
  }

  #leave(): void {
    this.#hover(null, 0, 0);
    this.#act({ type: 'move', at: null });
  }

  #hover(id: string | null, x: number, y: number): void {
    this.#hovered = id;
    this.#moving.style.cursor = this.#ports.draft.get() !== null ? 'crosshair' : id === null ? 'grab' : 'pointer';
    this.#ports.hover(id, x, y);
  }

  /** The nearest robot whose body, or a little more, holds the point. */
  #pick(x: number, y: number): string | null {
    const { live, nowMs } = this.#ports;
    const poses = live.sample(nowMs());
    let best: string | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (let row = 0; row < live.ids.length; row++) {
      const id = live.ids[row] as string;
      const dx = toScreenX(this.#view, poses.xM[row] as number) - x;
      const dy = toScreenY(this.#view, poses.yM[row] as number) - y;
      const distance = dx * dx + dy * dy;
      const reach = radiusPx(live.agent(id), this.#view) + PICK_PX;
      if (distance > reach * reach || distance >= least) continue;
      least = distance;
      best = id;
    }
    return best;
  }

  #draftAt(x: number, y: number, type: 'move' | 'point'): void {
    const draft = this.#ports.draft.get();
    if (draft === null || this.#site === undefined) return;
    const at = snap(draft.kind, toSiteX(this.#view, x), toSiteY(this.#view, y), this.#site);
    this.#act({ type, at });
  }

  #act(act: DraftAct): void {
    this.#ports.draft.set(draftStep(this.#ports.draft.get(), act));
  }

  #wheel(event: WheelEvent): void {
    if (event.target !== this.#moving) return;
    event.preventDefault();
    const [x, y] = this.#place(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.#look(zoomAt(this.#view, x, y, Math.exp(-event.deltaY * lines * 0.0016)));
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.#frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = ARROWS[event.key];
    const draft = this.#ports.draft.get();
    if (step !== undefined) {
      if (draft === null || draft.closed) this.#look(panBy(this.#view, -step[0] * PAN_STEP_PX, step[1] * PAN_STEP_PX));
      else this.#movePointer(draft, step);
    } else if (event.key === '+' || event.key === '=') this.zoom(1);
    else if (event.key === '-') this.zoom(-1);
    else if (event.key === '0' || event.key === 'f') this.fit();
    else if (event.key === ' ' && draft?.pointer) this.#act({ type: 'point', at: draft.pointer });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Drawing without a mouse: arrows move the next point by a cell, space sets it. */
  #movePointer(draft: Draft, [east, north]: readonly [number, number]): void {
    if (this.#site === undefined) return;
    const side = this.#site.metresPerCell;
    const [x, y] = draft.pointer ?? draft.points.at(-1) ?? [this.#view.centreXM, this.#view.centreYM];
    this.#act({ type: 'move', at: snap(draft.kind, x + east * side, y + north * side, this.#site) });
  }
}

const ARROWS: Readonly<Record<string, readonly [east: number, north: number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
