/** What the record shows of one decision, computed again in this browser. Plain data: it crosses from a worker. */
export interface Evidence {
  readonly place: RecordedPlace;
  readonly check: Recomputation;
  /** How long the decision was in force, microseconds; null while it still was at the end of what is on record. */
  readonly lastedUs: number | null;
  readonly readings: readonly EvidenceReading[];
  readonly seen: readonly SeenThing[];
  /** What the agent was given in the very cycle in which it decided. */
  readonly inbox: readonly InboxLine[];
  readonly expectations: ExpectationTrail;
  readonly plan: EvidencePlan | null;
  readonly policy: EvidencePolicy | null;
  /** What lost, in the order of the record, and whether it can be run; null where the moment was not computed again. */
  readonly alternatives: readonly EvidenceAlternative[] | null;
}

/** Something that a decision rejected. */
export interface EvidenceAlternative {
  /** From 1. */
  readonly number: number;
  readonly runnable: boolean;
  /** Why it cannot be run, or empty. */
  readonly because: string;
  /** Failsafe conditions that must be left out so that it wins. */
  readonly without: readonly string[];
}

/** Where the decision stands in the record. */
export interface RecordedPlace {
  readonly source: string;
  readonly epoch: number;
  /** Sequence of the event in its chain. */
  readonly event: number;
  /** Hash of the block that holds it, hex. */
  readonly block: string;
  readonly software: string;
  readonly model: string;
}

/** How far this browser could check it. */
export interface Recomputation {
  /** Blocks whose hash and link to the one before were found right. */
  readonly blocks: number;
  /** Cycles of the kernel that were run again. */
  readonly wakes: number;
  readonly result: 'same' | 'different' | 'not recomputed';
  /** Why it was not recomputed, or empty. */
  readonly because: string;
}

export interface EvidenceReading {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface SeenThing {
  readonly what: 'person' | 'robot' | 'object';
  /** Name of the peer whose word explains it, or empty. */
  readonly peer: string;
  readonly distanceM: number;
  readonly speedMps: number;
}

export interface InboxLine {
  /** "order", "plan", "percept" ... */
  readonly kind: string;
  readonly text: string;
}

/** One prediction made under the decision, and what came of it. */
export interface Prediction {
  readonly quantities: readonly PredictedQuantity[];
  /** Agent time, microseconds. */
  readonly madeUs: number;
  readonly dueUs: number;
  readonly verdict: 'kept' | 'violated' | 'overtaken' | 'open';
}

export interface PredictedQuantity {
  readonly name: string;
  readonly expected: number;
  readonly tolerance: number;
  /** NaN where nothing was seen, or not yet. */
  readonly came: number;
}

/** Predictions are renewed while a decision is in force: the first, the first violated, and how many were kept. */
export interface ExpectationTrail {
  readonly first: Prediction | null;
  readonly violated: Prediction | null;
  readonly kept: number;
  readonly made: number;
}

export interface EvidencePlan {
  readonly from: string;
  readonly revision: number;
  readonly step: number;
  readonly steps: readonly string[];
  readonly rationale: string;
  readonly confidence: number;
}

export interface EvidencePolicy {
  readonly version: string;
  readonly hash: string;
  /** "opening of r17, epoch 3" or the name of the default. */
  readonly source: string;
  readonly rules: readonly EvidenceRule[];
}

export interface EvidenceRule {
  readonly id: string;
  readonly hash: string;
  readonly rate: string;
  /** CEL as a person wrote it. */
  readonly when: string;
  /** What it does when it fires. */
  readonly effect: string;
  readonly rationale: string;
  /** Its place in the policy, from 1. */
  readonly place: number;
  /** The names that the condition reads, with the values they had. */
  readonly reads: readonly { readonly name: string; readonly value: string }[];
}

export interface EvidenceRequest {
  readonly agentId: string;
  readonly epoch: number;
  readonly sequence: number;
  /** Wall time at which the decision was written, microseconds since 1970: a little after it was made. */
  readonly timeUs: number;
  /** Agent time of the decision, microseconds. */
  readonly atUs: number;
}

/** The record does not hold the decision, or not yet. */
export class NotOnRecordError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'NotOnRecordError';
  }
}

/** What is on record is not what was written. */
export class BrokenRecordError extends NotOnRecordError {
  constructor(what: string) {
    super(what);
    this.name = 'BrokenRecordError';
  }
}
