import type { AgentView, ChannelSchema, LearnedBand, TelemetryFrame } from '@sigma/proto';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { type SensorLine, sensorLines } from './sensor-lines.ts';
import { TrendBuffer } from './trend-buffer.ts';
import { TrendPlots } from './trend-plots.ts';

const EVERY_MS = 500;
/** Readings of a trend: two minutes. */
const TREND_READINGS = 240;

/** What the hub says of one agent, asked for twice a second while somebody looks. */
export interface AgentDetail {
  readonly view: AgentView | null;
  readonly lines: readonly SensorLine[];
  readonly asked: boolean;
  readonly problem: string;
  readonly plots: TrendPlots;
  readonly trendOf: (key: string) => TrendBuffer;
  /** When the control lease ends, microseconds since 1970; 0 where that is not known, as for a moment of the past. */
  readonly leaseExpiresTimeUs: bigint;
}

interface Answer {
  readonly of: string;
  readonly view: AgentView | null;
  readonly frames: readonly TelemetryFrame[];
  readonly channels: readonly ChannelSchema[];
  readonly bands: readonly LearnedBand[];
}

export function useAgentDetail(id: string): AgentDetail {
  const { hub, time } = useMissionControl();
  const past = useObservable(time).kind === 'past';
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [problem, setProblem] = useState('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: each robot has plots and buffers of its own.
  const plots = useMemo(() => new TrendPlots(), [id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each robot has plots and buffers of its own.
  const buffers = useMemo(() => new Map<string, TrendBuffer>(), [id]);
  const fed = useRef(buffers);
  fed.current = buffers;

  useEffect(() => () => plots.end(), [plots]);
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const { agent, frames, channels, bands } = await hub.fleet.getAgent({ agentId: id }, { signal: ended.signal });
        setAnswer({ of: id, view: agent ?? null, frames, channels, bands });
        feed(fed.current, sensorLines(frames, channels, bands));
        plots.grown();
        setProblem('');
      } catch (error) {
        if (!ended.signal.aborted) setProblem(explain(error));
      }
      if (!ended.signal.aborted) timer = setTimeout(ask, EVERY_MS);
    };
    void ask();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [hub, id, plots]);

  const current = answer?.of === id ? answer : null;
  const lines = useMemo(
    () => (current === null ? [] : sensorLines(current.frames, current.channels, current.bands)),
    [current],
  );
  const trendOf = (key: string): TrendBuffer => {
    const known = buffers.get(key) ?? new TrendBuffer(TREND_READINGS);
    buffers.set(key, known);
    return known;
  };
  const view = current?.view ?? null;
  const leaseExpiresTimeUs = past ? 0n : (view?.leaseExpiresTimeUs ?? 0n);
  return { view, lines, asked: current !== null, problem, plots, trendOf, leaseExpiresTimeUs };
}

function feed(buffers: Map<string, TrendBuffer>, lines: readonly SensorLine[]): void {
  for (const { key, timeUs, value } of lines) {
    const buffer = buffers.get(key) ?? new TrendBuffer(TREND_READINGS);
    buffers.set(key, buffer);
    buffer.push(Number(timeUs) / 1e6, value);
  }
}
