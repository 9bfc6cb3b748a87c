import type { ChainState, PlannerState } from './agent.ts';
import type { ChainLimits } from './model.ts';
import type { PlannerName } from './stimulus.ts';

/** Both planners count as heard when the agent begins, so each has its timeout to speak up. */
export function initialChain(atUs: number): ChainState {
  const planner: PlannerState = { heardUs: atUs, steadySinceUs: atUs, suspendedUntilUs: null };
  return { active: 'primary', primary: planner, secondary: planner };
}

const timeoutOf = (limits: ChainLimits, planner: PlannerName): number | null =>
  planner === 'primary' ? limits.primaryTimeoutUs : limits.secondaryTimeoutUs;

/** How long the planner has been silent; 0 for one that is not watched. */
export function silentUs(chain: ChainState, limits: ChainLimits, planner: PlannerName, atUs: number): number {
  if (timeoutOf(limits, planner) === null) return 0;
  return atUs - (chain[planner].heardUs ?? atUs);
}

/** A sign of life. A break longer than the timeout starts the steady time anew. */
export function hear(chain: ChainState, limits: ChainLimits, planner: PlannerName, atUs: number): ChainState {
  const present = chain[planner];
  const timeout = timeoutOf(limits, planner);
  const broken = present.heardUs === null || (timeout !== null && atUs - present.heardUs > timeout);
  const heard: PlannerState = { ...present, heardUs: atUs, steadySinceUs: broken ? atUs : present.steadySinceUs };
  return planner === 'primary' ? { ...chain, primary: heard } : { ...chain, secondary: heard };
}

/** Bars a planner whose predictions keep failing. */
export function suspend(chain: ChainState, limits: ChainLimits, planner: PlannerName, atUs: number): ChainState {
  const suspended: PlannerState = { ...chain[planner], suspendedUntilUs: atUs + limits.suspendUs };
  return planner === 'primary' ? { ...chain, primary: suspended } : { ...chain, secondary: suspended };
}

/** `silent`, `suspended`, or null when the planner may plan. */
function unfit(chain: ChainState, limits: ChainLimits, planner: PlannerName, atUs: number): string | null {
  const state = chain[planner];
  if (state.suspendedUntilUs !== null && atUs < state.suspendedUntilUs) return 'suspended';
  const timeout = timeoutOf(limits, planner);
  if (timeout !== null && atUs - (state.heardUs ?? atUs) > timeout) return 'silent';
  return null;
}

/** Fit, heard without a break, and free of suspension, each for the recovery time. */
function recovered(chain: ChainState, limits: ChainLimits, planner: PlannerName, atUs: number): boolean {
  if (unfit(chain, limits, planner, atUs) !== null) return false;
  const state = chain[planner];
  const steadyUs = atUs - Math.max(state.steadySinceUs ?? atUs, state.suspendedUntilUs ?? 0);
  return steadyUs >= limits.recoverUs;
}

/**
 * Walks the chain primary → secondary → mechanical: down at once, up only after the better planner has been steady
 * for the recovery time.
 *
 * @returns the chain with its active link, and the reason for a change, or null when nothing changed
 */
export function walkChain(
  chain: ChainState,
  limits: ChainLimits,
  atUs: number,
): { readonly chain: ChainState; readonly reason: string | null } {
  const primary = unfit(chain, limits, 'primary', atUs);
  const secondary = unfit(chain, limits, 'secondary', atUs);
  const to = (active: ChainState['active'], reason: string) => ({ chain: { ...chain, active }, reason });
  if (chain.active === 'primary') {
    if (primary === null) return { chain, reason: null };
    return secondary === null
      ? to('secondary', `primary ${primary}`)
      : to('mechanical', `primary ${primary}, secondary ${secondary}`);
  }
  if (recovered(chain, limits, 'primary', atUs)) return to('primary', 'primary steady again');
  if (chain.active === 'mechanical') {
    return recovered(chain, limits, 'secondary', atUs)
      ? to('secondary', 'secondary steady again')
      : { chain, reason: null };
  }
  if (secondary === null) return { chain, reason: null };
  return to('mechanical', `secondary ${secondary}, primary ${primary ?? 'not steady yet'}`);
}
