import {
  BufferAttribute,
  BufferGeometry,
  DataTexture,
  GLSL3,
  LinearFilter,
  Mesh,
  RawShaderMaterial,
  RedFormat,
  type Texture,
  UnsignedByteType,
} from 'three';
import type { Movement } from '../movement.ts';
import { PALETTE, type SceneUniforms, tone } from './scene-uniforms.ts';
import { spriteIndex } from './sprite-atlas.ts';
import { Sprites } from './sprites.ts';
import { frozen, LIFT_M } from './standing-site.ts';

const VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
uniform vec2 uSize;
in vec3 position;
out vec2 vUv;
void main() {
  vUv = position.xy / uSize;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}`;

/** One hue, stronger where more time was spent: how much, not whether it is good. */
const FRAGMENT = `
precision highp float;
uniform sampler2D uDwell;
uniform vec3 uPalette[${PALETTE.length}];
in vec2 vUv;
out vec4 colour;
void main() {
  float share = texture(uDwell, vUv).r;
  if (share < 0.01) discard;
  colour = vec4(uPalette[${tone('accent')}], 0.06 + 0.62 * share);
}`;

const ARROWS_AT_MOST = 1_500;
const ARROW_FROM_M = 0.6;

/** Heat and traffic on the floor: both change slowly, so they belong to what stands still. */
export class TrafficFloor {
  readonly heat: Mesh<BufferGeometry, RawShaderMaterial>;
  readonly flow: Sprites;
  readonly #grid: { readonly width: number; readonly height: number; readonly metresPerCell: number };
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #texture: DataTexture;

  constructor(
    grid: { readonly width: number; readonly height: number; readonly metresPerCell: number },
    uniforms: SceneUniforms,
    signs: Texture,
  ) {
    this.#grid = grid;
    this.#bytes = new Uint8Array(grid.width * grid.height);
    this.#texture = new DataTexture(this.#bytes, grid.width, grid.height, RedFormat, UnsignedByteType);
    this.#texture.minFilter = LinearFilter;
    this.#texture.magFilter = LinearFilter;
    this.#texture.unpackAlignment = 1;
    const [widthM, heightM] = [grid.width * grid.metresPerCell, grid.height * grid.metresPerCell];
    const geometry = new BufferGeometry();
    geometry.setAttribute(
      'position',
      new BufferAttribute(
        Float32Array.of(0, 0, LIFT_M, widthM, 0, LIFT_M, 0, heightM, LIFT_M, widthM, heightM, LIFT_M),
        3,
      ),
    );
    geometry.setIndex([0, 1, 2, 2, 1, 3]);
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms: { ...uniforms, uDwell: { value: this.#texture }, uSize: { value: [widthM, heightM] } },
      transparent: true,
      depthTest: false,
      depthWrite: false,
    });
    this.heat = frozen(new Mesh(geometry, material), 10);
    this.flow = new Sprites(uniforms, signs, 13, { opacity: 0.9 });
  }

  update(movement: Movement, heat: boolean, traffic: boolean): void {
    this.heat.visible = heat;
    if (heat) this.#heat(movement);
    if (traffic) this.#flow(movement);
    else this.flow.commit(0, false);
  }

  #heat({ dwellS }: Movement): void {
    const { width, height } = this.#grid;
    let most = 1;
    for (let cell = 0; cell < dwellS.length; cell++) most = Math.max(most, dwellS[cell] as number);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const seconds = dwellS[(height - 1 - row) * width + column] as number;
        // The root lets what is passed through show beside where one parks.
        this.#bytes[row * width + column] = Math.round(Math.sqrt(seconds / most) * 255);
      }
    }
    this.#texture.needsUpdate = true;
  }

  /** The strongest streams of whole blocks of cells, as many as one can read. */
  #flow(movement: Movement): void {
    const { width, height, metresPerCell } = this.#grid;
    const block = Math.max(1, Math.ceil(Math.sqrt((width * height) / (ARROWS_AT_MOST * 3))));
    this.flow.reserve(ARROWS_AT_MOST);
    let count = 0;
    for (let row = 0; row + block <= height; row += block) {
      for (let column = 0; column + block <= width && count < ARROWS_AT_MOST; column += block) {
        let [east, north] = [0, 0];
        for (let k = 0; k < block * block; k++) {
          const cell = (row + Math.floor(k / block)) * width + column + (k % block);
          east += movement.eastM[cell] as number;
          north += movement.northM[cell] as number;
        }
        const strength = Math.hypot(east, north) / block;
        if (strength < ARROW_FROM_M) continue;
        const x = (column + block / 2) * metresPerCell;
        const y = (height - row - block / 2) * metresPerCell;
        this.flow.put(count, x, y, 0.02, Math.atan2(north, east));
        const size = Math.min(0.5, 0.16 + 0.05 * Math.log2(1 + strength)) * block * metresPerCell;
        this.flow.dress(count++, spriteIndex('chevron'), tone('accent'), size, 2.5);
      }
    }
    this.flow.commit(count, true);
  }

  dispose(): void {
    this.heat.geometry.dispose();
    this.heat.material.dispose();
    this.#texture.dispose();
    this.flow.dispose();
  }
}
