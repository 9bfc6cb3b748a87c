import { Matrix4, OrthographicCamera, PerspectiveCamera, Vector3 } from 'three';

/**
 * Where one looks from. The map is orthographic with north up; the perspective turns around the point of the floor in
 * the middle of the picture. Both keep the same scale there, so that one can change between them without losing the place.
 */
export interface Look {
  readonly mode: 'map' | 'perspective';
  /** The point of the floor in the middle, metres. */
  readonly centreXM: number;
  readonly centreYM: number;
  /** Pixels of the page for a metre at that point. */
  readonly pxPerM: number;
  /** Direction in which one looks, clockwise from north; 0 in the map. */
  readonly azimuthRad: number;
  /** From straight down (0) towards the horizon; 0 in the map. */
  readonly tiltRad: number;
}

const FIELD_OF_VIEW_RAD = (32 * Math.PI) / 180;
export const STEEPEST_RAD = 0.12;
const FLATTEST_RAD = 1.32;
export const USUAL_TILT_RAD = 0.64;
const MOST_PX_PER_M = 240;
const LEAST_PX_PER_M = 0.2;
const FIT_MARGIN_PX = 28;
/** Between these a fit chooses its tilt: steeper would be a map, lower would hide the aisles behind shelves. */
const FIT_STEEPEST_RAD = 0.3;
const FIT_FLATTEST_RAD = 0.8;
/** Nothing on a site is higher, which bounds the depth that the camera must tell apart. */
const CEILING_M = 12;

/** A look, made ready for a canvas of a size: from metres to pixels and back. */
export class Lens {
  readonly look: Look;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly camera: OrthographicCamera | PerspectiveCamera;
  /** Column-major, as WebGL has it. */
  readonly viewProjection: Float64Array;
  /** Pixels for a metre where the clip coordinate w is 1: the map has w = 1 everywhere. */
  readonly pxPerMAtUnit: number;
  readonly #inverse: Matrix4;

  constructor(look: Look, widthPx: number, heightPx: number) {
    this.look = look;
    this.widthPx = Math.max(1, widthPx);
    this.heightPx = Math.max(1, heightPx);
    this.camera = look.mode === 'map' ? mapCamera(look, this) : perspectiveCamera(look, this);
    this.camera.updateProjectionMatrix();
    this.camera.updateMatrixWorld(true);
    const product = new Matrix4().multiplyMatrices(this.camera.projectionMatrix, this.camera.matrixWorldInverse);
    this.viewProjection = Float64Array.from(product.elements);
    this.#inverse = product.clone().invert();
    this.pxPerMAtUnit = look.mode === 'map' ? look.pxPerM : this.heightPx / 2 / Math.tan(FIELD_OF_VIEW_RAD / 2);
  }

  /**
   * Writes x, y in pixels from the top left corner and the pixels for a metre there. False behind the eye, or beyond the
   * far plane.
   */
  project(xM: number, yM: number, zM: number, out: Float64Array): boolean {
    const m = this.viewProjection as Float64Array & ArrayLike<number>;
    const w = (m[3] as number) * xM + (m[7] as number) * yM + (m[11] as number) * zM + (m[15] as number);
    if (!(w > 0.01)) return false;
    const x = (m[0] as number) * xM + (m[4] as number) * yM + (m[8] as number) * zM + (m[12] as number);
    const y = (m[1] as number) * xM + (m[5] as number) * yM + (m[9] as number) * zM + (m[13] as number);
    out[0] = (x / w + 1) * 0.5 * this.widthPx;
    out[1] = (1 - y / w) * 0.5 * this.heightPx;
    out[2] = this.pxPerMAtUnit / w;
    return true;
  }

