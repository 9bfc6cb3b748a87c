import type { ViewMode } from '../site-layers.ts';
import { betweenLooks, fitLook, Lens, type Look, STEEPEST_RAD, USUAL_TILT_RAD } from './lens.ts';

const GLIDE_MS = 320;
/** How much of the way to a body that is followed goes by in a second. */
const LEAD_PER_S = 6;

/** Holds the look and moves it smoothly where it is sent; at once for people who want no motion. */
export class CameraMan {
  /** The whole site is shown, and stays so when the view changes its size, until a person looks elsewhere. */
  fitted = true;
  /** When the look last changed. */
  movedMs = Number.NEGATIVE_INFINITY;
  #lens: Lens;
  #mode: ViewMode = 'map';
  #glide: { readonly from: Look; readonly to: Look; readonly sinceMs: number; readonly then: Look } | undefined;
  #ledMs = 0;
  #tiltRad = USUAL_TILT_RAD;
  readonly #site: { readonly widthM: number; readonly heightM: number };
  readonly #calm: () => boolean;

  constructor(site: { readonly widthM: number; readonly heightM: number }, calm: () => boolean) {
    this.#site = site;
    this.#calm = calm;
    const look: Look = { mode: 'map', centreXM: 0, centreYM: 0, pxPerM: 10, azimuthRad: 0, tiltRad: 0 };
    this.#lens = new Lens(look, 1, 1);
  }

  get lens(): Lens {
    return this.#lens;
  }
  get look(): Look {
    return this.#lens.look;
  }
  /** On its way to where it was sent. */
  get glides(): boolean {
    return this.#glide !== undefined;
  }
  /** The mode that is shown, or gone to. */
  get mode(): ViewMode {
    return this.#mode;
  }

  resize(widthPx: number, heightPx: number): void {
    const fits = this.fitted ? fitLook(this.#resting(), this.#site, widthPx, heightPx) : this.look;
    if (this.fitted) this.#glide = undefined;
    this.#lens = new Lens(fits, widthPx, heightPx);
  }

  /** The look as it will be when it has arrived: a fit in the middle of a glide fits that. */
  #resting(): Look {
    return this.#glide?.then ?? this.look;
  }

  set(look: Look, nowMs: number): void {
    this.#glide = undefined;
    this.#put(look, nowMs);
  }

  glide(to: Look, nowMs: number, then: Look = to): void {
    if (this.#calm() || this.#lens.widthPx <= 1) this.set(then, nowMs);
    else {
      this.#glide = { from: this.look, to, sinceMs: nowMs, then };
      this.movedMs = nowMs;
    }
  }

  /** Between map and perspective the camera tilts: the map is what the perspective comes close to when it looks down. */
  setMode(mode: ViewMode, nowMs: number): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    const now = this.#resting();
    if (mode === 'map') {
      this.#tiltRad = now.tiltRad;
      const map: Look = { ...now, mode, azimuthRad: 0, tiltRad: 0 };
      const fits = this.fitted ? this.#fit(map) : map;
      this.glide({ ...fits, mode: 'perspective', tiltRad: STEEPEST_RAD / 4 }, nowMs, fits);
      return;
    }
    const solid: Look = { ...now, mode, tiltRad: this.#tiltRad };
    if (!this.#calm()) this.#put({ ...now, mode, tiltRad: STEEPEST_RAD / 4 }, nowMs);
    this.glide(this.fitted ? this.#fit(solid) : solid, nowMs);
  }

  #fit(look: Look): Look {
    return fitLook(look, this.#site, this.#lens.widthPx, this.#lens.heightPx);
  }

  /** @returns whether the look changed */
  move(nowMs: number): boolean {
    const glide = this.#glide;
    if (glide === undefined) return false;
    const share = Math.min(1, (nowMs - glide.sinceMs) / GLIDE_MS);
    const eased = 1 - (1 - share) ** 3;
    if (share < 1) this.#put(betweenLooks(glide.from, glide.to, eased), nowMs);
    else {
      this.#glide = undefined;
      this.#put(glide.then, nowMs);
    }
    return true;
  }

  /** Brings a point nearer to the middle. @returns whether the look changed */
  lead(xM: number, yM: number, nowMs: number): boolean {
    const passedS = Math.min(0.1, Math.max(0, nowMs - this.#ledMs) / 1000);
    this.#ledMs = nowMs;
    if (this.#glide !== undefined) return false;
    const [dx, dy] = [xM - this.look.centreXM, yM - this.look.centreYM];
    if (Math.hypot(dx, dy) * this.look.pxPerM < 0.5) return false;
    const share = this.#calm() ? 1 : 1 - Math.exp(-LEAD_PER_S * passedS);
    this.#put(
      { ...this.look, centreXM: this.look.centreXM + dx * share, centreYM: this.look.centreYM + dy * share },
      nowMs,
    );
    return true;
  }

  #put(look: Look, nowMs: number): void {
    this.#lens = new Lens(look, this.#lens.widthPx, this.#lens.heightPx);
    this.movedMs = nowMs;
  }
}
