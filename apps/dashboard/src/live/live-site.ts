import { equals } from '@bufbuild/protobuf';
import {
  type AgentDecision,
  type AgentPath,
  type AgentScan,
  type AgentStatus,
  type Alert,
  type FailsafeEntry,
  FailsafeEntrySchema,
  type Fence,
  type Mark,
  type Mission,
  type WatchSiteResponse,
} from '@sigma/proto';
import { DecisionBook } from './decision-book.ts';
import { emptyPoses, interpolatePoses, type PoseColumns } from './poses.ts';
import { type SiteView, STALE_MS } from './site-view.ts';
import { TopicBoard } from './topic-board.ts';
import type { Agent, Topic } from './topics.ts';

/** Marks kept for the time bar; older ones are read from the hub. */
const MARKS_KEPT = 2_000;
/** Cleared alerts and finished missions kept for the lists. */
const HISTORY_KEPT = 200;

/** What became of a message. `unknown_roster`: columns for a roster this page never saw; the stream must start anew. */
export type Folded = 'folded' | 'unknown_roster';

/**
 * The live site: everything the stream said, folded. Positions rest in typed arrays and are read by the frame loop;
 * the rest is read by components, which hear of a change through coarse topics, at most a few times a second.
 *
 * `schedule` runs a function a little later (it gathers changes into one notification); times are those of one
 * monotonic clock, so that a browser whose wall clock is wrong by a day shows right ages.
 */
export class LiveSite implements SiteView {
  #ids: readonly string[] = [];
  #rows = new Map<string, number>();
  #roster = -1;
  #from: PoseColumns = emptyPoses(0);
  #to: PoseColumns = emptyPoses(0);
  #sampled: PoseColumns = emptyPoses(0);
  #receivedMs = Number.NEGATIVE_INFINITY;
  #intervalMs = 100;
  #timeUs = 0n;
  #people: Float32Array = new Float32Array(0);
  #agents = new Map<string, Agent>();
  #missions = new Map<string, Mission>();
  #alerts = new Map<string, Alert>();
  readonly #decisions = new DecisionBook();
  #paths = new Map<string, AgentPath>();
  #scans = new Map<string, AgentScan>();
  #fences: readonly Fence[] = [];
  #marks: readonly Mark[] = [];
  #messages = 0;
  readonly #topics: TopicBoard;

  constructor(schedule: (run: () => void) => void) {
    this.#topics = new TopicBoard(schedule);
  }

