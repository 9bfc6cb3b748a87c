import type { Site } from '@sigma/fleet-model';
import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DataTexture,
  GLSL3,
  type IUniform,
  LinearFilter,
  LineSegments,
  Mesh,
  RawShaderMaterial,
  RedFormat,
  type Texture,
  UnsignedByteType,
} from 'three';
import type { MapColours } from '../map-colours.ts';
import type { SiteShapes } from '../site-shapes.ts';
import { opaque } from './scene-uniforms.ts';

/** Lower than in the hall, so that the aisles stay in sight; the reader of a map needs the outline, not the height. */
const SHELF_M = 0.7;

/** A piece of what stands still. */
export type Standing = Mesh<BufferGeometry, RawShaderMaterial> | LineSegments<BufferGeometry, RawShaderMaterial>;

/** What is painted on the floor lies this much over it, so that the floor never shows through. */
export const LIFT_M = 0.015;

const FLOOR_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
uniform vec2 uSize;
in vec3 position;
out vec2 vUv;
void main() {
  vUv = position.xy / uSize;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}`;

/** The floor, shaded softly where shelves stand. */
const FLOOR_FRAGMENT = `
precision mediump float;
uniform vec3 uFloor, uVoid;
uniform sampler2D uNear;
in vec2 vUv;
out vec4 colour;
void main() { colour = vec4(mix(uFloor, uVoid, texture(uNear, vUv).r * 0.55), 1.0); }`;

export function floorMesh(site: Site, shapes: SiteShapes, colours: MapColours): Standing {
  const { widthM, heightM } = shapes;
  const geometry = new BufferGeometry();
  const corners = Float32Array.of(0, 0, 0, widthM, 0, 0, 0, heightM, 0, widthM, heightM, 0);
  geometry.setAttribute('position', new BufferAttribute(corners, 3));
  geometry.setIndex([0, 1, 2, 2, 1, 3]);
  const material = new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: FLOOR_VERTEX,
    fragmentShader: FLOOR_FRAGMENT,
    uniforms: {
      uFloor: colour(colours.floor),
      uVoid: colour(colours.void),
      uSize: { value: [widthM, heightM] },
      uNear: { value: nearness(site) },
    },
  });
  // After the shelves: what they hide of it is not worked out.
  return frozen(new Mesh(geometry, material), 4);
}

const PLAIN_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
in vec3 position;
void main() { gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0); }`;

const PLAIN_FRAGMENT = `
precision mediump float;
uniform vec3 uInk;
out vec4 colour;
void main() { colour = vec4(uInk, 1.0); }`;

const plain = (ink: string): RawShaderMaterial =>
  new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: PLAIN_VERTEX,
    fragmentShader: PLAIN_FRAGMENT,
    uniforms: { uInk: colour(ink) },
  });

const GRID_M = 10;

/** A line each ten metres: how far things are apart, at any scale. */
export function gridLines(shapes: SiteShapes, colours: MapColours): Standing {
  const { widthM, heightM } = shapes;
  const corners: number[] = [];
  for (let x = GRID_M; x < widthM; x += GRID_M) corners.push(x, 0, LIFT_M / 2, x, heightM, LIFT_M / 2);
  for (let y = GRID_M; y < heightM; y += GRID_M) corners.push(0, y, LIFT_M / 2, widthM, y, LIFT_M / 2);
  const ink = new Color(opaque(colours.floor)).lerp(new Color(opaque(colours.wall)), 0.35);
  return frozen(new LineSegments(lineGeometry(corners), plain(`#${ink.getHexString()}`)), 5);
}

function lineGeometry(corners: readonly number[]): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(Float32Array.from(corners), 3));
  return geometry;
}

/** How closely a point of the floor is surrounded by what stands there, 0 to 1: the grid, blurred over a cell or two. */
function nearness(site: Site): Texture {
  const { width, height, blocked } = site;
  const side = 2;
  const [columns, rows] = [width * side, height * side];
  let field = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const cell = (height - 1 - Math.floor(row / side)) * width + Math.floor(column / side);
      field[row * columns + column] = blocked[cell] === 1 ? 1 : 0;
    }
  }
  for (const [dx, dy] of [
    [1, 0],
    [0, 1],
    [1, 0],
    [0, 1],
  ] as const)
    field = smooth(field, columns, rows, dx, dy);
  const bytes = Uint8Array.from(field, (share) => Math.round(share * 255));
  const texture = new DataTexture(bytes, columns, rows, RedFormat, UnsignedByteType);
  texture.magFilter = LinearFilter;
  texture.minFilter = LinearFilter;
  texture.unpackAlignment = 1;
  texture.needsUpdate = true;
  return texture;
}

function smooth(field: Float32Array, columns: number, rows: number, dx: number, dy: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(field.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let step = -1; step <= 1; step++) {
        const x = Math.min(columns - 1, Math.max(0, column + dx * step));
        const y = Math.min(rows - 1, Math.max(0, row + dy * step));
        sum += field[y * columns + x] as number;
      }
      out[row * columns + column] = sum / 3;
    }
  }
  return out;
}

