/** What part of the site the map shows. Metres of the site (x east, y north), pixels of the page (y down). */
export interface Viewport {
  readonly centreXM: number;
  readonly centreYM: number;
  readonly pxPerM: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Closest and farthest that one may look: a robot fills the map, or a kilometre fits it. */
const MOST_PX_PER_M = 240;
const LEAST_PX_PER_M = 0.2;
const FIT_MARGIN_PX = 28;

export const toScreenX = (view: Viewport, xM: number): number => (xM - view.centreXM) * view.pxPerM + view.widthPx / 2;
export const toScreenY = (view: Viewport, yM: number): number => view.heightPx / 2 - (yM - view.centreYM) * view.pxPerM;
export const toSiteX = (view: Viewport, xPx: number): number => (xPx - view.widthPx / 2) / view.pxPerM + view.centreXM;
export const toSiteY = (view: Viewport, yPx: number): number => (view.heightPx / 2 - yPx) / view.pxPerM + view.centreYM;

/** The whole site with a margin. */
export function fit(widthM: number, heightM: number, widthPx: number, heightPx: number): Viewport {
  const roomX = Math.max(1, widthPx - 2 * FIT_MARGIN_PX);
  const roomY = Math.max(1, heightPx - 2 * FIT_MARGIN_PX);
  const pxPerM = bound(Math.min(roomX / Math.max(widthM, 0.001), roomY / Math.max(heightM, 0.001)));
  return { centreXM: widthM / 2, centreYM: heightM / 2, pxPerM, widthPx, heightPx };
}

/** Zooms by `factor` and keeps the point under (xPx, yPx) where it is. */
export function zoomAt(view: Viewport, xPx: number, yPx: number, factor: number): Viewport {
  const pxPerM = bound(view.pxPerM * factor);
  const xM = toSiteX(view, xPx);
  const yM = toSiteY(view, yPx);
  return {
    ...view,
    pxPerM,
    centreXM: xM - (xPx - view.widthPx / 2) / pxPerM,
    centreYM: yM - (view.heightPx / 2 - yPx) / pxPerM,
  };
}

/** Moves what is seen by so many pixels, as if the map were held. */
export const panBy = (view: Viewport, dxPx: number, dyPx: number): Viewport => ({
  ...view,
  centreXM: view.centreXM - dxPx / view.pxPerM,
  centreYM: view.centreYM + dyPx / view.pxPerM,
});

/** Keeps the centre and the scale when the map's own size changes. */
export const resized = (view: Viewport, widthPx: number, heightPx: number): Viewport => ({
  ...view,
  widthPx,
  heightPx,
});

/** Keeps at least part of the site in sight, however far one pans. */
export function keepInSight(view: Viewport, widthM: number, heightM: number): Viewport {
  const reachX = view.widthPx / 2 / view.pxPerM;
  const reachY = view.heightPx / 2 / view.pxPerM;
  const keepX = Math.min(reachX, widthM) * 0.2;
  const keepY = Math.min(reachY, heightM) * 0.2;
  const centreXM = clamp(view.centreXM, -reachX + keepX, widthM + reachX - keepX);
  const centreYM = clamp(view.centreYM, -reachY + keepY, heightM + reachY - keepY);
  return centreXM === view.centreXM && centreYM === view.centreYM ? view : { ...view, centreXM, centreYM };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const bound = (pxPerM: number): number => clamp(pxPerM, LEAST_PX_PER_M, MOST_PX_PER_M);

/** A round length for the scale bar (1, 2 or 5 times a power of ten) that is at most `mostPx` long. */
export function scaleBar(pxPerM: number, mostPx: number): { lengthM: number; lengthPx: number } {
  const mostM = mostPx / pxPerM;
  const power = 10 ** Math.floor(Math.log10(mostM));
  const step = mostM / power >= 5 ? 5 : mostM / power >= 2 ? 2 : 1;
  return { lengthM: step * power, lengthPx: step * power * pxPerM };
}
