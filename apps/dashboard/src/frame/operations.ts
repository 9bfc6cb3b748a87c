import type { AgentStatus } from '@sigma/proto';
import { judgeReceipts, type Outcome } from '../live/acts.ts';
import { localTime, personWords } from '../words/quantities.ts';
import type { MissionControl } from './mission-control.tsx';

/** Everything an operator can do to robots. Each act is told in the log of acts, with what really came of it. */

export type StopWord = 'none' | 'normal' | 'protective' | 'emergency';

const STOP_TITLE: Readonly<Record<StopWord, string>> = {
  none: 'End the normal stop of',
  normal: 'Normal stop of',
  protective: 'Protective stop of',
  emergency: 'Emergency stop of',
};

/** Empty `agentIds`: all robots of the site. */
export function stopAgents(
  { hub, acts }: MissionControl,
  agentIds: readonly string[],
  stop: StopWord,
): Promise<unknown> {
  const whom = agentIds.length === 0 ? 'the whole site' : agentIds.join(', ');
  return acts.run(
    `${STOP_TITLE[stop]} ${whom}`,
    agentIds,
    () => hub.fleet.stopAgents({ agentIds: [...agentIds], stop }),
    ({ receipts }) => judgeReceipts(receipts),
  );
}

/** What is refused when something else has come up since: nobody acknowledges or resets what he has not seen. */
const failsafesOf = (seen: AgentStatus | undefined) =>
  seen === undefined ? {} : { seen: { conditions: seen.failsafeEntries.map(({ condition }) => condition) } };

export function acknowledgeAgent({ hub, acts }: MissionControl, agentId: string, seen?: AgentStatus): Promise<unknown> {
  const act = () => hub.fleet.acknowledgeAgent({ agentId, ...failsafesOf(seen) });
  return acts.run(`Acknowledge ${agentId}`, [agentId], act, ({ receipt }) => judgeReceipts([receipt]));
}

export function resetAgent({ hub, acts }: MissionControl, agentId: string, seen?: AgentStatus): Promise<unknown> {
  const act = () => hub.fleet.resetAgent({ agentId, ...failsafesOf(seen) });
  return acts.run(`Reset ${agentId}`, [agentId], act, ({ receipt }) => judgeReceipts([receipt]));
}

export function setMode({ hub, acts }: MissionControl, agentId: string, mode: string): Promise<unknown> {
  const act = () => hub.fleet.setAgentMode({ agentId, mode });
  return acts.run(`Mode ${mode} for ${agentId}`, [agentId], act, ({ receipt }) => judgeReceipts([receipt]));
}

const LEASE_SECONDS = 900;

/** @param seen who holds it, '': nobody; a take-over takes it from nobody else */
export async function takeLease(
  { hub, acts, me }: MissionControl,
  agentId: string,
  takeOver: boolean,
  seen: string,
): Promise<void> {
  const given = await acts.run(
    `${takeOver ? 'Take over' : 'Take'} control of ${agentId}`,
    [agentId],
    () => hub.fleet.takeLease({ agentId, takeOver, seconds: LEASE_SECONDS, expectsHolder: seen }),
    (lease): Outcome => ({
      kind: 'done',
      detail: `held by ${personWords(lease.holder)} until ${localTime(lease.expiresTimeUs)}`,
    }),
  );
  if (given !== undefined) me.set({ ...me.get(), holder: given.holder });
}

export function returnLease({ hub, acts }: MissionControl, agentId: string): Promise<unknown> {
  const act = () => hub.fleet.returnLease({ agentId });
  return acts.run(`Return control of ${agentId}`, [agentId], act, () => ({ kind: 'done', detail: 'returned' }));
}

export async function acknowledgeAlerts(
  { hub, acts, now }: MissionControl,
  cause: string,
  alertIds: readonly string[],
): Promise<void> {
  const answers = await acts.run(
    `Acknowledge ${cause}`,
    [],
    () => Promise.all(alertIds.map((alertId) => hub.alerts.acknowledgeAlert({ alertId }))),
    (all): Outcome => ({ kind: 'done', detail: all.length === 1 ? 'acknowledged' : `${all.length} acknowledged` }),
  );
  for (const { alert } of answers ?? []) if (alert !== undefined) now.putAlert(alert);
}
