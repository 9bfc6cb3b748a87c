import type { Fence } from '@sigma/proto';
import type { Observable } from '../live/observable.ts';
import { areaM2, type Draft, type DraftAct, type DraftPoint, draftStep, isOutline } from './draft.ts';
import { isInside } from './inside.ts';
import type { SiteShapes } from './site-shapes.ts';
import { cornersOf, type SnapGround, snap } from './snap.ts';

/** What the hand moves and asks: the flat map and the solid site alike. Pixels from the top left corner of the view. */
export interface Handled {
  /** Moves the floor under one pixel to another. */
  drag(fromXPx: number, fromYPx: number, toXPx: number, toYPx: number): void;
  /** Turns and tilts; a flat map stays. */
  turn(dxPx: number, dyPx: number): void;
  zoomAt(xPx: number, yPx: number, factor: number): void;
  fit(): void;
  pick(xPx: number, yPx: number): string | null;
  floorAt(xPx: number, yPx: number): DraftPoint | null;
  readonly size: { readonly widthPx: number; readonly heightPx: number };
  /** Pixels for a metre in the middle. */
  readonly pxPerM: number;
}

export interface HandPorts {
  readonly selected: Observable<string | null>;
  readonly draft: Observable<Draft | null>;
  /** Tells about the robot under the pointer, or null; with its place on the view. */
  readonly hover: (id: string | null, xPx: number, yPx: number) => void;
  /** A key of the view that the hand does not know. True when it was taken. */
  readonly key?: (key: string) => boolean;
  readonly fences: () => readonly Fence[];
  /** A click on the floor, with the fence that it fell into. */
  readonly chooseFence: (id: string | null) => void;
}

const DRAG_FROM_PX = 4;
const PAN_STEP_PX = 80;
const TURN_STEP_PX = 40;
const ZOOM_STEP = 1.4;
const SNAP_REACH_PX = 9;

interface Drag {
  readonly x: number;
  readonly y: number;
  readonly turns: boolean;
  moved: boolean;
  lastX: number;
  lastY: number;
}

/** Pointer and keys over a view of the site: looking around, choosing, drawing. */
export class SiteHand {
  readonly #frame: HTMLElement;
  readonly #surface: HTMLElement;
  readonly #view: Handled;
  readonly #ports: HandPorts;
  readonly #ended = new AbortController();
  #ground: Omit<SnapGround, 'corners'> = { width: 0, height: 0, metresPerCell: 1 };
  #corners: readonly DraftPoint[] = [];
  #drag: Drag | undefined;
  #fingers = new Map<number, readonly [number, number]>();
  hovered: string | null = null;

  constructor(frame: HTMLElement, surface: HTMLElement, view: Handled, ports: HandPorts) {
    this.#frame = frame;
    this.#surface = surface;
    this.#view = view;
    this.#ports = ports;
    const { signal } = this.#ended;
    frame.addEventListener('pointerdown', (event) => this.#down(event), { signal });
    frame.addEventListener('pointermove', (event) => this.#move(event), { signal });
    frame.addEventListener('pointerup', (event) => this.#up(event), { signal });
    frame.addEventListener('pointercancel', (event) => this.#drop(event.pointerId), { signal });
    frame.addEventListener('pointerleave', () => this.#leave(), { signal });
    frame.addEventListener('contextmenu', (event) => event.target === surface && event.preventDefault(), { signal });
    frame.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false });
    frame.addEventListener('keydown', (event) => this.#key(event), { signal });
  }

  show(site: Omit<SnapGround, 'corners'>, shapes: SiteShapes): void {
    this.#ground = site;
    this.#corners = shapes.zones.flatMap(({ outline }) => cornersOf(outline));
  }

  end(): void {
    this.#ended.abort();
  }

  #place(event: PointerEvent | WheelEvent): readonly [number, number] {
    const box = this.#frame.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #down(event: PointerEvent): void {
    if (event.target !== this.#surface) return;
    const [x, y] = this.#place(event);
    this.#fingers.set(event.pointerId, [x, y]);
    const turns = event.button === 2 || event.button === 1 || (event.button === 0 && event.ctrlKey);
    this.#drag = { x, y, turns, moved: this.#fingers.size > 1, lastX: x, lastY: y };
    this.#frame.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    const [x, y] = this.#place(event);
    if (this.#fingers.size === 2 && this.#fingers.has(event.pointerId)) {
      this.#pinch(event.pointerId, x, y);
      return;
    }
    const drag = this.#drag;
    if (drag !== undefined) {
      if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > DRAG_FROM_PX) drag.moved = true;
      if (drag.moved && drag.turns) this.#view.turn(x - drag.lastX, y - drag.lastY);
      else if (drag.moved) this.#view.drag(drag.lastX, drag.lastY, x, y);
      drag.lastX = x;
      drag.lastY = y;
      return;
    }
    if (this.#ports.draft.get() !== null) this.#draftAt(x, y, 'move', event.altKey);
    this.#hover(event.target === this.#surface ? this.#view.pick(x, y) : null, x, y);
  }

  /** Two fingers zoom by their distance and carry the floor by their middle. */
  #pinch(id: number, x: number, y: number): void {
    const other = [...this.#fingers].find(([finger]) => finger !== id)?.[1];
    const before = this.#fingers.get(id);
    if (other === undefined || before === undefined) return;
    const [wasApart, isApart] = [apart(before, other), apart([x, y], other)];
    const middle = [(x + other[0]) / 2, (y + other[1]) / 2] as const;
    this.#view.drag((before[0] + other[0]) / 2, (before[1] + other[1]) / 2, middle[0], middle[1]);
    if (wasApart > 8) this.#view.zoomAt(middle[0], middle[1], isApart / wasApart);
    this.#fingers.set(id, [x, y]);
  }

  #up(event: PointerEvent): void {
    const drag = this.#drag;
    this.#drop(event.pointerId);
    if (drag === undefined || drag.moved || drag.turns) return;
    const [x, y] = this.#place(event);
    if (this.#ports.draft.get() !== null) this.#draftAt(x, y, 'point', event.altKey);
    else this.#choose(x, y);
  }

  /** The robot there, else the fence there; of several fences the smallest, which could not be clicked otherwise. */
  #choose(x: number, y: number): void {
    const robot = this.#view.pick(x, y);
    if (robot !== null) {
      this.#ports.selected.set(robot);
      return;
    }
    const floor = this.#view.floorAt(x, y);
    const there = floor === null ? [] : this.#ports.fences().filter((fence) => holds(fence, floor));
    const size = (fence: Fence) => areaM2((fence.polygon?.points ?? []).map(({ xM, yM }) => [xM, yM]));
    this.#ports.chooseFence([...there].sort((a, b) => size(a) - size(b))[0]?.id ?? null);
  }

  #drop(pointer: number): void {
    this.#fingers.delete(pointer);
    this.#drag = undefined;
  }

  #leave(): void {
    this.#hover(null, 0, 0);
    this.#act({ type: 'move', at: null });
  }

  #hover(id: string | null, x: number, y: number): void {
    this.hovered = id;
    this.#surface.style.cursor = this.#ports.draft.get() !== null ? 'crosshair' : id === null ? 'grab' : 'pointer';
    this.#ports.hover(id, x, y);
  }

