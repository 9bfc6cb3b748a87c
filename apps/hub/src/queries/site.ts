import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { type AgentDecisionSchema, type SiteService, WatchSiteResponseSchema } from '@sigma/proto';
import type { LiveAgent } from '../live/live-fleet.ts';
import { peopleIn, SCAN_CHANNEL, TRACKS_CHANNEL } from '../live/state-channel.ts';
import type { Alert } from '../roles/alerts/board.ts';
import type { MissionEntry } from '../roles/arbitration/mission-ledger.ts';
import { missionOf } from '../roles/gateway/plain-to-proto.ts';
import { alertOf } from './alerts.ts';
import type { Roles } from './context.ts';

const DEFAULT_RATE = 10;
const MOST_RATE = 20;
const MOST_FOLLOWED = 16;
/** Sightings nearer to each other than this are one person. */
const SAME_PERSON_M = 0.6;
/** Tracks older than this show nobody any more. */
const PEOPLE_FRESH_US = 1_500_000;
const RECENT_MISSIONS = 100;

export function siteQueries(roles: Roles): ServiceImpl<typeof SiteService> {
  return {
    getSite: () => ({
      siteJson: roles.site.json,
      digest: roles.site.digest,
      simulated: roles.faults !== null,
      tenant: roles.tenant,
    }),
    async *watchSite(request, context) {
      if (request.rate > MOST_RATE) throw new ConnectError(`rate is 1 to ${MOST_RATE} a second`, Code.InvalidArgument);
      if (request.follow.length > MOST_FOLLOWED)
        throw new ConnectError(`follow at most ${MOST_FOLLOWED} agents`, Code.InvalidArgument);
      const watch = new Watch(roles, new Set(request.follow));
      try {
        while (!context.signal.aborted) {
          yield watch.next();
          await pause(roles, 1_000_000 / (request.rate || DEFAULT_RATE), context.signal);
        }
      } finally {
        watch.end();
      }
    },
    getHealth: () => {
      const linked = [...roles.fleet.agents.values()].filter((agent) => agent.link.linked).length;
      return {
        version: roles.version,
        startedTimeUs: BigInt(roles.startedTimeUs),
        components: [...roles.health()],
        agents: roles.fleet.agents.size,
        agentsLinked: linked,
        decisionMsP50: roles.gateway.planTimes.at(0.5),
        decisionMsP99: roles.gateway.planTimes.at(0.99),
      };
    },
  };
}

function pause(roles: Roles, us: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ended = (): void => {
      cancel();
      resolve();
    };
    const cancel = roles.clock.after(us, () => {
      signal.removeEventListener('abort', ended);
      resolve();
    });
    signal.addEventListener('abort', ended, { once: true });
  });
}

/** One watcher: what he has seen, and what changed since. */
class Watch {
  readonly #roles: Roles;
  readonly #followed: ReadonlySet<string>;
  readonly #ends: readonly (() => void)[];
  readonly #statuses = new Set<LiveAgent>();
  readonly #paths = new Set<LiveAgent>();
  readonly #missions = new Map<string, MissionEntry>();
  readonly #alerts = new Map<string, Alert>();
  readonly #shown = new WeakSet<LiveAgent['decisions'][number]>();
  readonly #scans = new Map<string, bigint>();
  #roster = -1;

