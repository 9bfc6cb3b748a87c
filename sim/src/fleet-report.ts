import type { Report, ReportField } from '@sigma/edge';
import { type FleetBelief, poseMessage, STATE_FIELDS, stateReport, statusOf } from '@sigma/fleet-model';

const STATE_EVERY_US = 100_000;
const POSE_EVERY_US = 200_000;
/** Radio between robots reaches this far, m. */
const REACH_M = 8;

const fields: readonly ReportField[] = [
  ...STATE_FIELDS.map(({ name, unit, low, high }) => ({
    name,
    unit,
    ...(low === null ? {} : { low }),
    ...(high === null ? {} : { high }),
  })),
  { name: 'battery', unit: 'fraction', low: 0.15, high: 1 },
  { name: 'halted', unit: '1', low: 0, high: 1 },
];

/** What a simulated robot tells the hub ten times a second, and its peers five times. */
export const fleetReport: Report<FleetBelief> = {
  channels: [
    {
      channel: 'state',
      everyUs: STATE_EVERY_US,
      fields,
      values: (agent) => [...stateReport(agent.world), agent.world.health.charge, statusOf(agent).halted ? 1 : 0],
    },
  ],
  greetings: [
    {
      everyUs: POSE_EVERY_US,
      message: (agent) => {
        const { topic, body } = poseMessage(agent);
        return { to: '*', topic, body };
      },
    },
  ],
  reaches: ({ motion: a }, { motion: b }) => {
    const dx = a.xM - b.xM;
    const dy = a.yM - b.yM;
    return dx * dx + dy * dy <= REACH_M * REACH_M;
  },
};
