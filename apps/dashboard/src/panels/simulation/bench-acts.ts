import type { MissionControl } from '../../frame/mission-control.tsx';
import { judgeReceipts } from '../../live/acts.ts';
import { reading, words } from '../../words/quantities.ts';
import { whomWords } from '../../words/stop-words.ts';

/** Injects a fault into robots, or takes it away from them. `seconds` 0: until it is cleared. */
export function injectInto(
  { hub, acts }: MissionControl,
  agentIds: readonly string[],
  fault: string,
  seconds: number,
): Promise<unknown> {
  return acts.run(
    `Inject ${words(fault)} into ${whomWords(agentIds)}`,
    agentIds,
    () => Promise.all(agentIds.map((agentId) => hub.simulation.injectFault({ agentId, fault, seconds }))),
    (answers) => judgeReceipts(answers.map(({ receipt }) => receipt)),
  );
}

export function clearFault({ hub, acts }: MissionControl, agentId: string, fault: string): Promise<unknown> {
  return acts.run(
    `Clear ${words(fault)} of ${agentId}`,
    [agentId],
    () => hub.simulation.injectFault({ agentId, fault, clear: true }),
    ({ receipt }) => judgeReceipts([receipt]),
  );
}

/** Lets simulated time run so many times as fast as the wall clock. */
export function setSpeed({ hub, acts }: MissionControl, speed: number): Promise<unknown> {
  return acts.run(
    `Let simulated time run ${speed} times as fast`,
    [],
    () => hub.simulation.setSpeed({ speed }),
    () => ({ kind: 'done', detail: `the site lives ${speed} times as fast` }),
  );
}

/** Puts a simulated person on the floor for a while, standing. Metres; x east, y north. */
export function placePerson(
  { hub, acts }: MissionControl,
  xM: number,
  yM: number,
  seconds: number,
  near: readonly string[],
): Promise<unknown> {
  return acts.run(
    `Put a person at ${reading(xM, 'm')}, ${reading(yM, 'm')}`,
    near,
    () => hub.simulation.placePerson({ xM, yM, seconds }),
    ({ receipt }) => judgeReceipts([receipt]),
  );
}
