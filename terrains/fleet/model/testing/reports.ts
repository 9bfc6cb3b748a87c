import { centreXM, centreYM, type Site } from '../src/site/index.ts';
import type { AgentReport } from '../src/supervisor/port.ts';

/** What a robot that stands on a cell, linked and free, tells its supervisor. */
export function reportAt(site: Site, agentId: string, cell: number, fields: Partial<AgentReport> = {}): AgentReport {
  return {
    type: 'agent',
    agentId,
    body: 'carrier',
    linked: true,
    xM: centreXM(site, cell),
    yM: centreYM(site, cell),
    headingRad: 0,
    speedMps: 0,
    battery: 0.9,
    halted: false,
    mode: 'automatic',
    capabilities: ['drive', 'load', 'unload', 'dock'],
    taskId: null,
    taskStatus: null,
    planRevision: 0,
    planCursor: 0,
    basis: null,
    ...fields,
  };
}
