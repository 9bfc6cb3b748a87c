import { useCallback, useContext } from 'react';
import type { FlatBrush } from '../../site/flat/flat-brush.ts';
import { useFlatPainter } from '../site/flat-painters.ts';
import { Ghosts } from './ghosts.ts';

const MOST = 200;
const RING_M = 0.74;

/** As the layer of the solid map: rings where an import says that things are, where they look, what they see. */
export function FlatGhosts() {
  const places = useContext(Ghosts);
  const paint = useCallback(
    (brush: FlatBrush) => {
      for (const { xM, yM, headingRad, pointsM } of (places?.get() ?? []).slice(0, MOST)) {
        for (let k = 0; k + 1 < pointsM.length; k += 2) brush.dot(pointsM[k] as number, pointsM[k + 1] as number);
        brush.ring(xM, yM, RING_M);
        brush.nose(xM, yM, headingRad, RING_M);
      }
    },
    [places],
  );
  useFlatPainter('--simulation', paint);
  return null;
}
