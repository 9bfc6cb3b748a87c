import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { LogBuffer } from './log-buffer.ts';
import type { LogFilter, LogLine } from './log-lines.ts';
import type { LogSource } from './log-source.ts';

/** A log as its panel shows it. */
export interface Log {
  readonly buffer: LogBuffer;
  /** Oldest first. */
  readonly lines: readonly LogLine[];
  readonly reading: boolean;
  /** Nothing older is left to read under this filter. */
  readonly begun: boolean;
  readonly problem: string;
  readonly readOlder: () => void;
  readonly setFilter: (filter: LogFilter) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Pages in a row that may hold nothing the filter shows, before a person is asked to read on. */
const PAGES_AT_ONCE = 8;

/** Keeps a buffer fed from the source: what comes live, and older pages on demand. Past and present never mix. */
export function useLog(source: LogSource): Log {
  const { time } = useMissionControl();
  const version = useTopic('decisions');
  const shown = useObservable(time);
  // Live lines gather; a moment of the past has its own, complete each time.
  const moment = shown.kind === 'live' ? 'live' : `past ${version}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another moment is another log.
  const buffer = useMemo(() => new LogBuffer(), [source, moment]);
  const [, render] = useReducer((count: number) => count + 1, 0);
  const [reading, setReading] = useState(false);
  const [begun, setBegun] = useState(false);
  const [problem, setProblem] = useState('');
  const asking = useRef<AbortController | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that there are new decisions.
  useMemo(() => buffer.absorb(source.newest()), [buffer, source, version]);

  const readOlder = useCallback(async () => {
    if (asking.current !== null || buffer.full) return;
    const ended = new AbortController();
    asking.current = ended;
    setReading(true);
    setProblem('');
    try {
      for (let page = 0; page < PAGES_AT_ONCE; page++) {
        const { decisions, next } = await source.before(buffer.oldest ?? null, buffer.filter, ended.signal);
        if (ended.signal.aborted) return;
        const added = buffer.addOlder(decisions, next ?? undefined);
        render();
        if (next === null) setBegun(true);
        if (added > 0 || next === null) break;
      }
    } catch (error) {
      if (!ended.signal.aborted) setProblem(explain(error));
    } finally {
      if (asking.current === ended) {
        asking.current = null;
        setReading(false);
      }
    }
  }, [buffer, source]);

  useEffect(() => {
    setBegun(false);
    if (moment === 'live') void readOlder();
    return () => {
      asking.current?.abort();
      asking.current = null;
    };
  }, [readOlder, moment]);

  const setFilter = useCallback(
    (filter: LogFilter) => {
      asking.current?.abort();
      asking.current = null;
      buffer.filterBy(filter);
      setBegun(false);
      setReading(false);
      render();
    },
    [buffer],
  );
  const pause = useCallback(() => {
    buffer.pause();
    render();
  }, [buffer]);
  const resume = useCallback(() => {
    buffer.resume();
    render();
  }, [buffer]);
  return { buffer, lines: buffer.lines, reading, begun, problem, readOlder, setFilter, pause, resume };
}
