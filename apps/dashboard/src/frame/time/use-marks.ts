import type { Mark } from '@sigma/proto';
import { useEffect, useState } from 'react';
import { useMissionControl, useTopic } from '../mission-control.tsx';

const MOST_MARKS = 2_000;
/** While a person zooms and drags, the hub is asked when he rests. */
const ASK_AFTER_MS = 250;

interface Asked {
  readonly fromUs: number;
  readonly toUs: number;
  readonly marks: readonly Mark[];
  readonly more: boolean;
}

const NOTHING: Asked = { fromUs: 0, toUs: 0, marks: [], more: false };

/** What happened in that stretch of time: read from the hub, and what the stream has told since. */
export function useMarks(fromUs: number, toUs: number): { readonly marks: readonly Mark[]; readonly more: boolean } {
  const { hub, now } = useMissionControl();
  useTopic('marks');
  const [asked, setAsked] = useState(NOTHING);
  const span = toUs - fromUs;
  // A window that slides along with the present is read again only when half of it is new.
  const known = asked.fromUs <= fromUs && asked.toUs >= toUs - span / 2 && asked.toUs - asked.fromUs <= span * 3;

  useEffect(() => {
    if (known || span <= 0) return;
    const ended = new AbortController();
    const timer = setTimeout(async () => {
      const [from, to] = [Math.max(0, Math.floor(fromUs - span / 2)), Math.ceil(toUs)];
      try {
        const { marks, more } = await hub.record.listMarks(
          { fromTimeUs: BigInt(from), toTimeUs: BigInt(to), limit: MOST_MARKS },
          { signal: ended.signal },
        );
        setAsked({ fromUs: from, toUs: to, marks, more });
      } catch {
        // Out of reach: the bar shows what it has; the stream says that the hub is gone.
        if (!ended.signal.aborted) setAsked({ ...NOTHING, fromUs: from, toUs: to });
      }
    }, ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [hub, known, fromUs, toUs, span]);

  const heard = now.marks().filter((mark) => Number(mark.timeUs) > asked.toUs);
  return { marks: heard.length === 0 ? asked.marks : [...asked.marks, ...heard], more: asked.more };
}
