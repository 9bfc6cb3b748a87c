import { centreXM, centreYM, type Place, type Site } from '@sigma/fleet-model';
import { BufferAttribute, BufferGeometry, GLSL3, Mesh, RawShaderMaterial, type Texture } from 'three';
import type { MapColours } from '../map-colours.ts';
import type { SiteShapes } from '../site-shapes.ts';
import { ATLAS_COLUMNS, BODY_SHARE, SPRITES, type Sprite, spriteIndex } from './sprite-atlas.ts';
import { colour, frozen, LIFT_M } from './standing-site.ts';

const MARK_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
in vec3 position;
in vec2 uv;
out vec2 vUv;
void main() {
  vUv = uv;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}`;

const MARK_FRAGMENT = `
precision highp float;
uniform sampler2D uSigns;
uniform vec3 uInk;
in vec2 vUv;
out vec4 colour;
void main() {
  float cover = texture(uSigns, vUv).r;
  if (cover < 0.02) discard;
  colour = vec4(uInk, cover);
}`;

/** The signs of docks, chargers or stations, painted on the floor. */
export function placeMesh(
  site: Site,
  places: readonly Place[],
  sprite: Sprite,
  ink: string,
  signs: Texture,
): Mesh<BufferGeometry, RawShaderMaterial> {
  const half = (site.metresPerCell * 0.39) / BODY_SHARE;
  const rows = Math.ceil(SPRITES.length / ATLAS_COLUMNS);
  const k = spriteIndex(sprite);
  const [left, top] = [(k % ATLAS_COLUMNS) / ATLAS_COLUMNS, Math.floor(k / ATLAS_COLUMNS) / rows];
  const [right, bottom] = [left + 1 / ATLAS_COLUMNS, top + 1 / rows];
  const positions: number[] = [];
  const uvs: number[] = [];
  const index: number[] = [];
  for (const place of places) {
    const [x, y] = [centreXM(site, place.cell), centreYM(site, place.cell)];
    const first = positions.length / 3;
    positions.push(
      x - half,
      y - half,
      LIFT_M,
      x + half,
      y - half,
      LIFT_M,
      x + half,
      y + half,
      LIFT_M,
      x - half,
      y + half,
      LIFT_M,
    );
    uvs.push(left, bottom, right, bottom, right, top, left, top);
    index.push(first, first + 1, first + 2, first, first + 2, first + 3);
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(Float32Array.from(positions), 3));
  geometry.setAttribute('uv', new BufferAttribute(Float32Array.from(uvs), 2));
  geometry.setIndex(index);
  const material = new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: MARK_VERTEX,
    fragmentShader: MARK_FRAGMENT,
    uniforms: { uSigns: { value: signs }, uInk: colour(ink) },
    transparent: true,
    depthTest: false,
    depthWrite: false,
  });
  return frozen(new Mesh(geometry, material), 14);
}

const ARROW_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
uniform float uEvery;
in vec2 corner;   // offset from the cell's middle, in arrow sizes
in vec3 cell;     // x, y of the middle, heading
void main() {
  float size = clamp(uEvery * 0.3, 0.8, 2.4);
  vec2 turn = vec2(cos(cell.z), sin(cell.z));
  vec2 at = cell.xy + (turn * corner.x + vec2(-turn.y, turn.x) * corner.y) * size;
  gl_Position = projectionMatrix * viewMatrix * vec4(at, 0.012, 1.0);
}`;

const FLAT_FRAGMENT = `
precision highp float;
uniform vec3 uInk;
out vec4 colour;
void main() { colour = vec4(uInk, 1.0); }`;

/** A chevron in metres: outer point, outer wing, inner wing, inner point, mirrored. */
const CHEVRON = [
  [0.2, 0],
  [-0.14, 0.34],
  [-0.26, 0.27],
  [0.02, 0],
] as const;

/** The chevrons of one-way aisles: all of them near by, every n-th and larger from afar. */
export class Arrows {
  readonly mesh: Mesh<BufferGeometry, RawShaderMaterial>;
  readonly #ranks: readonly number[];
  readonly #thinned = new Map<number, BufferAttribute>();
  readonly #every = { value: 0 };

  constructor(site: Site, shapes: SiteShapes, colours: MapColours) {
    const { oneWays } = shapes;
    const corners: number[] = [];
    const cells: number[] = [];
    const ranks: number[] = [];
    for (let k = 0; k + 3 < oneWays.length; k += 4) {
      ranks.push(oneWays[k + 3] as number);
      for (const hand of [1, -1]) {
        for (const [x, y] of CHEVRON) {
          corners.push(x * site.metresPerCell, y * hand * site.metresPerCell);
          cells.push(oneWays[k] as number, oneWays[k + 1] as number, oneWays[k + 2] as number);
        }
      }
    }
    this.#ranks = ranks;
    const geometry = new BufferGeometry();
    // Not a position: three reads those as points of space, to know how far away the whole is.
    geometry.setAttribute('corner', new BufferAttribute(Float32Array.from(corners), 2));
    geometry.setAttribute('cell', new BufferAttribute(Float32Array.from(cells), 3));
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: ARROW_VERTEX,
      fragmentShader: FLAT_FRAGMENT,
      uniforms: { uInk: colour(colours.arrow), uEvery: this.#every },
      depthWrite: false,
    });
    this.mesh = frozen(new Mesh(geometry, material), 12);
    this.thin(1);
  }

  /** Leaves every n-th chevron along an aisle: the others are not even looked at. */
  thin(every: number): void {
    if (every === this.#every.value) return;
    this.#every.value = every;
    const known = this.#thinned.get(every) ?? this.#indexOf(every);
    this.#thinned.set(every, known);
    this.mesh.geometry.setIndex(known);
  }

  #indexOf(every: number): BufferAttribute {
    const index: number[] = [];
    for (const [k, rank] of this.#ranks.entries()) {
      if (rank % every !== 0) continue;
      const first = k * 8;
      for (const corner of [0, 1, 2, 0, 2, 3, 4, 6, 5, 4, 7, 6]) index.push(first + corner);
    }
    return new BufferAttribute(Uint32Array.from(index), 1);
  }
}