  #draftAt(x: number, y: number, type: 'move' | 'point', free: boolean): void {
    const draft = this.#ports.draft.get();
    const floor = this.#view.floorAt(x, y);
    if (draft === null || floor === null) return;
    const reachM = SNAP_REACH_PX / this.#view.pxPerM;
    if (draft.closed) {
      const corner = draft.points.findIndex((point) => apart(point, floor) <= reachM);
      if (type === 'point' && corner >= 0) this.#act({ type: 'lift', corner });
      return;
    }
    const { at, hold } = snap(draft, floor[0], floor[1], this.#snapGround(), reachM, free);
    this.#act(type === 'move' ? { type, at, hold } : { type, at });
  }

  #snapGround(): SnapGround {
    const drawn = this.#ports.fences().flatMap((fence) => fence.polygon?.points ?? []);
    return { ...this.#ground, corners: [...this.#corners, ...drawn.map(({ xM, yM }): DraftPoint => [xM, yM])] };
  }

  #act(act: DraftAct): void {
    this.#ports.draft.set(draftStep(this.#ports.draft.get(), act));
  }

  #wheel(event: WheelEvent): void {
    if (event.target !== this.#surface) return;
    event.preventDefault();
    const [x, y] = this.#place(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.#view.zoomAt(x, y, Math.exp(-event.deltaY * lines * 0.0016));
  }

  zoom(steps: number): void {
    const { widthPx, heightPx } = this.#view.size;
    this.#view.zoomAt(widthPx / 2, heightPx / 2, ZOOM_STEP ** steps);
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.#frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = ARROWS[event.key];
    const draft = this.#ports.draft.get();
    if (step !== undefined) this.#arrow(step, event.shiftKey, draft);
    else if (event.key === '+' || event.key === '=') this.zoom(1);
    else if (event.key === '-') this.zoom(-1);
    else if (event.key === '0' || event.key === 'f') this.#view.fit();
    else if (event.key === ' ' && draft?.pointer) this.#act({ type: 'point', at: draft.pointer });
    else if (this.#ports.key?.(event.key) !== true) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #arrow([east, north]: readonly [number, number], shift: boolean, draft: Draft | null): void {
    const [x, y] = [this.#view.size.widthPx / 2, this.#view.size.heightPx / 2];
    if (draft !== null && !draft.closed) this.#movePointer(draft, east, north, shift);
    else if (shift) this.#view.turn(-east * TURN_STEP_PX, north * TURN_STEP_PX);
    else this.#view.drag(x, y, x - east * PAN_STEP_PX, y + north * PAN_STEP_PX);
  }

  /** Drawing without a mouse: arrows move the next point by a cell, with shift by five; space sets it. */
  #movePointer(draft: Draft, east: number, north: number, far: boolean): void {
    const side = this.#ground.metresPerCell * (far ? 5 : 1);
    const { widthPx, heightPx } = this.#view.size;
    const middle = this.#view.floorAt(widthPx / 2, heightPx / 2) ?? [0, 0];
    const [x, y] = draft.pointer ?? draft.points.at(-1) ?? middle;
    const reachM = isOutline(draft) ? this.#ground.metresPerCell * 0.4 : 0;
    const { at, hold } = snap(draft, x + east * side, y + north * side, this.#snapGround(), reachM);
    this.#act({ type: 'move', at, hold });
  }
}

const apart = (a: readonly [number, number], b: readonly [number, number]): number =>
  Math.hypot(a[0] - b[0], a[1] - b[1]);

const holds = ({ polygon }: Fence, [xM, yM]: DraftPoint): boolean => isInside(polygon?.points ?? [], xM, yM);

const ARROWS: Readonly<Record<string, readonly [east: number, north: number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
