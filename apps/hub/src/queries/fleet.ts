import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type { ChannelSchema, FailsafesSeen, FleetService } from '@sigma/proto';
import type { LiveAgent } from '../live/live-fleet.ts';
import { STATE_CHANNEL } from '../live/state-channel.ts';
import { recordRejected } from '../roles/arbitration/rejected-command.ts';
import { agentNamed, callerOf, heldByAnother, limitOf, momentOf, type Roles, rejected, statusOf } from './context.ts';

const STOPS = new Set(['none', 'normal', 'protective', 'emergency']);
const AUTHORITIES = new Set(['safety', 'operator', 'swarm', 'mission', 'rest']);
const MODES = new Set(['automatic', 'manual', 'service']);
const MOST_DECISIONS = 1_000;
const DEFAULT_DECISIONS = 100;
const MOST_TEXT = 200;
const MOST_SECONDS = 3_600;

export function fleetQueries(roles: Roles): ServiceImpl<typeof FleetService> {
  /** Another's lease keeps everybody else's hands off, but for stops. */
  const respectLease = async (agentId: string, command: string, context: HandlerContext): Promise<void> => {
    const lease = roles.leases.of(agentId);
    const by = callerOf(context);
    if (lease === null || lease.holder === by) return;
    const reason = `${lease.holder} holds the control lease`;
    await recordRejected(roles.record, { target: `agent/${agentId}`, command, by, expects: { holder: by }, reason });
    throw heldByAnother(lease);
  };
  const needLease = async (agentId: string, command: string, context: HandlerContext): Promise<string> => {
    await respectLease(agentId, command, context);
    const lease = roles.leases.of(agentId);
    if (lease !== null) return lease.leaseId;
    const by = callerOf(context);
    const reason = 'nobody holds the control lease';
    await recordRejected(roles.record, { target: `agent/${agentId}`, command, by, expects: { holder: by }, reason });
    throw new ConnectError(`take the control lease of '${agentId}' first`, Code.FailedPrecondition);
  };
  /** Nobody acknowledges or resets what he has not seen. What he saw and has gone since does no harm. */
  const respectSight = async (
    { agentId, status }: LiveAgent,
    command: string,
    seen: FailsafesSeen | undefined,
    context: HandlerContext,
  ): Promise<void> => {
    if (seen === undefined) return;
    const unseen = (status?.failsafeEntries ?? []).filter(({ condition }) => !seen.conditions.includes(condition));
    if (unseen.length === 0) return;
    const expects = { conditions: [...seen.conditions] };
    const reason = `${unseen.map(({ condition }) => condition).join(', ')} has come up since the order was given`;
    const by = callerOf(context);
    await recordRejected(roles.record, { target: `agent/${agentId}`, command, by, expects, reason });
    throw new ConnectError(`${reason}; look at it first`, Code.FailedPrecondition);
  };
  return {
    listAgents: () => {
      const channels = new Map<string, ChannelSchema>();
      for (const agent of roles.fleet.agents.values())
        for (const [name, schema] of agent.channels) channels.set(name, schema);
      return {
        agents: [...roles.fleet.agents.values()].map((agent) => viewOf(roles, agent)),
        channels: [...channels.values()],
      };
    },
    getAgent: ({ agentId }) => {
      const agent = agentNamed(roles, agentId);
      return {
        agent: viewOf(roles, agent),
        frames: [...agent.frames.values()],
        channels: [...agent.channels.values()],
        bands: [...roles.analyzer.bandsOf(agentId)],
      };
    },
    listDecisions: async ({ agentId, limit, before, beforeEpoch }) => {
      const most = limitOf(limit, DEFAULT_DECISIONS, MOST_DECISIONS);
      const place = before === 0n ? null : { epoch: beforeEpoch ?? null, sequence: Number(before) };
      const decisions = await roles.decisions.page(agentId, place, most);
      // A robot that is away may have left decisions behind; one that left none must at least be known.
      if (decisions.length === 0) agentNamed(roles, agentId);
      return { decisions: [...decisions] };
    },
    listSiteDecisions: async ({ agentIds, authorities, text, beforeTimeUs, limit }) => {
      const unknown = authorities.find((one) => !AUTHORITIES.has(one));
      if (unknown !== undefined)
        throw new ConnectError(`an authority is one of ${[...AUTHORITIES].join(', ')}`, Code.InvalidArgument);
      if (text.length > MOST_TEXT || agentIds.length > MOST_DECISIONS)
        throw new ConnectError(`text has at most ${MOST_TEXT} characters`, Code.InvalidArgument);
      const filter = { agentIds, authorities, text, beforeTimeUs: momentOf(beforeTimeUs, 'before_time_us') };
      const most = limitOf(limit, DEFAULT_DECISIONS, MOST_DECISIONS);
      const { decisions, lookedToUs } = await roles.decisions.find(filter, most);
      return { decisions: [...decisions], lookedToTimeUs: BigInt(lookedToUs) };
    },
    takeLease: async ({ agentId, takeOver, seconds, expectsHolder }, context) => {
      agentNamed(roles, agentId);
      if (seconds > MOST_SECONDS)
        throw new ConnectError(`a lease lasts at most ${MOST_SECONDS} seconds`, Code.InvalidArgument);
      const by = callerOf(context);
      // Leases hold aliases; whoever asks knows people by name. A name that nobody has goes on no record.
      const alias = expectsHolder === undefined ? null : roles.people.unnamed(expectsHolder);
      const heldBy = alias?.includes('@') ? 'somebody unknown here' : alias;
      const outcome = await roles.leases.take(agentId, by, takeOver, seconds, heldBy).catch(rejected);
      if (!outcome.taken) throw heldByAnother(outcome.lease);
      const { leaseId, holder, expiresTimeUs } = outcome.lease;
      return { leaseId, holder, expiresTimeUs: BigInt(expiresTimeUs) };
    },
    returnLease: async ({ agentId }, context) => {
      agentNamed(roles, agentId);
      const kept = await roles.leases.giveBack(agentId, callerOf(context));
      if (kept !== null) throw heldByAnother(kept);
      return {};
    },
    commandAgent: async ({ agentId, command, rationale }, context) => {
      agentNamed(roles, agentId);
      if (command === undefined || command.name === '') throw new ConnectError('name a command', Code.InvalidArgument);
      const leaseId = await needLease(agentId, command.name, context);
      return {
        receipt: await roles.gateway.ask(agentId, callerOf(context), {
          case: 'command',
          value: { leaseId, command, rationale },
        }),
      };
    },
    stopAgents: async ({ agentIds, stop }, context) => {
      if (!STOPS.has(stop))
        throw new ConnectError("stop is 'none', 'normal', 'protective' or 'emergency'", Code.InvalidArgument);
      const by = callerOf(context);
      for (const agentId of agentIds) agentNamed(roles, agentId);
      const robots = [...roles.fleet.agents.values()]
        .filter((agent) => agent.link.role !== 'feed')
        .map((agent) => agent.agentId);
      const targets = agentIds.length > 0 ? [...new Set(agentIds)] : robots;
      const asked = targets.map((agentId) => roles.gateway.ask(agentId, by, { case: 'stop', value: { stop, by } }));
      if (agentIds.length === 0 && stop !== 'none') roles.alerts.siteStopped(stop, by);
      return { receipts: await Promise.all(asked) };
    },
    acknowledgeAgent: async ({ agentId, seen }, context) => {
      const agent = agentNamed(roles, agentId);
      await respectLease(agentId, 'acknowledge', context);
      await respectSight(agent, 'acknowledge', seen, context);
      const by = callerOf(context);
      return { receipt: await roles.gateway.ask(agentId, by, { case: 'acknowledge', value: { by } }) };
    },
    resetAgent: async ({ agentId, seen }, context) => {
      const agent = agentNamed(roles, agentId);
      await respectLease(agentId, 'reset', context);
      await respectSight(agent, 'reset', seen, context);
      const by = callerOf(context);
      return { receipt: await roles.gateway.ask(agentId, by, { case: 'reset', value: { by } }) };
    },
    setAgentMode: async ({ agentId, mode }, context) => {
      agentNamed(roles, agentId);
      if (!MODES.has(mode)) throw new ConnectError("mode is 'automatic', 'manual' or 'service'", Code.InvalidArgument);
      await needLease(agentId, `mode ${mode}`, context);
      const by = callerOf(context);
      return { receipt: await roles.gateway.ask(agentId, by, { case: 'mode', value: { mode, by } }) };
    },
  };
}

function viewOf(roles: Roles, agent: LiveAgent) {
  const { agentId, link } = agent;
  const state = agent.frames.get(STATE_CHANNEL);
  const lease = roles.leases.of(agentId);
  const leaseHolder = lease?.holder ?? '';
  return {
    status: statusOf(roles, agent) ?? { agentId, role: link.role, body: link.body, leaseHolder },
    ...(state === undefined ? {} : { state }),
    linked: link.linked,
    seenTimeUs: BigInt(agent.seenTimeUs),
    waitsFor: agent.waitsFor ?? '',
    edgeId: link.edgeId,
    software: link.software ?? '',
    capabilities: [...link.capabilities],
    leaseExpiresTimeUs: BigInt(lease?.expiresTimeUs ?? 0),
  };
}
