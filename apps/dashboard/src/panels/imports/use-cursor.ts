import { useCallback, useState } from 'react';
import { useMissionControl, useObservable, useTick } from '../../frame/mission-control.tsx';

const LIVE_MS = 1_000;
/** The page's clock shows what is on record; nearer than this it stands where it was sent. */
const SAME_US = 1_000;

export interface Cursor {
  /** The moment that lanes are read at, in this site's time. */
  readonly atUs: number;
  /** Whether the map shows that moment, too: the site may have nothing on record then. */
  readonly onRecord: boolean;
  readonly seek: (atUs: number) => void;
}

/** The page's own moment. Where this site has no record, the lanes go on alone, until the page's moment moves by itself. */
export function useCursor(): Cursor {
  const { clock, time } = useMissionControl();
  useObservable(time);
  useTick(LIVE_MS);
  const [beyond, setBeyond] = useState<{ readonly atUs: number; readonly clockUs: number } | null>(null);
  const seek = useCallback(
    (atUs: number) => {
      const wanted = Math.max(0, Math.round(atUs));
      clock.seek(wanted);
      setBeyond(Math.abs(clock.atUs - wanted) <= SAME_US ? null : { atUs: wanted, clockUs: clock.atUs });
    },
    [clock],
  );
  const alone = beyond !== null && Math.abs(clock.atUs - beyond.clockUs) <= SAME_US;
  return { atUs: alone ? beyond.atUs : clock.atUs, onRecord: !alone, seek };
}