  /** The point of the floor under a pixel, or null where one looks above the horizon. */
  floorAt(xPx: number, yPx: number): readonly [xM: number, yM: number] | null {
    const x = (xPx / this.widthPx) * 2 - 1;
    const y = 1 - (yPx / this.heightPx) * 2;
    const near = new Vector3(x, y, -1).applyMatrix4(this.#inverse);
    const far = new Vector3(x, y, 1).applyMatrix4(this.#inverse);
    const fall = near.z - far.z;
    if (!(fall > 1e-9)) return null;
    const share = near.z / fall;
    if (!(share >= 0 && share <= 1)) return null;
    return [near.x + (far.x - near.x) * share, near.y + (far.y - near.y) * share];
  }
}

function mapCamera(look: Look, size: { widthPx: number; heightPx: number }): OrthographicCamera {
  const halfX = size.widthPx / 2 / look.pxPerM;
  const halfY = size.heightPx / 2 / look.pxPerM;
  const camera = new OrthographicCamera(-halfX, halfX, halfY, -halfY, 1, CEILING_M * 3);
  camera.position.set(look.centreXM, look.centreYM, CEILING_M * 2);
  camera.up.set(0, 1, 0);
  camera.lookAt(look.centreXM, look.centreYM, 0);
  return camera;
}

function perspectiveCamera(look: Look, size: { widthPx: number; heightPx: number }): PerspectiveCamera {
  const distance = size.heightPx / 2 / Math.tan(FIELD_OF_VIEW_RAD / 2) / look.pxPerM;
  const flat = Math.sin(look.tiltRad) * distance;
  const degrees = (FIELD_OF_VIEW_RAD * 180) / Math.PI;
  const near = Math.max(0.2, distance * 0.05);
  const camera = new PerspectiveCamera(degrees, size.widthPx / size.heightPx, near, distance * 12 + 200);
  camera.position.set(
    look.centreXM - Math.sin(look.azimuthRad) * flat,
    look.centreYM - Math.cos(look.azimuthRad) * flat,
    Math.cos(look.tiltRad) * distance,
  );
  // Straight down, "up" is where one looks to; this holds for every tilt and never stands along the line of sight.
  camera.up.set(Math.sin(look.azimuthRad), Math.cos(look.azimuthRad), look.tiltRad > 0.01 ? 1 : 0);
  camera.lookAt(look.centreXM, look.centreYM, 0);
  return camera;
}

/** The whole site with a margin; in perspective tilted so that it fills the view in both directions, as far as that goes. */
export function fitLook(
  look: Look,
  site: { widthM: number; heightM: number },
  widthPx: number,
  heightPx: number,
): Look {
  const roomX = Math.max(1, widthPx - 2 * FIT_MARGIN_PX);
  const roomY = Math.max(1, heightPx - 2 * FIT_MARGIN_PX);
  const centred = { ...look, centreXM: site.widthM / 2, centreYM: site.heightM / 2, azimuthRad: 0 };
  const flat = boundScale(Math.min(roomX / Math.max(site.widthM, 1e-3), roomY / Math.max(site.heightM, 1e-3)));
  if (look.mode === 'map') return { ...centred, pxPerM: flat };
  // The steeper one looks down, the higher the site stands on the picture: the tilt at which it is as high as the room is.
  let [steep, low] = [FIT_STEEPEST_RAD, FIT_FLATTEST_RAD];
  let best = tiltedFit({ ...centred, pxPerM: flat, tiltRad: steep }, site, widthPx, heightPx);
  for (let k = 0; k < 8; k++) {
    const tiltRad = k === 0 ? low : (steep + low) / 2;
    const next = tiltedFit({ ...best.look, tiltRad }, site, widthPx, heightPx);
    if (next.boundByHeight) [steep, best] = [tiltRad, next];
    else low = tiltRad;
    if (steep >= low) break;
  }
  return { ...best.look, pxPerM: boundScale(best.look.pxPerM) };
}

/** At a given tilt: as near as the site still fits, and moved until as much room is left above it as below. */
function tiltedFit(
  from: Look,
  site: { widthM: number; heightM: number },
  widthPx: number,
  heightPx: number,
): { readonly look: Look; readonly boundByHeight: boolean } {
  const roomX = Math.max(1, widthPx - FIT_MARGIN_PX);
  const roomY = Math.max(1, heightPx - 2 * FIT_MARGIN_PX);
  let look = from;
  let boundByHeight = false;
  for (let k = 0; k < 7; k++) {
    const box = boxOf(new Lens(look, widthPx, heightPx), site);
    if (box === null) return { look: { ...look, pxPerM: look.pxPerM / 2 }, boundByHeight };
    const [shareX, shareY] = [roomX / box.widthPx, roomY / box.heightPx];
    boundByHeight = shareY <= shareX;
    const offM = (heightPx / 2 - box.middleYPx) / (look.pxPerM * Math.cos(look.tiltRad));
    look = { ...look, pxPerM: look.pxPerM * Math.min(shareX, shareY), centreYM: look.centreYM + offM };
  }
  return { look, boundByHeight };
}

/** The rectangle of the picture that the floor of the site takes, or null when a corner is behind the eye. */
function boxOf(lens: Lens, site: { widthM: number; heightM: number }) {
  const out = new Float64Array(3);
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const x of [0, site.widthM]) {
    for (const y of [0, site.heightM]) {
      if (!lens.project(x, y, 0, out)) return null;
      left = Math.min(left, out[0] as number);
      right = Math.max(right, out[0] as number);
      top = Math.min(top, out[1] as number);
      bottom = Math.max(bottom, out[1] as number);
    }
  }
  return { widthPx: Math.max(1, right - left), heightPx: Math.max(1, bottom - top), middleYPx: (top + bottom) / 2 };
}

/** Zooms by `factor` and keeps the point of the floor under the pixel where it is. */
export function zoomLook(lens: Lens, xPx: number, yPx: number, factor: number): Look {
  const next = { ...lens.look, pxPerM: boundScale(lens.look.pxPerM * factor) };
  const held = lens.floorAt(xPx, yPx);
  const now = new Lens(next, lens.widthPx, lens.heightPx).floorAt(xPx, yPx);
  if (held === null || now === null) return next;
  return { ...next, centreXM: next.centreXM + held[0] - now[0], centreYM: next.centreYM + held[1] - now[1] };
}

/** Moves what is seen as if the floor were held at one pixel and drawn to another. */
export function dragLook(lens: Lens, fromXPx: number, fromYPx: number, toXPx: number, toYPx: number): Look {
  const from = lens.floorAt(fromXPx, fromYPx);
  const to = lens.floorAt(toXPx, toYPx);
  if (from === null || to === null) return lens.look;
  const most = (lens.widthPx + lens.heightPx) / lens.look.pxPerM;
  const dx = clamp(from[0] - to[0], -most, most);
  const dy = clamp(from[1] - to[1], -most, most);
  return { ...lens.look, centreXM: lens.look.centreXM + dx, centreYM: lens.look.centreYM + dy };
}

/** Turns and tilts by so many pixels of the hand; the map does not turn. */
export function orbitLook(look: Look, dxPx: number, dyPx: number): Look {
  if (look.mode === 'map') return look;
  return {
    ...look,
    azimuthRad: wrap(look.azimuthRad + dxPx * 0.006),
    tiltRad: clamp(look.tiltRad - dyPx * 0.005, STEEPEST_RAD, FLATTEST_RAD),
  };
}

/** Off the site the middle of the picture is at most a tenth of it, and so few pixels that some of it stays in sight. */
const OFF_SHARE = 0.1;
const OFF_PX = 120;

/** Keeps the middle of the picture on the site, or at most a little off it. */
export function keepLook(look: Look, site: { widthM: number; heightM: number }): Look {
  const offM = OFF_PX / look.pxPerM;
  const [offX, offY] = [Math.min(site.widthM * OFF_SHARE, offM), Math.min(site.heightM * OFF_SHARE, offM)];
  const centreXM = clamp(look.centreXM, -offX, site.widthM + offX);
  const centreYM = clamp(look.centreYM, -offY, site.heightM + offY);
  return centreXM === look.centreXM && centreYM === look.centreYM ? look : { ...look, centreXM, centreYM };
}

/** A share of the way between two looks of one mode; scale by its logarithm, so that zooming feels even. */
export function betweenLooks(from: Look, to: Look, share: number): Look {
  const mix = (a: number, b: number): number => a + (b - a) * share;
  return {
    mode: to.mode,
    centreXM: mix(from.centreXM, to.centreXM),
    centreYM: mix(from.centreYM, to.centreYM),
    pxPerM: Math.exp(mix(Math.log(from.pxPerM), Math.log(to.pxPerM))),
    azimuthRad: from.azimuthRad + wrap(to.azimuthRad - from.azimuthRad) * share,
    tiltRad: mix(from.tiltRad, to.tiltRad),
  };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const boundScale = (pxPerM: number): number => clamp(pxPerM, LEAST_PX_PER_M, MOST_PX_PER_M);

/** Brings scale, direction and tilt into what the view can show. */
export const boundLook = (look: Look): Look => ({
  ...look,
  pxPerM: boundScale(look.pxPerM),
  azimuthRad: look.mode === 'map' ? 0 : wrap(look.azimuthRad),
  tiltRad: look.mode === 'map' ? 0 : clamp(look.tiltRad, STEEPEST_RAD, FLATTEST_RAD),
});

function wrap(rad: number): number {
  const turns = Math.round(rad / (2 * Math.PI));
  return rad - turns * 2 * Math.PI;
}