  fold(message: WatchSiteResponse, nowMs: number): Folded {
    const nobody = message.xM.length === 0 && message.roster !== this.#roster;
    if (message.agentIds.length > 0 || nobody) this.#adoptRoster(message.agentIds, message.roster);
    else if (message.roster !== this.#roster) return 'unknown_roster';
    this.#foldColumns(message, nowMs);
    this.#messages++;
    this.#timeUs = message.timeUs;
    this.#people = Float32Array.from(message.peopleM);
    for (const status of message.statuses) this.#foldStatus(status);
    for (const mission of message.missions) this.putMission(mission);
    for (const alert of message.alerts) this.putAlert(alert);
    for (const path of message.paths) this.#paths.set(path.agentId, path);
    for (const scan of message.scans) this.#scans.set(scan.agentId, scan);
    for (const [id, made] of Map.groupBy(message.decisions, ({ agentId }) => agentId)) this.putDecisions(id, made);
    if (message.fences !== undefined) this.#putFences(message.fences.fences);
    if (message.marks.length > 0) this.#putMarks(message.marks);
    return 'folded';
  }

  #adoptRoster(ids: readonly string[], roster: number): void {
    const same = ids.length === this.#ids.length && ids.every((id, k) => id === this.#ids[k]);
    this.#roster = roster;
    if (same) return;
    const kept = this.#to;
    const rowsBefore = this.#rows;
    this.#ids = [...ids];
    this.#rows = new Map(ids.map((id, k) => [id, k]));
    this.#from = emptyPoses(ids.length);
    this.#to = emptyPoses(ids.length);
    this.#sampled = emptyPoses(ids.length);
    for (const [id, row] of this.#rows) {
      const before = rowsBefore.get(id);
      if (before !== undefined) copyRow(kept, before, this.#to, row);
      if (!this.#agents.has(id)) this.#agents.set(id, { id, status: undefined, version: 0, digest: '' });
    }
    for (const id of this.#agents.keys()) if (!this.#rows.has(id)) this.#agents.delete(id);
    this.#topics.touch('roster');
  }

  #foldColumns(message: WatchSiteResponse, nowMs: number): void {
    const spacing = nowMs - this.#receivedMs;
    if (spacing > 0 && spacing < 1_000) this.#intervalMs += (spacing - this.#intervalMs) * 0.2;
    this.#receivedMs = nowMs;
    const next = this.#from;
    this.#from = this.#to;
    this.#to = next;
    fill(next.xM, message.xM, Number.NaN);
    fill(next.yM, message.yM, Number.NaN);
    fill(next.headingRad, message.headingRad, 0);
    fill(next.speedMps, message.speedMps, 0);
    fill(next.battery, message.battery, Number.NaN);
    fill(next.ageMs, message.ageMs, Number.POSITIVE_INFINITY);
    for (const [id, agent] of this.#agents) this.#digest(id, agent);
  }

  /** A row of the fleet list changes when its status, its whole percents or its freshness change, not with each message. */
  #digest(id: string, agent: Agent): void {
    const row = this.#rows.get(id) as number;
    const age = this.#to.ageMs[row] as number;
    const percent = Math.round((this.#to.battery[row] as number) * 100);
    const digest = `${percent} ${age > STALE_MS ? Math.round(age / 1_000) : ''}`;
    if (digest === agent.digest) return;
    this.#agents.set(id, { ...agent, digest, version: agent.version + 1 });
    this.#topics.touch('agents');
  }

  #foldStatus(status: AgentStatus): void {
    const before = this.#agents.get(status.agentId);
    if (before === undefined || (before.status !== undefined && saysTheSame(before.status, status))) return;
    this.#agents.set(status.agentId, { ...before, status, version: before.version + 1 });
    this.#topics.touch('agents');
  }

  putMission(mission: Mission): void {
    this.#missions.set(mission.id, mission);
    trim(this.#missions, (one) => one.finishedTimeUs > 0n);
    this.#topics.touch('missions');
  }

  putAlert(alert: Alert): void {
    this.#alerts.set(alert.id, alert);
    trim(this.#alerts, (one) => one.clearedTimeUs > 0n);
    this.#topics.touch('alerts');
  }

  /** Adds decisions in any order; each is kept once, newest first. */
  putDecisions(agentId: string, decisions: readonly AgentDecision[]): void {
    if (this.#decisions.put(agentId, decisions)) this.#topics.touch('decisions');
  }

  #putFences(fences: readonly Fence[]): void {
    this.#fences = [...fences];
    this.#topics.touch('fences');
  }

  #putMarks(marks: readonly Mark[]): void {
    this.#marks = [...this.#marks, ...marks].slice(-MARKS_KEPT);
    this.#topics.touch('marks');
  }

  /** Positions at the moment `nowMs`, one interval behind the newest, so that there is always a next one to move to. */
  sample(nowMs: number): PoseColumns {
    interpolatePoses(this.#from, this.#to, (nowMs - this.#receivedMs) / this.#intervalMs, this.#sampled);
    return this.#sampled;
  }

  /** Milliseconds since the agent was last located, or Infinity. */
  ageMs(row: number, nowMs: number): number {
    return (this.#to.ageMs[row] ?? Number.POSITIVE_INFINITY) + Math.max(0, nowMs - this.#receivedMs);
  }

  /** Milliseconds since the stream last spoke. */
  silenceMs(nowMs: number): number {
    return nowMs - this.#receivedMs;
  }

  get ids(): readonly string[] {
    return this.#ids;
  }
  get roster(): number {
    return this.#roster;
  }
  get messages(): number {
    return this.#messages;
  }
  /** Site time of the newest message, microseconds since 1970; 0 before the first. */
  get timeUs(): bigint {
    return this.#timeUs;
  }
  get people(): Float32Array {
    return this.#people;
  }
  get newest(): PoseColumns {
    return this.#to;
  }
  row(id: string): number {
    return this.#rows.get(id) ?? -1;
  }
  agent(id: string): Agent | undefined {
    return this.#agents.get(id);
  }
  agents(): Iterable<Agent> {
    return this.#agents.values();
  }
  mission(id: string): Mission | undefined {
    return this.#missions.get(id);
  }
  missions(): Mission[] {
    return [...this.#missions.values()];
  }
  alerts(): Alert[] {
    return [...this.#alerts.values()];
  }
  decisions(id: string): readonly AgentDecision[] {
    return this.#decisions.of(id);
  }
  allDecisions(): readonly AgentDecision[] {
    return this.#decisions.all();
  }
  fences(): readonly Fence[] {
    return this.#fences;
  }
  /** What happened since this page watches, in order of arrival; bounded. */
  marks(): readonly Mark[] {
    return this.#marks;
  }
  path(id: string): AgentPath | undefined {
    return this.#paths.get(id);
  }
  scan(id: string): AgentScan | undefined {
    return this.#scans.get(id);
  }

  version(topic: Topic): number {
    return this.#topics.version(topic);
  }

  subscribe(topic: Topic, listener: () => void): () => void {
    return this.#topics.subscribe(topic, listener);
  }
}

function fill(into: Float32Array, from: readonly number[], missing: number): void {
  for (let k = 0; k < into.length; k++) into[k] = from[k] ?? missing;
}

/**
 * Whether two states of one agent say the same. A stream that is opened anew tells every state again, also the thousands
 * that nobody needs to draw or list anew; field after field, because protobuf's own comparison costs more than it saves.
 */
function saysTheSame(a: AgentStatus, b: AgentStatus): boolean {
  return (
    a.epoch === b.epoch &&
    a.atUs === b.atUs &&
    a.role === b.role &&
    a.mode === b.mode &&
    a.chain === b.chain &&
    a.failsafe === b.failsafe &&
    a.stop === b.stop &&
    a.leaseHolder === b.leaseHolder &&
    a.taskId === b.taskId &&
    a.taskStatus === b.taskStatus &&
    a.taskProgress === b.taskProgress &&
    a.planRevision === b.planRevision &&
    a.planCursor === b.planCursor &&
    a.planLength === b.planLength &&
    a.decisionSequence === b.decisionSequence &&
    a.command === b.command &&
    a.authority === b.authority &&
    a.rationale === b.rationale &&
    a.body === b.body &&
    a.recordedSequence === b.recordedSequence &&
    a.failsafeEntries.length === b.failsafeEntries.length &&
    a.failsafeEntries.every((entry, k) => equals(FailsafeEntrySchema, entry, b.failsafeEntries[k] as FailsafeEntry))
  );
}

function copyRow(from: PoseColumns, row: number, to: PoseColumns, target: number): void {
  for (const name of ['xM', 'yM', 'headingRad', 'speedMps', 'battery', 'ageMs'] as const) {
    to[name][target] = from[name][row] as number;
  }
}

/** Forgets the oldest of those that are over, beyond what the lists show. A Map remembers the order of arrival. */
function trim<T>(all: Map<string, T>, over: (one: T) => boolean): void {
  if (all.size <= HISTORY_KEPT) return;
  for (const [id, one] of all) {
    if (all.size <= HISTORY_KEPT) return;
    if (over(one)) all.delete(id);
  }
}
