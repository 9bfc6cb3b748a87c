import type { SiteView } from '../live/site-view.ts';

/** Where bodies were: a point each half second, forty seconds back. */
const TRAIL_POINTS = 80;
const EVERY_US = 500_000n;
/** In larger fleets only what is selected leaves a trail. */
const ALL_UP_TO = 400;
/** A step of the shown time longer than this is a jump to another moment, not movement. */
const JUMP_US = 5_000_000n;
/** Half of what a cell remembers is gone after so long. */
const HALF_LIFE_S = 300;

/**
 * What movement leaves behind, gathered from the positions that the page shows: trails of single bodies, and for each
 * cell of the grid how long bodies stood in it and which way they went. Follows the shown time: at rest nothing is
 * added, and a jump to another moment begins anew.
 */
export class Movement {
  /** Grows when anything was added. */
  revision = 0;
  /** Seconds that bodies spent in each cell, fading. */
  readonly dwellS: Float32Array;
  /** Metres eastwards and northwards that bodies went in each cell, fading. */
  readonly eastM: Float32Array;
  readonly northM: Float32Array;
  readonly #width: number;
  readonly #height: number;
  readonly #side: number;
  #points = new Float32Array(0);
  #held: number[] = [];
  #next = 0;
  #length = 0;
  #rowAt = new Map<number, number>();
  #lastX = new Float32Array(0);
  #lastY = new Float32Array(0);
  #timeUs = -1n;
  #ids: readonly string[] = [];
  #selected = -1;

  constructor(grid: { readonly width: number; readonly height: number; readonly metresPerCell: number }) {
    this.#width = grid.width;
    this.#height = grid.height;
    this.#side = grid.metresPerCell;
    this.dwellS = new Float32Array(grid.width * grid.height);
    this.eastM = new Float32Array(this.dwellS.length);
    this.northM = new Float32Array(this.dwellS.length);
  }

  /** @returns whether half a second of the shown time went by and was added */
  observe(live: SiteView, selected: string | null): boolean {
    const { timeUs, ids } = live;
    const passed = timeUs - this.#timeUs;
    const selectedRow = selected === null ? -1 : live.row(selected);
    const other = ids !== this.#ids || (ids.length > ALL_UP_TO && selectedRow !== this.#selected);
    if (other || passed < 0n || passed > JUMP_US) this.#begin(live, selectedRow);
    else if (passed < EVERY_US) return false;
    else this.#add(live, Number(passed) / 1e6);
    this.#timeUs = timeUs;
    this.revision++;
    return true;
  }

  /** Calls back with each piece of a body's trail, the oldest first, and its age as a share: 1 is the oldest kept. */
  trail(row: number, piece: (ax: number, ay: number, bx: number, by: number, age: number) => void): void {
    const at = this.#rowAt.get(row);
    if (at === undefined) return;
    for (let back = this.#length - 1; back > 0; back--) {
      const a = this.#index(at, back);
      const b = this.#index(at, back - 1);
      const [ax, ay] = [this.#points[a] as number, this.#points[a + 1] as number];
      const [bx, by] = [this.#points[b] as number, this.#points[b + 1] as number];
      if (Math.abs(ax - bx) < 4 && Math.abs(ay - by) < 4) piece(ax, ay, bx, by, back / TRAIL_POINTS);
    }
  }

  /** The newest point of a body's trail. */
  newest(row: number): readonly [number, number] | null {
    const at = this.#rowAt.get(row);
    if (at === undefined || this.#length === 0) return null;
    const k = this.#index(at, 0);
    return [this.#points[k] as number, this.#points[k + 1] as number];
  }

  #index(at: number, back: number): number {
    return (at * TRAIL_POINTS + ((this.#next - 1 - back + 2 * TRAIL_POINTS) % TRAIL_POINTS)) * 2;
  }

  #begin(live: SiteView, selectedRow: number): void {
    const sameFleet = live.ids === this.#ids && live.timeUs >= this.#timeUs && live.timeUs - this.#timeUs <= JUMP_US;
    this.#ids = live.ids;
    this.#selected = selectedRow;
    const count = live.ids.length;
    this.#held =
      count <= ALL_UP_TO ? Array.from({ length: count }, (_, row) => row) : selectedRow < 0 ? [] : [selectedRow];
    this.#rowAt = new Map(this.#held.map((row, at) => [row, at]));
    this.#points = new Float32Array(this.#held.length * TRAIL_POINTS * 2);
    this.#next = 0;
    this.#length = 0;
    if (!sameFleet) {
      for (const field of [this.dwellS, this.eastM, this.northM]) field.fill(0);
      this.#lastX = Float32Array.from(live.newest.xM);
      this.#lastY = Float32Array.from(live.newest.yM);
    }
    this.#push(live);
  }

  #add(live: SiteView, seconds: number): void {
    const keep = 0.5 ** (seconds / HALF_LIFE_S);
    const { dwellS, eastM, northM } = this;
    for (let cell = 0; cell < dwellS.length; cell++) {
      dwellS[cell] = (dwellS[cell] as number) * keep;
      eastM[cell] = (eastM[cell] as number) * keep;
      northM[cell] = (northM[cell] as number) * keep;
    }
    const { xM, yM } = live.newest;
    for (let row = 0; row < this.#lastX.length; row++) {
      const [x, y] = [xM[row] as number, yM[row] as number];
      const [dx, dy] = [x - (this.#lastX[row] as number), y - (this.#lastY[row] as number)];
      this.#lastX[row] = x;
      this.#lastY[row] = y;
      const column = Math.floor(x / this.#side);
      const line = this.#height - 1 - Math.floor(y / this.#side);
      if (!(column >= 0 && column < this.#width && line >= 0 && line < this.#height)) continue;
      const cell = line * this.#width + column;
      dwellS[cell] = (dwellS[cell] as number) + seconds;
      if (Math.abs(dx) + Math.abs(dy) > 10) continue;
      eastM[cell] = (eastM[cell] as number) + dx;
      northM[cell] = (northM[cell] as number) + dy;
    }
    this.#push(live);
  }

  #push(live: SiteView): void {
    const { xM, yM } = live.newest;
    this.#held.forEach((row, at) => {
      const k = (at * TRAIL_POINTS + this.#next) * 2;
      this.#points[k] = xM[row] as number;
      this.#points[k + 1] = yM[row] as number;
    });
    this.#next = (this.#next + 1) % TRAIL_POINTS;
    this.#length = Math.min(TRAIL_POINTS, this.#length + 1);
  }
}
