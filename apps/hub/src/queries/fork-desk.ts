import type { CompareForkResponse, Flip, Fork, MakeForkRequest, Trial, TryRuleRequest } from '@sigma/proto';
import type { BlockReader } from './records.ts';

/** A trial of a rule with the decisions that it flips, in the order of time; those come with its end. */
export interface TrialWithFlips {
  readonly trial: Trial;
  readonly flips: readonly Flip[];
}

/**
 * Whoever lets recorded lives go on otherwise. The hub knows neither terrains nor how a life is run again: its composition
 * brings a desk that does, or none. Work is done one piece after another, apart from the hub; what is asked for stands in
 * the list at once and changes as it goes on.
 */
export interface ForkDesk {
  /** Newest first, those of earlier hubs among them. */
  forks(): readonly Fork[];
  /** Those of this hub, newest first. */
  trials(): readonly Trial[];
  fork(id: string): Fork | undefined;
  trial(id: string): TrialWithFlips | undefined;
  /**
   * Begins a fork, or says which one the same key began.
   *
   * @param by who asked for it
   * @throws ForkRefusal
   */
  make(request: MakeForkRequest, by: string, nowUs: number): Fork;
  /** Ends the making; a fork that is made stays. */
  cancel(id: string): void;
  /** Deletes a fork that nothing is made of. @throws ForkRefusal */
  remove(id: string): void;
  /** @throws ForkRefusal when it is not made */
  comparison(id: string): CompareForkResponse;
  /**
   * The fork with all that it shares; epochs name pieces of its timeline.
   *
   * @param recorded what was recorded, which it goes back to, instead
   * @throws ForkRefusal
   */
  open(id: string, recorded: boolean): Promise<BlockReader>;
  /** @throws ForkRefusal */
  tryRule(request: TryRuleRequest, by: string, nowUs: number): Trial;
  cancelTrial(id: string): void;
  /** Calls back whenever a fork or a trial of that id changed. @returns how to end it */
  onChange(heard: (id: string) => void): () => void;
}

/** What cannot be forked or tried as it was asked for; the words say what would do. */
export class ForkRefusal extends Error {
  readonly kind: 'missing' | 'invalid' | 'busy' | 'not yet' | 'damaged';
  /** Line of the rule that is broken, from 1; 0 when none is. */
  readonly line: number;

  constructor(kind: ForkRefusal['kind'], words: string, line = 0) {
    super(words);
    this.name = 'ForkRefusal';
    this.kind = kind;
    this.line = line;
  }
}
