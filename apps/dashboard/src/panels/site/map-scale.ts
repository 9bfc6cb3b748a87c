import { scaleBar } from '../../site/flat/viewport.ts';
import type { Look } from '../../site/solid/lens.ts';

/** The bar is two fifths of it at least: long enough for what stands on it. */
const LONGEST_PX = 170;

/** Writes scale and compass straight into the page: the camera moves more often than components should render. */
export function showScale(element: HTMLElement | null, look: Look): void {
  if (element === null) return;
  const { lengthM, lengthPx } = scaleBar(look.pxPerM, LONGEST_PX);
  const words = `${lengthM >= 1000 ? `${lengthM / 1000} km` : `${lengthM} m`}${look.mode === 'map' ? '' : ' here'}`;
  element.style.setProperty('--scale-px', `${lengthPx}px`);
  element.style.setProperty('--north', `${-look.azimuthRad}rad`);
  element.dataset['mode'] = look.mode;
  const text = element.querySelector('[data-scale]');
  if (text !== null && text.textContent !== words) text.textContent = words;
}
