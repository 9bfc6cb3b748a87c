import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  GLSL3,
  InterleavedBuffer,
  InterleavedBufferAttribute,
  type IUniform,
  Mesh,
  RawShaderMaterial,
  type Texture,
} from 'three';
import { HALO_PX, type LabelAtlas } from './label-atlas.ts';
import { PALETTE, type SceneUniforms } from './scene-uniforms.ts';

const MOST = 512;
const NUMBERS_A_CORNER = 5;

const VERTEX = `
precision highp float;
uniform vec2 uPage;
uniform vec3 uPalette[${PALETTE.length}];
in vec2 corner;
in vec3 ink; // u, v, colour
out vec2 vUv;
flat out vec3 vInk;
void main() {
  vUv = ink.xy;
  vInk = uPalette[int(ink.z)];
  gl_Position = vec4(corner.x / uPage.x * 2.0 - 1.0, 1.0 - corner.y / uPage.y * 2.0, 0.0, 1.0);
}`;

const FRAGMENT = `
precision highp float;
uniform sampler2D uWords;
uniform vec3 uHalo;
in vec2 vUv;
flat in vec3 vInk;
out vec4 colour;
void main() {
  vec2 cover = texture(uWords, vUv).rg;
  float alpha = max(cover.r, cover.g * 0.85);
  if (alpha < 0.02) discard;
  colour = vec4(mix(uHalo, vInk, cover.r), alpha);
}`;

/** Words on the picture, at pixels of the page. */
export class LabelQuads {
  readonly mesh: Mesh<BufferGeometry, RawShaderMaterial>;
  readonly #numbers = new Float32Array(MOST * 4 * NUMBERS_A_CORNER);
  readonly #buffer: InterleavedBuffer;
  readonly #words: IUniform<Texture | null> = { value: null };
  #count = 0;

  constructor(uniforms: SceneUniforms) {
    const geometry = new BufferGeometry();
    this.#buffer = new InterleavedBuffer(this.#numbers, NUMBERS_A_CORNER).setUsage(DynamicDrawUsage);
    geometry.setAttribute('corner', new InterleavedBufferAttribute(this.#buffer, 2, 0));
    geometry.setAttribute('ink', new InterleavedBufferAttribute(this.#buffer, 3, 2));
    const index = new Uint16Array(MOST * 6);
    for (let k = 0; k < MOST; k++) index.set([4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 2, 4 * k + 1, 4 * k + 3], k * 6);
    geometry.setIndex(new BufferAttribute(index, 1));
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: { ...uniforms, uWords: this.#words },
      transparent: true,
      depthTest: false,
      depthWrite: false,
      side: 2,
    });
    this.mesh = new Mesh(geometry, material);
    this.mesh.frustumCulled = false;
  }

  begin(): void {
    this.#count = 0;
  }

  /** False when the texture is full and must be forgotten first. */
  put(atlas: LabelAtlas, text: string, leftPx: number, middlePx: number, tone: number): boolean {
    if (this.#count >= MOST) return true;
    const slot = atlas.slot(text);
    if (slot === null) return false;
    // Words stand on whole device pixels: between two they would be blurred.
    const snap = (px: number): number => Math.round(px * atlas.ratio) / atlas.ratio;
    const left = snap(leftPx - HALO_PX);
    const top = snap(middlePx - atlas.heightPx / 2);
    const height = Math.ceil(atlas.heightPx * atlas.ratio);
    let at = this.#count++ * 4 * NUMBERS_A_CORNER;
    for (let corner = 0; corner < 4; corner++, at += NUMBERS_A_CORNER) {
      const [right, bottom] = [corner & 1, corner >> 1];
      this.#numbers[at] = left + right * slot.widthPx;
      this.#numbers[at + 1] = top + (bottom * height) / atlas.ratio;
      this.#numbers[at + 2] = (slot.left + right * slot.width) / atlas.side;
      this.#numbers[at + 3] = (slot.top + bottom * height) / atlas.side;
      this.#numbers[at + 4] = tone;
    }
    return true;
  }

  /** Where the ink of the quad stands on the picture, pixels of the page; around it its halo. */
  inkOf(quad: number): {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  } {
    const at = quad * 4 * NUMBERS_A_CORNER;
    const [left, top] = [this.#numbers[at] as number, this.#numbers[at + 1] as number];
    const last = at + 3 * NUMBERS_A_CORNER;
    const [right, bottom] = [this.#numbers[last] as number, this.#numbers[last + 1] as number];
    const [wide, high] = [right - left - 2 * HALO_PX, bottom - top - 2 * HALO_PX];
    return { left: left + HALO_PX, top: top + HALO_PX, width: wide, height: high };
  }

  commit(atlas: LabelAtlas): void {
    this.#words.value = atlas.texture;
    this.mesh.visible = this.#count > 0;
    this.mesh.geometry.setDrawRange(0, this.#count * 6);
    this.#buffer.clearUpdateRanges();
    this.#buffer.addUpdateRange(0, this.#count * 4 * NUMBERS_A_CORNER);
    this.#buffer.needsUpdate = true;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }
}
