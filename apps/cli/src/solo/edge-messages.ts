import type { EdgeOptions, Pace } from '@sigma/edge';

/** How an edge and its hub are linked. */
export interface EdgeLinkTally {
  readonly connected: boolean;
  /** So often the hub has welcomed it. */
  readonly connections: number;
  /** Why the last connection ended, or never was; empty: none has ended. */
  readonly lastError: string;
}

/** What the edge did, as its process tells the one that started it. */
export interface EdgeTally {
  readonly robots: number;
  readonly decisions: number;
  readonly violations: number;
  readonly ordersRefused: number;
  /** Failsafe activations by action. */
  readonly failsafe: Readonly<Record<string, number>>;
  readonly linked: boolean;
  readonly link: EdgeLinkTally;
  readonly reflexStalls: number;
  readonly frameToWriteMs: { readonly p50: number; readonly p99: number; readonly p999: number };
  readonly recorderFailure: string | null;
}

export type ToEdge =
  | { readonly type: 'start'; readonly options: EdgeOptions }
  | { readonly type: 'tally' }
  /** The time of the simulated site passes so from now on. */
  | { readonly type: 'pace'; readonly pace: Pace }
  | { readonly type: 'close' };

export type FromEdge =
  | { readonly type: 'ready' }
  | { readonly type: 'started' }
  | { readonly type: 'tally'; readonly tally: EdgeTally }
  | { readonly type: 'closed'; readonly tally: EdgeTally }
  | { readonly type: 'failed'; readonly message: string };
