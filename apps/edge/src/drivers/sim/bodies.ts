import type { Command, Json, Stimulus } from '@sigma/kernel';
import type { BodyFault } from '../../hal/driver.ts';

/** Simulated bodies, stepped by the body thread every 10 ms. Deterministic; the thread owns time. */
export interface Bodies {
  readonly stepUs: number;
  readonly capabilities: (agentId: string) => readonly string[];
  /** The terrain's word for no command (stand, motors on), and for brakes that need no power. */
  readonly rest: Command;
  readonly mechanical: Command;
  /**
   * One step, to `atUs`.
   *
   * @param commands what each body holds, by agent id
   * @returns what each body's sensors and actions say at `atUs`
   */
  readonly step: (
    atUs: number,
    commands: ReadonlyMap<string, Command>,
    faults: readonly BodyFault[],
  ) => ReadonlyMap<string, readonly Stimulus[]>;
  /** Active faults of link and planners, by agent id. */
  readonly outside: () => ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** What an action came to, or null when the body never heard of it. */
  readonly actionStatus: (agentId: string, actionId: string) => Stimulus | null;
}

export type OpenBodies = (settings: Json, agents: readonly { readonly id: string; readonly config: Json }[]) => Bodies;
