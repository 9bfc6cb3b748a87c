import {
  type BufferGeometry,
  DynamicDrawUsage,
  GLSL3,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  Mesh,
  RawShaderMaterial,
} from 'three';
import { GHOST, HIDDEN, LIGHT } from './glsl.ts';
import { PALETTE, type SceneUniforms } from './scene-uniforms.ts';

const VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, viewMatrix;
uniform vec3 uPalette[${PALETTE.length}];
in vec3 position;
in vec3 normal;
in float stuff;
in vec4 place; // x, y, z, heading
in float wear; // colour of the state
flat out vec3 vColour;
out float vLit;
out vec3 vNdc;
${LIGHT}
void main() {
  vec2 turn = vec2(cos(place.w), sin(place.w));
  vec3 at = vec3(position.x * turn.x - position.y * turn.y, position.x * turn.y + position.y * turn.x, position.z);
  vec3 up = vec3(normal.x * turn.x - normal.y * turn.y, normal.x * turn.y + normal.y * turn.x, normal.z);
  vec3 state = uPalette[int(wear)];
  vec3 calm = uPalette[0];
  vec3 shell = mix(calm, state, wear < 0.5 ? 0.0 : 0.72);
  vColour = stuff < 0.5 ? shell : stuff < 1.5 ? calm * 0.3 : stuff < 2.5 ? state : state;
  float lit = 0.56 + 0.34 * max(0.0, dot(up, LIGHT)) + 0.14 * up.z;
  vLit = stuff > 1.5 && stuff < 2.5 ? 1.08 : lit;
  gl_Position = projectionMatrix * viewMatrix * vec4(at + place.xyz, 1.0);
  vNdc = gl_Position.xyz / gl_Position.w;
}`;

const FRAGMENT = `
precision highp float;
${HIDDEN}
${GHOST}
flat in vec3 vColour;
in float vLit;
in vec3 vNdc;
out vec4 colour;
void main() { colour = vec4(vColour * vLit, mix(1.0, GHOST, hiddenAt(vNdc))); }`;

/** Bodies near enough to be seen as what they are. Few at a time: the rest are signs. */
export class Models {
  readonly mesh: Mesh<InstancedBufferGeometry, RawShaderMaterial>;
  readonly most: number;
  readonly #place: InstancedBufferAttribute;
  readonly #wear: InstancedBufferAttribute;
  #count = 0;

  constructor(model: BufferGeometry, uniforms: SceneUniforms, most: number, order: number) {
    this.most = most;
    const geometry = new InstancedBufferGeometry();
    for (const name of ['position', 'normal', 'stuff']) geometry.setAttribute(name, model.getAttribute(name));
    this.#place = new InstancedBufferAttribute(new Float32Array(most * 4), 4);
    this.#wear = new InstancedBufferAttribute(new Float32Array(most), 1);
    this.#place.setUsage(DynamicDrawUsage);
    this.#wear.setUsage(DynamicDrawUsage);
    geometry.setAttribute('place', this.#place);
    geometry.setAttribute('wear', this.#wear);
    geometry.instanceCount = 0;
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms,
      // Blended only where a shelf hides them; among themselves they keep their depth.
      transparent: true,
      depthTest: true,
      depthWrite: true,
    });
    this.mesh = new Mesh(geometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = order;
    this.mesh.visible = false;
  }

  begin(): void {
    this.#count = 0;
  }

  /** False when there is no room left: the body is then shown as a sign. */
  put(xM: number, yM: number, headingRad: number, wear: number): boolean {
    if (this.#count >= this.most) return false;
    const k = this.#count++;
    this.#place.array[k * 4] = xM;
    this.#place.array[k * 4 + 1] = yM;
    this.#place.array[k * 4 + 3] = headingRad;
    this.#wear.array[k] = wear;
    return true;
  }

  commit(): void {
    this.mesh.visible = this.#count > 0;
    this.mesh.geometry.instanceCount = this.#count;
    for (const [attribute, size] of [
      [this.#place, 4],
      [this.#wear, 1],
    ] as const) {
      attribute.clearUpdateRanges();
      attribute.addUpdateRange(0, this.#count * size);
      attribute.needsUpdate = this.#count > 0;
    }
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }
}
