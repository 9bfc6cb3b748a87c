import type { WebGLRenderer } from 'three';
import { Governor } from './governor.ts';

/** A picture never has fewer pixels than this while its view has as many: below it words are no longer sharp. */
const READABLE_PX = 1_100_000;
/** A renderer that has not answered for so long is asked for the next picture anyway. */
const PATIENCE_MS = 1_000;
const ASKED_AGAIN_MS = 6;
/** A renderer this quick has time for everything, also while a person acts. */
const NO_HURRY_MS = 10;
/** So long after an act of a person a slower one is kept free for the next: robots go on four times a second at least. */
const KEPT_FREE_MS = 250;
/** When pictures with a moved camera cost more, what stands still is drawn coarsely in them; less than half, finely. */
const COARSE_MS = 25;
/** The least of so many counts: a page busy with something else is not a slow renderer. */
const MOVED_KEPT = 3;

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
  #fence: { readonly sync: WebGLSync; readonly fromMs: number; readonly moved: boolean } | undefined;
  #movedCosts: number[] = [];
  #coarse = false;

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
  /** What stands still is drawn with fewer pixels while the camera moves: in full, a person would wait for it. */
  get coarse(): boolean {
    return this.#coarse && !this.quick;
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
    if (fence.moved) this.#noteMoved(nowMs - fence.fromMs);
    this.#done = this.#painted;
    gl.deleteSync(fence.sync);
    this.#fence = undefined;
    return true;
  }

  #noteMoved(costMs: number): void {
    this.#movedCosts = [...this.#movedCosts, costMs].slice(-MOVED_KEPT);
    if (this.#movedCosts.length < MOVED_KEPT) return;
    const coarse = Math.min(...this.#movedCosts) > (this.#coarse ? COARSE_MS / 2 : COARSE_MS);
    // What was measured the other way says nothing about this one.
    if (coarse !== this.#coarse) this.#movedCosts = [];
    this.#coarse = coarse;
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
    return this.#governor.costMs > NO_HURRY_MS && nowMs - this.#actedMs < KEPT_FREE_MS;
  }

  /** A picture was handed over, begun at `fromMs`; `moved`: for it, what stands still was drawn anew and quickly. */
  handedOver(fromMs: number, moved: boolean): void {
    this.#painted++;
    const gl = this.#renderer.getContext() as WebGL2RenderingContext;
    const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (sync === null) return;
    gl.flush();
    this.#fence = { sync, fromMs, moved };
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
