import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  GLSL3,
  Points,
  RawShaderMaterial,
  type Texture,
} from 'three';
import { GHOST, HIDDEN } from './glsl.ts';
import { PALETTE, type SceneUniforms } from './scene-uniforms.ts';
import { ATLAS_COLUMNS, BODY_SHARE, SPRITES, spriteIndex, UPRIGHT_FROM } from './sprite-atlas.ts';

const NUMBERS_A_SPRITE = 4;
/** Shares of its cell that a dot's rim reaches to, and that are worked out of it in a crowd. */
const DOT_RIM = 0.725;
const DOT_SHARE = 0.75;
/** A height that no lens shows: a sprite is taken out of the picture by lifting it there. */
export const AWAY_M = 1e7;

const VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
uniform vec2 uPage;
uniform float uRatio, uPxPerM, uCrowd;
uniform vec3 uPalette[${PALETTE.length}];
${HIDDEN}
in vec4 place; // x, y, z in metres, heading in radians
in vec4 look;  // sprite, colour, radius in metres, least radius in pixels
out vec2 vTurn;
flat out vec4 vColour;
flat out vec2 vCell;
${GHOST}
const float DOT = ${spriteIndex('dot')}.0;
const float DOT_SHARE = ${DOT_SHARE};
void main() {
  mat4 seen = projectionMatrix * viewMatrix;
  vec4 at = seen * vec4(place.xyz, 1.0);
  vec4 ahead = seen * vec4(place.xyz + vec3(cos(place.w), sin(place.w), 0.0) * 0.05, 1.0);
  vec2 way = (ahead.xy / ahead.w - at.xy / at.w) * uPage;
  float reach = length(way);
  vTurn = reach > 1e-6 && look.x < ${UPRIGHT_FROM}.0 ? way / reach : vec2(1.0, 0.0);
  float true_ = look.z * uPxPerM / at.w;
  float radius = max(true_, look.w);
  float sprite = look.x;
  // In a crowd seen from afar a shape would be a smudge: a dot says as much.
  if (uCrowd > 0.5 && true_ < 3.2) {
    sprite = DOT;
    radius = 2.1;
    // A dot fills little of its cell: the empty rim is not worked out, ten thousand times.
    vTurn = vec2(DOT_SHARE, 0.0);
  }
  gl_PointSize = 2.0 * radius * uRatio * (sprite == DOT ? vTurn.x : 1.0) / ${BODY_SHARE};
  gl_Position = at;
  vCell = vec2(mod(sprite, ${ATLAS_COLUMNS}.0), floor(sprite / ${ATLAS_COLUMNS}.0));
  if (sprite == DOT && vTurn.x < 1.0) vCell = vec2(-1.0, DOT_SHARE / gl_PointSize);
  vColour = vec4(uPalette[int(look.y)], mix(1.0, GHOST, hiddenAt(at.xyz / at.w)));
}`;

const FRAGMENT = `
precision highp float;
uniform sampler2D uSigns;
uniform vec3 uEdge;
uniform float uOpacity;
in vec2 vTurn;
flat in vec4 vColour;
flat in vec2 vCell;
out vec4 colour;
const float DOT_RIM = ${DOT_RIM}, BODY_SHARE = ${BODY_SHARE};
void main() {
  vec2 q = gl_PointCoord * 2.0 - 1.0;
  // The page's y points down in gl_PointCoord and in the texture, up in the turn.
  vec2 r = vec2(q.x * vTurn.x - q.y * vTurn.y, q.x * vTurn.y + q.y * vTurn.x);
  if (vCell.x < 0.0) {
    float away = length(r);
    float cover = 1.0 - smoothstep(DOT_RIM - vCell.y, DOT_RIM + vCell.y, away);
    float ink = 1.0 - smoothstep(BODY_SHARE - vCell.y, BODY_SHARE + vCell.y, away);
    colour = vec4(mix(uEdge, vColour.rgb, ink), cover * vColour.a * uOpacity);
    return;
  }
  if (dot(r, r) > 1.0) discard;
  vec2 cell = texture(uSigns, (vCell + r * 0.5 + 0.5) / vec2(${ATLAS_COLUMNS}.0, ${Math.ceil(SPRITES.length / ATLAS_COLUMNS)}.0)).rg;
  float cover = min(1.0, cell.r + cell.g);
  if (cover < 0.02) discard;
  colour = vec4(mix(uEdge, vColour.rgb, cell.r / (cell.r + cell.g)), cover * vColour.a * uOpacity);
}`;

export interface SpriteStyle {
  readonly opacity?: number;
  /** Never faint, even behind a shelf: what must be seen. */
  readonly inSight?: boolean;
}

/**
 * Many signs in one draw: a point each, which software renders fifteen times faster than as many instances of a small
 * mesh, and a GPU as fast. `place` changes with every frame, `look` when a state does.
 */
export class Sprites {
  readonly points: Points<BufferGeometry, RawShaderMaterial>;
  place = new Float32Array(0);
  look = new Float32Array(0);
  #capacity = 0;
  readonly #crowd = { value: 0 };

  constructor(uniforms: SceneUniforms, signs: Texture, order: number, style: SpriteStyle = {}) {
    const { opacity = 1, inSight = false } = style;
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: {
        ...uniforms,
        uSigns: { value: signs },
        uOpacity: { value: opacity },
        uCrowd: this.#crowd,
        ...(inSight ? { uHides: { value: 0 } } : {}),
      },
      transparent: true,
      depthTest: false,
      depthWrite: false,
    });
    this.points = new Points(new BufferGeometry(), material);
    this.points.frustumCulled = false;
    this.points.renderOrder = order;
  }

  /** Whether bodies that are tiny on the picture become dots. */
  crowd(is: boolean): void {
    this.#crowd.value = is ? 1 : 0;
  }

  /** Makes room; what was in the arrays is lost when they grow. */
  reserve(count: number): void {
    if (count <= this.#capacity) return;
    this.#capacity = Math.max(64, 2 ** Math.ceil(Math.log2(count)));
    this.place = new Float32Array(this.#capacity * NUMBERS_A_SPRITE);
    this.look = new Float32Array(this.#capacity * NUMBERS_A_SPRITE);
    const geometry = new BufferGeometry();
    geometry.setAttribute('place', dynamic(this.place));
    geometry.setAttribute('look', dynamic(this.look));
    this.points.geometry.dispose();
    this.points.geometry = geometry;
  }

  put(k: number, xM: number, yM: number, zM: number, headingRad: number): void {
    const at = k * NUMBERS_A_SPRITE;
    this.place[at] = xM;
    this.place[at + 1] = yM;
    this.place[at + 2] = zM;
    this.place[at + 3] = headingRad;
  }

  dress(k: number, sprite: number, tone: number, radiusM: number, leastPx: number): void {
    const at = k * NUMBERS_A_SPRITE;
    this.look[at] = sprite;
    this.look[at + 1] = tone;
    this.look[at + 2] = radiusM;
    this.look[at + 3] = leastPx;
  }

  /** Hands over what changed: the first `count` sprites are drawn. */
  commit(count: number, looks: boolean): void {
    const { geometry } = this.points;
    geometry.setDrawRange(0, count);
    this.points.visible = count > 0;
    upload(geometry, 'place', count);
    if (looks) upload(geometry, 'look', count);
  }

  dispose(): void {
    this.points.geometry.dispose();
    this.points.material.dispose();
  }
}

const dynamic = (array: Float32Array): BufferAttribute =>
  new BufferAttribute(array, NUMBERS_A_SPRITE).setUsage(DynamicDrawUsage);

function upload(geometry: BufferGeometry, name: string, count: number): void {
  const attribute = geometry.getAttribute(name) as BufferAttribute | undefined;
  if (attribute === undefined) return;
  attribute.clearUpdateRanges();
  attribute.addUpdateRange(0, count * NUMBERS_A_SPRITE);
  attribute.needsUpdate = true;
}
