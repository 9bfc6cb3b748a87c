import type { Terrain } from '../src/live/terrain.ts';
import { cart, cartReport, type Rail } from './cart.ts';

/** The cart as a live edge opens it. Its secondary planner knows one way: along the rail. */
export function openTerrain(): Terrain<Rail> {
  return {
    model: cart,
    report: cartReport,
    policyText: '',
    planner: {
      plan: ({ ask, revision }) => ({
        kind: 'plan',
        from: 'secondary',
        taskId: ask.task.id,
        revision,
        intents: [{ name: 'advance', args: { xM: 1_000_000, speedMps: 0.5 } }],
        confidence: 0.8,
        rationale: 'slowly along the rail',
        basis: ask.basis,
        alternatives: [],
      }),
      lie: (plan) => ({ ...plan, intents: [{ name: 'advance', args: { xM: -1, speedMps: 99 } }] }),
    },
  };
}
