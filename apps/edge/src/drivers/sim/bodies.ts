import type { Command, Json, Stimulus } from '@sigma/kernel';
import type { SealedBlock, Sha256 } from '@sigma/recorder';
import type { BodyFault, DriverRecord } from '../../hal/driver.ts';

/** What an actuator was told last, and the moment, inclusive, until which it holds. */
export interface HeldCommand {
  readonly command: Command;
  readonly untilUs: number;
}

/** Simulated bodies, stepped by the body thread every 10 ms. Deterministic; the thread owns time. */
export interface Bodies {
  readonly stepUs: number;
  readonly capabilities: (agentId: string) => readonly string[];
  /** The terrain's word for no command (stand, motors on), and for brakes that need no power. */
  readonly rest: Command;
  readonly mechanical: Command;
  /**
   * One step, from `atUs` to one step later. Time may be missing between two steps, never within one.
   *
   * @param commands what each body holds, by agent id; the same object as long as nothing new was told
   * @returns what each body's sensors and actions say at the step's end
   */
  readonly step: (
    atUs: number,
    commands: ReadonlyMap<string, HeldCommand>,
    faults: readonly BodyFault[],
  ) => ReadonlyMap<string, readonly Stimulus[]>;
  /** Active faults of link and planners, by agent id. */
  readonly outside: () => ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** What an action came to, or null when the body never heard of it. */
  readonly actionStatus: (agentId: string, actionId: string) => Stimulus | null;
  /** What has happened to the bodies since the last call, as a block of their own chain; null: nothing, or no chain. */
  readonly seal: (withState: boolean, timeUs: number) => SealedBlock | null;
}

/** What simulated bodies are opened with, besides their own settings. */
export interface BodiesSetup {
  readonly agents: readonly { readonly id: string; readonly config: Json }[];
  /** Where the bodies' own chain continues; null: none is kept. */
  readonly record: DriverRecord | null;
  readonly sha256: Sha256;
  /** Agent time of the first step. */
  readonly atUs: number;
}

export type OpenBodies = (settings: Json, setup: BodiesSetup) => Bodies;
