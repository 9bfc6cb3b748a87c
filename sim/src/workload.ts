import type { NewMission, Place, Site } from '@sigma/fleet-model';
import { centreXM, centreYM } from '@sigma/fleet-model';
import { drawInt, drawUnit, purpose } from '@sigma/kernel';

const KIND = purpose('workload-kind');
const PLACE = purpose('workload-place');

/** Of a hundred missions so many deliver and so many patrol; the rest cover a zone, where the site has one. */
const DELIVERIES = 70;
const PATROLS = 22;
/** Work stays in a quarter of the site: from a station to one of so many nearest to it. */
const NEIGHBOURS = 8;

/**
 * Endless work for a site: mission number `index` of a seed is always the same. Deliveries between stations that are
 * near each other, patrols past two of them, and now and then a zone to cover.
 *
 * @param index 0, 1, 2 ...
 * @returns null when the site has fewer than two stations: there is nothing to carry and nowhere to go
 */
export function missionAt(site: Site, seed: number, index: number): NewMission | null {
  const { stations } = site;
  if (stations.length < 2) return null;
  const id = `w${String(index + 1).padStart(5, '0')}`;
  const choice = drawUnit(seed, 0, index, KIND, 0) * 100;
  const areas = site.zones.filter(({ kind }) => kind === 'area');
  const station = (n: number): number => drawInt(seed, 0, index, PLACE, n, stations.length);
  if (choice >= DELIVERIES + PATROLS && areas.length > 0) {
    const zone = areas[drawInt(seed, 0, index, PLACE, 0, areas.length)] as (typeof areas)[number];
    const goal = { kind: 'cover', zoneId: zone.id, polygon: null, robots: 2 } as const;
    return { id, name: `Cover ${zone.name}`, goal, priority: 2, createdBy: 'workload' };
  }
  const source = stations[station(0)] as Place;
  const near = nearest(site, source);
  const target = near[drawInt(seed, 0, index, PLACE, 1, near.length)] as Place;
  if (choice >= DELIVERIES) {
    const points = [source, target].map(({ cell }) => ({ xM: centreXM(site, cell), yM: centreYM(site, cell) }));
    const goal = { kind: 'patrol', points, rounds: 1, agentId: null } as const;
    return { id, name: `Patrol ${source.id} and ${target.id}`, goal, priority: 1, createdBy: 'workload' };
  }
  const goal = { kind: 'deliver', from: source.id, to: target.id, item: `crate-${id}`, agentId: null } as const;
  const name = `${source.id} to ${target.id}`;
  return { id, name, goal, priority: 1 + drawInt(seed, 0, index, KIND, 1, 3), createdBy: 'workload' };
}

/** The stations nearest to one, itself left out; ties by name. */
function nearest(site: Site, from: Place): readonly Place[] {
  const away = ({ cell }: Place): number => {
    const dx = centreXM(site, cell) - centreXM(site, from.cell);
    const dy = centreYM(site, cell) - centreYM(site, from.cell);
    return dx * dx + dy * dy;
  };
  const others = site.stations.filter(({ id }) => id !== from.id);
  return others.sort((a, b) => away(a) - away(b) || (a.id < b.id ? -1 : 1)).slice(0, NEIGHBOURS);
}

/**
 * How many missions to add so that four robots in five have something to do. The fifth stands ready for what a person
 * sends.
 *
 * @param open tasks not yet done of all missions under way
 */
export const missionsWanted = (robots: number, open: number): number => Math.max(0, Math.floor(robots * 0.8) - open);
