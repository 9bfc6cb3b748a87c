import { Code, ConnectError } from '@connectrpc/connect';
import { useCallback, useEffect, useState } from 'react';
import { explain } from '../../live/hub.ts';

/** An answer of the hub, as a list shows it: every state of it is designed. */
export type Asked<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'forbidden'; readonly reason: string }
  /** Nothing of that name is there: asking again gets the same answer. */
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** What a refusal or a failure is to whoever asked. */
export function notAnswered(error: unknown): Exclude<Asked<never>, { kind: 'known' | 'loading' }> {
  const { code } = ConnectError.from(error);
  const kind = code === Code.PermissionDenied ? 'forbidden' : code === Code.NotFound ? 'missing' : 'failed';
  return { kind, reason: explain(error) };
}

/** Asks once, and again on demand or every `everyMs` while the list is open. What was known stays until the next answer. */
export function useAsked<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  everyMs = 0,
): { readonly asked: Asked<T>; readonly again: () => void } {
  const [asked, setAsked] = useState<Asked<T>>({ kind: 'loading' });
  const [run, setRun] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run asks again.
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async () => {
      try {
        const value = await ask(ended.signal);
        if (!ended.signal.aborted) setAsked({ kind: 'known', value });
      } catch (error) {
        if (!ended.signal.aborted) setAsked(notAnswered(error));
      }
      if (everyMs > 0 && !ended.signal.aborted) timer = setTimeout(once, everyMs);
    };
    void once();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [ask, everyMs, run]);
  return { asked, again: useCallback(() => setRun((before) => before + 1), []) };
}
