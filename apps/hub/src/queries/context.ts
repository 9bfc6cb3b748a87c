import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { type AgentStatus, AgentStatusSchema, LeaseHeldSchema } from '@sigma/proto';
import type { Clock } from '../clock.ts';
import type { AccountDesk } from '../identity/accounts.ts';
import type { People } from '../identity/people.ts';
import { issuerOf, PRINCIPAL } from '../identity/principal.ts';
import type { WrittenTexts } from '../identity/written-texts.ts';
import type { LinkDesk } from '../link/link-desk.ts';
import type { LiveAgent, LiveFleet } from '../live/live-fleet.ts';
import type { Alerts } from '../roles/alerts/alerts.ts';
import type { Silences } from '../roles/alerts/silences.ts';
import type { AnalyzerRole } from '../roles/analyzer/analyzer.ts';
import type { DecisionArchive } from '../roles/arbitration/decision-archive.ts';
import type { HubRecord } from '../roles/arbitration/hub-record.ts';
import type { MissionLedger } from '../roles/arbitration/mission-ledger.ts';
import { CommandRejectedError } from '../roles/arbitration/rejected-command.ts';
import type { Acts } from '../roles/chronicle/acts.ts';
import type { Marks } from '../roles/chronicle/marks.ts';
import type { RecordIndex } from '../roles/chronicle/record-index.ts';
import type { Core } from '../roles/core/core.ts';
import type { FenceDesk } from '../roles/fences/fence-desk.ts';
import type { ActiveFaults } from '../roles/gateway/active-faults.ts';
import type { Gateway } from '../roles/gateway/gateway.ts';
import type { ControlLease, LeaseDesk } from '../roles/gateway/leases.ts';
import type { PaceDesk } from '../roles/gateway/pace-desk.ts';
import type { Ingest } from '../roles/ingest/ingest.ts';
import type { ForkDesk } from './fork-desk.ts';
import type { ProofDesk } from './proof-desk.ts';
import type { BlockReader } from './records.ts';

/** The roles that people's questions and orders go to. */
export interface Roles {
  readonly tenant: string;
  readonly clock: Clock;
  readonly record: HubRecord;
  readonly fleet: LiveFleet;
  readonly ingest: Ingest;
  readonly analyzer: AnalyzerRole;
  readonly core: Core;
  readonly gateway: Gateway;
  readonly leases: LeaseDesk;
  readonly missions: MissionLedger;
  readonly alerts: Alerts;
  readonly silences: Silences;
  readonly decisions: DecisionArchive;
  readonly acts: Acts;
  readonly marks: Marks;
  readonly index: Pick<RecordIndex, 'homecomings'>;
  readonly fences: FenceDesk;
  readonly activeFaults: ActiveFaults;
  /** Null where the time of the site cannot be set. */
  readonly pace: PaceDesk | null;
  readonly accounts: AccountDesk;
  readonly people: People;
  readonly texts: WrittenTexts;
  readonly link: LinkDesk;
  readonly blocks: BlockReader;
  readonly proofs: ProofDesk;
  /** Null where nobody lets recorded lives go on otherwise. */
  readonly forks: ForkDesk | null;
  readonly site: { readonly json: string; readonly digest: string };
  /** Names of faults that can be injected; null when the fleet is real. */
  readonly faults: readonly string[] | null;
  readonly version: string;
  readonly startedTimeUs: number;
  readonly health: () => readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  readonly newId: () => string;
}

export const callerOf = (context: HandlerContext): string => issuerOf(context.values.get(PRINCIPAL));

/** @throws ConnectError not_found */
export function agentNamed(roles: Roles, agentId: string): LiveAgent {
  const agent = roles.fleet.agents.get(agentId);
  if (agent !== undefined) return agent;
  throw new ConnectError(
    `there is no robot '${agentId.slice(0, 63)}'; the list of agents has the names`,
    Code.NotFound,
  );
}

/** How many to return. @throws ConnectError invalid_argument */
export function limitOf(limit: number, usual: number, most: number): number {
  if (limit > most) throw new ConnectError(`limit is 1 to ${most}`, Code.InvalidArgument);
  return limit || usual;
}

/** A moment on the wire, 1970 to 2255: exact in a double. @throws ConnectError invalid_argument */
export function momentOf(timeUs: bigint, name: string): number {
  const us = Number(timeUs);
  if (us >= 0 && Number.isSafeInteger(us)) return us;
  throw new ConnectError(`${name} is microseconds since 1970`, Code.InvalidArgument);
}

/** For `catch`: a command that is on record as rejected is told so. @throws ConnectError failed_precondition */
export function rejected(error: unknown): never {
  if (error instanceof CommandRejectedError) throw new ConnectError(error.message, Code.FailedPrecondition);
  throw error;
}

/** Somebody else holds the control lease: says who, and until when, in words and in numbers. */
export function heldByAnother({ agentId, holder, expiresTimeUs }: ControlLease): ConnectError {
  const until = new Date(expiresTimeUs / 1000).toISOString();
  return new ConnectError(
    `${holder} holds the control lease of '${agentId}' until ${until}; ask for it or take it over`,
    Code.FailedPrecondition,
    undefined,
    [{ desc: LeaseHeldSchema, value: { agentId, holder, expiresTimeUs: BigInt(expiresTimeUs) } }],
  );
}

/** What the robot said last, under the lease that the hub knows of; null until it said anything. */
export function statusOf(roles: Pick<Roles, 'leases'>, agent: LiveAgent): AgentStatus | null {
  const lease = roles.leases.of(agent.agentId);
  if (agent.status === null || lease === null || agent.status.leaseHolder === lease.holder) return agent.status;
  return create(AgentStatusSchema, { ...agent.status, leaseHolder: lease.holder });
}
