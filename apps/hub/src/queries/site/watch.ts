import { create } from '@bufbuild/protobuf';
import {
  type AgentDecision,
  AgentDecisionSchema,
  type AgentPath,
  AgentPathSchema,
  type AgentScan,
  AgentScanSchema,
  FenceListSchema,
  MarkSchema,
  type WatchSiteResponse,
  WatchSiteResponseSchema,
} from '@sigma/proto';
import type { LiveAgent } from '../../live/live-fleet.ts';
import { SCAN_CHANNEL } from '../../live/state-channel.ts';
import type { Alert } from '../../roles/alerts/board.ts';
import type { MissionEntry } from '../../roles/arbitration/mission-ledger.ts';
import type { Mark } from '../../roles/chronicle/mark-store.ts';
import { missionOf } from '../../roles/gateway/plain-to-proto.ts';
import { alertOf } from '../alerts.ts';
import { type Roles, statusOf } from '../context.ts';
import { markOf } from '../marks.ts';
import { fenceOf } from './fences.ts';
import type { PositionDesk } from './positions.ts';

const RECENT_MISSIONS = 100;
/** More in one update are counted and left out: a page that wants every one asks for them. */
const MOST_DECISIONS = 2_000;
const MOST_MARKS = 2_000;
const INFO = 1;

type Made = LiveAgent['decisions'][number];

export interface Watched {
  /** Agents whose scans come along, and their decisions. */
  readonly follow: ReadonlySet<string>;
  readonly allDecisions: boolean;
}

/** One watcher: what he has seen, and what changed since. */
export class Watch {
  readonly #roles: Roles;
  readonly #positions: PositionDesk;
  readonly #watched: Watched;
  readonly #ends: readonly (() => void)[];
  readonly #statuses = new Set<LiveAgent>();
  readonly #paths = new Set<LiveAgent>();
  readonly #missions = new Map<string, MissionEntry>();
  readonly #alerts = new Map<string, Alert>();
  readonly #scans = new Map<string, bigint>();
  #decisions: AgentDecision[] = [];
  #leftOut = 0;
  #marks: Mark[] = [];
  #marksLeftOut = 0;
  #fences = true;
  #roster = -1;

  constructor(roles: Roles, positions: PositionDesk, watched: Watched) {
    this.#roles = roles;
    this.#positions = positions;
    this.#watched = watched;
    for (const agent of roles.fleet.agents.values()) {
      if (agent.status !== null) this.#statuses.add(agent);
      if (agent.path.length > 0) this.#paths.add(agent);
      if (watched.follow.has(agent.agentId)) for (const made of agent.decisions.slice(-50)) this.#decided(agent, made);
    }
    for (const entry of [...roles.missions.entries.values()].slice(-RECENT_MISSIONS))
      this.#missions.set(entry.view.id, entry);
    for (const alert of roles.alerts.known.values()) if (alert.clearedTimeUs === 0) this.#alerts.set(alert.id, alert);
    this.#ends = [
      roles.fleet.onChange((agent, topic) => {
        if (topic === 'status') this.#statuses.add(agent);
        else if (topic === 'wanted') this.#paths.add(agent);
      }),
      roles.fleet.onDecision((agent, made) => {
        if (watched.allDecisions || watched.follow.has(agent.agentId)) this.#decided(agent, made);
      }),
      // Who holds a lease is told also while the robot itself is out of reach.
      roles.leases.onChange((agentId) => {
        const agent = roles.fleet.agents.get(agentId);
        if (agent?.status != null) this.#statuses.add(agent);
      }),
      roles.missions.onChange((entry) => this.#missions.set(entry.view.id, entry)),
      roles.alerts.onChange((alert) => this.#alerts.set(alert.id, alert)),
      roles.fences.onChange(() => {
        this.#fences = true;
      }),
      roles.marks.onMark((mark) => {
        if (this.#marks.length < MOST_MARKS) this.#marks.push(mark);
        else this.#marksLeftOut++;
      }),
    ];
  }

  end(): void {
    for (const end of this.#ends) end();
  }

  next(): WatchSiteResponse {
    const { timeUs, roster, agentIds, ...columns } = this.#positions.now();
    const message = create(WatchSiteResponseSchema, { ...columns, timeUs: BigInt(timeUs), roster });
    if (this.#roster !== roster) message.agentIds = [...agentIds];
    this.#roster = roster;
    this.#changes(message);
    return message;
  }

  #changes(message: WatchSiteResponse): void {
    for (const agent of this.#statuses) {
      const status = statusOf(this.#roles, agent);
      if (status !== null) message.statuses.push(status);
    }
    message.missions = [...this.#missions.values()].map(missionOf);
    message.alerts = [...this.#alerts.values()].map((alert) => alertOf(this.#roles, alert));
    message.decisions = this.#decisions;
    message.decisionsLeftOut = this.#leftOut;
    message.marks = this.#marks.map(markOf);
    if (this.#marksLeftOut > 0) message.marks.push(leftOut(this.#marksLeftOut, message.timeUs));
    message.paths = [...this.#paths].map(pathOf);
    message.scans = this.#freshScans();
    if (this.#fences) message.fences = create(FenceListSchema, { fences: this.#roles.fences.list().map(fenceOf) });
    this.#decisions = [];
    this.#leftOut = 0;
    this.#marks = [];
    this.#marksLeftOut = 0;
    this.#fences = false;
    this.#statuses.clear();
    this.#paths.clear();
    this.#missions.clear();
    this.#alerts.clear();
  }

  #decided(agent: LiveAgent, { agentId, atUs, decision }: Made): void {
    if (this.#decisions.length >= MOST_DECISIONS) {
      this.#leftOut++;
      return;
    }
    const timeUs = BigInt(agent.link.epochTimeUs) + atUs;
    const made = { agentId, atUs, timeUs, ...(decision === undefined ? {} : { decision }) };
    this.#decisions.push(create(AgentDecisionSchema, made));
  }

  #freshScans(): AgentScan[] {
    return [...this.#watched.follow].flatMap((agentId) => {
      const agent = this.#roles.fleet.agents.get(agentId);
      const frame = agent?.frames.get(SCAN_CHANNEL);
      if (agent?.pose == null || frame === undefined || this.#scans.get(agentId) === frame.sequence) return [];
      this.#scans.set(agentId, frame.sequence);
      const { xM, yM, headingRad } = agent.pose;
      return [create(AgentScanSchema, { agentId, xM, yM, headingRad, rangesM: frame.values })];
    });
  }
}

/** [L8] A page is told what it did not get, and can ask for it. */
const leftOut = (count: number, timeUs: bigint) =>
  create(MarkSchema, { timeUs, kind: 'gap', level: INFO, text: `${count} more marks at once; ask for this stretch` });

const pathOf = ({ agentId, path }: LiveAgent): AgentPath => create(AgentPathSchema, { agentId, pointsM: [...path] });
