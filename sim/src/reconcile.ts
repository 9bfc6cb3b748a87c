import type { World } from '@sigma/fleet-world';
import type { Agent, Stimulus } from '@sigma/kernel';

/** What became of an action, asked of the body: it knows the one it is busy with and the last one it finished. */
export function reconcile(
  { actions, finished }: World,
  index: number,
  agent: Agent<unknown>,
  actionId: string,
): Stimulus {
  if (actions[index]?.id === actionId) return { kind: 'result', actionId, status: 'running', detail: null };
  const flight = agent.actions.find(({ action }) => action.id === actionId);
  const done = finished[index];
  if (done != null && done.key === flight?.action.idempotencyKey) {
    return { kind: 'result', actionId, status: 'done', detail: done.detail };
  }
  return { kind: 'result', actionId, status: 'failed', detail: { reason: 'the body does not know of it' } };
}
