import type { AgentMemory, AgentReport, Errand, MissionView, Stop, SupervisorState } from './port.ts';

/** Of an agent, all but what it reports (its host keeps that) and its stops, which are long and never change. */
type KeptAgent = Omit<AgentMemory, 'report' | 'errand'> & {
  readonly errand: Omit<Errand, 'stops'> | null;
};
type Rest = Pick<SupervisorState, 'traffic' | 'obstacles' | 'fences' | 'madeUp'> & {
  readonly missions: readonly string[];
};

/**
 * The state in parts, so that whoever keeps it writes only those that changed: a fleet at work changes a few hundred bytes
 * of every robot in each moment, and a thousand times as much stays as it was. Auctions are left out: they are held again.
 */
export function splitState(state: SupervisorState): ReadonlyMap<string, unknown> {
  const parts = new Map<string, unknown>();
  for (const [id, { report: _, errand, ...memory }] of Object.entries(state.agents)) {
    if (errand === null) parts.set(`agent ${id}`, { ...memory, errand });
    else {
      const { stops, ...way } = errand;
      parts.set(`agent ${id}`, { ...memory, errand: way });
      parts.set(`stops ${id}`, stops);
    }
  }
  for (const mission of state.missions) parts.set(`mission ${mission.id}`, mission);
  const { traffic, obstacles, fences, madeUp } = state;
  const rest: Rest = { traffic, obstacles, fences, madeUp, missions: state.missions.map(({ id }) => id) };
  parts.set('rest', rest);
  return parts;
}

/**
 * The state again, from its parts and the last reports of its agents. One of which no report is known is left out.
 *
 * @throws TypeError when a part that must be there is missing
 */
export function joinState(
  parts: ReadonlyMap<string, unknown>,
  reports: ReadonlyMap<string, AgentReport>,
): SupervisorState {
  const part = <T>(key: string): T => {
    if (!parts.has(key)) throw new TypeError(`the part '${key}' is missing`);
    return parts.get(key) as T;
  };
  const agents: Record<string, AgentMemory> = {};
  for (const [id, report] of reports) {
    if (!parts.has(`agent ${id}`)) continue;
    const { errand, ...memory } = part<KeptAgent>(`agent ${id}`);
    const way = errand === null ? null : { ...errand, stops: part<readonly Stop[]>(`stops ${id}`) };
    agents[id] = { ...memory, report, errand: way };
  }
  const { missions, ...rest } = part<Rest>('rest');
  return { ...rest, agents, missions: missions.map((id) => part<MissionView>(`mission ${id}`)), auctions: {} };
}
