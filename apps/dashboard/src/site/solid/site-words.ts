import { centreXM, centreYM, type Site } from '@sigma/fleet-model';
import type { Mesh, WebGLRenderer } from 'three';
import { span } from '../../words/quantities.ts';
import type { Draft } from '../draft.ts';
import { type Box, Buckets, boxOf, type LabelWish, placeLabels } from '../labels.ts';
import type { PlannedPath } from '../planned-path.ts';
import { type SiteShapes, zoneNames } from '../site-shapes.ts';
import { type LabelSource, type WantedLabel, wantedLabels } from '../wanted-labels.ts';
import { LabelAtlas } from './label-atlas.ts';
import { LabelQuads } from './label-quads.ts';
import type { Lens } from './lens.ts';
import { type SceneUniforms, type Tone, tone } from './scene-uniforms.ts';

/** Labels keep their places so long while things move: words that jump with every picture cannot be read. */
const PLACE_MS = 140;
const PLACE_NAMES_FROM_PX = 30;
/** Half the side of a place's sign, as a share of its cell. */
const SIGN_REACH = 0.42;
/** What a line of words keeps free is so much higher than its type. */
const LEADING_PX = 2;

export interface WordsSource extends Omit<LabelSource, 'project' | 'widthOf' | 'widthPx' | 'heightPx'> {
  readonly lens: Lens;
  readonly draft: Draft | null;
  readonly path: PlannedPath | null;
  readonly names: boolean;
  readonly zones: boolean;
}

/** A word as it stands on the picture, pixels of the page: its ink, without the halo around it. */
export interface DrawnWord {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** The robot that it names; -1 of a place or a zone. */
  readonly row: number;
}

interface Word {
  readonly text: string;
  readonly tone: number;
  /** The robot that it goes with, or -1 when it stands at a point of the floor. */
  readonly row: number;
  readonly xM: number;
  readonly yM: number;
  /** From its anchor on the picture to its left edge and middle. */
  readonly dxPx: number;
  readonly dyPx: number;
}

interface FloorName {
  readonly text: string;
  readonly short: string;
  readonly roomM: number;
  readonly xM: number;
  readonly yM: number;
  readonly tone: Tone;
  readonly priority: number;
  readonly centred: boolean;
  readonly place: boolean;
}

/** All words of the picture: places them a few times a second, and carries them with their robots in between. */
export class SiteWords {
  readonly #renderer: WebGLRenderer;
  readonly #site: Site;
  readonly #quads: LabelQuads;
  readonly #floorNames: readonly FloorName[];
  #atlas: LabelAtlas | undefined;
  #words: Word[] = [];
  /** Those of them that are on the picture, in the order of their quads. */
  readonly #shown: Word[] = [];
  #placedMs = Number.NEGATIVE_INFINITY;
  #lens: Lens | undefined;
  #key = '';

  constructor(renderer: WebGLRenderer, site: Site, shapes: SiteShapes, uniforms: SceneUniforms) {
    this.#renderer = renderer;
    this.#site = site;
    this.#quads = new LabelQuads(uniforms);
    this.#floorNames = floorNames(site, shapes);
  }

  /** What the last picture holds, read back from what the graphics device was given. */
  get drawn(): readonly DrawnWord[] {
    return this.#shown.map(({ text, row }, k) => ({ text, row, ...this.#quads.inkOf(k) }));
  }

  get mesh(): Mesh {
    return this.#quads.mesh;
  }

