import type { Change } from '@sigma/recorder';
import type { PlannedFault } from '../fault-plan.ts';
import type { PolicyFile } from './policy-file.ts';

/** What to fork, where, and what is otherwise. */
export interface ForkRequest {
  /** Agent time, microseconds; wakes before it are shared. */
  readonly atUs: number;
  /** How long the fork goes on, microseconds. */
  readonly forUs: number;
  /** Agents that are changed; all when empty. */
  readonly agents: readonly string[];
  readonly policy: PolicyFile | null;
  readonly parameters: Change['parameters'];
  readonly without: Change['without'];
  readonly orders: Change['orders'];
  readonly faults: readonly PlannedFault[];
  /** In a sentence. */
  readonly what: string;
  /** Recomputes everybody, as a check of what is reused. */
  readonly everybody?: boolean;
}

/** A fork that cannot be made as it was asked for; the message says what would do. */
export class ForkRefusedError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'ForkRefusedError';
  }
}
