import type { Observable } from '../../live/observable.ts';
import type { CameraMan } from './camera-man.ts';
import type { Look } from './lens.ts';
import { parseViewpoint, viewpointText } from './viewpoint.ts';

/** The viewpoint that links carry, and the camera: each follows the other, and neither its own echo. */
export class ToldViewpoint {
  readonly #viewpoint: Observable<string>;
  readonly #camera: CameraMan;
  /** The look that the viewpoint stands for. */
  #told: Look | undefined;

  constructor(viewpoint: Observable<string>, camera: CameraMan) {
    this.#viewpoint = viewpoint;
    this.#camera = camera;
  }

  /** Writes where the camera rests, where that is news. */
  tell(widthPx: number, heightPx: number): void {
    const { look } = this.#camera;
    if (look === this.#told || widthPx <= 1) return;
    this.#told = look;
    this.#viewpoint.set(this.#own(widthPx, heightPx));
  }

  /**
   * Where a link, or a view beside this one, says to look; what this view itself has told is where it is already.
   *
   * @returns null to stay; `whole`: the whole site
   */
  wanted(widthPx: number, heightPx: number): Look | 'whole' | null {
    const text = this.#viewpoint.get();
    const stands = this.#camera.look === this.#told && text === this.#own(widthPx, heightPx);
    if (widthPx <= 1 || stands) return null;
    const named = parseViewpoint(text, widthPx, heightPx);
    if (named !== null) return named;
    return text === '' && !this.#camera.fitted ? 'whole' : null;
  }

  /** The camera went where it was wanted. */
  reached(look: Look): void {
    this.#told = look;
  }

  #own(widthPx: number, heightPx: number): string {
    return this.#camera.fitted ? '' : viewpointText(this.#camera.look, widthPx, heightPx);
  }
}