  resize(ratio: number, font: string, textPx: number): void {
    if (this.#atlas?.ratio === ratio && this.#atlas.textPx === textPx) return;
    this.#atlas?.dispose();
    this.#atlas = new LabelAtlas(this.#renderer, ratio, font, textPx);
    this.#placedMs = Number.NEGATIVE_INFINITY;
  }

  update(source: WordsSource): void {
    const atlas = this.#atlas;
    if (atlas === undefined) return;
    const key = `${source.selected} ${source.hovered} ${source.table.revision} ${source.names} ${source.zones} ${source.draft?.points.length}`;
    if (source.lens !== this.#lens || key !== this.#key || source.nowMs - this.#placedMs >= PLACE_MS) {
      this.#lens = source.lens;
      this.#key = key;
      this.#placedMs = source.nowMs;
      this.#place(source, atlas);
    }
    this.#draw(source, atlas);
  }

  #place(source: WordsSource, atlas: LabelAtlas): void {
    const { lens } = source;
    const boxPx = atlas.textPx + LEADING_PX;
    const [widthPx, heightPx] = [lens.widthPx, lens.heightPx];
    const seen: Box = { left: 0, top: 0, right: widthPx, bottom: heightPx };
    const project = lens.project.bind(lens);
    const floor = this.#floorWishes(source, atlas);
    const signs = this.#signBoxes(source);
    const floorPlaced = placeAmongSigns(floor, signs, boxPx);
    const taken = floorPlaced.map(({ box }) => box);
    const robots: WantedLabel[] = source.names
      ? wantedLabels({ ...source, widthPx, heightPx, project, widthOf: atlas.widthOf })
      : [];
    const bodies = robots.map(({ xPx, yPx, clearancePx }) => {
      const reach = clearancePx - 3;
      return { left: xPx - reach, right: xPx + reach, top: yPx - reach, bottom: yPx + reach };
    });
    const placed = placeLabels(robots, boxPx, bodies, [...taken, ...signs], seen);
    const covered = new Buckets();
    const words: Word[] = [];
    for (const { text, leftPx, middlePx, widthPx: roomPx, wish } of placed) {
      const wanted = robots[wish] as WantedLabel;
      covered.add(boxOf(leftPx, middlePx, roomPx, boxPx));
      const level = source.table.stale[wanted.row] === 1 ? tone('stale') : tone('ink');
      words.push({
        text,
        tone: level,
        row: wanted.row,
        xM: 0,
        yM: 0,
        dxPx: leftPx - wanted.xPx,
        dyPx: middlePx - wanted.yPx,
      });
    }
    for (const { text, leftPx, middlePx, from, box } of floorPlaced) {
      if (covered.hits(box)) continue;
      const [xPx, yPx] = [from.wish.xPx - from.shift, from.wish.yPx];
      words.push({
        text,
        tone: tone(from.tone),
        row: -1,
        xM: from.xM,
        yM: from.yM,
        dxPx: leftPx - xPx,
        dyPx: middlePx - yPx,
      });
    }
    this.#words = words;
  }

  /** Places are named when there is room for it, all of them or none: by the scale in the middle of the picture. */
  #namesPlaces({ lens, names }: WordsSource): boolean {
    return names && this.#site.metresPerCell * lens.look.pxPerM >= PLACE_NAMES_FROM_PX;
  }

  /** What the signs of places cover, which no name should. */
  #signBoxes(source: WordsSource): Box[] {
    if (!this.#namesPlaces(source)) return [];
    const { lens } = source;
    const out = new Float64Array(3);
    const boxes: Box[] = [];
    for (const { place, xM, yM } of this.#floorNames) {
      if (!place || !lens.project(xM, yM, 0, out)) continue;
      const [xPx, yPx, pxPerM] = out as unknown as [number, number, number];
      const reach = this.#site.metresPerCell * pxPerM * SIGN_REACH;
      if (xPx < -reach || yPx < -reach || xPx > lens.widthPx + reach || yPx > lens.heightPx + reach) continue;
      boxes.push({ left: xPx - reach, right: xPx + reach, top: yPx - reach, bottom: yPx + reach });
    }
    return boxes;
  }

  /** Names of zones and places, times along the planned path, numbers of a patrol's points. */
  #floorWishes(source: WordsSource, atlas: LabelAtlas): FloorWish[] {
    const { live, lens, draft, path, zones } = source;
    const namesPlaces = this.#namesPlaces(source);
    const out = new Float64Array(3);
    const wishes: FloorWish[] = [];
    const add = (
      text: string,
      xM: number,
      yM: number,
      ink: Tone,
      priority: number,
      clearancePx: number,
      centred: boolean,
      place = false,
    ) => {
      if (text === '' || !lens.project(xM, yM, 0, out)) return;
      const [xPx, yPx] = out as unknown as [number, number];
      const widthPx = atlas.widthOf(text);
      if (xPx < -widthPx || yPx < 0 || xPx > lens.widthPx || yPx > lens.heightPx) return;
      const left = centred ? xPx - widthPx / 2 : xPx;
      wishes.push({
        xM,
        yM,
        tone: ink,
        wish: { text, xPx: left, yPx, widthPx, clearancePx, priority },
        shift: left - xPx,
        place,
      });
    };
    for (const tick of path?.ticks ?? []) add(`+${span(tick.inS * 1000)}`, tick.xM, tick.yM, 'path', 20, 6, false);
    const stops = draft?.kind === 'patrol' ? draft.points : [];
    for (const [k, [x, y]] of stops.entries()) add(String(k + 1), x, y, 'accent', 22, 7, false);
    if (zones) {
      for (const fence of live.fences()) {
        const points = fence.polygon?.points ?? [];
        const sum = points.reduce(({ x, y }, { xM, yM }) => ({ x: x + xM, y: y + yM }), { x: 0, y: 0 });
        const restricted = fence.kind === 'restricted';
        const rule = restricted ? 'no entry' : `${fence.speedMps} m/s`;
        const text = fence.name === '' ? rule : `${fence.name} · ${rule}`;
        add(
          text,
          sum.x / points.length,
          sum.y / points.length,
          restricted ? 'zoneRestricted' : 'zoneSlow',
          12,
          0,
          true,
        );
      }
    }
    for (const name of this.#floorNames) {
      if (!(name.place ? namesPlaces : zones)) continue;
      if (!lens.project(name.xM, name.yM, 0, out)) continue;
      const pxPerM = out[2] as number;
      const fits = atlas.widthOf(name.text) <= name.roomM * pxPerM;
      const text = fits || name.place ? name.text : name.short;
      const clearance = name.place ? this.#site.metresPerCell * pxPerM * SIGN_REACH + 3 : 0;
      add(text, name.xM, name.yM, name.tone, name.priority, clearance, name.centred, name.place);
    }
    return wishes;
  }

  #draw(source: WordsSource, atlas: LabelAtlas): void {
    for (let round = 0; round < 2; round++) {
      if (this.#fill(source, atlas)) break;
      atlas.forget();
    }
    this.#quads.commit(atlas);
  }

  #fill({ lens, poses }: WordsSource, atlas: LabelAtlas): boolean {
    const out = new Float64Array(3);
    this.#quads.begin();
    this.#shown.length = 0;
    // The last are the most important: they are drawn over the others.
    for (let k = this.#words.length - 1; k >= 0; k--) {
      const word = this.#words[k] as Word;
      const x = word.row < 0 ? word.xM : (poses.xM[word.row] as number);
      const y = word.row < 0 ? word.yM : (poses.yM[word.row] as number);
      if (!lens.project(x, y, 0, out)) continue;
      const left = (out[0] as number) + word.dxPx;
      if (!this.#quads.put(atlas, word.text, left, (out[1] as number) + word.dyPx, word.tone)) return false;
      this.#shown.push(word);
    }
    return true;
  }

  dispose(): void {
    this.#quads.dispose();
    this.#atlas?.dispose();
  }
}

