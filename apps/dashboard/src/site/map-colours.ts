import type { Level } from '../words/agent-state.ts';

/** The map's colours and type, read from the tokens for each theme and size: a canvas knows no custom properties. */
export interface MapColours {
  readonly void: string;
  readonly floor: string;
  readonly wall: string;
  readonly wallEdge: string;
  readonly arrow: string;
  readonly dock: string;
  readonly charger: string;
  readonly station: string;
  readonly zone: string;
  readonly zoneRestricted: string;
  readonly zoneSlow: string;
  readonly robotEdge: string;
  readonly person: string;
  readonly stale: string;
  readonly path: string;
  readonly lidar: string;
  readonly halo: string;
  readonly accent: string;
  readonly ink: string;
  readonly name: string;
  readonly level: Readonly<Record<Level, string>>;
  readonly font: string;
  /** Size of the words on the map, pixels of the page. */
  readonly textPx: number;
}

export function readMapColours(element: Element): MapColours {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    void: token('--map-void'),
    floor: token('--map-floor'),
    wall: token('--map-wall'),
    wallEdge: token('--map-wall-edge'),
    arrow: token('--map-arrow'),
    dock: token('--map-dock'),
    charger: token('--map-charger'),
    station: token('--map-station'),
    zone: token('--map-zone'),
    zoneRestricted: token('--map-zone-restricted'),
    zoneSlow: token('--map-zone-slow'),
    robotEdge: token('--map-robot-edge'),
    person: token('--map-person'),
    stale: token('--map-stale'),
    path: token('--map-path'),
    lidar: token('--map-lidar'),
    halo: token('--map-halo'),
    accent: token('--accent'),
    ink: token('--ink'),
    name: token('--map-name'),
    level: {
      calm: token('--map-robot'),
      info: token('--info'),
      advisory: token('--advisory'),
      warning: token('--warning'),
      critical: token('--critical'),
    },
    font: token('--font-sans') || 'sans-serif',
    textPx: Math.round(Number.parseFloat(token('--map-text'))) || 12,
  };
}
