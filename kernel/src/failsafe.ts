import type { Command, Restriction } from './command.ts';
import type { Situation } from './model.ts';

/**
 * The failsafe framework, in the shape of PX4's (src/modules/commander/failsafe): conditions only report, actions have
 * a total order of severity, the most severe active one wins, and each entry knows its cause and how it clears.
 */

/** What is done. Actions are values of the terrain; severities are distinct. */
export interface FailsafeAction<World> {
  readonly id: string;
  /** > 0; greater is more severe. */
  readonly severity: number;
  /** Proposed with authority `safety` while this is the selected action; null for an action that only bounds or warns. */
  readonly command: Command | null;
  /** Holds while any entry with this action is active, selected or not. */
  readonly restriction: Restriction | null;
  /** IEC 60204-1 stop category, for the interface; null when it does not stop. */
  readonly stopCategory: 0 | 1 | 2 | null;
  /** True to tell peers and the hub when the action becomes active. */
  readonly broadcast: boolean;
  readonly canRun: (situation: Situation<World>) => boolean;
  /** The next, more severe action when this one cannot run; null: the chain's mechanical end. */
  readonly degradesTo: string | null;
}

/**
 * - `when_clears`: ends with its condition.
 * - `on_mode_change`: ends once the condition is gone and the operating mode changes.
 * - `on_acknowledge`: ends once the condition is gone and a person has acknowledged it.
 * - `on_reset`: ends once the condition is gone, a person has acknowledged it and then reset.
 * - `never`: final for this epoch.
 */
export type ClearCondition = 'when_clears' | 'on_mode_change' | 'on_acknowledge' | 'on_reset' | 'never';

/** `after_hold`: not while the hold delay runs. */
export type TakeoverRule = 'allowed' | 'after_hold' | 'never';

export interface FailsafeCondition<World> {
  readonly id: string;
  /** The action it asks for. */
  readonly action: string;
  readonly cause: string;
  /** What a person should do about it. */
  readonly advice: string;
  /** `active`: whether the entry already stands, so that a condition can have hysteresis. */
  readonly holds: (situation: Situation<World>, active: boolean) => boolean;
  readonly clear: ClearCondition;
  /** Time in the catalogue's hold action before its own action, >= 0. Shrinks while it runs, regrows at a quarter of the pace. */
  readonly holdDelayUs: number;
  readonly takeover: TakeoverRule;
  readonly deferrable: boolean;
}

export interface FailsafeCatalogue<World> {
  readonly actions: readonly FailsafeAction<World>[];
  readonly conditions: readonly FailsafeCondition<World>[];
  /** Id of the action that runs during a hold delay. */
  readonly hold: string;
  /** Id of the action at the end of the chain: the most severe one, always able to run. */
  readonly mechanical: string;
  /** Longest time that a deferral holds actions back. */
  readonly deferLimitUs: number;
}

/** One condition's entry. */
export interface FailsafeEntry {
  readonly condition: string;
  /** The action asked for, before delay and degradation. */
  readonly action: string;
  readonly cause: string;
  readonly sinceUs: number;
  /** False when the condition is gone and the entry waits for its clear condition. */
  readonly present: boolean;
  readonly acknowledgedBy: string | null;
  /** True while the hold delay runs. */
  readonly holding: boolean;
}

export interface FailsafeState {
  readonly entries: readonly FailsafeEntry[];
  /** Hold delay left for each condition that has used some of it, in microseconds. */
  readonly delayLeftUs: Readonly<Record<string, number>>;
  /** The action in force, after delay, takeover, deferral and degradation. */
  readonly selected: string | null;
  /** Condition that asks for it. */
  readonly selectedBy: string | null;
  readonly takeover: boolean;
  readonly deferUntilUs: number | null;
  readonly updatedUs: number;
}
