import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { Clock } from '../clock.ts';
import { issuerOf, PRINCIPAL } from '../identity/principal.ts';
import type { LinkDesk } from '../link/link-desk.ts';
import type { LiveAgent, LiveFleet } from '../live/live-fleet.ts';
import type { Alerts } from '../roles/alerts/alerts.ts';
import type { DecisionArchive } from '../roles/arbitration/decision-archive.ts';
import type { MissionLedger } from '../roles/arbitration/mission-ledger.ts';
import type { Core } from '../roles/core/core.ts';
import type { Gateway } from '../roles/gateway/gateway.ts';
import type { LeaseDesk } from '../roles/gateway/leases.ts';
import type { Ingest } from '../roles/ingest/ingest.ts';
import type { BlockReader } from './records.ts';

/** The roles that people's questions and orders go to. */
export interface Roles {
  readonly tenant: string;
  readonly clock: Clock;
  readonly fleet: LiveFleet;
  readonly ingest: Ingest;
  readonly core: Core;
  readonly gateway: Gateway;
  readonly leases: LeaseDesk;
  readonly missions: MissionLedger;
  readonly alerts: Alerts;
  readonly decisions: DecisionArchive;
  readonly link: LinkDesk;
  readonly blocks: BlockReader;
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
