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
import type { FactStretch, FactsTerrain } from './facts.ts';
import { policyDifference, type RuleDifference, RuleWatch } from './rule-watch.ts';
import { type ForeseenRule, weigh } from './weigh.ts';

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
  /** The rules that only one of the policies has, those that were taken out first; null when facts cannot tell (rules of the reflex layer). */
  readonly foreseen: readonly ForeseenRule[] | null;
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

/** A stretch of a chain that nothing can be said of: events were dropped for want of room (SPEC R127). */
export interface TrialGap {
  /** The first and the last event that was dropped. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Agent time from which and up to which the life could not be run again; null: up to the end of what was asked. */
  readonly fromUs: number;
  readonly untilUs: number | null;
  /** Event of the snapshot from which it went on; 0 where none follows. */
  readonly resumedAt: number;
}

/** What trying a policy on one chain came to. */
export interface TrialCount {
  wakes: number;
  /** Evaluations of the changed rules, run again or weighed by facts. */
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
  readonly #fromUs: number;
  /** The last evaluation. */
  #lookedUs = 0;

  /** @param fromUs agent time from which on it counts */
  constructor(opening: Opening, trial: Trial<World>, fromUs: number) {
    this.#opening = opening;
    this.#trial = trial;
    this.#fromUs = Math.max(fromUs, opening.atUs);
    this.#watch = new RuleWatch(trial.lived, policyDifference(trial.lived.policy, trial.tried.policy));
  }

  /** Goes on from a state; from the beginning of the chain without one. */
  begin(restored: Snapshot | null): void {
    if (restored !== null) this.#agent = decodeState(UTF8.decode(restored.state)) as Agent<World>;
    else {
      const { source, tenant, role, seed, epoch, flags, config, atUs } = this.#opening;
      this.#agent = createAgent(this.#trial.lived, { id: source, tenant, role, seed, epoch, flags, config, atUs });
    }
  }

  /** The life cannot be followed any more: it may be gone on with by `begin`. */
  lose(): void {
    this.#close();
    this.#agent = null;
  }

  /** A wake of the life, run again. */
  wake(atUs: number, inbox: readonly Stimulus[]): void {
    const before = this.#agent;
    if (before === null) throw new Error('A trial needs a state to go on from');
    const watch = this.#watch;
    watch.begin();
    const { agent } = step(watch.model, before, inbox, atUs);
    this.#agent = agent;
    const counts = atUs >= this.#fromUs;
    if (counts) this.count.wakes++;
    if (watch.evaluations === 0) return;
    const spanS = this.#spanS(atUs);
    if (!counts) return;
    this.count.evaluations++;
    if (watch.differing.length === 0) this.#close();
    else this.#try(before, agent, inbox, atUs, spanS);
  }

  /** An evaluation that facts tell of, at which these rules fire; null where none does. */
  weighed(stretch: FactStretch, k: number, fired: readonly ForeseenRule[] | null): void {
    const atUs = stretch.times[k] as number;
    const spanS = this.#spanS(atUs);
    if (atUs < this.#fromUs) return;
    this.count.evaluations++;
    const shape = fired === null ? null : stretch.shape(k);
    const { lived, facts } = this.#trial;
    if (fired === null || shape === null || facts.brief === undefined) {
      this.#close();
      return;
    }
    const { was, would, sides } = weigh(stretch, k, shape, fired, lived, facts.brief);
    const rules = (): readonly RuleDifference[] =>
      fired.map(({ id, change }) => ({ rule: id, change, verdict: 'fires' }));
    this.#differs({ atUs, spanS, was, would, sides, rules, decision: stretch.decision(k), other: false });
  }

  /** Nothing differs up to that evaluation. */
  passed(untilUs: number): void {
    this.#close();
    if (untilUs > this.#lookedUs) this.#lookedUs = untilUs;
  }

  /** Flips that have come to an end since it was last asked. */
  take(): readonly Flip[] {
    return this.#flips.splice(0);
  }

  /** Ends what is open: the recording ends. */
  end(): void {
    this.#close();
  }

  /** Seconds since the evaluation before, as far as they count. */
  #spanS(atUs: number): number {
    const sinceUs = Math.max(this.#lookedUs, this.#fromUs);
    this.#lookedUs = atUs;
    return (atUs - sinceUs) / 1e6;
  }

  #try(before: Agent<World>, lived: Agent<World>, inbox: readonly Stimulus[], atUs: number, spanS: number): void {
    const { agent: tried } = step(this.#trial.tried, before, inbox, atUs);
    const [was, would] = [sideOf(lived), sideOf(tried)];
    this.#differs({
      ...{ atUs, spanS, was: was.command, would: would.command, sides: () => [was, would] },
      ...{ rules: () => [...this.#watch.differing], decision: lived.decision?.sequence ?? 0 },
      other: was.source !== would.source,
    });
  }

  #differs({ atUs, spanS, was, would, sides, rules, decision, other }: Difference): void {
    this.count.differing++;
    this.count.firstUs ??= atUs;
    const flips = other || !sameCommand(was, would);
    if (this.#open === null) {
      const { tenant, source, epoch } = this.#opening;
      const [before, after] = sides();
      this.#open = {
        ...{ tenant, source, epoch, atUs, untilUs: atUs, decision, event: 0, was: before, would: after },
        ...{ rules: rules(), looked: 0, flipped: 0, did: 0, wouldHaveDone: 0 },
      };
    }
    const open = this.#open;
    open.looked++;
    open.untilUs = atUs;
    if (!flips) return;
    if (open.flipped === 0) {
      const [before, after] = sides();
      Object.assign(open, { atUs, was: before, would: after, decision, rules: rules() });
    }
    open.flipped++;
    open.did += this.#trial.pace(was) * spanS;
    open.wouldHaveDone += this.#trial.pace(would) * spanS;
  }

  #close(): void {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    if (open.flipped === 0) this.count.withoutEffect++;
    else this.#flips.push(open);
  }
}

/** A cycle at which the outcome of rules differs. */
interface Difference {
  readonly atUs: number;
  readonly spanS: number;
  readonly was: Command;
  readonly would: Command;
  readonly sides: () => readonly [was: DecisionSide, would: DecisionSide];
  readonly rules: () => readonly RuleDifference[];
  readonly decision: number;
  /** Another source wins. */
  readonly other: boolean;
}

function sideOf<World>({ command, decision, restriction }: Agent<World>): DecisionSide {
  const authority = decision?.authority ?? 'rest';
  const rationale = decision?.rationale ?? '';
  return { command, authority, source: decision?.chosen?.source ?? '', rationale, restriction };
}

const UTF8 = new TextDecoder();
