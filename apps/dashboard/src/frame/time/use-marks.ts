import type { Mark, OnTheWay } from '@sigma/proto';
import { useEffect, useMemo, useState } from 'react';
import { useMissionControl, useTopic } from '../mission-control.tsx';

const MOST_MARKS = 2_000;
/** While a person zooms and drags, the hub is asked when he rests. */
const ASK_AFTER_MS = 250;
/** While something is still on its way, the hub is asked again so often. */
const ASK_AGAIN_MS = 5_000;

export interface MarksHere {
  readonly marks: readonly Mark[];
  /** There were more. */
  readonly more: boolean;
  /** Lives of robots of which something may have happened that is not here yet. */
  readonly onTheWay: readonly OnTheWay[];
}

interface Asked extends MarksHere {
  readonly fromUs: number;
  readonly toUs: number;
  readonly round: number;
}

const NOTHING: Asked = { fromUs: 0, toUs: 0, marks: [], more: false, onTheWay: [], round: 0 };

const nameOf = ({ timeUs, kind, agentId, text }: Mark): string => `${timeUs} ${kind} ${agentId} ${text}`;

/** What happened in that stretch of time: read from the hub, and what the stream has told since, also of long ago. */
export function useMarks(fromUs: number, toUs: number): MarksHere {
  const { hub, now } = useMissionControl();
  useTopic('marks');
  const [asked, setAsked] = useState(NOTHING);
  const [round, setRound] = useState(0);
  const span = toUs - fromUs;
  // A window that slides along with the present is read again only when half of it is new.
  const within = asked.fromUs <= fromUs && asked.toUs >= toUs - span / 2 && asked.toUs - asked.fromUs <= span * 3;
  const known = within && asked.round === round;

  useEffect(() => {
    if (known || span <= 0) return;
    const ended = new AbortController();
    const timer = setTimeout(async () => {
      const [from, to] = [Math.max(0, Math.floor(fromUs - span / 2)), Math.ceil(toUs)];
      try {
        const { marks, more, onTheWay } = await hub.record.listMarks(
          { fromTimeUs: BigInt(from), toTimeUs: BigInt(to), limit: MOST_MARKS },
          { signal: ended.signal },
        );
        setAsked({ fromUs: from, toUs: to, marks, more, onTheWay, round });
      } catch {
        // Out of reach: the bar shows what it has; the stream says that the hub is gone.
        if (!ended.signal.aborted) setAsked({ ...NOTHING, fromUs: from, toUs: to, round });
      }
    }, ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [hub, known, fromUs, toUs, span, round]);

  useEffect(() => {
    if (asked.onTheWay.length === 0) return;
    const timer = setTimeout(() => setRound((one) => one + 1), ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [asked]);

  const there = useMemo(() => new Set(asked.marks.map(nameOf)), [asked]);
  const heard = now.marks().filter((mark) => Number(mark.timeUs) >= asked.fromUs && !there.has(nameOf(mark)));
  const { more, onTheWay } = asked;
  return { marks: heard.length === 0 ? asked.marks : [...asked.marks, ...heard], more, onTheWay };
}
