/** Whether the point lies inside the outline (even-odd rule); corners in order, metres. NaN lies nowhere. */
export function isInside(
  outline: readonly { readonly xM: number; readonly yM: number }[],
  xM: number,
  yM: number,
): boolean {
  let inside = false;
  for (let k = 0, before = outline.length - 1; k < outline.length; before = k++) {
    const [a, b] = [outline[k] as { xM: number; yM: number }, outline[before] as { xM: number; yM: number }];
    if (a.yM > yM === b.yM > yM) continue;
    if (xM < ((b.xM - a.xM) * (yM - a.yM)) / (b.yM - a.yM) + a.xM) inside = !inside;
  }
  return inside;
}
