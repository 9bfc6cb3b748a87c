import { Canvas, createPortal, useFrame, useThree } from '@react-three/fiber';
import type { Site } from '@sigma/fleet-model';
import { type RefObject, Suspense, useEffect, useRef, useState } from 'react';
import type { MapLayer } from '../../frame/panel-port.ts';
import { SolidMap, type SolidMapPorts } from '../../site/solid/solid-map.ts';
import type { ShownSiteMap } from './view-port.ts';

interface SolidSiteProps {
  readonly frame: RefObject<HTMLElement | null>;
  readonly site: Site;
  readonly ports: SolidMapPorts;
  readonly theme: string;
  /** Layers of terrains that are shown. */
  readonly layers: readonly MapLayer[];
  readonly onMap: (map: ShownSiteMap | null) => void;
  /** The first picture stands. */
  readonly onPainted: () => void;
  readonly onLost: () => void;
  readonly onRestored: () => void;
}

const CONTEXT = {
  antialias: false,
  alpha: false,
  stencil: false,
  depth: true,
  powerPreference: 'high-performance',
} as const;

/**
 * The site in three dimensions. React builds the scene, and nothing of it renders again at message rate: the frame loop
 * asks the map whether anything changed, and draws only then.
 */
export function SolidSite(props: SolidSiteProps) {
  return (
    <div className="map-solid">
      <Canvas
        frameloop="never"
        dpr={[1, 2]}
        legacy
        linear
        flat
        gl={CONTEXT}
        resize={{ debounce: 0, scroll: false }}
        events={() => ({ enabled: false, priority: 0 })}
      >
        <Scene {...props} />
      </Canvas>
    </div>
  );
}

function Scene({ frame, site, ports, theme, layers, onMap, onPainted, onLost, onRestored }: SolidSiteProps) {
  const gl = useThree((state) => state.gl);
  const size = useThree((state) => state.size);
  const ratio = useThree((state) => state.viewport.dpr);
  const advance = useThree((state) => state.advance);
  const [map, setMap] = useState<SolidMap | null>(null);

  useEffect(() => {
    if (frame.current === null) return;
    const made = new SolidMap(gl, frame.current, gl.domElement, site, ports);
    setMap(made);
    onMap(made);
    let request = 0;
    made.drawNow = () => {
      if (made.tick()) advance(performance.now());
    };
    const tick = () => {
      request = requestAnimationFrame(tick);
      made.drawNow?.();
    };
    request = requestAnimationFrame(tick);
    return () => {
      cancelAnimationFrame(request);
      onMap(null);
      made.end();
    };
  }, [gl, frame, site, ports, advance, onMap]);

  useEffect(() => map?.resize(size.width, size.height, ratio), [map, size, ratio]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is what changed; the tokens are read from the page.
  useEffect(() => map?.recolour(), [map, theme]);

  useEffect(() => {
    const canvas = gl.domElement;
    const lost = (event: Event) => {
      event.preventDefault();
      onLost();
    };
    canvas.addEventListener('webglcontextlost', lost);
    canvas.addEventListener('webglcontextrestored', onRestored);
    return () => {
      canvas.removeEventListener('webglcontextlost', lost);
      canvas.removeEventListener('webglcontextrestored', onRestored);
    };
  }, [gl, onLost, onRestored]);

  // Told once: a state that is set with every picture, even to what it is, stays in React's queue until the next render.
  const told = useRef(false);
  useFrame(() => {
    if (map === null || map.size.widthPx <= 1) return;
    map.paint();
    if (!told.current) onPainted();
    told.current = true;
  }, 1);

  if (map === null) return null;
  return createPortal(
    <>
      <ambientLight intensity={1.6} />
      <directionalLight intensity={1.8} position={[-38, -52, 76]} />
      {layers.map(({ id, component: Layer }) => (
        <Suspense key={id} fallback={null}>
          <Layer />
        </Suspense>
      ))}
    </>,
    map.painter.moving,
  );
}
