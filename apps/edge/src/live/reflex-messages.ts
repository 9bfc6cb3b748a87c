import type { MessagePort } from 'node:worker_threads';
import type { AgentOptions } from '@sigma/kernel';
import type { Gap, Opening } from '@sigma/recorder';
import type { DriverSetup } from '../hal/driver.ts';
import type { RuntimeCounts } from '../runtime/runtime-words.ts';
import type { Uplink } from '../runtime/uplink.ts';
import type { Part } from './terrain.ts';

/** One body of this edge, in this life of it. */
export interface BodyLife {
  readonly agent: AgentOptions;
  /** Kind of body, as the hub shows it. */
  readonly body: string;
  readonly previousEpochHash: Uint8Array;
  /** What the epoch before began with; null in the first. */
  readonly before: Opening | null;
  readonly inFlight: readonly { readonly id: string; readonly name: string }[];
}

export interface ReflexThreadData {
  readonly terrain: Part;
  readonly driver: Part;
  readonly bodies: readonly BodyLife[];
  readonly simulated: boolean;
  readonly software: string;
  /** Memory of the `AgentClock`. */
  readonly clock: SharedArrayBuffer;
  /** Site time at which agent time was 0, microseconds since 1970. */
  readonly epochTimeUs: number;
  readonly board: SharedArrayBuffer;
  readonly recorder: MessagePort;
  readonly planner: MessagePort;
  readonly link: MessagePort;
  /** Where the driver keeps a chain of its own. */
  readonly driverRecord: DriverSetup['record'];
}

export type ToReflex =
  /** The hub's key for orders, 32 bytes; nothing is obeyed before it is known. */
  | { readonly type: 'key'; readonly key: Uint8Array }
  | { readonly type: 'order'; readonly agentId: string; readonly signedOrder: Uint8Array }
  /** The hub's heartbeat was heard. */
  | { readonly type: 'heard' }
  /** Something of this program's own that belongs on every body's record, such as frames that were shed. */
  | { readonly type: 'note'; readonly name: `edge.${string}`; readonly body: unknown }
  /** Blocks of a body's chain are about to be dropped for want of room. */
  | { readonly type: 'gap'; readonly agentId: string; readonly gap: Gap };

export type FromReflex =
  | { readonly type: 'open'; readonly capabilities: ReadonlyMap<string, readonly string[]> }
  | { readonly type: 'uplink'; readonly frames: readonly Uplink[] }
  | { readonly type: 'counts'; readonly counts: ReadonlyMap<string, BodyCounts> }
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly message: string };

export interface BodyCounts extends RuntimeCounts {
  readonly command: string;
  readonly chain: string;
  readonly durable: number;
  readonly cut: number;
}
