import {
  ADVANCE,
  DEFAULT_POLICY,
  type FleetBelief,
  type ReportField as FleetField,
  fleetModel,
  groundOf,
  type PolicyText,
  planOnEdge,
  poseMessage,
  type SiteRecord,
  STATE_FIELDS,
  siteFromJson,
  stateReport,
  statusOf,
  TRACK_FIELDS,
  tracksReport,
} from '@sigma/fleet-model';
import type { Agent, Json } from '@sigma/kernel';
import { encodeState } from '@sigma/kernel';
import type { Terrain } from '../live/terrain.ts';
import type { Report, ReportField } from '../runtime/ports.ts';

/** Settings of the fleet terrain. */
export interface FleetSettings {
  readonly site: SiteRecord;
  /** The default policy when absent. */
  readonly policy?: PolicyText;
}

/** Robots farther apart than this do not hear each other's poses. */
const REACH_M = 8;
/** How much a lying planner moves every waypoint, and how sure it says it is. */
const LIE_M = 3;

const field = ({ name, unit, low, high }: FleetField): ReportField => ({
  name,
  unit,
  ...(low === null ? {} : { low }),
  ...(high === null ? {} : { high }),
});

/** What robots of the fleet tell the hub and each other. */
export const fleetReport: Report<FleetBelief> = {
  channels: [
    {
      channel: 'state',
      everyUs: 100_000,
      fields: [
        ...STATE_FIELDS.map(field),
        { name: 'battery', unit: '1', low: 0.15, high: 1 },
        { name: 'halted', unit: '0/1' },
      ],
      values: (agent) => [...stateReport(agent.world), agent.world.health.charge, statusOf(agent).halted ? 1 : 0],
    },
    {
      channel: 'tracks',
      everyUs: 100_000,
      fields: TRACK_FIELDS.map(field),
      values: ({ world }) => tracksReport(world),
    },
  ],
  greetings: [
    {
      everyUs: 200_000,
      message: (agent: Agent<FleetBelief>) => {
        const { topic, body } = poseMessage(agent);
        return { to: '*', topic, body };
      },
    },
  ],
  reaches: (from, to) => {
    const dx = from.motion.xM - to.motion.xM;
    const dy = from.motion.yM - to.motion.yM;
    return dx * dx + dy * dy <= REACH_M * REACH_M;
  },
};

/** The fleet as an edge runs it. @throws BrokenSiteRecordError, BrokenRuleError */
export function openTerrain(settings: Json): Terrain<FleetBelief> {
  const { site: record, policy = DEFAULT_POLICY } = settings as unknown as FleetSettings;
  const site = siteFromJson(record);
  const ground = groundOf(site);
  return {
    model: fleetModel({ site, policy }),
    report: fleetReport,
    policyText: encodeState(policy),
    planner: {
      plan: ({ ask, world, revision }) => {
        const plan = planOnEdge(ground, world as FleetBelief, ask.task);
        return { kind: 'plan', from: 'secondary', taskId: ask.task.id, revision, basis: ask.basis, ...plan };
      },
      lie: (plan) => ({
        ...plan,
        confidence: 1,
        intents: plan.intents.map(({ name, args }) =>
          name === ADVANCE && typeof args.xM === 'number'
            ? { name, args: { ...args, xM: args.xM + LIE_M } }
            : { name, args },
        ),
      }),
    },
  };
}
