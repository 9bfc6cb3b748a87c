import type { Site } from '@sigma/fleet-model';
import { type RefObject, useEffect, useRef } from 'react';
import { SiteMap, type SiteMapPorts } from '../../site/flat/site-map.ts';
import type { ShownSiteMap } from './view-port.ts';

interface FlatSiteProps {
  readonly frame: RefObject<HTMLElement | null>;
  readonly site: Site;
  readonly ports: SiteMapPorts;
  readonly theme: string;
  readonly onMap: (map: ShownSiteMap | null) => void;
}

/** The site from above, drawn without WebGL. */
export function FlatSite({ frame, site, ports, theme, onMap }: FlatSiteProps) {
  const still = useRef<HTMLCanvasElement>(null);
  const moving = useRef<HTMLCanvasElement>(null);
  const map = useRef<SiteMap | undefined>(undefined);

  useEffect(() => {
    if (frame.current === null || still.current === null || moving.current === null) return;
    const made = new SiteMap(frame.current, still.current, moving.current, ports);
    made.show(site);
    map.current = made;
    onMap(made);
    return () => {
      onMap(null);
      made.end();
    };
  }, [frame, site, ports, onMap]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is what changed; the tokens are read from the page.
  useEffect(() => map.current?.recolour(), [theme]);

  return (
    <>
      <canvas className="map-flat" ref={still} />
      <canvas className="map-flat" ref={moving} data-testid="map-flat" />
    </>
  );
}
