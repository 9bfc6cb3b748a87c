import type { Site } from '@sigma/fleet-model';
import { ColorManagement, type Texture, type WebGLRenderer } from 'three';
import { type Selection, zoneOf } from '../../frame/place/selection.ts';
import type { Observable } from '../../live/observable.ts';
import type { SiteView } from '../../live/site-view.ts';
import { BodyTable } from '../body-table.ts';
import type { Draft, DraftPoint } from '../draft.ts';
import { type MapColours, readMapColours } from '../map-colours.ts';
import { Movement } from '../movement.ts';
import { type PlannedPath, plannedPath } from '../planned-path.ts';
import { type Handled, SiteHand } from '../site-hand.ts';
import type { SiteChoices, ViewMode } from '../site-layers.ts';
import { type SiteShapes, siteShapes } from '../site-shapes.ts';
import { Bodies } from './bodies.ts';
import { bodyUnder } from './body-under.ts';
import { CameraMan } from './camera-man.ts';
import { dragLook, fitLook, keepLook, type Look, orbitLook, zoomLook } from './lens.ts';
import { movingSum } from './moving-sum.ts';
import { Pace } from './pace.ts';
import { Painter } from './painter.ts';
import { opaque, sceneUniforms, tone, wearColours, wearLens } from './scene-uniforms.ts';
import { type DrawnWord, SiteWords } from './site-words.ts';
import { spriteAtlas } from './sprite-atlas.ts';
import { Standing } from './standing.ts';
import { ToldViewpoint } from './told-viewpoint.ts';
import { Traces } from './traces.ts';
import { ChosenFloor, DrawnFloor, draftArea, fenceAreas } from './zone-floor.ts';

ColorManagement.enabled = false;

export interface SolidMapPorts {
  readonly live: SiteView;
  readonly selected: Observable<string | null>;
  readonly selection: Observable<Selection | null>;
  readonly draft: Observable<Draft | null>;
  readonly choices: Observable<SiteChoices>;
  readonly follow: Observable<boolean>;
  /** Where one looks, as links carry it; empty for the whole site. Written when the camera rests, read when it changes. */
  readonly viewpoint: Observable<string>;
  readonly hover: (id: string | null, xPx: number, yPx: number) => void;
  readonly key: (key: string) => boolean;
  readonly chooseFence: (id: string | null) => void;
  readonly nowMs: () => number;
  /** Told after each change of the look: for the scale, the compass, and the buttons. */
  readonly looked: (look: Look) => void;
  readonly calmMotion: () => boolean;
}

/** What a person does on the view: the next picture answers it, and until the next act the renderer is kept free. */
const ACTS = ['pointerup', 'wheel', 'keydown'] as const;
/** Nothing answers these by themselves: a picture begun for one would keep the key that follows waiting. */
const MODIFIERS: ReadonlySet<string> = new Set(['Shift', 'Control', 'Alt', 'Meta']);

/** How long the camera must rest before the still picture is drawn finely again. */
const REST_MS = 350;
/** On a slow renderer the fine still picture takes long: it must not stand in the way of a person's next act. */
const SLOW_REST_MS = 1_000;
/** How soon an act that waits for the renderer looks again whether it is free; less than a frame of the screen. */
const ANSWER_MS = 3;
/** States are looked at so often; positions with every picture. */
const TABLE_MS = 200;
const SLOW_LAYERS_MS = 2_000;
const AGE_MS = 1_000;

/**
 * The site in three dimensions, on the renderer that it is given. Owns the look, the pointer and the frame loop's
 * decisions: `tick` says whether anything changed since the last picture, `paint` draws one.
 */
