import {
  type Agent,
  type Command,
  createAgent,
  decodeState,
  type Restriction,
  type Stimulus,
  sameCommand,
  step,
  type TerrainModel,
} from '@sigma/kernel';
import type { ChainId } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import type { Snapshot } from '../payload/snapshot.ts';
import type { FactsTerrain, StretchFacts } from './facts.ts';
import { policyDifference, type RuleDifference, RuleWatch } from './rule-watch.ts';

/** What a changed policy is tried with, on the agents of one model. */
export interface Trial<World> {
  /** The model that the agent lived on. */
  readonly lived: TerrainModel<World>;
  /** The same under the changed policy. */
  readonly tried: TerrainModel<World>;
  /** How much a command gets done each second, in the terrain's own unit (a robot: metres); for what follows. */
  readonly pace: (command: Command) => number;
  /** What its rules read. */
  readonly facts: FactsTerrain<World>;
  /** False where, within these facts, no rule can have another outcome; null when facts cannot tell (rules of the reflex layer). */
  readonly mayDiffer: ((facts: StretchFacts) => boolean) | null;
}

/** One side of a decision: what goes out, who won and under what bounds. */
export interface DecisionSide {
  readonly command: Command;
  readonly authority: string;
  /** Source of the winner; empty where nobody proposed anything. */
  readonly source: string;
  readonly rationale: string;
  readonly restriction: Restriction;
}

/** A decision that would have been another, and for how long (SPEC R116). */
export interface Flip extends ChainId {
  /** First cycle at which it differs, and the last of an unbroken row. Agent time. */
  readonly atUs: number;
  readonly untilUs: number;
  /** The decision in force on record: the kernel's count, and its event (0 until it was looked up). */
  readonly decision: number;
  readonly event: number;
  readonly was: DecisionSide;
  readonly would: DecisionSide;
  readonly rules: readonly RuleDifference[];
  /** Cycles looked at in that time, and those of them at which another command goes out. */
  readonly looked: number;
  readonly flipped: number;
  /** By the pace of the recorded commands and of those that would have gone out: what was done, and what would have been. */
  readonly did: number;
  readonly wouldHaveDone: number;
}

/** What trying a policy on one chain came to. */
export interface TrialCount {
  wakes: number;
  evaluations: number;
  /** Cycles at which the outcome of rules differed. */
  differing: number;
  /** Rows of differing cycles in which nobody would have done otherwise. */
  withoutEffect: number;
  /** Agent time of the first such cycle, null when there was none. */
  firstUs: number | null;
}

type Open = { -readonly [Field in keyof Flip]: Flip[Field] };

/**
 * One chain's life, run again, with a changed policy looking on. Feed it with a beginning and then every wake; what
 * flips comes out by `take`.
 */
export class TrialRun<World> {
  readonly count: TrialCount = { wakes: 0, evaluations: 0, differing: 0, withoutEffect: 0, firstUs: null };
  readonly #trial: Trial<World>;
  readonly #opening: Opening;
  readonly #watch: RuleWatch<World>;
  #agent: Agent<World> | null = null;
  #open: Open | null = null;
  #flips: Flip[] = [];
  #lookedUs = 0;

  constructor(opening: Opening, trial: Trial<World>) {
    this.#opening = opening;
    this.#trial = trial;
    this.#watch = new RuleWatch(trial.lived, policyDifference(trial.lived.policy, trial.tried.policy));
  }

  /** Goes on from a state; from the beginning of the chain without one. */
  begin(restored: Snapshot | null): void {
    this.#close();
    if (restored !== null) this.#agent = decodeState(UTF8.decode(restored.state)) as Agent<World>;
    else {
      const { source, tenant, role, seed, epoch, flags, config, atUs } = this.#opening;
      this.#agent = createAgent(this.#trial.lived, { id: source, tenant, role, seed, epoch, flags, config, atUs });
    }
    this.#lookedUs = this.#agent.wokeUs;
  }

  /** @param counts false for a wake that only leads to the time that is looked at */
  wake(atUs: number, inbox: readonly Stimulus[], counts: boolean): void {
    const before = this.#agent;
    if (before === null) throw new Error('A trial needs a state to go on from');
    const watch = this.#watch;
    watch.begin();
    const { agent } = step(watch.model, before, inbox, atUs);
    this.#agent = agent;
    if (!counts) {
      this.#lookedUs = atUs;
      return;
    }
    this.count.wakes++;
    if (watch.evaluations === 0) return;
    this.count.evaluations++;
    const spanS = (atUs - this.#lookedUs) / 1e6;
    this.#lookedUs = atUs;
    if (watch.differing.length === 0) this.#close();
    else this.#try(before, agent, inbox, atUs, spanS);
  }

  /** Flips that have come to an end since it was last asked. */
  take(): readonly Flip[] {
    return this.#flips.splice(0);
  }

  /** Ends what is open: nothing differs where the next stretch is left out, or the recording ends. */
  end(): void {
    this.#close();
  }

  /** The kernel's count of the decision in force. */
  get decision(): number {
    return this.#agent?.decision?.sequence ?? 0;
  }

  /** The decision that an open difference began with; `Infinity` when none is open. */
  get openDecision(): number {
    return this.#open?.decision ?? Number.POSITIVE_INFINITY;
  }

  #try(before: Agent<World>, lived: Agent<World>, inbox: readonly Stimulus[], atUs: number, spanS: number): void {
    this.count.differing++;
    this.count.firstUs ??= atUs;
    const { agent: tried } = step(this.#trial.tried, before, inbox, atUs);
    const [was, would] = [sideOf(lived), sideOf(tried)];
    const flips = !sameCommand(was.command, would.command) || was.source !== would.source;
    const { tenant, source, epoch } = this.#opening;
    this.#open ??= {
      ...{ tenant, source, epoch, atUs, untilUs: atUs, decision: lived.decision?.sequence ?? 0, event: 0, was, would },
      ...{ rules: [...this.#watch.differing], looked: 0, flipped: 0, did: 0, wouldHaveDone: 0 },
    };
    const open = this.#open;
    open.looked++;
    open.untilUs = atUs;
    if (!flips) return;
    if (open.flipped === 0) {
      const decision = lived.decision?.sequence ?? 0;
      Object.assign(open, { atUs, was, would, decision, rules: [...this.#watch.differing] });
    }
    open.flipped++;
    open.did += this.#trial.pace(was.command) * spanS;
    open.wouldHaveDone += this.#trial.pace(would.command) * spanS;
  }

  #close(): void {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    if (open.flipped === 0) this.count.withoutEffect++;
    else this.#flips.push(open);
  }
}

function sideOf<World>({ command, decision, restriction }: Agent<World>): DecisionSide {
  const authority = decision?.authority ?? 'rest';
  const rationale = decision?.rationale ?? '';
  return { command, authority, source: decision?.chosen?.source ?? '', rationale, restriction };
}

const UTF8 = new TextDecoder();
