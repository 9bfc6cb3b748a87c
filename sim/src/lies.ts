import type { PlanStimulus } from '@sigma/kernel';

/** Off its way by so much, m: through shelves and into other robots' aisles. */
const LIE_M = 2;

/** What a planner says that has lost its mind and not its voice: well formed, sure of itself, and wrong. */
export const lieOf = (plan: PlanStimulus): PlanStimulus => ({
  ...plan,
  confidence: 1,
  intents: plan.intents.map((intent) => {
    const { xM, yM } = intent.args;
    if (typeof xM !== 'number' || typeof yM !== 'number') return intent;
    return { ...intent, args: { ...intent.args, xM: xM + LIE_M, yM: yM - LIE_M } };
  }),
});
