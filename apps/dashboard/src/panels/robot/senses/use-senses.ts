import { useEffect, useRef, useState } from 'react';
import type { Senses, SensesRequest } from './gather-senses.ts';
import { LatestOnly, type OneAtATime } from './latest-only.ts';
import type { SensesNews } from './senses-worker.ts';

export type SensesState =
  | { readonly kind: 'working' }
  | { readonly kind: 'found'; readonly senses: Senses }
  /** The recording does not hold it, and why. */
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** What the robot's sensors had told it at a moment of the past (microseconds since 1970), computed again in a worker. */
export function useSenses(agentId: string, timeUs: number): SensesState {
  const [state, setState] = useState<SensesState>({ kind: 'working' });
  const asking = useRef<LatestOnly<SensesRequest, SensesNews> | null>(null);

  useEffect(() => {
    setState({ kind: 'working' });
    const worker = new Worker(new URL('./senses-worker.ts', import.meta.url), { type: 'module', name: 'senses' });
    const port: OneAtATime<SensesRequest, SensesNews> = {
      post: (request) => worker.postMessage(request),
      onAnswer: () => undefined,
    };
    worker.onmessage = ({ data }: MessageEvent<SensesNews>) => port.onAnswer(data);
    worker.onerror = (event) => setState({ kind: 'failed', reason: event.message || 'the worker could not be loaded' });
    asking.current = new LatestOnly(port, (news) => {
      const asked = news.type === 'senses' ? news.senses : news.request;
      if (asked.agentId === agentId) setState(stateOf(news));
    });
    return () => {
      asking.current = null;
      worker.terminate();
    };
  }, [agentId]);

  useEffect(() => asking.current?.ask({ agentId, timeUs }), [agentId, timeUs]);
  return state;
}

const stateOf = (news: SensesNews): SensesState =>
  news.type === 'senses'
    ? { kind: 'found', senses: news.senses }
    : { kind: news.onRecord ? 'failed' : 'absent', reason: news.message };
