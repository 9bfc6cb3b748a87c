import {
  DEFAULT_POLICY,
  errandShare,
  type FleetBelief,
  type ReportField as FleetField,
  fleetFacts,
  fleetModel,
  groundOf,
  type PolicyText,
  planOnEdge,
  poseMessage,
  type Site,
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
/** A lying planner leads so much off the way on either axis: through shelves and into other robots' aisles. */
const LIE_M = 2;

const field = ({ name, unit, low, high }: FleetField): ReportField => ({
  name,
  unit,
  ...(low === null ? {} : { low }),
  ...(high === null ? {} : { high }),
});

/** What robots of the fleet tell the hub and each other. */
const fleetReport: Report<FleetBelief> = {
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
  taskProgress: errandShare,
};

/** The fleet as an edge runs it, from settings. @throws BrokenSiteRecordError, BrokenRuleError */
export function openTerrain(settings: Json): Terrain<FleetBelief> {
  const { site, policy = DEFAULT_POLICY } = settings as unknown as FleetSettings;
  return fleetTerrain(siteFromJson(site), policy);
}

/** The fleet on a site as an edge runs it, live or simulated. @throws BrokenRuleError */
export function fleetTerrain(site: Site, policy: PolicyText): Terrain<FleetBelief> {
  const ground = groundOf(site);
  return {
    model: fleetModel({ site, policy }),
    report: fleetReport,
    policyText: encodeState(policy),
    facts: fleetFacts(ground),
    planner: {
      plan: ({ ask, world, revision }) => {
        const plan = planOnEdge(ground, world, ask.task);
        return { kind: 'plan', from: 'secondary', taskId: ask.task.id, revision, basis: ask.basis, ...plan };
      },
      lie: (plan) => ({
        ...plan,
        confidence: 1,
        intents: plan.intents.map((intent) => {
          const { xM, yM } = intent.args;
          if (typeof xM !== 'number' || typeof yM !== 'number') return intent;
          return { ...intent, args: { ...intent.args, xM: xM + LIE_M, yM: yM - LIE_M } };
        }),
      }),
    },
  };
}
