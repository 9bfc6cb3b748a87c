import type { Silence } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import type { Outcome } from '../../live/acts.ts';
import { causeWords } from '../../words/alert-words.ts';
import { localTime } from '../../words/quantities.ts';

/** Silences a cause, in each form that the hub knows, of one robot or of all. The hub refuses it for a critical one. */
export async function silence(
  { hub, acts }: MissionControl,
  cause: string,
  causes: readonly string[],
  agentId: string,
  seconds: number,
  reason: string,
): Promise<boolean> {
  const answer = await acts.run(
    `Silence ${causeWords(cause)}${agentId === '' ? '' : ` of ${agentId}`}`,
    agentId === '' ? [] : [agentId],
    () => Promise.all(causes.map((one) => hub.alerts.silenceAlerts({ cause: one, agentId, seconds, reason }))),
    ([given]): Outcome => ({ kind: 'done', detail: `until ${localTime(given?.silence?.untilTimeUs ?? 0n)}` }),
  );
  return answer !== undefined;
}

const LONGEST_S = 86_400;

/** The same silence with a later end: the new one begins before the old one ends, so that nothing calls in between. */
export async function extendSilence(
  { hub, acts }: MissionControl,
  { id, cause, agentId, reason, untilTimeUs }: Silence,
  byS: number,
  nowUs: bigint,
): Promise<boolean> {
  const leftS = Math.max(0, Math.ceil(Number(untilTimeUs - nowUs) / 1e6));
  const answer = await acts.run(
    `Silence ${causeWords(cause)}${agentId === '' ? '' : ` of ${agentId}`} for longer`,
    agentId === '' ? [] : [agentId],
    async () => {
      const given = await hub.alerts.silenceAlerts({
        cause,
        agentId,
        seconds: Math.min(LONGEST_S, leftS + byS),
        reason,
      });
      await hub.alerts.endSilence({ silenceId: id });
      return given;
    },
    (given): Outcome => ({ kind: 'done', detail: `until ${localTime(given.silence?.untilTimeUs ?? 0n)}` }),
  );
  return answer !== undefined;
}

export async function endSilence({ hub, acts }: MissionControl, { id, cause, agentId }: Silence): Promise<boolean> {
  const answer = await acts.run(
    `End the silence of ${causeWords(cause)}`,
    agentId === '' ? [] : [agentId],
    () => hub.alerts.endSilence({ silenceId: id }),
    (): Outcome => ({ kind: 'done', detail: 'it speaks again' }),
  );
  return answer !== undefined;
}
