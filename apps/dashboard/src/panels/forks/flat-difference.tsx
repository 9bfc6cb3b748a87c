import { useCallback } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import type { FlatBrush } from '../../site/flat/flat-brush.ts';
import { useFlatPainter } from '../site/flat-painters.ts';
import { apartNow } from './apart.ts';
import { useOtherLife } from './other-place.ts';

const MOST = 200;
const RING_M = 0.58;

/** As the layer of the solid map: a line from where a robot is to where it is in the other life, and a ring there. */
export function FlatDifference() {
  const { live, nowMs } = useMissionControl();
  const other = useOtherLife();
  const paint = useCallback(
    (brush: FlatBrush) => {
      if (other === null) return;
      const [here, there] = [live.sample(nowMs()), other.sample(nowMs())];
      for (const { id } of apartNow(live, other, nowMs()).slice(0, MOST)) {
        const [from, to] = [live.row(id), other.row(id)];
        const [xM, yM] = [there.xM[to] as number, there.yM[to] as number];
        brush.line(here.xM[from] as number, here.yM[from] as number, xM, yM);
        brush.ring(xM, yM, RING_M);
      }
    },
    [live, nowMs, other],
  );
  useFlatPainter('--advisory', paint);
  return null;
}
