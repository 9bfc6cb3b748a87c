import type { TerrainPart } from '../frame/panel-port.ts';
import { fleetTerrain } from './fleet.tsx';

/** Every terrain that the page can show. */
export const TERRAINS: readonly TerrainPart[] = [fleetTerrain];
