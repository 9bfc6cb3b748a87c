import type { ClampResult, Command, Restriction } from './command.ts';
import type { Expectation, PendingExpectation, PendingPromise, PromiseVerdict } from './expectation.ts';
import type { FailsafeCatalogue } from './failsafe.ts';
import type { KernelFlag } from './flags.ts';
import type { Json } from './json.ts';
import type { Intent, PlanState, Task } from './mission.ts';
import type { Proposal } from './proposal.ts';
import type { Policy } from './rule.ts';
import type { OperatingMode, Stimulus, StopKind } from './stimulus.ts';

/**
 * A terrain as the kernel sees it: perceptions, skills, reflex rules and expectations. Pure, and the same code in
 * Node, in the browser and on replay.
 *
 * `World` is the agent's belief. It must be plain data (JSON values and int32/float64 arrays) and is never changed in
 * place once `fold` has returned it.
 */
export interface TerrainModel<World> {
  readonly name: string;
  readonly version: number;
  /** Behaviour flags of the terrain's own, beside the kernel's; their numbers are 1000 and above. */
  readonly flags?: readonly KernelFlag[];
  readonly rates: Rates;
  readonly chain: ChainLimits;
  readonly failsafe: FailsafeCatalogue<World>;
  readonly reflexes: readonly Reflex<World>[];
  readonly policy: Policy<Situation<World>>;
  /** Numeric percept channels: field names in the order of a percept's `values`. */
  readonly channels: Readonly<Record<string, readonly string[]>>;

  /** Belief before the first stimulus, from the agent's configuration. `flags`: those in force, ascending, as long as the agent lives. */
  readonly initial: (config: Json, atUs: number, flags: readonly number[]) => World;
  /** Belief after one stimulus. Total: a stimulus that makes no sense leaves the world as it was, or marks it. */
  readonly fold: (world: World, stimulus: Stimulus, atUs: number) => World;

  /** The most cautious voluntary command: stand still, wait, do nothing. Survives every restriction. */
  readonly rest: Command;
  /** Applies the restriction in force. Usually `clampParams` and what only the terrain can judge. */
  readonly clamp: (command: Command, restriction: Restriction, world: World) => ClampResult;
  /** How much harm a command could do, >= 0; the rest command and every stop are 0. Orders caution for law L1. */
  readonly hazard: (command: Command) => number;

  /** Null to accept, or the reason why this agent cannot do the task. */
  readonly refuses: (world: World, task: Task) => string | null;
  /** Progress of the task by what was sensed. */
  readonly taskProgress: (world: World, task: Task) => 'running' | 'done' | 'failed';
  /** Progress of an intent that is not an action. */
  readonly intentProgress: (
    world: World,
    intent: Intent,
    sinceUs: number,
    atUs: number,
  ) => 'running' | 'done' | 'failed';
  /** The step with parameters, or null to wait. `id` and `key` are for an action, should this be one. */
  readonly parametrize: (intent: Intent, situation: Situation<World>, id: string, key: string) => Command | null;
  /** What the swarm asks of this agent: yield, keep a promise, queue. Authority `swarm` (or `mission`) only. */
  readonly swarm: (situation: Situation<World>) => readonly Proposal[];

  /** What this command should have done, or null where nothing can be predicted. */
  readonly expect: (world: World, command: Command, atUs: number) => Expectation | null;
  /** The present values of every quantity that expectations name. */
  readonly observe: (world: World, names: readonly string[]) => Readonly<Record<string, number>>;
  /**
   * True when something other than the command has shaped what came of it since the expectation was made, so that
   * nothing can be said (brakes that acted by themselves, a loop that stood still). Absent: never.
   */
  readonly excuses?: (world: World, expectation: PendingExpectation, atUs: number) => boolean;
  readonly promise: (world: World, promise: PendingPromise, atUs: number) => PromiseVerdict;
}

/** Data, not code: how often each layer of the cycle runs. */
export interface Rates {
  /** Wake this often without stimulus; null: only stimuli, deadlines and delays wake the agent. */
  readonly reflexUs: number | null;
  /** Situation layer at every n-th wake, >= 1. */
  readonly situationEvery: number;
  /** Supervision at every m-th wake, >= 1, and whenever interrupted. */
  readonly supervisionEvery: number;
}

/** When a planner counts as lost. Null: this terrain does not watch it. */
export interface ChainLimits {
  readonly primaryTimeoutUs: number | null;
  readonly secondaryTimeoutUs: number | null;
  /** The better planner must be heard without a break for this long before it is trusted again. */
  readonly recoverUs: number;
  /** That many violations of one planner's expectations inside the window suspend it. */
  readonly strikes: number;
  readonly strikeWindowUs: number;
  readonly suspendUs: number;
}

/** A rule from the present situation to safety proposals, evaluated at every wake. A value in the terrain's catalogue. */
export interface Reflex<World> {
  readonly id: string;
  /** Where the rule comes from, for the person who reads the decision: a standard and its clause. */
  readonly reference: string;
  readonly propose: (situation: Situation<World>) => ReflexAnswer | null;
}

/** Reflexes bound what wins; stopping is the failsafe's business, because a stop has a life after its cause. */
export interface ReflexAnswer {
  readonly restriction: Restriction;
  readonly rationale: string;
}

/** All that rules, reflexes, failsafe conditions and planners of one agent may look at. */
export interface Situation<World> {
  readonly atUs: number;
  readonly world: World;
  readonly mode: OperatingMode;
  readonly task: Task | null;
  readonly plan: PlanState | null;
  /** The command in force before this cycle, and since when a command of that name has been. */
  readonly command: Command;
  readonly commandSinceUs: number;
  /** What the operator who holds the lease asks for at this moment, as asked; null while nobody does. */
  readonly operator: Command | null;
  readonly chain: 'primary' | 'secondary' | 'mechanical';
  /** How long each has been silent; 0 for one that is not watched or has not been expected yet. */
  readonly linkSilentUs: number;
  readonly primarySilentUs: number;
  readonly secondarySilentUs: number;
  readonly stop: StopKind;
  /** Confidence of the plan in force, 1 without a plan. */
  readonly confidence: number;
  /** Violations of expectations inside the strike window. */
  readonly recentViolations: number;
  /** Signals of the runner, by name. */
  readonly signals: Readonly<Record<string, number>>;
}
