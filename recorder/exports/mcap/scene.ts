import type { Json, Stimulus } from '@sigma/kernel';
import type { Opening } from '../../src/index.ts';

/** What a stimulus shows of its agent, in SI units, in the frame of the site: x east, y north, from the south-west corner. */
export type Shown =
  | { readonly kind: 'pose'; readonly xM: number; readonly yM: number; readonly headingRad: number }
  | {
      readonly kind: 'scan';
      /** Bearing of the first and the last ray against the heading, counterclockwise. */
      readonly startRad: number;
      readonly endRad: number;
      /** Metres along each ray; Infinity where nothing stands, NaN where there was no reading. */
      readonly rangesM: Float64Array;
    }
  /** Numbers of one channel, in the order of `channels` of the view. */
  | { readonly kind: 'numbers'; readonly channel: string; readonly values: Float64Array };

/** How an agent looks, standing in its own frame. */
export interface BodyShape {
  readonly radiusM: number;
  readonly heightM: number;
}

/** Somebody else whom an agent sees. */
export interface SeenOther {
  readonly id: string;
  readonly kind: string;
  readonly xM: number;
  readonly yM: number;
  readonly widthM: number;
}

/** How the chain of one agent is to be shown. */
export interface ChainScene {
  readonly body: BodyShape | null;
  /** Channels of numbers that `shown` gives: names of their fields, which are identifiers. */
  readonly channels: Readonly<Record<string, readonly string[]>>;
  /** What a stimulus shows, or null where it has no picture. Never throws on what a chain may hold. */
  shown(stimulus: Stimulus): Shown | null;
  /** Present where the writer can be run again. */
  readonly again?: Rerun;
}

/** A writer that is run again, from the beginning of its chain or from a snapshot of it. */
export interface Rerun {
  /**
   * Goes on from the state that a snapshot holds.
   *
   * @returns false when that is no state of this writer; then it is not run until another is
   */
  restore(state: Uint8Array): boolean;
  /**
   * Takes everything a wake was given and says where the agent then believed itself to be and whom it saw; of a computed
   * world, who was really where.
   */
  wake(atUs: number, inbox: readonly Stimulus[]): Belief;
}

export interface Belief {
  /** Null of one that stands nowhere: a world. */
  readonly place: { readonly xM: number; readonly yM: number; readonly headingRad: number } | null;
  /** Made anew with each scan; the same list means nothing new was seen. */
  readonly others: readonly SeenOther[];
}

/** A part of the floor with a name. */
export interface SceneZone {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  /** Cells of the floor's grid, numbered row by row from the north-west. */
  readonly cells: readonly number[];
}

/** The floor that agents stand on. */
export interface SceneFloor {
  readonly name: string;
  readonly columns: number;
  readonly rows: number;
  readonly cellM: number;
  /** 1 where nothing can stand; row by row from the north-west. */
  readonly blocked: Uint8Array;
  readonly zones: readonly SceneZone[];
  readonly places: readonly { readonly id: string; readonly kind: string; readonly xM: number; readonly yM: number }[];
}

/**
 * What a terrain knows about showing its recordings. The recorder is given it and imports no terrain.
 */
export interface TerrainScene {
  /** The floor that an opening's configuration describes in full, or null where it describes none. */
  floorOf(config: Json): SceneFloor | null;
  /** The scene of a chain, or null where its writer is none of this terrain. */
  chainOf(opening: Opening): ChainScene | null;
}
