import type { AgentOptions } from '@sigma/kernel';
import type { SyncStanding } from '@sigma/recorder';
import type { Backoff, LinkStats } from './link/hub-link.ts';
import type { Percentiles } from './live/board.ts';
import type { Pace } from './live/clock.ts';
import type { BodyCounts } from './live/reflex-messages.ts';
import type { Part } from './live/terrain.ts';

export interface EdgeOptions {
  readonly tenant: string;
  readonly edgeId: string;
  /** File of the recording; made when there is none. */
  readonly recordingPath: string;
  /** Where this edge keeps its key and what it saw of its hub's recording; a folder of its name beside the recording. */
  readonly folder?: string;
  /** How often the hub is shown the heads of what was recorded; 10 s unless named. */
  readonly headsEveryMs?: number;
  /** Bound of what is sent of the recording, bytes a second; Infinity unless named. 0: nothing is sent. */
  readonly syncBytesPerS?: number;
  /** Bytes that the recording may take, about; beyond it drops what is least needed and says so (SPEC R127). No bound unless named: `spoolRoom` tells a fitting one. */
  readonly recordingMostBytes?: number;
  /** Null: no hub; the bodies live by their secondary planner. */
  readonly hub: { readonly url: string; readonly joinToken: string; readonly backoff?: Backoff } | null;
  readonly terrain: Part;
  readonly driver: Part;
  /** True where the bodies are simulated: fault orders pass. */
  readonly simulated: boolean;
  readonly bodies: readonly EdgeBody[];
  /** Name and version of the program, for the record. */
  readonly software: string;
  /** Numbered behaviour flags of the kernel. */
  readonly flags?: readonly number[];
  /** How the time of a simulated site passes; else it is the wall clock's. */
  readonly pace?: Pace;
  /** 0 inclusive to 1 exclusive; spreads reconnections. */
  readonly random?: () => number;
}

export interface EdgeBody extends Pick<AgentOptions, 'id' | 'role' | 'seed' | 'config'> {
  /** Kind of body, as the hub shows it. */
  readonly body: string;
}

export interface EdgeStats {
  readonly bodies: ReadonlyMap<string, BodyCounts>;
  /** How late ticks of the reflex loop began. */
  readonly lateness: Percentiles;
  /** From the moment of a frame to the write of the actuators. */
  readonly frameToWrite: Percentiles;
  /** From the cut of a block until the loop knew it to be on disk. */
  readonly commit: Percentiles;
  /** Times the reflex loop stood still for longer than its watchdog allows. */
  readonly stalls: number;
  /** Time since the loop's last tick began, as the main thread sees it, milliseconds. */
  readonly reflexSilentMs: number;
  readonly link: LinkStats | null;
  /** How far each chain has come to the hub, as of lately. */
  readonly sync: readonly SyncStanding[];
  /** Why the recorder can write no more, or null. */
  readonly recorderFailure: string | null;
}

export interface Edge {
  stats(): EdgeStats;
  /** From now on the time of a simulated site passes so. Its clock never goes back: it stands until the new pace has come up. */
  setPace(pace: Pace): void;
  /** Begins the histograms of `stats` anew. */
  forgetTimes(): void;
  /** Resolves when the edge has ended: null after `close`, an error when a thread died. */
  readonly ended: Promise<Error | null>;
  /** Stops the bodies' loop, puts everything on disk and ends all threads. */
  close(): Promise<void>;
  /** Tests of what holds the body when a part of this program hangs (law L5). */
  readonly hang: { readonly reflex: (forMs: number) => void; readonly planner: (forMs: number) => void };
}
