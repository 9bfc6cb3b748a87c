import { boundLook, type Look } from './lens.ts';

/**
 * Where a look stands, as a link carries it: `map,30.5,15.25,42` is the middle in metres and how many metres the shorter
 * side of the view shows there, so that another screen shows the same place and not the same pixels; `3d,…` adds the
 * direction and the tilt in degrees. Empty for the whole site.
 */
export function viewpointText(look: Look, widthPx: number, heightPx: number): string {
  const spanM = Math.min(widthPx, heightPx) / look.pxPerM;
  const place = [look.centreXM, look.centreYM, spanM].map((metres) => short(metres, 2));
  if (look.mode === 'map') return ['map', ...place].join(',');
  return ['3d', ...place, ...[look.azimuthRad, look.tiltRad].map((rad) => short((rad * 180) / Math.PI, 1))].join(',');
}

/** The look that a link names, on a view of that size and within its bounds; null for what is no viewpoint. */
export function parseViewpoint(text: string, widthPx: number, heightPx: number): Look | null {
  const [kind, ...rest] = text.split(',');
  if (rest.length !== (kind === 'map' ? 3 : kind === '3d' ? 5 : -1)) return null;
  if (!rest.every((part) => /^-?\d{1,7}(\.\d{1,6})?$/.test(part))) return null;
  const [centreXM = 0, centreYM = 0, spanM = 0, azimuth = 0, tilt = 0] = rest.map(Number);
  if (!(spanM > 0)) return null;
  return boundLook({
    mode: kind === 'map' ? 'map' : 'perspective',
    centreXM,
    centreYM,
    pxPerM: Math.min(widthPx, heightPx) / spanM,
    azimuthRad: (azimuth * Math.PI) / 180,
    tiltRad: (tilt * Math.PI) / 180,
  });
}

const short = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
