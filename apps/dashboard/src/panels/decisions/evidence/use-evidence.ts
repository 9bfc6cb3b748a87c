import { createContext, useContext, useEffect, useState } from 'react';
import type { Evidence, EvidenceRequest } from './evidence-words.ts';
import type { EvidenceNews } from './evidence-worker.ts';

export type EvidenceState =
  | { readonly kind: 'working' }
  | { readonly kind: 'found'; readonly evidence: Evidence }
  /** The record does not hold it (yet). */
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Name of the worker that reads another life than the site's own recording; empty for that one. */
export const EvidenceLife = createContext('');

/** What is on record follows the decision within seconds: asked again this often, so many times. */
const AGAIN_MS = 2_500;
const TRIES = 6;

/** Computes the decision again from the record, in a worker, so that the page stays quick. `null`: nothing to compute yet. */
export function useEvidence(request: EvidenceRequest | null): EvidenceState {
  const [state, setState] = useState<EvidenceState>({ kind: 'working' });
  const key = request === null ? '' : JSON.stringify(request);
  const life = useContext(EvidenceLife);

  useEffect(() => {
    setState({ kind: 'working' });
    if (key === '') return;
    const worker = new Worker(new URL('./evidence-worker.ts', import.meta.url), {
      type: 'module',
      name: life === '' ? 'evidence' : life,
    });
    const ask = () => worker.postMessage(JSON.parse(key) as EvidenceRequest);
    let tries = 1;
    let timer: ReturnType<typeof setTimeout> | undefined;
    worker.onmessage = ({ data }: MessageEvent<EvidenceNews>) => {
      if (data.type === 'evidence') return setState({ kind: 'found', evidence: data.evidence });
      setState({ kind: data.onRecord ? 'failed' : 'absent', reason: data.message });
      if (tries++ < TRIES) timer = setTimeout(ask, AGAIN_MS);
    };
    worker.onerror = (event) => setState({ kind: 'failed', reason: event.message || 'the worker could not be loaded' });
    ask();
    return () => {
      clearTimeout(timer);
      worker.terminate();
    };
  }, [key, life]);
  return state;
}
