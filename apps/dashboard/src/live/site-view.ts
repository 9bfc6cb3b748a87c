import type { AgentDecision, AgentPath, AgentScan, Alert, Fence, Mission } from '@sigma/proto';
import type { PoseColumns } from './poses.ts';
import type { Agent, Topic } from './topics.ts';

/** Position older than this: the robot is drawn grey, with its age. */
export const STALE_MS = 2_000;

/**
 * The site at one moment, as panels and the site view read it: now, told by the stream, or some past moment, computed
 * again from the record. Whoever reads through this interface shows the right thing in both without knowing which.
 *
 * Positions rest in typed arrays and are read by the frame loop through `sample`; everything else is read by components,
 * which hear of changes through topics (`useTopic`), at most a few times a second. Lists are never changed in place: a
 * list that changed is another list. Ages are of the shown moment; `nowMs` is always the page's monotonic clock, never
 * the browser's wall clock.
 */
export interface SiteView {
  /** Agents in the order of the pose columns. */
  readonly ids: readonly string[];
  /** Changes with the set of agents. */
  readonly roster: number;
  /** Grows with every change of positions: nothing moved while it stands still. */
  readonly messages: number;
  /** The shown moment in the hub's time, microseconds since 1970; 0 before the first message. */
  readonly timeUs: bigint;
  /** x, y of every person that robots see, metres. */
  readonly people: Float32Array;
  /** Columns as last told, without interpolation. */
  readonly newest: PoseColumns;
  /** The agent's place in the columns, or -1. */
  row(id: string): number;
  agent(id: string): Agent | undefined;
  agents(): Iterable<Agent>;
  mission(id: string): Mission | undefined;
  missions(): Mission[];
  alerts(): Alert[];
  /** What the agent decided up to the shown moment, newest first; as far as this page knows it. */
  decisions(id: string): readonly AgentDecision[];
  /** The whole site's decisions up to the shown moment, newest first; bounded, older ones are read from the hub. */
  allDecisions(): readonly AgentDecision[];
  /** Planned path of an agent that is followed. */
  path(id: string): AgentPath | undefined;
  /** Last lidar scan of an agent that is followed. */
  scan(id: string): AgentScan | undefined;
  /** What people have drawn on the floor and is in force. */
  fences(): readonly Fence[];
  /** Columns for a frame drawn at `nowMs`. The same arrays each time: read, do not keep. */
  sample(nowMs: number): PoseColumns;
  /** Milliseconds since the agent was last located, seen from the shown moment; Infinity when it never was. */
  ageMs(row: number, nowMs: number): number;
  /** Milliseconds since the stream last spoke; 0 for a past moment, which is complete. */
  silenceMs(nowMs: number): number;
  version(topic: Topic): number;
  subscribe(topic: Topic, listener: () => void): () => void;
}
