import { useEffect, useRef, useState } from 'react';
import { explain } from '../../live/hub.ts';

interface Answered<Question, Answer> {
  /** The last answer that came, and to which question; null before the first. */
  readonly last: { readonly question: Question; readonly answer: Answer } | null;
  /** Why the newest question has no answer; empty otherwise. */
  readonly failure: string;
}

/**
 * Asks the question that is the newest now, one at a time: while a person drags, each answer is followed by a question
 * for wherever he has come to. Null asks nothing.
 *
 * @param key tells two questions apart
 */
export function useNewest<Question, Answer>(
  question: Question | null,
  key: string,
  ask: (question: Question, signal: AbortSignal) => Promise<Answer>,
): Answered<Question, Answer> {
  const [answered, setAnswered] = useState<Answered<Question, Answer>>({ last: null, failure: '' });
  const newest = useRef({ question, key, ask });
  newest.current = { question, key, ask };
  const busy = useRef(false);
  const ended = useRef<AbortController | null>(null);
  useEffect(() => {
    const end = new AbortController();
    ended.current = end;
    busy.current = false;
    return () => end.abort();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the question, and the newest is asked.
  useEffect(() => {
    const run = async () => {
      const { signal } = ended.current as AbortController;
      const now = newest.current;
      if (busy.current || signal.aborted || now.question === null) return;
      busy.current = true;
      try {
        const answer = await now.ask(now.question, signal);
        if (!signal.aborted) setAnswered({ last: { question: now.question, answer }, failure: '' });
      } catch (error) {
        if (!signal.aborted) setAnswered(({ last }) => ({ last, failure: explain(error) }));
      }
      if (signal.aborted) return;
      busy.current = false;
      if (newest.current.key !== now.key) void run();
    };
    void run();
  }, [key]);
  return answered;
}
