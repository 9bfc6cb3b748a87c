import { BODIES } from '@sigma/fleet-model';
import { type SiteView, STALE_MS } from '../live/site-view.ts';
import type { Agent } from '../live/topics.ts';
import { type AgentState, agentState, type Level, type Shape } from '../words/agent-state.ts';

export const LEVELS: readonly Level[] = ['calm', 'info', 'advisory', 'warning', 'critical'];

/** The sign around a body for each shape of its state; null: the body alone says it. */
export type Sign = 'octagon' | 'triangle' | 'diamond' | null;

const SIGNS: Readonly<Record<Shape, Sign>> = {
  octagon: 'octagon',
  triangle: 'triangle',
  diamond: 'diamond',
  dot: null,
  ring: null,
  bars: null,
  dashed: null,
};

export const signOf = (shape: Shape): Sign => SIGNS[shape];

/**
 * How each body looks, one row an agent in the order of the pose columns. Changes a few times a second, not with each
 * message, so that ten thousand bodies cost a frame nothing but their positions.
 */
export class BodyTable {
  count = 0;
  /** Grows with every change of a look. */
  revision = 0;
  humanoid = new Uint8Array(0);
  /** Index into LEVELS. */
  level = new Uint8Array(0);
  stale = new Uint8Array(0);
  radiusM = new Float32Array(0);
  states: AgentState[] = [];
  /** Rows whose state is not calm, or whose position is old. */
  abnormal: number[] = [];
  #agents: (Agent | undefined)[] = [];
  #ids: readonly string[] = [];

  /** @returns whether anything changed */
  update(live: SiteView, nowMs: number): boolean {
    const { ids } = live;
    if (ids !== this.#ids || ids.length !== this.count) this.#resize(ids);
    let changed = false;
    for (let row = 0; row < ids.length; row++) {
      const agent = live.agent(ids[row] as string);
      const stale = live.ageMs(row, nowMs) > STALE_MS ? 1 : 0;
      if (agent === this.#agents[row] && stale === this.stale[row]) continue;
      this.#agents[row] = agent;
      this.#put(row, agent, stale);
      changed = true;
    }
    if (!changed) return false;
    this.abnormal = [];
    for (let row = 0; row < this.count; row++) {
      if ((this.level[row] as number) > 0 || this.stale[row] === 1) this.abnormal.push(row);
    }
    this.revision++;
    return true;
  }

  #put(row: number, agent: Agent | undefined, stale: number): void {
    const state = agentState(agent?.status, 0);
    const humanoid = agent?.status?.body === 'humanoid';
    this.states[row] = state;
    this.stale[row] = stale;
    this.humanoid[row] = humanoid ? 1 : 0;
    this.level[row] = LEVELS.indexOf(state.level);
    this.radiusM[row] = (humanoid ? BODIES.humanoid : BODIES.carrier).radiusM;
  }

  #resize(ids: readonly string[]): void {
    const count = ids.length;
    this.#ids = ids;
    this.count = count;
    this.humanoid = new Uint8Array(count);
    this.level = new Uint8Array(count);
    this.stale = new Uint8Array(count).fill(2);
    this.radiusM = new Float32Array(count);
    this.states = new Array(count);
    this.#agents = new Array(count);
    this.revision++;
  }
}
