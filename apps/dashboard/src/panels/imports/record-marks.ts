import type { Mark } from '@sigma/proto';
import { useCallback, useEffect, useState } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import type { Stretch } from './import-time.ts';
import { useNewest } from './use-newest.ts';

/** Lanes of this site's own record: what its time bar shows, each kind by itself. */
export const RECORD_KINDS = ['decision', 'violation', 'failsafe', 'stop', 'alert', 'mission', 'act'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

const MOST_MARKS = 2_000;
const STEP_US = 1_000_000;

export interface RecordMarks {
  readonly marks: readonly Mark[];
  /** There are more than are shown. */
  readonly more: boolean;
  readonly failure: string;
}

const OTHERS: readonly string[] = RECORD_KINDS.filter((kind) => kind !== 'decision');

/** What is on record here in a stretch of time; of the robot that is selected, where one is. */
export function useRecordMarks({ fromUs, toUs }: Stretch): RecordMarks {
  const { hub, selected } = useMissionControl();
  const agentId = useObservable(selected) ?? '';
  const span = toUs - fromUs;
  // In whole steps with room at either side, so that moving by a little asks nothing anew.
  const stepUs = Math.max(STEP_US, span / 4);
  const from = Math.max(0, Math.floor((fromUs - span / 4) / stepUs) * stepUs);
  const to = Math.ceil((toUs + span / 4) / stepUs) * stepUs;
  const question = { from, to, agentId };
  const ask = useCallback(
    async (asked: typeof question, signal: AbortSignal) => {
      const within = { fromTimeUs: BigInt(Math.round(asked.from)), toTimeUs: BigInt(Math.round(asked.to)) };
      const limited = { ...within, limit: MOST_MARKS };
      const [others, decisions] = await Promise.all([
        hub.record.listMarks({ ...limited, kinds: [...OTHERS] }, { signal }),
        hub.record.listMarks({ ...limited, kinds: ['decision'], agentId: asked.agentId }, { signal }),
      ]);
      return { marks: [...others.marks, ...decisions.marks], more: others.more || decisions.more };
    },
    [hub],
  );
  const { last, failure } = useNewest(question, `${from} ${to} ${agentId}`, ask);
  return { marks: last?.answer.marks ?? [], more: last?.answer.more ?? false, failure };
}

/** From when to when anything is on record here; null until that is known, or when nothing is. */
export function useRecordRange(): Stretch | null {
  const { hub, now } = useMissionControl();
  const [range, setRange] = useState<Stretch | null>(null);
  useEffect(() => {
    const ended = new AbortController();
    const atUs = now.timeUs > 0n ? now.timeUs : BigInt(Date.now()) * 1000n;
    hub.record.locateMoment({ timeUs: atUs }, { signal: ended.signal }).then(
      ({ fromTimeUs, toTimeUs }) => {
        if (!ended.signal.aborted && toTimeUs > 0n) setRange({ fromUs: Number(fromTimeUs), toUs: Number(toTimeUs) });
      },
      () => undefined,
    );
    return () => ended.abort();
  }, [hub, now]);
  return range;
}
