import {
  BufferAttribute,
  BufferGeometry,
  type Camera,
  DepthTexture,
  GLSL3,
  type IUniform,
  LinearFilter,
  Mesh,
  NearestFilter,
  RawShaderMaterial,
  Scene,
  type Texture,
  UnsignedIntType,
  type WebGLRenderer,
  WebGLRenderTarget,
} from 'three';
import type { SceneUniforms } from './scene-uniforms.ts';

const COPY_VERTEX = `
precision highp float;
in vec2 corner;
out vec2 vUv;
void main() { vUv = corner * 0.5 + 0.5; gl_Position = vec4(corner, 0.0, 1.0); }`;

const COPY_FRAGMENT = `
precision highp float;
uniform sampler2D uPicture;
in vec2 vUv;
out vec4 colour;
void main() { colour = vec4(texture(uPicture, vUv).rgb, 1.0); }`;

export interface Picture {
  readonly camera: Camera;
  /** The still picture must be drawn anew: the look, the site, the theme or a slow layer changed. */
  readonly stillChanged: boolean;
  /** Share of the resolution at which a new still picture is drawn: below 1 while the camera moves on slow renderers. */
  readonly stillShare: number;
  /** Smooth edges of what stands still; costs a few times more, once. */
  readonly stillSmooth: boolean;
  /** Smooth edges of what moves too; for renderers on which it costs nothing. */
  readonly smooth: boolean;
  /** What stands still can hide what moves: in perspective. */
  readonly hides: boolean;
}

/**
 * Draws a frame in layers. What stands still is drawn once into a texture, colour and depth, and copied under what moves;
 * what moves is always at the canvas's own resolution, and words come last. So a frame costs a copy and the moving
 * things, however many shelves there are.
 */
export class Painter {
  readonly still = new Scene();
  readonly moving = new Scene();
  readonly words = new Scene();
  readonly #renderer: WebGLRenderer;
  readonly #uniforms: SceneUniforms;
  readonly #copy = new Scene();
  readonly #copied: IUniform<Texture | null> = { value: null };
  readonly #quad: Mesh<BufferGeometry, RawShaderMaterial>;
  readonly #noDepth: Texture;
  readonly #stills: { quick?: WebGLRenderTarget; fine?: WebGLRenderTarget } = {};
  #stillTarget: WebGLRenderTarget | undefined;
  #smoothTarget: WebGLRenderTarget | undefined;

  constructor(renderer: WebGLRenderer, uniforms: SceneUniforms) {
    this.#renderer = renderer;
    this.#uniforms = uniforms;
    this.#noDepth = uniforms.uStillDepth.value;
    renderer.autoClear = false;
    renderer.sortObjects = true;
    const geometry = new BufferGeometry();
    geometry.setAttribute('corner', new BufferAttribute(Float32Array.of(-1, -1, 3, -1, -1, 3), 2));
    geometry.setDrawRange(0, 3);
    this.#quad = new Mesh(
      geometry,
      new RawShaderMaterial({
        glslVersion: GLSL3,
        vertexShader: COPY_VERTEX,
        fragmentShader: COPY_FRAGMENT,
        uniforms: { uPicture: this.#copied },
        depthTest: false,
        depthWrite: false,
      }),
    );
    this.#quad.frustumCulled = false;
    this.#copy.add(this.#quad);
    for (const scene of [this.still, this.moving, this.words, this.#copy]) scene.matrixWorldAutoUpdate = false;
  }

  paint(picture: Picture): void {
    const { width, height } = this.#renderer.domElement;
    const camera = picture.camera;
    if (picture.stillChanged) {
      const target = this.#stillOf(
        Math.max(1, Math.round(width * picture.stillShare)),
        Math.max(1, Math.round(height * picture.stillShare)),
        picture.stillSmooth ? 4 : 0,
      );
      // What is drawn into cannot be read from at the same time.
      this.#uniforms.uHides.value = 0;
      this.#uniforms.uStillDepth.value = this.#noDepth;
      this.#renderer.setRenderTarget(target);
      this.#renderer.clear(true, true, false);
      this.#renderer.render(this.still, camera);
    }
    const still = this.#stillTarget;
    if (still === undefined) return;
    if (still.depthTexture !== null) this.#uniforms.uStillDepth.value = still.depthTexture;
    this.#uniforms.uHides.value = picture.hides ? 1 : 0;
    if (picture.smooth) {
      const target = this.#smoothOf(width, height);
      this.#renderer.setRenderTarget(target);
      this.#renderer.clear(false, true, false);
      this.#put(still.texture, camera);
      this.#renderer.render(this.moving, camera);
      this.#renderer.setRenderTarget(null);
      this.#put(target.texture, camera);
    } else {
      this.#renderer.setRenderTarget(null);
      this.#renderer.clear(true, true, false);
      this.#put(still.texture, camera);
      this.#renderer.render(this.moving, camera);
    }
    this.#renderer.render(this.words, camera);
  }

  #put(texture: Texture, camera: Camera): void {
    this.#copied.value = texture;
    this.#renderer.render(this.#copy, camera);
  }

  /** One for the camera in motion and one for the camera at rest: changing between them makes nothing anew. */
  #stillOf(width: number, height: number, samples: number): WebGLRenderTarget {
    const slot = samples === 0 ? 'quick' : 'fine';
    const kept = this.#stills[slot];
    if (kept?.width === width && kept.height === height) {
      this.#stillTarget = kept;
      return kept;
    }
    release(kept);
    const depthTexture = new DepthTexture(width, height, UnsignedIntType);
    depthTexture.minFilter = NearestFilter;
    depthTexture.magFilter = NearestFilter;
    const target = new WebGLRenderTarget(width, height, { ...PLAIN, samples, depthTexture });
    this.#stills[slot] = target;
    this.#stillTarget = target;
    return target;
  }

  #smoothOf(width: number, height: number): WebGLRenderTarget {
    const kept = this.#smoothTarget;
    if (kept !== undefined && kept.width === width && kept.height === height) return kept;
    kept?.dispose();
    this.#smoothTarget = new WebGLRenderTarget(width, height, { ...PLAIN, samples: 4 });
    return this.#smoothTarget;
  }

  dispose(): void {
    release(this.#stills.quick);
    release(this.#stills.fine);
    this.#smoothTarget?.dispose();
    this.#quad.geometry.dispose();
    this.#quad.material.dispose();
  }
}

function release(target: WebGLRenderTarget | undefined): void {
  target?.depthTexture?.dispose();
  target?.dispose();
}

const PLAIN = {
  minFilter: LinearFilter,
  magFilter: LinearFilter,
  generateMipmaps: false,
  depthBuffer: true,
  stencilBuffer: false,
} as const;
