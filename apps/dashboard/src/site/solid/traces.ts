import type { AgentScan } from '@sigma/proto';
import { BufferAttribute, BufferGeometry, DynamicDrawUsage, GLSL3, Mesh, RawShaderMaterial, type Texture } from 'three';
import { type Draft, isOutline } from '../draft.ts';
import type { Movement } from '../movement.ts';
import type { PlannedPath } from '../planned-path.ts';
import { HIDDEN } from './glsl.ts';
import { Ribbons } from './ribbons.ts';
import { PALETTE, type SceneUniforms, tone } from './scene-uniforms.ts';
import { spriteIndex } from './sprite-atlas.ts';
import { Sprites } from './sprites.ts';

const FLOOR_M = 0.03;
const LIDAR_M = 0.3;
const RING_M = 0.62;
const RING_PIECES = 40;
/** Against 1.5 of every other outline. */
const CHOSEN_PX = 4;

const FAN_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
in vec3 position;
out vec3 vNdc;
void main() {
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
  vNdc = gl_Position.xyz / gl_Position.w;
}`;

const FAN_FRAGMENT = `
precision highp float;
uniform vec3 uPalette[${PALETTE.length}];
${HIDDEN}
in vec3 vNdc;
out vec4 colour;
void main() { colour = vec4(uPalette[${tone('lidar')}], 0.11 * (1.0 - hiddenAt(vNdc))); }`;

export interface Traced {
  readonly movement: Movement;
  readonly trails: boolean;
  readonly rows: number;
  readonly selectedRow: number;
  readonly xM: Float32Array;
  readonly yM: Float32Array;
  /** Bodies shown as models that are chosen: a ring on the floor says so. */
  readonly ringed: readonly { readonly row: number; readonly widthPx: number }[];
  readonly path: PlannedPath | null;
  readonly scan: AgentScan | undefined;
  readonly draft: Draft | null;
  readonly fences: readonly {
    readonly points: readonly (readonly [number, number])[];
    readonly tone: number;
    readonly dashed: boolean;
  }[];
  /** Edges of the zone or fence that is selected. */
  readonly chosen: readonly ChosenEdge[];
}

interface ChosenEdge {
  readonly from: readonly [xM: number, yM: number];
  readonly to: readonly [xM: number, yM: number];
  readonly tone: number;
}

/** Lines and points that belong to what moves: trails, the planned path, lidar, and what a person is drawing. */
export class Traces {
  readonly lines: Ribbons;
  readonly points: Sprites;
  readonly fan: Mesh<BufferGeometry, RawShaderMaterial>;
  #fanCorners = new Float32Array(0);

  constructor(uniforms: SceneUniforms, signs: Texture) {
    this.lines = new Ribbons(uniforms, 34);
    this.points = new Sprites(uniforms, signs, 36);
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: FAN_VERTEX,
      fragmentShader: FAN_FRAGMENT,
      uniforms,
      transparent: true,
      depthTest: false,
      depthWrite: false,
      side: 2,
    });
    this.fan = new Mesh(new BufferGeometry(), material);
    this.fan.frustumCulled = false;
    this.fan.renderOrder = 32;
    this.fan.visible = false;
  }

  update(traced: Traced): void {
    this.lines.begin();
    let count = 0;
    this.points.reserve(1_200);
    const dot = (x: number, y: number, z: number, sprite: number, colour: number, px: number) => {
      if (count >= 1_200) return;
      this.points.put(count, x, y, z, 0);
      this.points.dress(count++, sprite, colour, 0, px);
    };
    this.#trails(traced);
    for (const { row, widthPx } of traced.ringed)
      this.#ring(traced.xM[row] as number, traced.yM[row] as number, widthPx);
    for (const { points, tone: colour, dashed } of traced.fences) this.#outline(points, true, colour, dashed);
    for (const { from, to, tone: colour } of traced.chosen)
      this.lines.piece(...from, FLOOR_M, ...to, FLOOR_M, { tone: colour, widthPx: CHOSEN_PX });
    if (traced.path !== null) {
      this.#path(traced.path);
      for (const tick of traced.path.ticks) dot(tick.xM, tick.yM, FLOOR_M, DOT, tone('path'), 2.6);
      const end = traced.path.points.at(-1);
      if (end !== undefined) dot(end.xM, end.yM, FLOOR_M, RING, tone('path'), 4);
    }
    this.#scan(traced.scan, dot);
    if (traced.draft !== null) this.#draft(traced.draft, dot);
    this.lines.commit();
    this.points.commit(count, true);
  }

  #trails({ movement, trails, rows, selectedRow, xM, yM }: Traced): void {
    const draw = (row: number, colour: number, widthPx: number, strength: number) => {
      movement.trail(row, (ax, ay, bx, by, age) => {
        const pen = { tone: colour, widthPx, opacity: strength * (1 - age) };
        this.lines.piece(ax, ay, FLOOR_M, bx, by, FLOOR_M, pen);
      });
      const newest = movement.newest(row);
      const [x, y] = [xM[row] as number, yM[row] as number];
      if (newest === null || !(Math.abs(newest[0] - x) + Math.abs(newest[1] - y) < 4)) return;
      this.lines.piece(newest[0], newest[1], FLOOR_M, x, y, FLOOR_M, { tone: colour, widthPx, opacity: strength });
    };
    if (trails) for (let row = 0; row < rows; row++) if (row !== selectedRow) draw(row, 0, 1.4, 0.4);
    if (selectedRow >= 0) draw(selectedRow, tone('accent'), 2, 0.55);
  }

  #ring(x: number, y: number, widthPx: number): void {
    if (Number.isNaN(x) || Number.isNaN(y)) return;
    const pen = { tone: tone('accent'), widthPx };
    const at = (k: number): readonly [number, number] => {
      const angle = (k / RING_PIECES) * 2 * Math.PI;
      return [x + Math.cos(angle) * RING_M, y + Math.sin(angle) * RING_M];
    };
    for (let k = 0; k < RING_PIECES; k++) {
      const [[ax, ay], [bx, by]] = [at(k), at(k + 1)];
      this.lines.piece(ax, ay, FLOOR_M, bx, by, FLOOR_M, pen);
    }
  }

  #path({ points }: PlannedPath): void {
    const pen = { tone: tone('path'), widthPx: 2, dashed: true };
    for (let k = 1; k < points.length; k++) {
      const [a, b] = [points[k - 1], points[k]];
      if (a !== undefined && b !== undefined) this.lines.piece(a.xM, a.yM, FLOOR_M, b.xM, b.yM, FLOOR_M, pen);
    }
  }

  /** Where each ray met something, and what the rays swept; from the pose at which they were taken. */
  #scan(
    scan: AgentScan | undefined,
    dot: (x: number, y: number, z: number, sprite: number, tone: number, px: number) => void,
  ): void {
    const rays = scan?.rangesM.length ?? 0;
    // A robot that is not located has a scan but no place to draw it at.
    const located = scan !== undefined && Number.isFinite(scan.xM + scan.yM + scan.headingRad);
    this.fan.visible = located && rays > 2;
    if (!located || rays <= 2) return;
    if (this.#fanCorners.length !== rays * 9) this.#reshapeFan(rays);
    const step = (2 * Math.PI) / rays;
    const tip = (k: number): readonly [number, number] => {
      const told = scan.rangesM[k % rays] as number;
      // A ray that met nothing, or that the sensor could not measure, sweeps nothing.
      const range = Number.isFinite(told) ? told : 0;
      const angle = scan.headingRad + k * step;
      return [scan.xM + Math.cos(angle) * range, scan.yM + Math.sin(angle) * range];
    };
    for (let k = 0; k < rays; k++) {
      const [ax, ay] = tip(k);
      const [bx, by] = tip(k + 1);
      this.#fanCorners.set([scan.xM, scan.yM, LIDAR_M, ax, ay, LIDAR_M, bx, by, LIDAR_M], k * 9);
      const range = scan.rangesM[k] as number;
      if (range > 0 && Number.isFinite(range)) dot(ax, ay, LIDAR_M, DOT, tone('lidar'), 1.5);
    }
    this.fan.geometry.getAttribute('position').needsUpdate = true;
  }

  #reshapeFan(rays: number): void {
    this.#fanCorners = new Float32Array(rays * 9);
    this.fan.geometry.dispose();
    this.fan.geometry = new BufferGeometry();
    this.fan.geometry.setAttribute('position', new BufferAttribute(this.#fanCorners, 3).setUsage(DynamicDrawUsage));
  }

  #draft(draft: Draft, dot: (x: number, y: number, z: number, sprite: number, tone: number, px: number) => void): void {
    const line = draft.pointer === null || draft.closed ? draft.points : [...draft.points, draft.pointer];
    this.#outline(line, isOutline(draft) && line.length > 2, tone('accent'), !draft.closed, 2);
    if (draft.pointer !== null && !draft.closed) {
      const pen = { tone: tone('accent'), widthPx: 1, opacity: 0.55 };
      for (const [x, y] of draft.hold?.to ?? []) {
        this.lines.piece(x, y, FLOOR_M, draft.pointer[0], draft.pointer[1], FLOOR_M, pen);
      }
      const sprite = draft.hold?.kind === 'corner' ? HANDLE : RING;
      dot(draft.pointer[0], draft.pointer[1], FLOOR_M, sprite, tone('accent'), draft.hold?.kind === 'corner' ? 6 : 4);
    }
    for (const [x, y] of draft.points) dot(x, y, FLOOR_M, HANDLE, tone('accent'), 4.2);
  }

  #outline(
    points: readonly (readonly [number, number])[],
    closed: boolean,
    colour: number,
    dashed: boolean,
    widthPx = 1.5,
  ): void {
    const last = closed ? points.length : points.length - 1;
    for (let k = 0; k < last; k++) {
      const [a, b] = [points[k], points[(k + 1) % points.length]];
      if (a === undefined || b === undefined) continue;
      this.lines.piece(a[0], a[1], FLOOR_M, b[0], b[1], FLOOR_M, { tone: colour, widthPx, dashed });
    }
  }

  dispose(): void {
    this.lines.dispose();
    this.points.dispose();
    this.fan.geometry.dispose();
    this.fan.material.dispose();
  }
}

const DOT = spriteIndex('dot');
const RING = spriteIndex('ring');
const HANDLE = spriteIndex('handle');
