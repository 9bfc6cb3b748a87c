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
import type { ChangeLog } from './change-log.ts';
import { fenceOf } from './fences.ts';
import type { PositionDesk } from './positions.ts';

const RECENT_MISSIONS = 100;
/** More in one update are counted and left out: a page that wants every one asks for them. */
const MOST_DECISIONS = 2_000;
const MOST_MARKS = 2_000;
/** Of a robot that is followed from now on, so many are told again. */
const FOLLOWED_DECISIONS = 50;
const INFO = 1;

type Made = LiveAgent['decisions'][number];

export interface Watched {
  /** Agents whose scans come along, and their decisions. */
  readonly follow: ReadonlySet<string>;
  readonly allDecisions: boolean;
  /** How far he had heard when his last stream ended, as it told him; else empty. */
  readonly resume: string;
}

/** One watcher: what he has seen, and what changed since. */
export class Watch {
  readonly #roles: Roles;
  readonly #positions: PositionDesk;
  readonly #log: ChangeLog;
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

  constructor(roles: Roles, positions: PositionDesk, log: ChangeLog, watched: Watched) {
    this.#roles = roles;
    this.#positions = positions;
    this.#log = log;
    this.#watched = watched;
    if (!this.#goOn()) this.#begin();
    for (const id of watched.follow) {
      const agent = roles.fleet.agents.get(id);
      for (const made of agent?.decisions.slice(-FOLLOWED_DECISIONS) ?? []) this.#decided(agent as LiveAgent, made);
    }
    this.#ends = [
      roles.fleet.onChange((agent, topic) => {
        if (topic === 'status') this.#statuses.add(agent);
        else if (topic === 'wanted') this.#paths.add(agent);
      }),
      roles.fleet.onDecision((agent, made) => {
        if (this.#wants(agent)) this.#decided(agent, made);
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

  /** Everything, for somebody who has heard nothing. */
  #begin(): void {
    const { fleet, missions, alerts } = this.#roles;
    for (const agent of fleet.agents.values()) {
      if (agent.status !== null) this.#statuses.add(agent);
      if (agent.path.length > 0) this.#paths.add(agent);
    }
    for (const entry of [...missions.entries.values()].slice(-RECENT_MISSIONS))
      this.#missions.set(entry.view.id, entry);
    for (const alert of alerts.known.values()) if (alert.clearedTimeUs === 0) this.#alerts.set(alert.id, alert);
  }

  /** What changed since the watcher's last stream. @returns false when nobody knows what he has heard */
  #goOn(): boolean {
    const heard = this.#log.heardUpTo(this.#watched.resume);
    if (heard === null) return false;
    const unheard = this.#log.since(heard);
    for (const agent of unheard.statuses) this.#statuses.add(agent);
    for (const agent of unheard.paths) this.#paths.add(agent);
    for (const entry of unheard.missions) this.#missions.set(entry.view.id, entry);
    for (const alert of unheard.alerts) this.#alerts.set(alert.id, alert);
    for (const { agent, made } of unheard.decisions) if (this.#wants(agent)) this.#decided(agent, made);
    this.#leftOut += this.#watched.allDecisions ? unheard.decisionsLeftOut : 0;
    this.#marks = [...unheard.marks];
    this.#marksLeftOut = unheard.marksLeftOut;
    this.#fences = unheard.fences;
    this.#roster = heard.roster;
    return true;
  }

  #wants(agent: LiveAgent): boolean {
    return this.#watched.allDecisions || this.#watched.follow.has(agent.agentId);
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
    message.resume = this.#log.placeAfter(roster);
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