interface FloorWish {
  readonly xM: number;
  readonly yM: number;
  readonly tone: Tone;
  readonly wish: LabelWish;
  readonly shift: number;
  /** Names a place, beside its sign. */
  readonly place: boolean;
}

interface PlacedName {
  readonly text: string;
  readonly leftPx: number;
  readonly middlePx: number;
  readonly from: FloorWish;
  readonly box: Box;
}

/** Zones and times first; then names of places where neither those nor any sign stands. */
function placeAmongSigns(wishes: readonly FloorWish[], signs: readonly Box[], boxPx: number): PlacedName[] {
  const placed: PlacedName[] = [];
  const put = (some: readonly FloorWish[], taken: readonly Box[]): void => {
    const found = placeLabels(
      some.map(({ wish }) => wish),
      boxPx,
      taken,
    );
    for (const { text, leftPx, middlePx, wish } of found) {
      const from = some[wish] as FloorWish;
      placed.push({ text, leftPx, middlePx, from, box: boxOf(leftPx, middlePx, from.wish.widthPx, boxPx) });
    }
  };
  put(
    wishes.filter(({ place }) => !place),
    [],
  );
  put(
    wishes.filter(({ place }) => place),
    [...signs, ...placed.map(({ box }) => box)],
  );
  return placed;
}

function floorNames(site: Site, shapes: SiteShapes): FloorName[] {
  const zones = shapes.zones.map((shape): FloorName => {
    const [text, short] = zoneNames(shape);
    const { kind } = shape.zone;
    const ink: Tone = kind === 'restricted' ? 'zoneRestricted' : kind === 'slow' ? 'zoneSlow' : 'name';
    const priority = kind === 'restricted' ? 9 : kind === 'slow' ? 8 : 5;
    const at = { xM: shape.labelXM, yM: shape.labelYM, roomM: shape.widthM };
    return { text, short, ...at, tone: ink, priority, centred: true, place: false };
  });
  const places = [...site.stations, ...site.docks, ...site.chargers].map((place): FloorName => {
    const at = { xM: centreXM(site, place.cell), yM: centreYM(site, place.cell), roomM: 0 };
    return { text: place.id, short: '', ...at, tone: 'name', priority: 1, centred: false, place: true };
  });
  return [...zones, ...places];
}
