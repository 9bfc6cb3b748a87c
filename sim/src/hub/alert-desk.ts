import type { KernelEvent } from '@sigma/kernel';
import type { AgentStatus } from '@sigma/proto';

/** Something a person should know. */
export interface SimAlert {
  readonly agentId: string;
  /** Failsafe condition, or what the hub saw itself. */
  readonly cause: string;
  readonly text: string;
  readonly advice: string;
  readonly raisedUs: number;
  readonly clearedUs: number | null;
}

/** What changed, to be put on the hub's record. */
export interface AlertNews {
  readonly change: 'raised' | 'cleared';
  readonly alert: SimAlert;
}

/** Turns failsafe entries of robots and silences into alerts that stand until their cause is over. */
export class AlertDesk {
  readonly #open = new Map<string, SimAlert>();
  readonly #all: SimAlert[] = [];

  /** Every alert so far, in order of raising; those that ended know when. */
  get all(): readonly SimAlert[] {
    return this.#all;
  }

  hear(agentId: string, event: KernelEvent, atUs: number): AlertNews | null {
    if (event.type !== 'failsafe' || event.entry === null) return null;
    const { condition, cause, action } = event.entry;
    if (event.change === 'raised') return this.#raise(agentId, condition, `${cause} (${action})`, '', atUs);
    return event.change === 'cleared' ? this.#clear(agentId, condition, atUs) : null;
  }

  /** The status of a robot names what stands and what a person can do about it. */
  status(status: AgentStatus): void {
    for (const { condition, advice } of status.failsafeEntries) {
      const key = `${status.agentId} ${condition}`;
      const open = this.#open.get(key);
      if (open !== undefined && open.advice === '' && advice !== '') this.#replace(key, open, { ...open, advice });
    }
  }

  link(agentId: string, linked: boolean, atUs: number): AlertNews | null {
    if (linked) return this.#clear(agentId, 'unreachable', atUs);
    return this.#raise(agentId, 'unreachable', 'has not been heard', 'Check its radio and its power', atUs);
  }

  #raise(agentId: string, cause: string, text: string, advice: string, atUs: number): AlertNews | null {
    const key = `${agentId} ${cause}`;
    if (this.#open.has(key)) return null;
    const alert: SimAlert = { agentId, cause, text: `${agentId}: ${text}`, advice, raisedUs: atUs, clearedUs: null };
    this.#open.set(key, alert);
    this.#all.push(alert);
    return { change: 'raised', alert };
  }

  #clear(agentId: string, cause: string, atUs: number): AlertNews | null {
    const key = `${agentId} ${cause}`;
    const open = this.#open.get(key);
    if (open === undefined) return null;
    const alert = { ...open, clearedUs: atUs };
    this.#replace(key, open, alert);
    this.#open.delete(key);
    return { change: 'cleared', alert };
  }

  #replace(key: string, open: SimAlert, alert: SimAlert): void {
    this.#open.set(key, alert);
    this.#all[this.#all.indexOf(open)] = alert;
  }
}
