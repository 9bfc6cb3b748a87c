import type { AgentDecision } from '@sigma/proto';
import { useMemo } from 'react';
import { type MissionControl, useMissionControl } from '../../frame/mission-control.tsx';
import type { LogFilter, LogLine } from './log-lines.ts';

/** Where a log's lines come from: what the page knows of the moment shown, and pages of what was before. */
export interface LogSource {
  readonly newest: () => readonly AgentDecision[];
  /** A page of what the filter lets through, before the line; null: the newest there are. */
  readonly before: (line: LogLine | null, filter: LogFilter, signal: AbortSignal) => Promise<readonly AgentDecision[]>;
}

/** Decisions asked of the hub at a time. */
export const PAGE = 500;

/** Every agent of the site, or one of them across all its lives. */
export function useLogSource(agentId: string): LogSource {
  const control = useMissionControl();
  return useMemo(() => (agentId === '' ? siteSource(control) : agentSource(control, agentId)), [control, agentId]);
}

/** One robot's log across its restarts: sequences begin anew with each epoch, so the place names both. */
function agentSource({ hub, live }: MissionControl, agentId: string): LogSource {
  return {
    newest: () => live.decisions(agentId),
    before: async (line, _filter, signal) => {
      const place = line === null ? {} : { before: line.sequence, beforeEpoch: line.epoch };
      const { decisions } = await hub.fleet.listDecisions({ agentId, limit: PAGE, ...place }, { signal });
      return decisions;
    },
  };
}

function siteSource({ hub, live }: MissionControl): LogSource {
  return {
    newest: () => live.allDecisions(),
    before: async (line, { agentId, authorities, text }, signal) => {
      const request = {
        agentIds: agentId === '' ? [] : [agentId],
        authorities: [...authorities],
        text,
        limit: PAGE,
        beforeTimeUs: line === null ? 0n : line.timeUs,
      };
      const { decisions } = await hub.fleet.listSiteDecisions(request, { signal });
      return decisions;
    },
  };
}
