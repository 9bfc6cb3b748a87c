import type { Fence } from '@sigma/proto';
import { BufferAttribute, BufferGeometry, GLSL3, Mesh, RawShaderMaterial, ShapeUtils, Vector2 } from 'three';
import { type Draft, isOutline } from '../draft.ts';
import type { SiteShapes, ZoneShape } from '../site-shapes.ts';
import type { Ribbons } from './ribbons.ts';
import { PALETTE, type SceneUniforms, type Tone, tone } from './scene-uniforms.ts';
import { frozen, LIFT_M } from './standing-site.ts';

const VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
uniform vec3 uPalette[${PALETTE.length}];
in vec3 position;
in vec3 kind; // colour, spacing of the hatching in metres (0: none), opacity of the ground
out vec2 vAt;
flat out vec3 vColour;
flat out vec2 vKind;
void main() {
  vAt = position.xy;
  vColour = uPalette[int(kind.x)];
  vKind = kind.yz;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}`;

/** A tint and, where robots must heed it, diagonals: kept apart by their spacing, so that nobody needs the colour. */
const FRAGMENT = `
precision highp float;
in vec2 vAt;
flat in vec3 vColour;
flat in vec2 vKind;
out vec4 colour;
void main() {
  float alpha = vKind.y;
  if (vKind.x > 0.0) {
    float along = (vAt.x + vAt.y) * 0.7071 / vKind.x;
    float px = max(fwidth(along), 1e-6);
    float off = abs(fract(along) - 0.5);
    float wide = max(0.07, px * 0.6);
    float line = 1.0 - smoothstep(wide - px * 0.5, wide + px * 0.5, off);
    alpha += 0.3 * mix(line, 0.2, smoothstep(0.25, 0.6, px));
  }
  colour = vec4(vColour, alpha);
}`;

interface Look {
  readonly tone: Tone;
  readonly hatchM: number;
  readonly ground: number;
  readonly line: number;
  readonly dashed: boolean;
}

const LOOKS: Readonly<Record<string, Look>> = {
  restricted: { tone: 'zoneRestricted', hatchM: 0.9, ground: 0.1, line: 0.9, dashed: false },
  slow: { tone: 'zoneSlow', hatchM: 2.2, ground: 0.07, line: 0.8, dashed: true },
  work: { tone: 'person', hatchM: 0, ground: 0.045, line: 0.55, dashed: true },
  area: { tone: 'name', hatchM: 0, ground: 0, line: 0.4, dashed: true },
};

const zoneLook = (kind: string): Look => LOOKS[kind] ?? (LOOKS['area'] as Look);

function material(uniforms: SceneUniforms): RawShaderMaterial {
  return new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms,
    transparent: true,
    depthTest: false,
    depthWrite: false,
  });
}

/** Ground and hatching of all zones of the site as one mesh. */
export function zoneMesh(shapes: SiteShapes, uniforms: SceneUniforms): Mesh<BufferGeometry, RawShaderMaterial> {
  const positions: number[] = [];
  const kinds: number[] = [];
  const index: number[] = [];
  for (const { zone, runs } of inOrder(shapes)) {
    const look = zoneLook(zone.kind);
    if (look.ground === 0) continue;
    for (let k = 0; k + 3 < runs.length; k += 4) {
      const [x, y, width, height] = runs.subarray(k, k + 4) as unknown as [number, number, number, number];
      const first = positions.length / 3;
      const z = LIFT_M;
      positions.push(x, y, z, x + width, y, z, x + width, y + height, z, x, y + height, z);
      for (let corner = 0; corner < 4; corner++) kinds.push(tone(look.tone), look.hatchM, look.ground);
      index.push(first, first + 1, first + 2, first, first + 2, first + 3);
    }
  }
  return frozen(new Mesh(geometryOf(positions, kinds, index), material(uniforms)), 6);
}

/** Areas below, what binds robots above. */
function inOrder(shapes: SiteShapes): readonly ZoneShape[] {
  const rank = (shape: ZoneShape): number => ['area', 'work', 'slow', 'restricted'].indexOf(shape.zone.kind);
  return [...shapes.zones].sort((a, b) => rank(a) - rank(b));
}

export function drawZoneOutlines(shapes: SiteShapes, ribbons: Ribbons): void {
  ribbons.begin();
  for (const { zone, outline } of inOrder(shapes)) {
    const look = zoneLook(zone.kind);
    const pen = { tone: tone(look.tone), widthPx: 1, dashed: look.dashed, opacity: look.line };
    for (const [ax, ay, bx, by] of straight(outline)) ribbons.piece(ax, ay, LIFT_M, bx, by, LIFT_M, pen);
  }
  ribbons.commit();
}

type Line = [ax: number, ay: number, bx: number, by: number];

/** Joins the edges of cells that continue one another, so that dashes run along a side and not along each cell. */
function straight(outline: Float32Array): readonly Line[] {
  const groups = new Map<string, Line[]>();
  for (let k = 0; k + 3 < outline.length; k += 4) {
    const line = [...outline.subarray(k, k + 4)] as Line;
    const upright = line[0] === line[2];
    const key = upright ? `x${line[0]}` : `y${line[1]}`;
    const low = upright ? Math.min(line[1], line[3]) : Math.min(line[0], line[2]);
    const high = upright ? Math.max(line[1], line[3]) : Math.max(line[0], line[2]);
    const ordered: Line = upright ? [line[0], low, line[0], high] : [low, line[1], high, line[1]];
    groups.set(key, [...(groups.get(key) ?? []), ordered]);
  }
  const joined: Line[] = [];
  for (const [key, lines] of groups) {
    const [from, to] = key.startsWith('x') ? ([1, 3] as const) : ([0, 2] as const);
    lines.sort((a, b) => a[from] - b[from]);
    let open: Line | undefined;
    for (const line of lines) {
      if (open !== undefined && Math.abs(open[to] - line[from]) < 1e-4) open[to] = line[to];
      else {
        open = line;
        joined.push(line);
      }
    }
  }
  return joined;
}

export interface DrawnArea {
  readonly points: readonly (readonly [number, number])[];
  readonly look: Look;
}

export const fenceAreas = (fences: readonly Fence[]): DrawnArea[] =>
  fences.map((fence) => ({
    points: fence.polygon?.points.map(({ xM, yM }) => [xM, yM] as const) ?? [],
    look: zoneLook(fence.kind),
  }));

export interface ChosenZone {
  readonly edges: readonly {
    readonly from: readonly [number, number];
    readonly to: readonly [number, number];
    readonly tone: number;
  }[];
  readonly areas: readonly DrawnArea[];
}

/** What makes the selected zone or fence stand out: its edges to be drawn strongly, and a fence's ground once more. */
export function chosenZone(id: string | null, fences: readonly Fence[], shapes: SiteShapes): ChosenZone | null {
  if (id === null) return null;
  const fence = fences.find((one) => one.id === id);
  if (fence !== undefined) {
    const areas = fenceAreas([fence]);
    const edges = areas.flatMap(({ points, look }) =>
      points.map((from, k) => ({ from, to: points[(k + 1) % points.length] as typeof from, tone: tone(look.tone) })),
    );
    return { edges, areas };
  }
  const shape = shapes.zones.find(({ zone }) => zone.id === id);
  if (shape === undefined) return null;
  const colour = tone(zoneLook(shape.zone.kind).tone);
  const edges = straight(shape.outline).map(([ax, ay, bx, by]) => ({
    from: [ax, ay] as const,
    to: [bx, by] as const,
    tone: colour,
  }));
  return { edges, areas: [] };
}

/** The zone or fence that is selected, made ready once for as long as it is. */
export class ChosenFloor {
  #id: string | null = null;
  #fences: readonly Fence[] = [];
  #zone: ChosenZone | null = null;

  of(id: string | null, fences: readonly Fence[], shapes: SiteShapes): ChosenZone | null {
    if (id === this.#id && fences === this.#fences) return this.#zone;
    this.#id = id;
    this.#fences = fences;
    this.#zone = chosenZone(id, fences, shapes);
    return this.#zone;
  }
}

/** The ground of an outline that is being drawn. */
export const draftArea = (draft: Draft | null): readonly DrawnArea[] =>
  draft === null || !isOutline(draft) || draft.points.length < 2
    ? []
    : [
        {
          points: draft.pointer === null || draft.closed ? draft.points : [...draft.points, draft.pointer],
          look: { ...zoneLook('area'), tone: 'accent', ground: 0.08 },
        },
      ];

/** Outlines that people drew: fences in force, and the one in hand. Replaced as a whole when one changes. */
export class DrawnFloor {
  readonly mesh: Mesh<BufferGeometry, RawShaderMaterial>;

  constructor(uniforms: SceneUniforms) {
    this.mesh = frozen(new Mesh(new BufferGeometry(), material(uniforms)), 8);
    this.mesh.visible = false;
  }

  show(areas: readonly DrawnArea[]): void {
    const positions: number[] = [];
    const kinds: number[] = [];
    const index: number[] = [];
    for (const { points, look } of areas) {
      if (points.length < 3) continue;
      const first = positions.length / 3;
      for (const [x, y] of points) {
        positions.push(x, y, LIFT_M);
        kinds.push(tone(look.tone), look.hatchM, look.ground + 0.06);
      }
      const outline = points.map(([x, y]) => new Vector2(x, y));
      // Earcut wants the outline counterclockwise; an outline that crosses itself gets some triangles, never an error.
      for (const corners of ShapeUtils.triangulateShape(outline, [])) index.push(...corners.map((k) => first + k));
    }
    this.mesh.geometry.dispose();
    this.mesh.geometry = geometryOf(positions, kinds, index);
    this.mesh.visible = index.length > 0;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }
}

function geometryOf(positions: number[], kinds: number[], index: number[]): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(Float32Array.from(positions), 3));
  geometry.setAttribute('kind', new BufferAttribute(Float32Array.from(kinds), 3));
  geometry.setIndex(index);
  return geometry;
}
