import { useEffect, useState } from 'react';
import { type Asked, notAnswered } from '../rows/use-asked.ts';

/** A stream that breaks off before it is over is begun again after this. */
const AGAIN_MS = 2_000;

/** The last thing that a stream said, until it is over: progress of long work. `again` begins anew. */
export function useWatched<T>(
  watch: (signal: AbortSignal) => AsyncIterable<T>,
  isOver: (value: T) => boolean,
): { readonly asked: Asked<T>; readonly again: () => void } {
  const [asked, setAsked] = useState<Asked<T>>({ kind: 'loading' });
  const [run, setRun] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run watches again.
  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async () => {
      let over = false;
      try {
        for await (const value of watch(signal)) {
          if (signal.aborted) return;
          setAsked({ kind: 'known', value });
          over = isOver(value);
        }
      } catch (error) {
        if (signal.aborted) return;
        const answer = notAnswered(error);
        setAsked(answer);
        over = answer.kind === 'missing';
      }
      if (!over && !signal.aborted) timer = setTimeout(once, AGAIN_MS);
    };
    void once();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [watch, isOver, run]);
  return { asked, again: () => setRun((before) => before + 1) };
}
