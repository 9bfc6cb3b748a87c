import { ConnectError } from '@connectrpc/connect';
import { BrokenRuleSchema, type Fork, type MakeForkRequest, type Trial } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import type { Outcome } from '../../live/acts.ts';
import { forkTitle } from './fork-words.ts';

export type Wish = Omit<Partial<MakeForkRequest>, '$typeName' | '$unknown' | 'idempotencyKey'>;

export const forkPath = (id: string): string => `/forks/${encodeURIComponent(id)}`;
export const trialPath = (id: string): string => `/what-if/${encodeURIComponent(id)}`;

/** Begins a fork and opens its page. Whoever clicks twice gets one. @param refused told why the hub would not */
export async function makeFork(
  control: MissionControl,
  title: string,
  wish: Wish,
  refused: (error: unknown) => void = () => undefined,
): Promise<Fork | undefined> {
  const { hub, acts, path } = control;
  const idempotencyKey = crypto.randomUUID();
  const answer = await acts.run(
    title,
    wish.agentIds ?? [],
    () =>
      hub.forks.makeFork({ ...wish, idempotencyKey }).catch((error: unknown) => {
        refused(error);
        throw error;
      }),
    ({ fork }): Outcome =>
      fork === undefined ? { kind: 'failed', detail: 'the hub named no fork' } : { kind: 'done', detail: 'begun' },
  );
  if (answer?.fork !== undefined) path.set(forkPath(answer.fork.id));
  return answer?.fork;
}

export function cancelFork({ hub, acts }: MissionControl, fork: Fork): Promise<unknown> {
  const act = () => hub.forks.cancelFork({ forkId: fork.id });
  return acts.run(`Cancel the fork “${forkTitle(fork)}”`, [], act, () => ({ kind: 'done', detail: 'cancelled' }));
}

export function removeFork({ hub, acts }: MissionControl, fork: Fork): Promise<unknown> {
  const act = () => hub.forks.removeFork({ forkId: fork.id });
  return acts.run(`Delete the fork “${forkTitle(fork)}”`, [], act, () => ({ kind: 'done', detail: 'deleted' }));
}

export function cancelTrial({ hub, acts }: MissionControl, trial: Trial): Promise<unknown> {
  const act = () => hub.forks.cancelTrial({ trialId: trial.id });
  return acts.run('End the trial of the rule', [], act, () => ({ kind: 'done', detail: 'ended' }));
}

/** Where a rule is broken, if that is why the hub refused. */
export function brokenLine(error: unknown): number | null {
  const [broken] = ConnectError.from(error).findDetails(BrokenRuleSchema);
  return broken === undefined || broken.line === 0 ? null : broken.line;
}
