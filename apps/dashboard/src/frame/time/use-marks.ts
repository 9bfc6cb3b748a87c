import type { Mark, OnTheWay } from '@sigma/proto';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { LiveSite } from '../../live/live-site.ts';
import { STALE_MS } from '../../live/site-view.ts';
import { useConnection, useMissionControl, useTopic } from '../mission-control.tsx';
import { nameOfMark } from './mark-clusters.ts';

const MOST_MARKS = 2_000;
/** While a person zooms and drags, the hub is asked when he rests. */
const ASK_AFTER_MS = 250;
/** While something is still on its way, or a robot is not heard, the hub is asked again so often. */
const ASK_AGAIN_MS = 5_000;

/** A robot that is heard again shows only a little later what it still has to bring. */
const LINGER_MS = 30_000;

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
  /** What the stream had told when the hub was asked. */
  readonly told: ReadonlySet<Mark>;
}

/** A question that is on its way. */
interface Asking extends Pick<Asked, 'fromUs' | 'toUs' | 'round'> {
  readonly ended: AbortController;
}

const marksIn = ({ marks, more, onTheWay }: MarksHere): MarksHere => ({ marks, more, onTheWay });

const NOTHING: Asked = { fromUs: 0, toUs: 0, marks: [], more: false, onTheWay: [], round: 0, told: new Set() };

/** What happened in that stretch of time: read from the hub, and what the stream has told since, also of long ago. */
export function useMarks(fromUs: number, toUs: number): MarksHere {
  const { hub, now, nowMs } = useMissionControl();
  const { state: connection } = useConnection();
  useTopic('marks');
  const [asked, setAsked] = useState(NOTHING);
  const [round, setRound] = useState(0);
  const span = toUs - fromUs;
  // A window that slides along with the present is read again only when half of it is new.
  const covers = (one: Pick<Asked, 'fromUs' | 'toUs' | 'round'>): boolean =>
    one.round === round && one.fromUs <= fromUs && one.toUs >= toUs - span / 2 && one.toUs - one.fromUs <= span * 3;
  const asking = useRef<Asking | null>(null);
  // What was asked for is waited for, however slow the hub is, while the present moves on.
  const known = covers(asked) || (asking.current !== null && covers(asking.current));

  useEffect(() => {
    if (known || span <= 0) return;
    const timer = setTimeout(async () => {
      asking.current?.ended.abort();
      const told = new Set(now.marks());
      const window = { fromUs: Math.max(0, Math.floor(fromUs - span / 2)), toUs: Math.ceil(toUs), round };
      const mine = { ...window, ended: new AbortController() };
      asking.current = mine;
      const answer = await hub.record
        .listMarks(
          { fromTimeUs: BigInt(window.fromUs), toTimeUs: BigInt(window.toUs), limit: MOST_MARKS },
          { signal: mine.ended.signal },
        )
        .catch(() => null);
      if (asking.current !== mine) return;
      asking.current = null;
      // Out of reach: the bar shows what it has; the stream says that the hub is gone.
      setAsked((before) => (answer === null ? { ...before, ...window } : { ...marksIn(answer), ...window, told }));
    }, ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [hub, now, known, fromUs, toUs, span, round]);

  useEffect(
    () => () => {
      asking.current?.ended.abort();
      asking.current = null;
    },
    [],
  );

  const lastWaitedMs = useRef(Number.NEGATIVE_INFINITY);
  const isNews = (mark: Mark): boolean => isOpen(mark) && !asked.told.has(mark);
  const open = asked.onTheWay.length > 0 || asked.marks.some(isOpen) || now.marks().some(isNews);
  if (open || someSilent(now, nowMs())) lastWaitedMs.current = nowMs();
  const waits = nowMs() - lastWaitedMs.current < LINGER_MS;
  useEffect(() => {
    if (!waits) return;
    // Behind the last answer, however long that took: what is asked for is not given up for being asked again.
    const timer = setInterval(() => setRound(asked.round + 1), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [waits, asked]);

  // What happened while the hub was out of reach is asked of it as soon as it is back.
  useEffect(() => {
    if (connection === 'live') setRound((one) => one + 1);
  }, [connection]);

  const there = useMemo(() => new Set(asked.marks.map(nameOfMark)), [asked]);
  // What was reported only may have been taken back since it was told (R193): there the hub's answer stands.
  const heard = now
    .marks()
    .filter((mark) => Number(mark.timeUs) >= asked.fromUs && !there.has(nameOfMark(mark)))
    .filter((mark) => !mark.reported || !asked.told.has(mark));
  const { more, onTheWay } = asked;
  return { marks: heard.length === 0 ? asked.marks : [...asked.marks, ...heard], more, onTheWay };
}

/** Reported ahead of its record, which may still prove it. */
const isOpen = ({ reported, unprovable }: Mark): boolean => reported && unprovable === '';

/** Whether a robot is not heard: what it records meanwhile is missing here. */
function someSilent(now: LiveSite, nowMs: number): boolean {
  for (let row = 0; row < now.ids.length; row++) if (now.ageMs(row, nowMs) > STALE_MS) return true;
  return false;
}
