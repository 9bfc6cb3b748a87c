import type { AgentStatus } from '@sigma/proto';

/** What a component can wait for. A topic's version grows when anything of that kind changed. */
export const TOPICS = ['roster', 'agents', 'missions', 'alerts', 'decisions', 'fences', 'marks'] as const;
export type Topic = (typeof TOPICS)[number];

/** An agent as lists show it. A new object for every change that a list shows, so that it can be compared by identity. */
export interface Agent {
  readonly id: string;
  /** Absent until its first status arrives. */
  readonly status: AgentStatus | undefined;
  readonly version: number;
  /** Whole percents of battery and whole seconds of age when stale, as last told. */
  readonly digest: string;
}
