import type { Mission } from '@sigma/proto';
import { type SiteView, STALE_MS } from '../../live/site-view.ts';
import type { Agent } from '../../live/topics.ts';
import { type AgentState, agentState, LEVEL_ORDER } from '../../words/agent-state.ts';
import { taskName } from '../../words/mission-words.ts';
import { personWords, words } from '../../words/quantities.ts';

/** A robot as the fleet table sorts, filters and shows it. */
export interface FleetRow {
  readonly id: string;
  readonly agent: Agent;
  readonly state: AgentState;
  /** 0 for critical to 4 for calm: sorts the urgent first. */
  readonly urgency: number;
  /** 0 to 1, NaN where it is not known. */
  readonly battery: number;
  /** The task by the name of its mission. */
  readonly task: string;
  readonly failsafe: string;
  readonly mode: string;
  readonly holder: string;
  readonly body: string;
  /** Whole seconds when stale, else 0: a fresh robot's row does not change with its age. */
  readonly staleMs: number;
  /** Everything that the filter searches, in lower case. */
  readonly text: string;
}

interface Kept {
  readonly agent: Agent;
  readonly staleMs: number;
  readonly battery: number;
  readonly missions: number;
  readonly row: FleetRow;
}

/**
 * Rows of the fleet, made anew only for robots of which something shown has changed: a thousand quiet robots cost a
 * thousand comparisons.
 */
export class FleetRows {
  #kept = new Map<string, Kept>();

  /** `missions` is the version of the missions: names of tasks come from there. */
  read(live: SiteView, missions: number): FleetRow[] {
    const next = new Map<string, Kept>();
    const rows: FleetRow[] = [];
    const missionOf = (id: string) => live.mission(id);
    for (const agent of live.agents()) {
      const at = live.row(agent.id);
      const age = live.newest.ageMs[at] ?? Number.POSITIVE_INFINITY;
      const staleMs = age <= STALE_MS ? 0 : Number.isFinite(age) ? Math.round(age / 1_000) * 1_000 : age;
      const battery = Math.round((live.newest.battery[at] ?? Number.NaN) * 100) / 100;
      const before = this.#kept.get(agent.id);
      const same =
        before !== undefined &&
        before.agent === agent &&
        before.staleMs === staleMs &&
        Object.is(before.battery, battery) &&
        before.missions === missions;
      const kept = same
        ? before
        : { agent, staleMs, battery, missions, row: rowOf(agent, staleMs, battery, missionOf) };
      next.set(agent.id, kept);
      rows.push(kept.row);
    }
    this.#kept = next;
    return rows;
  }
}

function rowOf(
  agent: Agent,
  staleMs: number,
  battery: number,
  missionOf: (id: string) => Mission | undefined,
): FleetRow {
  const { status, id } = agent;
  const state = agentState(status, staleMs);
  const task = taskName(status?.taskId ?? '', missionOf);
  const failsafe = words(status?.failsafe ?? '');
  const [mode, body, holder] = [status?.mode ?? '', status?.body ?? '', personWords(status?.leaseHolder ?? '')];
  const text = [id, state.word, status?.taskId, task, body, holder, mode, failsafe].join(' ').toLowerCase();
  return {
    id,
    agent,
    state,
    urgency: LEVEL_ORDER[state.level],
    battery,
    task,
    failsafe,
    mode,
    holder,
    body,
    staleMs,
    text,
  };
}
