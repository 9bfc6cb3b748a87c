import type { Site } from '@sigma/fleet-model';
import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DataTexture,
  GLSL3,
  type IUniform,
  LinearFilter,
  Mesh,
  RawShaderMaterial,
  RedFormat,
  type Texture,
  UnsignedByteType,
} from 'three';
import type { MapColours } from '../map-colours.ts';
import type { SiteShapes } from '../site-shapes.ts';
import { LIGHT } from './glsl.ts';
import { opaque } from './scene-uniforms.ts';

/** Lower than in the hall, so that the aisles stay in sight; the reader of a map needs the outline, not the height. */
const SHELF_M = 0.7;

/** What is painted on the floor lies this much over it, so that the floor never shows through. */
export const LIFT_M = 0.015;

/** The floor's ground around the site, so that the edge of the world is not the edge of the picture. */
const APRON_M = 400;

const FLOOR_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
in vec3 position;
out vec2 vAt;
void main() {
  vAt = position.xy;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}`;

/** Floor with lines each ten metres, shaded softly where shelves stand; beyond the site the void. */
const FLOOR_FRAGMENT = `
precision highp float;
uniform vec3 uFloor, uVoid, uLine;
uniform vec2 uSize;
uniform float uShade;
uniform sampler2D uNear;
in vec2 vAt;
out vec4 colour;
float lines(float spacing) {
  vec2 wide = fwidth(vAt) / spacing;
  vec2 off = abs(fract(vAt / spacing + 0.5) - 0.5);
  vec2 on = clamp(1.0 - off / max(wide, vec2(1e-6)), 0.0, 1.0) * clamp(0.25 / max(wide, vec2(1e-6)) - 1.0, 0.0, 1.0);
  return max(on.x, on.y);
}
void main() {
  if (vAt.x < 0.0 || vAt.y < 0.0 || vAt.x > uSize.x || vAt.y > uSize.y) {
    colour = vec4(uVoid, 1.0);
    return;
  }
  vec3 floor_ = mix(uFloor, uVoid, texture(uNear, vAt / uSize).r * uShade);
  colour = vec4(mix(floor_, uLine, 0.35 * lines(10.0)), 1.0);
}`;

export function floorMesh(
  site: Site,
  shapes: SiteShapes,
  colours: MapColours,
): Mesh<BufferGeometry, RawShaderMaterial> {
  const { widthM, heightM } = shapes;
  const geometry = new BufferGeometry();
  const [west, south, east, north] = [-APRON_M, -APRON_M, widthM + APRON_M, heightM + APRON_M];
  const corners = Float32Array.of(west, south, 0, east, south, 0, west, north, 0, east, north, 0);
  geometry.setAttribute('position', new BufferAttribute(corners, 3));
  geometry.setIndex([0, 1, 2, 2, 1, 3]);
  const material = new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: FLOOR_VERTEX,
    fragmentShader: FLOOR_FRAGMENT,
    uniforms: {
      uFloor: colour(colours.floor),
      uVoid: colour(colours.void),
      uLine: colour(colours.wall),
      uSize: { value: [widthM, heightM] },
      uShade: { value: 0.55 },
      uNear: { value: nearness(site) },
    },
  });
  return frozen(new Mesh(geometry, material), 0);
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

const WALL_VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
in vec3 position;
in vec3 normal;
in vec4 box; // x, y of the south-west corner, width, height
out vec3 vAt;
flat out vec3 vNormal;
flat out vec4 vBox;
void main() {
  vAt = position;
  vNormal = normal;
  vBox = box;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}`;

/** Tops are plain with a drawn edge; sides show two levels and an upright each cell, as a rack does. */
const WALL_FRAGMENT = `
precision highp float;
uniform vec3 uWall, uEdge, uVoid;
uniform float uCell;
in vec3 vAt;
flat in vec3 vNormal;
flat in vec4 vBox;
out vec4 colour;
${LIGHT}
void main() {
  vec3 base = uWall;
  if (vNormal.z > 0.5) {
    vec2 in_ = min(vAt.xy - vBox.xy, vBox.xy + vBox.zw - vAt.xy);
    vec2 wide = fwidth(vAt.xy);
    float edge = 1.0 - clamp(min(in_.x / max(wide.x, 1e-6), in_.y / max(wide.y, 1e-6)), 0.0, 1.0);
    float cellPx = uCell / max(wide.x, 1e-6);
    colour = vec4(mix(base, uEdge, edge * clamp((cellPx - 3.0) / 4.0, 0.0, 1.0)), 1.0);
    return;
  }
  float lit = 0.5 + 0.5 * max(0.0, dot(vNormal, LIGHT));
  float along = abs(vNormal.x) > 0.5 ? vAt.y : vAt.x;
  float level = abs(fract(vAt.z / ${(SHELF_M / 2).toFixed(3)} + 0.5) - 0.5) * ${(SHELF_M / 2).toFixed(3)};
  float upright = abs(fract(along / uCell + 0.5) - 0.5) * uCell;
  float px = max(fwidth(vAt.z) + fwidth(along), 1e-6);
  float frame = max(1.0 - smoothstep(0.03, 0.03 + px, level), 1.0 - smoothstep(0.03, 0.03 + px, upright));
  frame *= clamp(0.16 / px, 0.0, 1.0);
  vec3 side = mix(base, uVoid, 0.42) * lit * 1.15;
  colour = vec4(mix(side, mix(base, uEdge, 0.35) * lit, frame), 1.0);
}`;

export function wallMesh(site: Site, shapes: SiteShapes, colours: MapColours): Mesh<BufferGeometry, RawShaderMaterial> {
  const count = shapes.walls.length / 4;
  const positions: number[] = [];
  const normals: number[] = [];
  const boxes: number[] = [];
  const index: number[] = [];
  for (let k = 0; k < count; k++) {
    const [x, y, width, height] = shapes.walls.subarray(k * 4, k * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    for (const { normal, corners } of boxFaces(x, y, x + width, y + height, SHELF_M)) {
      const first = positions.length / 3;
      for (const corner of corners) {
        positions.push(...corner);
        normals.push(...normal);
        boxes.push(x, y, width, height);
      }
      index.push(first, first + 1, first + 2, first, first + 2, first + 3);
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(Float32Array.from(positions), 3));
  geometry.setAttribute('normal', new BufferAttribute(Float32Array.from(normals), 3));
  geometry.setAttribute('box', new BufferAttribute(Float32Array.from(boxes), 4));
  geometry.setIndex(index);
  const material = new RawShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: WALL_VERTEX,
    fragmentShader: WALL_FRAGMENT,
    uniforms: {
      uWall: colour(colours.wall),
      uEdge: colour(colours.wallEdge),
      uVoid: colour(colours.void),
      uCell: { value: site.metresPerCell },
    },
  });
  return frozen(new Mesh(geometry, material), 30);
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
export function frozen<T extends Mesh>(mesh: T, order: number): T {
  mesh.matrixAutoUpdate = false;
  mesh.matrixWorldAutoUpdate = false;
  mesh.frustumCulled = false;
  mesh.renderOrder = order;
  return mesh;
}
