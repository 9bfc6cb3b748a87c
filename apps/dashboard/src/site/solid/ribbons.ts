import {
  BufferAttribute,
  BufferGeometry,
  DoubleSide,
  DynamicDrawUsage,
  GLSL3,
  InterleavedBuffer,
  InterleavedBufferAttribute,
  Mesh,
  RawShaderMaterial,
} from 'three';
import { GHOST, HIDDEN } from './glsl.ts';
import { PALETTE, type SceneUniforms } from './scene-uniforms.ts';

const NUMBERS_A_CORNER = 10;
const CORNERS_A_PIECE = 4;

const VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
uniform vec2 uPage;
uniform vec3 uPalette[${PALETTE.length}];
${HIDDEN}
${GHOST}
in vec3 from;
in vec3 to;
in vec4 pen; // which end and side, 0 to 3; colour; width in pixels (negative: dashed); opacity
out vec4 vColour;
out float vAcross;
out float vAlong;
flat out float vDash;
flat out float vHalf;
void main() {
  mat4 seen = projectionMatrix * viewMatrix;
  vec4 a = seen * vec4(from, 1.0);
  vec4 b = seen * vec4(to, 1.0);
  // An end behind the eye is drawn up to the eye.
  const float NEAR = 0.05;
  if (a.w < NEAR && b.w < NEAR) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
  if (a.w < NEAR) a = mix(a, b, (NEAR - a.w) / (b.w - a.w));
  if (b.w < NEAR) b = mix(b, a, (NEAR - b.w) / (a.w - b.w));
  vec2 pa = a.xy / a.w * uPage * 0.5;
  vec2 pb = b.xy / b.w * uPage * 0.5;
  vec2 way = pb - pa;
  float reach = length(way);
  vec2 ahead = reach > 1e-4 ? way / reach : vec2(1.0, 0.0);
  vec2 side = vec2(-ahead.y, ahead.x);
  float end = mod(pen.x, 2.0);
  float hand = floor(pen.x * 0.5) * 2.0 - 1.0;
  float half_ = abs(pen.z) * 0.5 + 0.7;
  vec4 at = end < 0.5 ? a : b;
  vec2 page = (end < 0.5 ? pa - ahead * half_ * 0.6 : pb + ahead * half_ * 0.6) + side * hand * half_;
  gl_Position = vec4(page / (uPage * 0.5) * at.w, at.z, at.w);
  vAcross = hand * half_;
  vAlong = end * reach;
  vDash = pen.z < 0.0 ? 1.0 : 0.0;
  vHalf = abs(pen.z) * 0.5;
  vColour = vec4(uPalette[int(pen.y)], pen.w * mix(1.0, GHOST, hiddenAt(at.xyz / at.w)));
}`;

const FRAGMENT = `
precision highp float;
in vec4 vColour;
in float vAcross;
in float vAlong;
flat in float vDash;
flat in float vHalf;
out vec4 colour;
void main() {
  float cover = clamp(vHalf + 0.5 - abs(vAcross), 0.0, 1.0);
  if (vDash > 0.5) cover *= clamp(3.5 - abs(mod(vAlong, 10.0) - 3.5), 0.0, 1.0);
  if (cover <= 0.0) discard;
  colour = vec4(vColour.rgb, vColour.a * cover);
}`;

export interface Pen {
  readonly tone: number;
  readonly widthPx: number;
  readonly dashed?: boolean;
  readonly opacity?: number;
}

/** Lines of a width in pixels, whatever the distance; each piece is two triangles. */
export class Ribbons {
  readonly mesh: Mesh<BufferGeometry, RawShaderMaterial>;
  #numbers = new Float32Array(0);
  #capacity = 0;
  #count = 0;

  constructor(uniforms: SceneUniforms, order: number) {
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms,
      transparent: true,
      side: DoubleSide,
      depthTest: false,
      depthWrite: false,
    });
    this.mesh = new Mesh(new BufferGeometry(), material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = order;
    this.mesh.visible = false;
  }

  begin(): void {
    this.#count = 0;
  }

  piece(ax: number, ay: number, az: number, bx: number, by: number, bz: number, pen: Pen): void {
    if (this.#count === this.#capacity) this.#grow();
    const width = pen.dashed === true ? -pen.widthPx : pen.widthPx;
    let at = this.#count++ * CORNERS_A_PIECE * NUMBERS_A_CORNER;
    for (let corner = 0; corner < CORNERS_A_PIECE; corner++, at += NUMBERS_A_CORNER) {
      this.#numbers[at] = ax;
      this.#numbers[at + 1] = ay;
      this.#numbers[at + 2] = az;
      this.#numbers[at + 3] = bx;
      this.#numbers[at + 4] = by;
      this.#numbers[at + 5] = bz;
      this.#numbers[at + 6] = corner;
      this.#numbers[at + 7] = pen.tone;
      this.#numbers[at + 8] = width;
      this.#numbers[at + 9] = pen.opacity ?? 1;
    }
  }

  commit(): void {
    const { geometry } = this.mesh;
    this.mesh.visible = this.#count > 0;
    geometry.setDrawRange(0, this.#count * 6);
    const buffer = geometry.userData['buffer'] as InterleavedBuffer | undefined;
    if (buffer === undefined) return;
    buffer.clearUpdateRanges();
    buffer.addUpdateRange(0, this.#count * CORNERS_A_PIECE * NUMBERS_A_CORNER);
    buffer.needsUpdate = true;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }

  #grow(): void {
    const before = this.#numbers;
    this.#capacity = Math.max(64, this.#capacity * 2);
    this.#numbers = new Float32Array(this.#capacity * CORNERS_A_PIECE * NUMBERS_A_CORNER);
    this.#numbers.set(before);
    this.mesh.geometry.dispose();
    this.mesh.geometry = ribbonGeometry(this.#numbers, this.#capacity);
  }
}

function ribbonGeometry(numbers: Float32Array, capacity: number): BufferGeometry {
  const geometry = new BufferGeometry();
  const buffer = new InterleavedBuffer(numbers, NUMBERS_A_CORNER).setUsage(DynamicDrawUsage);
  geometry.setAttribute('from', new InterleavedBufferAttribute(buffer, 3, 0));
  geometry.setAttribute('to', new InterleavedBufferAttribute(buffer, 3, 3));
  geometry.setAttribute('pen', new InterleavedBufferAttribute(buffer, 4, 6));
  geometry.userData['buffer'] = buffer;
  const corners = new Uint32Array(capacity * 6);
  for (let k = 0; k < capacity; k++) {
    corners.set([4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 2, 4 * k + 1, 4 * k + 3], k * 6);
  }
  geometry.setIndex(new BufferAttribute(corners, 1));
  return geometry;
}