  constructor(roles: Roles, followed: ReadonlySet<string>) {
    this.#roles = roles;
    this.#followed = followed;
    for (const agent of roles.fleet.agents.values()) {
      if (agent.status !== null) this.#statuses.add(agent);
      if (agent.path.length > 0) this.#paths.add(agent);
    }
    for (const entry of [...roles.missions.entries.values()].slice(-RECENT_MISSIONS))
      this.#missions.set(entry.view.id, entry);
    for (const alert of roles.alerts.known.values()) if (alert.clearedTimeUs === 0) this.#alerts.set(alert.id, alert);
    this.#ends = [
      roles.fleet.onChange((agent, topic) => {
        if (topic === 'status') this.#statuses.add(agent);
        else if (topic === 'wanted') this.#paths.add(agent);
      }),
      roles.missions.onChange((entry) => this.#missions.set(entry.view.id, entry)),
      roles.alerts.onChange((alert) => this.#alerts.set(alert.id, alert)),
    ];
  }

  end(): void {
    for (const end of this.#ends) end();
  }

  next() {
    const { fleet, clock } = this.#roles;
    const nowUs = clock.nowUs();
    const agents = [...fleet.agents.values()].filter((agent) => agent.link.role !== 'feed');
    const message = create(WatchSiteResponseSchema, { timeUs: BigInt(nowUs), roster: fleet.roster });
    if (this.#roster !== fleet.roster) message.agentIds = agents.map((agent) => agent.agentId);
    this.#roster = fleet.roster;
    for (const { pose } of agents) {
      message.xM.push(pose?.xM ?? Number.NaN);
      message.yM.push(pose?.yM ?? Number.NaN);
      message.headingRad.push(pose?.headingRad ?? 0);
      message.speedMps.push(pose?.speedMps ?? 0);
      message.battery.push(pose?.battery ?? 0);
      message.ageMs.push(
        pose === null ? 4_294_967_295 : Math.min(4_294_967_295, Math.max(0, Math.round((nowUs - pose.timeUs) / 1000))),
      );
    }
    message.peopleM = peopleSeen(agents, nowUs);
    message.statuses = [...this.#statuses].flatMap(({ status }) => (status === null ? [] : [status]));
    message.missions = [...this.#missions.values()].map(missionOf);
    message.alerts = [...this.#alerts.values()].map(alertOf);
    const fill = create(WatchSiteResponseSchema, {
      decisions: this.#decisions(),
      paths: [...this.#paths].map(({ agentId, path }) => ({ agentId, pointsM: [...path] })),
      scans: this.#freshScans(),
    });
    message.decisions = fill.decisions;
    message.paths = fill.paths;
    message.scans = fill.scans;
    this.#statuses.clear();
    this.#paths.clear();
    this.#missions.clear();
    this.#alerts.clear();
    return message;
  }

  #decisions(): MessageInitShape<typeof AgentDecisionSchema>[] {
    const fresh: MessageInitShape<typeof AgentDecisionSchema>[] = [];
    for (const agentId of this.#followed) {
      const agent = this.#roles.fleet.agents.get(agentId);
      if (agent === undefined) continue;
      for (const made of agent.decisions.slice(-50)) {
        if (this.#shown.has(made)) continue;
        this.#shown.add(made);
        fresh.push(decisionOf(agent, made));
      }
    }
    return fresh;
  }

  #freshScans() {
    return [...this.#followed].flatMap((agentId) => {
      const agent = this.#roles.fleet.agents.get(agentId);
      const frame = agent?.frames.get(SCAN_CHANNEL);
      if (agent?.pose == null || frame === undefined || this.#scans.get(agentId) === frame.sequence) return [];
      this.#scans.set(agentId, frame.sequence);
      const { xM, yM, headingRad } = agent.pose;
      return [{ agentId, xM, yM, headingRad, rangesM: frame.values }];
    });
  }
}

const decisionOf = (
  agent: LiveAgent,
  made: LiveAgent['decisions'][number],
): MessageInitShape<typeof AgentDecisionSchema> => ({
  agentId: made.agentId,
  atUs: made.atUs,
  timeUs: BigInt(agent.link.epochTimeUs) + made.atUs,
  ...(made.decision === undefined ? {} : { decision: made.decision }),
});

/** Everybody whom some robot sees, each once. */
function peopleSeen(agents: readonly LiveAgent[], nowUs: number): number[] {
  const people: number[] = [];
  for (const agent of agents) {
    const frame = agent.frames.get(TRACKS_CHANNEL);
    const schema = agent.channels.get(TRACKS_CHANNEL);
    if (frame === undefined || schema === undefined || nowUs - Number(frame.timeUs) > PEOPLE_FRESH_US) continue;
    for (const [xM, yM] of peopleIn(frame, schema)) if (!isKnown(people, xM, yM)) people.push(xM, yM);
  }
  return people;
}

function isKnown(people: readonly number[], xM: number, yM: number): boolean {
  for (let k = 0; k < people.length; k += 2) {
    if (Math.hypot((people[k] as number) - xM, (people[k + 1] as number) - yM) < SAME_PERSON_M) return true;
  }
  return false;
}
