import { suspend } from './chain.ts';
import type { Cycle } from './conclude.ts';
import { differences, type PendingExpectation, type PendingPromise, type Violation } from './expectation.ts';
import { replan } from './tasks.ts';

/** Compares an expectation that is due with what is. */
export function compareDue<World>(cycle: Cycle<World>): void {
  const { agent, atUs } = cycle;
  const { expectation } = agent;
  if (expectation === null || atUs < expectation.dueUs) return;
  agent.expectation = null;
  compare(cycle, expectation);
}

/**
 * Another decision ends a command before its expectation is due. What was expected throughout can be compared already;
 * what was expected of the end cannot: who was interrupted has not failed.
 */
export function compareInterrupted<World>(cycle: Cycle<World>): void {
  const { expectation } = cycle.agent;
  if (expectation === null) return;
  cycle.agent.expectation = null;
  const quantities = expectation.quantities.filter(({ throughout }) => throughout === true);
  if (quantities.length > 0) compare(cycle, { ...expectation, quantities });
}

function compare<World>(cycle: Cycle<World>, expectation: PendingExpectation): void {
  const { agent, model, atUs } = cycle;
  if (model.excuses?.(agent.world, expectation, atUs) === true) return;
  const observed = model.observe(
    agent.world,
    expectation.quantities.map(({ name }) => name),
  );
  const found = differences(expectation, observed);
  for (const { quantity, observed: seen } of found) {
    violate(cycle, {
      kind: 'physical',
      atUs,
      decisionSequence: expectation.decisionSequence,
      command: expectation.command,
      quantity: quantity.name,
      expected: quantity.value,
      observed: seen,
      tolerance: quantity.tolerance,
      planner: expectation.planner,
    });
  }
  if (found.length > 0) strike(cycle, expectation.planner);
}

/** A promise is judged once it is due, or before when the world model knows already. */
export function judgePromises<World>(cycle: Cycle<World>): void {
  const { agent, model, atUs } = cycle;
  if (agent.promises.length === 0) return;
  const open: PendingPromise[] = [];
  let broken = false;
  for (const promise of agent.promises) {
    const verdict = model.promise(agent.world, promise, atUs);
    if (verdict === 'kept') continue;
    if (verdict === 'pending' && atUs <= promise.dueUs) {
      open.push(promise);
      continue;
    }
    const { peer, id, what, args, dueUs } = promise;
    violate(cycle, { kind: 'social', atUs, peer, promiseId: id, what, args, dueUs });
    broken = true;
  }
  if (open.length !== agent.promises.length) agent.promises = open;
  if (broken) strike(cycle, null);
}

function violate<World>(cycle: Cycle<World>, violation: Violation): void {
  cycle.events.push({ type: 'violation', violation });
}

/** A violation counts, makes the agent ask for a new plan, and in numbers bars the planner that predicted wrongly. */
function strike<World>(cycle: Cycle<World>, planner: 'primary' | 'secondary' | null): void {
  const { agent, model, atUs } = cycle;
  agent.violations = [...agent.violations, { atUs, planner }];
  cycle.interrupt = true;
  if (agent.plan !== null && replan(agent, 'reality differs from what was expected', atUs)) {
    cycle.question = agent.asked?.reason ?? null;
  }
  if (planner === null) return;
  const strikes = agent.violations.filter((violation) => violation.planner === planner).length;
  if (strikes < model.chain.strikes) return;
  agent.chain = suspend(agent.chain, model.chain, planner, atUs);
  agent.violations = agent.violations.filter((violation) => violation.planner !== planner);
}
