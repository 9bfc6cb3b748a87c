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
in vec3 position; // offset from the cell's middle, in arrow sizes; z: column plus row
in vec3 cell;     // x, y of the middle, heading
void main() {
  if (mod(position.z + 0.5, uEvery) > 1.0) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
  float size = clamp(uEvery * 0.3, 0.8, 2.4);
  vec2 turn = vec2(cos(cell.z), sin(cell.z));
  vec2 at = cell.xy + (turn * position.x + vec2(-turn.y, turn.x) * position.y) * size;
  gl_Position = projectionMatrix * viewMatrix * vec4(at, 0.01, 1.0);
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

/** One-way aisles. `uEvery` thins the chevrons when one looks from afar, and makes the rest larger. */
export function arrowMesh(
  site: Site,
  shapes: SiteShapes,
  colours: MapColours,
): Mesh<BufferGeometry, RawShaderMaterial> {
  const { oneWays } = shapes;
  const positions: number[] = [];
  const cells: number[] = [];
  const index: number[] = [];
  for (let k = 0; k + 3 < oneWays.length; k += 4) {
    for (const hand of [1, -1]) {
      const first = positions.length / 3;
      for (const [x, y] of CHEVRON) {
        positions.push(x * site.metresPerCell, y * hand * site.metresPerCell, oneWays[k + 3] as number);
        cells.push(oneWays[k] as number, oneWays[k + 1] as number, oneWays[k + 2] as number);
      }
      const turn = hand === 1 ? [0, 1, 2, 0, 2, 3] : [0, 2, 1, 0, 3, 2];
      index.push(...turn.map((corner) => first + corner));
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(Float32Array.from(positions), 3));
  geometry.setAttribute('cell', new BufferAttribute(Float32Array.from(cells), 3));
  geometry.setIndex(index);
  const material = new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: ARROW_VERTEX,
    fragmentShader: FLAT_FRAGMENT,
    uniforms: { uInk: colour(colours.arrow), uEvery: { value: 1 } },
    depthTest: false,
    depthWrite: false,
  });
  const mesh = new Mesh(geometry, material);
  frozen(mesh, 12);
  return mesh;
}