const SIDE_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
in vec3 position;
in vec2 side; // metres along the side, light that falls on it
out vec2 vAt;
flat out float vLit;
void main() {
  vAt = vec2(side.x, position.z);
  vLit = side.y;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}`;

/** Sides show two levels and an upright each cell, as a rack does; from afar these melt into one shade. */
const SIDE_FRAGMENT = `
precision highp float;
uniform vec3 uWall, uEdge, uVoid;
uniform float uCell;
in vec2 vAt;
flat in float vLit;
out vec4 colour;
void main() {
  vec2 spacing = vec2(uCell, ${(SHELF_M / 2).toFixed(3)});
  vec2 off = abs(fract(vAt / spacing + 0.5) - 0.5) * spacing;
  vec2 wide = fwidth(vAt);
  float px = max(wide.x + wide.y, 1e-6);
  vec2 lines = 1.0 - smoothstep(vec2(0.03), vec2(0.03 + px), off);
  float frame = max(lines.x, lines.y) * clamp(0.16 / px, 0.0, 1.0);
  colour = vec4(mix(mix(uWall, uVoid, 0.42) * 1.15, mix(uWall, uEdge, 0.35), frame) * vLit, 1.0);
}`;

/** Tops, their edges and the sides of all walls and shelves: what most of a picture shows is one plain colour. */
export function wallMeshes(site: Site, shapes: SiteShapes, colours: MapColours): readonly Standing[] {
  const tops: number[] = [];
  const edges: number[] = [];
  const sides: number[] = [];
  const along: number[] = [];
  for (let k = 0; k + 3 < shapes.walls.length; k += 4) {
    const [x, y, width, height] = shapes.walls.subarray(k, k + 4) as unknown as [number, number, number, number];
    for (const { normal, corners } of boxFaces(x, y, x + width, y + height, SHELF_M)) {
      if (normal[2] === 1) {
        tops.push(...corners.flat());
        corners.forEach((corner, at) => {
          edges.push(...lifted(corner), ...lifted(corners[(at + 1) % 4] as Corner));
        });
        continue;
      }
      const lit = 0.5 + 0.5 * Math.max(0, normal[0] * SUN[0] + normal[1] * SUN[1]);
      sides.push(...corners.flat());
      for (const corner of corners) along.push(normal[0] === 0 ? corner[0] : corner[1], lit);
    }
  }
  const flanks = quads(sides);
  flanks.setAttribute('side', new BufferAttribute(Float32Array.from(along), 2));
  const rack = new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: SIDE_VERTEX,
    fragmentShader: SIDE_FRAGMENT,
    uniforms: {
      uWall: colour(colours.wall),
      uEdge: colour(colours.wallEdge),
      uVoid: colour(colours.void),
      uCell: { value: site.metresPerCell },
    },
  });
  return [
    frozen(new Mesh(quads(tops), plain(colours.wall)), 1),
    frozen(new Mesh(flanks, rack), 2),
    frozen(new LineSegments(lineGeometry(edges), plain(colours.wallEdge)), 3),
  ];
}

const SUN = [-0.38, -0.52] as const;
const lifted = ([x, y, z]: Corner): Corner => [x, y, z + 0.01];

/** Four corners each, counterclockwise, as two triangles. */
function quads(corners: readonly number[]): BufferGeometry {
  const geometry = lineGeometry(corners);
  const index: number[] = [];
  for (let first = 0; first < corners.length / 3; first += 4) {
    index.push(first, first + 1, first + 2, first, first + 2, first + 3);
  }
  geometry.setIndex(index);
  return geometry;
}

type Corner = readonly [number, number, number];

/** The five faces that are ever seen, counterclockwise from outside. */
function boxFaces(
  w: number,
  s: number,
  e: number,
  n: number,
  top: number,
): readonly { normal: Corner; corners: readonly Corner[] }[] {
  return [
    {
      normal: [0, 0, 1],
      corners: [
        [w, s, top],
        [e, s, top],
        [e, n, top],
        [w, n, top],
      ],
    },
    {
      normal: [0, -1, 0],
      corners: [
        [w, s, 0],
        [e, s, 0],
        [e, s, top],
        [w, s, top],
      ],
    },
    {
      normal: [1, 0, 0],
      corners: [
        [e, s, 0],
        [e, n, 0],
        [e, n, top],
        [e, s, top],
      ],
    },
    {
      normal: [0, 1, 0],
      corners: [
        [e, n, 0],
        [w, n, 0],
        [w, n, top],
        [e, n, top],
      ],
    },
    {
      normal: [-1, 0, 0],
      corners: [
        [w, n, 0],
        [w, s, 0],
        [w, s, top],
        [w, n, top],
      ],
    },
  ];
}

export const colour = (token: string): IUniform<Color> => ({ value: new Color(opaque(token)) });

/** What stands still needs no matrix a frame and is always in the picture as a whole. */
export function frozen<T extends Standing>(mesh: T, order: number): T {
  mesh.matrixAutoUpdate = false;
  mesh.matrixWorldAutoUpdate = false;
  mesh.frustumCulled = false;
  mesh.renderOrder = order;
  return mesh;
}
