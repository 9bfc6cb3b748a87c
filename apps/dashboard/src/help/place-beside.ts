interface Size {
  readonly width: number;
  readonly height: number;
}

interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

const GAP_PX = 12;

/**
 * Where a box of that size stands beside its target, wholly inside the window and nowhere over `keepFree`: below,
 * above, right of it, left of it, or in the middle of the window, whichever comes first.
 */
export function placeBeside(
  target: Box | null,
  keepFree: Box | null,
  size: Size,
  window: Size,
): { readonly left: number; readonly top: number } {
  const middle = { left: (window.width - size.width) / 2, top: (window.height - size.height) / 2 };
  const centred = target === null ? middle.left : target.left + target.width / 2 - size.width / 2;
  const tries =
    target === null
      ? [middle]
      : [
          { left: centred, top: target.top + target.height + GAP_PX },
          { left: centred, top: target.top - size.height - GAP_PX },
          { left: target.left + target.width + GAP_PX, top: target.top },
          { left: target.left - size.width - GAP_PX, top: target.top },
          middle,
        ];
  for (const { left, top } of tries) {
    const placed = {
      left: Math.min(Math.max(GAP_PX, left), window.width - size.width - GAP_PX),
      top: Math.min(Math.max(GAP_PX, top), window.height - size.height - GAP_PX),
    };
    const moved = Math.abs(placed.top - top);
    const free = keepFree === null || !overlaps({ ...placed, ...size }, keepFree);
    if (free && moved < GAP_PX && (target === null || !overlaps({ ...placed, ...size }, target))) return placed;
  }
  const inside = { left: Math.max(GAP_PX, middle.left), top: Math.max(GAP_PX, middle.top) };
  if (keepFree === null || !overlaps({ ...inside, ...size }, keepFree)) return inside;
  return { left: inside.left, top: keepFree.top + keepFree.height + GAP_PX };
}

const overlaps = (a: Box, b: Box): boolean =>
  a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
