import type { Terrain } from '@sigma/edge';
import type { FleetBelief } from '@sigma/fleet-model';
import type { Json, TerrainModel } from '@sigma/kernel';
import type { Change, Life, Lineage, LivedWake, LostLife, PlacedOrder, Sha256 } from '@sigma/recorder';
import type { PlannedFault } from '../fault-plan.ts';

/** What a fork is made of, before it runs. */
export interface ForkParts {
  readonly worldLife: Life;
  readonly lives: readonly Life[];
  /** True where robots wake with every step of the world, as in a simulation; else a program in real time woke them. */
  readonly everyStep: boolean;
  /** From when on agents are recomputed that the change touches by itself. */
  readonly touchedFrom: ReadonlyMap<string, number>;
  readonly faults: readonly PlannedFault[];
  readonly orders: readonly PlacedOrder[];
  readonly software: string;
  readonly sha256: Sha256;
  readonly change: Change;
  /** @param wake the last one that a chain shares with its parent; `atUs` the first moment that it does not */
  readonly lineageFrom: (wake: LivedWake, atUs: number, change: Change) => Lineage;
  /** @param fromUs the first moment that the agent does not share with its parent */
  readonly robotParts: (agent: string, fromUs: number) => RobotParts;
}

/** Where a fork ends before its time because events of somebody's recorded life were dropped. */
export interface LostOf extends LostLife {
  readonly source: string;
}

/** How a robot lived, and how it lives in the fork. */
export interface RobotParts {
  readonly terrain: Terrain<FleetBelief>;
  readonly changed: TerrainModel<FleetBelief>;
  readonly policyText: string;
  /** The agent's configuration with the whole record of its site, for a fork that holds no world. */
  readonly config: Json;
  /** What was changed of this robot, as its lineage says it. */
  readonly change: Change;
  readonly sha256: Sha256;
  readonly software: string;
}

/** A fork where nobody knows yet whether there is a world. */
export interface PreparedFork extends Omit<ForkParts, 'worldLife'> {
  readonly worldLife: Life | null;
  readonly atUs: number;
  /** Wakes that were run again to see whom the policy touches. */
  readonly looked: number;
}
