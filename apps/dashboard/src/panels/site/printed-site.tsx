import { useEffect, useRef } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { drawPrint } from '../../site/flat/site-map.ts';
import { readMapColours } from '../../site/map-colours.ts';

const WIDTH_PX = 2_000;

/** The whole site as paper gets it: drawn when a person prints, in the light theme, at the moment that is shown. */
export function PrintedSite() {
  const { live, site, nowMs } = useMissionControl();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const draw = () => {
      if (canvas.current === null) return;
      canvas.current.width = WIDTH_PX;
      canvas.current.height = Math.round((WIDTH_PX * (site.height + 4)) / (site.width + 4));
      drawPrint(canvas.current, site, live, readMapColours(canvas.current), nowMs());
    };
    window.addEventListener('beforeprint', draw);
    return () => window.removeEventListener('beforeprint', draw);
  }, [live, site, nowMs]);
  return <canvas className="map-print" ref={canvas} data-theme="light" />;
}
