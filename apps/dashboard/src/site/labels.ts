/** One name that wants a place beside its point. Pixels; greater priority is placed first. */
export interface LabelWish {
  readonly text: string;
  readonly xPx: number;
  readonly yPx: number;
  readonly widthPx: number;
  /** Distance that the label keeps from its point. */
  readonly clearancePx: number;
  readonly priority: number;
  /** Said instead where there is no room for the text: better its name alone than nothing. */
  readonly short?: { readonly text: string; readonly widthPx: number };
  /** Covers what is taken, though no other label, rather than go unnamed. */
  readonly insists?: boolean;
}

export interface PlacedLabel {
  readonly text: string;
  /** Which of the wishes it is. */
  readonly wish: number;
  /** Left edge and vertical middle. */
  readonly leftPx: number;
  readonly middlePx: number;
  readonly widthPx: number;
}

const BUCKET_PX = 64;

/**
 * Places labels so that none covers another: to the right of its point, else left, above, below; one that finds no room
 * says its short text, and when that finds none either it is dropped, so the less important go first. Greedy point-feature labelling (Christensen, Marks and Shieber, 1995);
 * near-linear through a grid of buckets. Equal priorities keep their order, so that labels do not flicker. A spot on one of
 * the `avoided` boxes, or over the edge of what is seen, is taken only when no other is free.
 */
export function placeLabels(
  wishes: readonly LabelWish[],
  heightPx: number,
  taken: readonly Box[] = [],
  avoided: readonly Box[] = [],
  seen?: Box,
): PlacedLabel[] {
  const labels = new Buckets();
  const bodies = new Buckets();
  for (const box of taken) bodies.add(box);
  const soft = new Buckets();
  for (const box of avoided) soft.add(box);
  const order = wishes
    .map((_, k) => k)
    .sort((a, b) => (wishes[b] as LabelWish).priority - (wishes[a] as LabelWish).priority || a - b);
  const placed: PlacedLabel[] = [];
  for (const k of order) {
    const wish = wishes[k] as LabelWish;
    const put = ({ text, widthPx }: { text: string; widthPx: number }, barred: readonly Buckets[], avoids: Buckets) => {
      const chosen = spotFor(wish, widthPx, heightPx, barred, avoids, seen);
      if (chosen === undefined) return false;
      labels.add(chosen.box);
      placed.push({ text, wish: k, leftPx: chosen.leftPx, middlePx: chosen.middlePx, widthPx });
      return true;
    };
    if (put(wish, [labels, bodies], soft)) continue;
    if (wish.short !== undefined && put(wish.short, [labels, bodies], soft)) continue;
    if (wish.insists === true) put(wish.short ?? wish, [labels], bodies);
  }
  return placed;
}

/** The first spot beside the point that is free, one that nothing avoids before one that something does. */
function spotFor(
  { xPx, yPx, clearancePx }: LabelWish,
  widthPx: number,
  heightPx: number,
  barred: readonly Buckets[],
  avoided: Buckets,
  seen: Box | undefined,
): Placing | undefined {
  const spots = [
    [xPx + clearancePx, yPx],
    [xPx - clearancePx - widthPx, yPx],
    [xPx - widthPx / 2, yPx - clearancePx - heightPx / 2],
    [xPx - widthPx / 2, yPx + clearancePx + heightPx / 2],
  ] as const;
  let second: Placing | undefined;
  for (const [leftPx, middlePx] of spots) {
    const box = boxOf(leftPx, middlePx, widthPx, heightPx);
    if (barred.some((one) => one.hits(box))) continue;
    if (!avoided.hits(box) && (seen === undefined || isInside(box, seen))) return { leftPx, middlePx, box };
    second ??= { leftPx, middlePx, box };
  }
  return second;
}

interface Placing {
  readonly leftPx: number;
  readonly middlePx: number;
  readonly box: Box;
}

/** What a label covers, with a pixel to spare at its sides. */
export const boxOf = (leftPx: number, middlePx: number, widthPx: number, heightPx: number): Box => ({
  left: leftPx - 1,
  right: leftPx + widthPx + 1,
  top: middlePx - heightPx / 2,
  bottom: middlePx + heightPx / 2,
});

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const isInside = (box: Box, seen: Box): boolean =>
  box.left >= seen.left && box.right <= seen.right && box.top >= seen.top && box.bottom <= seen.bottom;

/** Boxes by the parts of the picture that they touch, so that one is compared with its neighbours alone. */
export class Buckets {
  #cells = new Map<number, Box[]>();

  add(box: Box): void {
    for (const key of keysOf(box)) {
      const cell = this.#cells.get(key);
      if (cell === undefined) this.#cells.set(key, [box]);
      else cell.push(box);
    }
  }

  hits(box: Box): boolean {
    for (const key of keysOf(box)) {
      for (const other of this.#cells.get(key) ?? []) {
        if (box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom)
          return true;
      }
    }
    return false;
  }
}

function* keysOf(box: Box): Generator<number> {
  for (let row = Math.floor(box.top / BUCKET_PX); row <= Math.floor(box.bottom / BUCKET_PX); row++) {
    for (let column = Math.floor(box.left / BUCKET_PX); column <= Math.floor(box.right / BUCKET_PX); column++) {
      yield row * 100_003 + column;
    }
  }
}
