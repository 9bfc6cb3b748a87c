import type { AgentDecision } from '@sigma/proto';
import { useMemo } from 'react';
import { type MissionControl, useMissionControl } from '../../frame/mission-control.tsx';
import type { LogFilter, LogPlace } from './log-lines.ts';

/** Where a log's lines come from: what the page knows of the moment shown, and pages of what was before. */
export interface LogSource {
  readonly newest: () => readonly AgentDecision[];
  /** A page of what the filter lets through, before the place; null: the newest there are. */
  readonly before: (place: LogPlace | null, filter: LogFilter, signal: AbortSignal) => Promise<LogPage>;
}

interface LogPage {
  readonly decisions: readonly AgentDecision[];
  /** Where to go on; null where nothing older is kept. */
  readonly next: LogPlace | null;
}

/** Decisions asked of the hub at a time. */
const PAGE = 500;

/** Every agent of the site, or one of them across all its lives. */
export function useLogSource(agentId: string): LogSource {
  const control = useMissionControl();
  return useMemo(() => (agentId === '' ? siteSource(control) : agentSource(control, agentId)), [control, agentId]);
}

/** One robot's log across its restarts: sequences begin anew with each epoch, so the place names both. */
function agentSource(control: MissionControl, agentId: string): LogSource {
  const { hub, live } = control;
  return {
    newest: () => live.decisions(agentId),
    before: async (from, filter, signal) => {
      if (from === null && control.time.get().kind === 'past') {
        return siteSource(control).before(null, { ...filter, agentId }, signal);
      }
      const place = from === null ? {} : { before: from.sequence, beforeEpoch: from.epoch };
      const { decisions } = await hub.fleet.listDecisions({ agentId, limit: PAGE, ...place }, { signal });
      const last = decisions.at(-1);
      if (decisions.length < PAGE || last?.decision === undefined) return { decisions, next: null };
      const { sequence, context } = last.decision;
      return { decisions, next: { timeUs: last.timeUs, epoch: context?.epoch ?? 0, sequence } };
    },
  };
}

function siteSource({ hub, live, time }: MissionControl): LogSource {
  /** The newest there are, or those before the past moment that is shown. */
  const fromHere = (): bigint => (time.get().kind === 'past' ? live.timeUs : 0n);
  return {
    newest: () => live.allDecisions(),
    before: async (from, { agentId, authorities, text }, signal) => {
      const request = {
        agentIds: agentId === '' ? [] : [agentId],
        authorities: [...authorities],
        text,
        limit: PAGE,
        beforeTimeUs: from === null ? fromHere() : from.timeUs,
      };
      const { decisions, lookedToTimeUs: timeUs } = await hub.fleet.listSiteDecisions(request, { signal });
      return { decisions, next: timeUs === 0n ? null : { timeUs, epoch: 0, sequence: 0n } };
    },
  };
}
