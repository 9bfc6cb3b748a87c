import { toScreenX, toScreenY, type Viewport } from './viewport.ts';

/** What a layer draws with on the flat map, in metres of the site. */
export class FlatBrush {
  readonly #context: CanvasRenderingContext2D;
  readonly #view: Viewport;

  constructor(context: CanvasRenderingContext2D, view: Viewport, colour: string) {
    this.#context = context;
    this.#view = view;
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = LINE_PX;
    context.setLineDash([]);
  }

  /** A circle of that radius, never smaller than can be seen. */
  ring(xM: number, yM: number, radiusM: number): void {
    this.#context.beginPath();
    this.#context.arc(this.#x(xM), this.#y(yM), Math.max(LEAST_RADIUS_PX, radiusM * this.#view.pxPerM), 0, 2 * Math.PI);
    this.#context.stroke();
  }

  line(xM: number, yM: number, toXM: number, toYM: number): void {
    this.#context.beginPath();
    this.#context.moveTo(this.#x(xM), this.#y(yM));
    this.#context.lineTo(this.#x(toXM), this.#y(toYM));
    this.#context.stroke();
  }

  /** From the edge of a ring so far ahead; as long as can be seen. */
  nose(xM: number, yM: number, headingRad: number, radiusM: number): void {
    const [x, y] = [this.#x(xM), this.#y(yM)];
    const from = Math.max(LEAST_RADIUS_PX, radiusM * this.#view.pxPerM);
    const to = 2 * from;
    this.#context.beginPath();
    this.#context.moveTo(x + Math.cos(headingRad) * from, y - Math.sin(headingRad) * from);
    this.#context.lineTo(x + Math.cos(headingRad) * to, y - Math.sin(headingRad) * to);
    this.#context.stroke();
  }

  dot(xM: number, yM: number): void {
    this.#context.fillRect(this.#x(xM) - DOT_PX / 2, this.#y(yM) - DOT_PX / 2, DOT_PX, DOT_PX);
  }

  #x(xM: number): number {
    return toScreenX(this.#view, xM);
  }
  #y(yM: number): number {
    return toScreenY(this.#view, yM);
  }
}

const LINE_PX = 2;
const LEAST_RADIUS_PX = 7;
const DOT_PX = 2;

/** A layer on the flat map: called once a frame, over all that moves. */
export interface FlatPainter {
  /** Token of the colour, as `--advisory`. */
  readonly token: string;
  paint(brush: FlatBrush): void;
}
