import type { WebGLRenderer } from 'three';
import { Governor } from './governor.ts';

/** A picture never has fewer pixels than this while its view has as many: below it words are no longer sharp. */
const READABLE_PX = 1_100_000;
/** A renderer that has not answered for so long is asked for the next picture anyway. */
const PATIENCE_MS = 1_000;
const ASKED_AGAIN_MS = 6;
/** A renderer this quick has time for everything, also while a person acts. */
const NO_HURRY_MS = 10;
/** So many times the cost of a picture, after an act of a person, the renderer is kept free for the next one. */
const KEPT_FREE = 12;
const KEPT_FREE_AT_MOST_MS = 250;

/**
 * Hands one picture at a time to the renderer and learns what each costs. Another picture behind one that is not done
 * would only make the answer to a person come later; and what pictures cost decides how finely the next is drawn.
 */
export class Pace {
  readonly #renderer: WebGLRenderer;
  readonly #nowMs: () => number;
  readonly #governor = new Governor();
  #share = 1;
  #painted = 0;
  #done = 0;
  #actedMs = Number.NEGATIVE_INFINITY;
  #fence: { readonly sync: WebGLSync; readonly fromMs: number } | undefined;

  constructor(renderer: WebGLRenderer, nowMs: () => number) {
    this.#renderer = renderer;
    this.#nowMs = nowMs;
  }

  /** Share of the screen's resolution that the canvas has. */
  get share(): number {
    return this.#share;
  }
  get quick(): boolean {
    return this.#governor.quick;
  }
  get costMs(): number {
    return this.#governor.costMs;
  }
  /** What pictures cost, and how many were handed over and are done: for whoever measures. */
  get effort() {
    const { costMs, quick } = this.#governor;
    return { costMs, share: this.#share, quick, painted: this.#painted, done: this.#done };
  }

  /** False while the last picture is not done. */
  free(nowMs: number): boolean {
    const fence = this.#fence;
    if (fence === undefined) return true;
    const gl = this.#renderer.getContext() as WebGL2RenderingContext;
    const done = gl.getSyncParameter(fence.sync, gl.SYNC_STATUS) === gl.SIGNALED;
    if (!done && nowMs - fence.fromMs < PATIENCE_MS) return false;
    this.#governor.note(nowMs - fence.fromMs);
    this.#done = this.#painted;
    gl.deleteSync(fence.sync);
    this.#fence = undefined;
    return true;
  }

  /** A person pressed, turned or pointed. */
  acted(nowMs: number): void {
    this.#actedMs = nowMs;
  }

  /**
   * Whether a picture that nobody asked for should wait: a person is acting, the next act is answered by the next
   * picture, and a slow renderer busy with robots that moved a little would only make that answer late.
   */
  keepsFree(nowMs: number): boolean {
    const { costMs } = this;
    return costMs > NO_HURRY_MS && nowMs - this.#actedMs < Math.min(KEPT_FREE_AT_MOST_MS, costMs * KEPT_FREE);
  }

  /** A picture was handed over, begun at `fromMs`. */
  handedOver(fromMs: number): void {
    this.#painted++;
    const gl = this.#renderer.getContext() as WebGL2RenderingContext;
    const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (sync === null) return;
    gl.flush();
    this.#fence = { sync, fromMs };
    // Asked again soon, so that a quick renderer is known as one and not as slow as the screen.
    setTimeout(() => this.#fence?.sync === sync && this.free(this.#nowMs()), ASKED_AGAIN_MS);
  }

  /** The canvas was made anew at its full resolution. */
  reset(): void {
    this.#share = 1;
  }

  /**
   * Falls in resolution while things move on a slow renderer, and is sharp again when they rest. `ratio`: device pixels
   * for a pixel of the page.
   *
   * @returns whether the canvas changed its size
   */
  fit(widthPx: number, heightPx: number, ratio: number, rests: boolean): boolean {
    const least = Math.min(1, Math.sqrt(READABLE_PX / (widthPx * heightPx)) / ratio);
    const share = rests ? 1 : Math.max(least, this.#governor.share);
    if (share === this.#share) return false;
    this.#share = share;
    this.#renderer.setPixelRatio(ratio * share);
    this.#renderer.setSize(widthPx, heightPx, false);
    return true;
  }
}
