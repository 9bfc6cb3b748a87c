import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CompareForkResponseSchema, FlipSchema, Fork, TouchedAgent } from '@sigma/proto';
import type { S3Access } from '@sigma/recorder/archive';

/** An event on record, as a fork or a person names it. */
export interface NamedEvent {
  readonly source: string;
  readonly epoch: number;
  readonly sequence: number;
}

interface Job {
  readonly tenant: string;
  /** Recording or fork that it is about, a file. */
  readonly recording: string;
  /** Where the hub of this machine keeps how its database is reached. */
  readonly hubDir: string;
  /** Key of the server that archives in buckets rest on; null where there is none. */
  readonly s3: S3Access | null;
  /** A rule, a list of rules or a policy; empty: none. */
  readonly rule: string;
  /** Whom it concerns; empty: all. */
  readonly agents: readonly string[];
}

/** A fork to be made. Times are the hub's, microseconds since 1970. */
export interface ForkJob extends Job {
  readonly type: 'fork';
  readonly out: string;
  readonly start: { readonly atTimeUs: number } | { readonly event: NamedEvent };
  /** Of several edges that were at work at that time, the one that had this agent; empty: one that had whom it concerns. */
  readonly beside: string;
  /** Runs what the decision of that event rejected as its n-th; 0: nothing of it. */
  readonly alternative: number;
  readonly parameters: Readonly<Record<string, number>>;
  readonly without: readonly string[];
  readonly tasks: readonly {
    readonly agent: string;
    readonly kind: string;
    readonly argsJson: string;
    readonly priority: number;
  }[];
  readonly forUs: number;
}

/** A rule to be tried; 0: from an hour before the end, to the end. */
export interface TrialJob extends Job {
  readonly type: 'trial';
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
}

export type ForkOrTrial = ForkJob | TrialJob;

/** What a finished fork is, over what was asked for. */
export interface MadeFork
  extends Pick<
    Fork,
    'what' | 'atTimeUs' | 'endTimeUs' | 'loop' | 'cutShort' | 'agents' | 'wakes' | 'recomputed' | 'head'
  > {
  readonly touched: readonly Pick<TouchedAgent, 'agentId' | 'fromTimeUs' | 'divergedTimeUs'>[];
}

export interface TriedRule {
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
  readonly agents: number;
  readonly leftOut: readonly string[];
  readonly wakes: number;
  readonly evaluations: number;
  readonly flips: readonly MessageInitShape<typeof FlipSchema>[];
}

/** What the process says that does the work. */
export type FromForkProcess =
  | { readonly type: 'progress'; readonly done: number }
  | {
      readonly type: 'forked';
      readonly made: MadeFork;
      readonly comparison: MessageInitShape<typeof CompareForkResponseSchema>;
    }
  | { readonly type: 'tried'; readonly tried: TriedRule }
  /** `refused`: it cannot be done as it was asked for; else something is wrong with the recording or with us. */
  | { readonly type: 'failed'; readonly refused: boolean; readonly words: string };