export class SolidMap implements Handled {
  readonly painter: Painter;
  readonly #renderer: WebGLRenderer;
  readonly #frame: HTMLElement;
  readonly #ports: SolidMapPorts;
  readonly #shapes: SiteShapes;
  readonly #uniforms = sceneUniforms();
  readonly #signs: Texture = spriteAtlas();
  readonly #table = new BodyTable();
  readonly #bodies: Bodies;
  readonly #traces: Traces;
  readonly #standing: Standing;
  readonly #words: SiteWords;
  readonly #drawn: DrawnFloor;
  readonly #movement: Movement;
  readonly #hand: SiteHand;
  readonly #camera: CameraMan;
  readonly #viewpoint: ToldViewpoint;
  readonly #chosenFloor = new ChosenFloor();
  readonly #pace: Pace;
  readonly #stops: (() => void)[] = [];
  #colours: MapColours;
  #size = { widthPx: 1, heightPx: 1 };
  #ratio = 1;
  #dirty = true;
  #stillDirty = true;
  /** What people drew, as the still picture has it. */
  #stillFences: ReturnType<SiteView['fences']> = [];
  #stillFine = false;
  #paintedSum = Number.NaN;
  #changedMs = 0;
  #tableMs = Number.NEGATIVE_INFINITY;
  #slowMs = Number.NEGATIVE_INFINITY;
  #paintedMs = 0;
  /** A person did something that the next picture answers. */
  #asked = false;
  #answering: ReturnType<typeof setTimeout> | undefined;
  /** Draws when `tick` says so, now and not with the next frame of the screen; set by who owns the frame loop. */
  drawNow: (() => void) | undefined;
  constructor(renderer: WebGLRenderer, frame: HTMLElement, surface: HTMLElement, site: Site, ports: SolidMapPorts) {
    this.#renderer = renderer;
    this.#frame = frame;
    this.#ports = ports;
    this.#shapes = siteShapes(site);
    this.#colours = readMapColours(frame);
    this.#pace = new Pace(renderer, ports.nowMs);
    this.painter = new Painter(renderer, this.#uniforms);
    this.#movement = new Movement(site);
    this.#bodies = new Bodies(this.#uniforms, this.#signs);
    this.#traces = new Traces(this.#uniforms, this.#signs);
    this.#standing = new Standing(site, this.#shapes, this.#uniforms, this.#signs);
    this.#words = new SiteWords(renderer, site, this.#shapes, this.#uniforms);
    this.#drawn = new DrawnFloor(this.#uniforms);
    this.#camera = new CameraMan(this.#shapes, ports.calmMotion);
    this.#viewpoint = new ToldViewpoint(ports.viewpoint, this.#camera);
    this.painter.still.add(this.#standing.group);
    for (const object of [
      ...this.#bodies.objects,
      this.#drawn.mesh,
      this.#traces.fan,
      this.#traces.lines.mesh,
      this.#traces.points.points,
    ])
      this.painter.moving.add(object);
    this.painter.words.add(this.#words.mesh);
    let hovered: string | null = null;
    const hover: SolidMapPorts['hover'] = (id, xPx, yPx) => {
      ports.hover(id, xPx, yPx);
      if (id !== hovered) this.#answer();
      hovered = id;
    };
    this.#hand = new SiteHand(frame, surface, this, { ...ports, hover, fences: () => ports.live.fences() });
    this.#hand.show(site, this.#shapes);
    this.recolour();
    this.#stops.push(
      ports.selected.subscribe(() => this.#selectionMoved()),
      ports.selection.subscribe(() => this.#touch()),
      ports.draft.subscribe(() => {
        this.#touch();
        this.#answer();
      }),
      ports.follow.subscribe(() => this.#touch()),
      ports.choices.subscribe(() => this.#chosen()),
      ports.viewpoint.subscribe(() => this.#goToViewpoint()),
      ports.live.subscribe('fences', () => this.#fencesTold()),
    );
    const act = (event: Event) => {
      if (event instanceof KeyboardEvent && MODIFIERS.has(event.key)) return;
      this.#touch();
      this.#answer();
    };
    for (const type of ACTS) {
      frame.addEventListener(type, act, { capture: true, passive: true });
      this.#stops.push(() => frame.removeEventListener(type, act, { capture: true }));
    }
  }

  get size() {
    return this.#size;
  }
  get pxPerM(): number {
    return this.#camera.look.pxPerM;
  }
  get look(): Look {
    return this.#camera.look;
  }
  /** The words of the picture, where they stand on it, pixels from its top left corner. For tests. */
  get words(): readonly DrawnWord[] {
    return this.#words.drawn;
  }
  get effort() {
    return this.#pace.effort;
  }

  resize(widthPx: number, heightPx: number, ratio: number): void {
    if (widthPx === this.#size.widthPx && heightPx === this.#size.heightPx && ratio === this.#ratio) return;
    const first = this.#size.widthPx === 1;
    this.#size = { widthPx, heightPx };
    this.#ratio = ratio;
    this.#pace.reset();
    this.#camera.resize(widthPx, heightPx);
    this.#colours = readMapColours(this.#frame);
    this.#words.resize(ratio, this.#colours.font, this.#colours.textPx);
    this.#touchStill();
    // The flat picture stood here until now: the camera rises from it.
    if (!first) return;
    this.#chosen();
    this.#goToViewpoint();
  }

  /** Reads the tokens anew, after the theme changed. */
  recolour(): void {
    this.#colours = readMapColours(this.#frame);
    wearColours(this.#uniforms, this.#colours);
    this.#standing.recolour(this.#colours);
    this.#renderer.setClearColor(opaque(this.#colours.void), 1);
    this.#touchStill();
  }

  setMode(mode: ViewMode): void {
    this.#camera.setMode(mode, this.#ports.nowMs());
    this.#touchStill();
  }

  north(): void {
    this.#camera.glide({ ...this.look, azimuthRad: 0 }, this.#ports.nowMs());
    this.#touchStill();
  }

  fit(): void {
    const { widthPx, heightPx } = this.#size;
    this.#ports.follow.set(false);
    this.#camera.fitted = true;
    this.#camera.glide(fitLook(this.look, this.#shapes, widthPx, heightPx), this.#ports.nowMs());
    this.#touchStill();
  }

  zoom(steps: number): void {
    this.#hand.zoom(steps);
  }

  zoomAt(xPx: number, yPx: number, factor: number): void {
    this.#look(zoomLook(this.#camera.lens, xPx, yPx, factor));
  }

  drag(fromXPx: number, fromYPx: number, toXPx: number, toYPx: number): void {
    this.#ports.follow.set(false);
    this.#look(dragLook(this.#camera.lens, fromXPx, fromYPx, toXPx, toYPx));
  }

  turn(dxPx: number, dyPx: number): void {
    this.#look(orbitLook(this.look, dxPx, dyPx));
  }

  floorAt(xPx: number, yPx: number): DraftPoint | null {
    return this.#camera.lens.floorAt(xPx, yPx);
  }

  /** Where a point of the site stands on the view, in pixels from its top left corner. For tests and tooltips. */
  locate(xM: number, yM: number): { readonly xPx: number; readonly yPx: number } {
    const out = new Float64Array(3);
    this.#camera.lens.project(xM, yM, 0, out);
    return { xPx: out[0] as number, yPx: out[1] as number };
  }

  /** Brings a robot into the middle when it is out of sight. */
  reveal(id: string): void {
    const at = this.#bodyAt(id);
    if (at === null) return;
    const { xPx, yPx } = this.locate(...at);
    const { widthPx, heightPx } = this.#size;
    if (xPx > 0 && yPx > 0 && xPx < widthPx && yPx < heightPx) return;
    this.#camera.fitted = false;
    this.#camera.glide({ ...this.look, centreXM: at[0], centreYM: at[1] }, this.#ports.nowMs());
    this.#touchStill();
  }

  pick(xPx: number, yPx: number): string | null {
    const { live, nowMs } = this.#ports;
    const row = bodyUnder(this.#camera.lens, this.#table, live.sample(nowMs()), xPx, yPx);
    return live.ids[row] ?? null;
  }

  /** @returns whether a picture must be drawn now */
  tick(): boolean {
    const nowMs = this.#ports.nowMs();
    if (!this.#pace.free(nowMs)) return false;
    if (!this.#asked && !this.#camera.glides && this.#pace.keepsFree(nowMs)) return false;
    const { live, selected } = this.#ports;
    if (nowMs - this.#tableMs >= TABLE_MS) {
      this.#tableMs = nowMs;
      if (this.#table.update(live, nowMs)) this.#touch();
    }
    if (this.#movement.observe(live, selected.get()) && nowMs - this.#slowMs >= SLOW_LAYERS_MS) {
      this.#slowMs = nowMs;
      if (this.#slowLayers()) this.#touchStill();
    }
    if (this.#camera.move(nowMs)) this.#touchStill();
    this.#followSelected(nowMs);
    if (this.#sumOf(nowMs) !== this.#paintedSum) this.#touch();
    // The age beside a robot that fell silent goes on while nothing moves.
    if (this.#table.abnormal.length > 0 && nowMs - this.#paintedMs >= AGE_MS) this.#dirty = true;
    if (nowMs - this.#camera.movedMs > REST_MS) this.#viewpoint.tell(this.#size.widthPx, this.#size.heightPx);
    if (this.#rests(nowMs) && !this.#stillFine) this.#stillDirty = this.#dirty = true;
    if (!this.#dirty && this.#pace.share < 1 && nowMs - this.#changedMs > REST_MS) this.#dirty = true;
    return this.#dirty;
  }

  paint(): void {
    const { live, choices, selected, draft, nowMs } = this.#ports;
    const now = nowMs();
    const lens = this.#camera.lens;
    this.#paintedSum = this.#sumOf(now);
    const poses = live.sample(now);
    const layers = choices.get().layers;
    const selectedRow = selected.get() === null ? -1 : live.row(selected.get() as string);
    const hoveredRow = this.#hand.hovered === null ? -1 : live.row(this.#hand.hovered);
    const settled = now - this.#changedMs > REST_MS;
    if (this.#pace.fit(this.#size.widthPx, this.#size.heightPx, this.#ratio, settled)) this.#stillDirty = true;
    wearLens(this.#uniforms, lens, this.#ratio * this.#pace.share);
    const rests = this.#rests(now);
    this.#bodies.update(this.#table, poses, live.people, lens, { selectedRow, hoveredRow }, this.#pace.quick);
    const chosen = this.#chosenFloor.of(zoneOf(this.#ports.selection.get()), live.fences(), this.#shapes);
    const path = selectedRow < 0 ? null : this.#path(poses.xM, poses.yM, poses.speedMps, selectedRow);
    this.#traces.update({
      movement: this.#movement,
      trails: layers.includes('trails'),
      rows: this.#table.count,
      selectedRow,
      xM: poses.xM,
      yM: poses.yM,
      ringed: [
        { row: hoveredRow, widthPx: 1.2 },
        { row: selectedRow, widthPx: 2.4 },
      ].filter(({ row }) => row >= 0 && this.#bodies.isSolid(row)),
      path,
      scan: selected.get() === null ? undefined : live.scan(selected.get() as string),
      draft: draft.get(),
      fences: layers.includes('zones')
        ? fenceAreas(live.fences()).map(({ points, look }) => ({ points, tone: tone(look.tone), dashed: look.dashed }))
        : [],
      chosen: chosen?.edges ?? [],
    });
    this.#words.update({
      live,
      table: this.#table,
      poses,
      nowMs: now,
      lens,
      selected: selected.get(),
      hovered: this.#hand.hovered,
      draft: draft.get(),
      path,
      names: layers.includes('names'),
      zones: layers.includes('zones'),
    });
    this.#drawn.show([...(chosen?.areas ?? []), ...draftArea(draft.get())]);
    const still = this.#stillDirty;
    if (still) {
      this.#stillFences = live.fences();
      this.#standing.update(lens, layers, this.#stillFences);
    }
    this.painter.paint({
      camera: lens.camera,
      stillChanged: still,
      stillShare: rests || !this.#pace.coarse ? 1 : 0.5,
      stillSmooth: this.#pace.quick || (rests && !layers.includes('heat') && !layers.includes('traffic')),
      smooth: this.#pace.quick,
      hides: lens.look.mode === 'perspective',
    });
    if (still) this.#stillFine = rests || this.#pace.quick;
    this.#stillDirty = false;
    this.#dirty = false;
    this.#asked = false;
    this.#paintedMs = now;
    this.#pace.handedOver(now, still && !rests);
  }

  end(): void {
    clearTimeout(this.#answering);
    for (const stop of this.#stops) stop();
    this.#hand.end();
    for (const one of [this.#bodies, this.#traces, this.#standing, this.#words, this.#drawn, this.painter])
      one.dispose();
    this.#signs.dispose();
  }

  #path(xM: Float32Array, yM: Float32Array, speedMps: Float32Array, row: number): PlannedPath | null {
    const { live } = this.#ports;
    const id = live.ids[row];
    if (id === undefined) return null;
    return plannedPath(live, id, xM[row] as number, yM[row] as number, speedMps[row] as number);
  }

  #slowLayers(): boolean {
    const layers = this.#ports.choices.get().layers;
    const [heat, traffic] = [layers.includes('heat'), layers.includes('traffic')];
    this.#standing.traffic.update(this.#movement, heat, traffic);
    return heat || traffic;
  }

  #chosen(): void {
    const { mode } = this.#ports.choices.get();
    if (mode !== this.#camera.mode) this.setMode(mode);
    this.#slowLayers();
    this.#touchStill();
  }

  #selectionMoved(): void {
    const id = this.#ports.selected.get();
    if (id === null) this.#ports.follow.set(false);
    else this.reveal(id);
    this.#touch();
    this.#answer();
  }

  #followSelected(nowMs: number): void {
    const id = this.#ports.selected.get();
    if (!this.#ports.follow.get() || id === null) return;
    const at = this.#bodyAt(id);
    if (at === null) return;
    this.#camera.fitted = false;
    if (this.#camera.lead(at[0], at[1], nowMs)) this.#touchStill();
  }

  #bodyAt(id: string): readonly [number, number] | null {
    const { live, nowMs } = this.#ports;
    const row = live.row(id);
    if (row < 0) return null;
    const { xM, yM } = live.sample(nowMs());
    const [x, y] = [xM[row] as number, yM[row] as number];
    return Number.isNaN(x) || Number.isNaN(y) ? null : [x, y];
  }

  #look(look: Look): void {
    this.#camera.fitted = false;
    this.#camera.set(keepLook(look, this.#shapes), this.#ports.nowMs());
    this.#touchStill();
    this.#answer();
  }

  /** The camera rests, for so long that the fine picture of what stands still may take its time. */
  #rests(nowMs: number): boolean {
    return nowMs - this.#camera.movedMs > (this.#pace.quick ? REST_MS : SLOW_REST_MS);
  }

  /** A person waits: the picture is begun as soon as the renderer is free, not with the next frame of the screen. */
  #answer(): void {
    this.#asked = true;
    this.#pace.acted(this.#ports.nowMs());
    if (this.#pace.quick || this.#answering !== undefined) return;
    const look = () => {
      this.#answering = undefined;
      if (!this.#asked) return;
      this.drawNow?.();
      // Free and still not drawn: nothing can be drawn now, and the next frame of the screen sees to it.
      if (this.#asked && !this.#pace.free(this.#ports.nowMs())) this.#answering = setTimeout(look, ANSWER_MS);
    };
    this.#answering = setTimeout(look, 0);
  }

  /** A link, or a view beside this one, says where to look. */
  #goToViewpoint(): void {
    const { choices, follow, nowMs } = this.#ports;
    const wanted = this.#viewpoint.wanted(this.#size.widthPx, this.#size.heightPx);
    if (wanted === null) return;
    if (wanted === 'whole') {
      this.fit();
      return;
    }
    const to = keepLook(wanted, this.#shapes);
    follow.set(false);
    this.#camera.fitted = false;
    if (choices.get().mode !== to.mode) choices.set({ ...choices.get(), mode: to.mode });
    this.#camera.set(to, nowMs());
    this.#viewpoint.reached(to);
    this.#touchStill();
  }

  #touch(): void {
    this.#dirty = true;
    this.#changedMs = this.#ports.nowMs();
  }

  /** The still picture costs most of all: told the same again, as when a past moment is shown, it stays. */
  #fencesTold(): void {
    const fences = this.#ports.live.fences();
    const drawn = this.#stillFences;
    if (fences.length !== drawn.length || fences.some((fence, k) => fence !== drawn[k])) this.#touchStill();
  }

  #touchStill(): void {
    this.#stillDirty = true;
    this.#touch();
    this.#ports.looked(this.look);
  }

  #sumOf(nowMs: number): number {
    return movingSum(this.#ports.live, nowMs, this.#ports.selected.get(), this.#hand.hovered);
  }
}
