import { useEffect, useState } from 'react';
import { useGo } from '../../frame/mission-control.tsx';
import { plural } from '../../words/quantities.ts';
import type { VerifyNews, VerifySummary } from './verify-words.ts';

type State =
  | { readonly kind: 'running'; readonly words: string; readonly share: number }
  | { readonly kind: 'done'; readonly summary: VerifySummary }
  | { readonly kind: 'failed'; readonly message: string };

/** Verifies the recording here, without trusting the hub: every hash, every link, and the kernel run again. */
export function VerifyPanel() {
  const go = useGo();
  const [run, setRun] = useState(0);
  const [state, setState] = useState<State>({ kind: 'running', words: 'Reading the heads…', share: 0 });

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new run is a new worker.
  useEffect(() => {
    setState({ kind: 'running', words: 'Reading the heads…', share: 0 });
    const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), { type: 'module', name: 'verify' });
    worker.onmessage = ({ data }: MessageEvent<VerifyNews>) => {
      if (data.type === 'report') setState({ kind: 'done', summary: data.summary });
      else if (data.type === 'failed') setState({ kind: 'failed', message: data.message });
      else {
        const { source, sequence, ofSequence } = data;
        setState({
          kind: 'running',
          words: `${source}: event ${sequence} of ${ofSequence}`,
          share: sequence / Math.max(1, ofSequence),
        });
      }
    };
    worker.onerror = (event) =>
      setState({ kind: 'failed', message: event.message || 'the verifier could not be loaded' });
    return () => worker.terminate();
  }, [run]);

  const result =
    state.kind === 'done' ? state.summary.result : state.kind === 'failed' ? `could not verify: ${state.message}` : '';
  const failed = state.kind === 'failed' || (state.kind === 'done' && !state.summary.ok);
  return (
    <section className="panel verify" aria-labelledby="verify-title" data-testid="verify">
      <div className="control-row">
        <h1 id="verify-title">Verify the recording</h1>
        <span className="spring" />
        <button
          type="button"
          onClick={() => setRun(run + 1)}
          disabled={state.kind === 'running'}
          data-testid="verify-again"
        >
          Again
        </button>
        {state.kind === 'running' ? (
          <button type="button" onClick={() => go('/')} data-testid="verify-cancel">
            Cancel
          </button>
        ) : null}
      </div>
      <p className="quiet">
        This browser reads every recorded block, checks its hash and its link to the one before, and runs the kernel
        again over the same inputs. It does not take the hub’s word for anything.
      </p>
      <p className={`verify-result ${failed ? 'level-critical' : ''}`} data-testid="verify-result" role="status">
        {result}
      </p>
      {state.kind === 'running' ? (
        <p role="status" data-testid="verify-progress">
          <progress value={state.share} max={1} aria-label="Progress of this chain" /> {state.words}
        </p>
      ) : null}
      {state.kind === 'done' ? <Report summary={state.summary} /> : null}
    </section>
  );
}

function Report({ summary }: { readonly summary: VerifySummary }) {
  return (
    <>
      {summary.ok && summary.chains.length > 0 ? (
        <p>Nothing in it was changed, left out, moved or invented, as far as each stretch below says.</p>
      ) : null}
      <dl className="facts">
        <div>
          <dt>Head</dt>
          <dd className="mono" data-testid="verify-head">
            {summary.head}
          </dd>
        </div>
        <div>
          <dt>Checked</dt>
          <dd>
            {plural(summary.events, 'event')} in {plural(summary.chains.length, 'chain')},{' '}
            {plural(summary.wakes, 'cycle')} run again
          </dd>
        </div>
        {summary.firstFailure?.recorded ? (
          <div>
            <dt>Recorded</dt>
            <dd className="mono">{summary.firstFailure.recorded}</dd>
          </div>
        ) : null}
        {summary.firstFailure?.expected ? (
          <div>
            <dt>Expected</dt>
            <dd className="mono">{summary.firstFailure.expected}</dd>
          </div>
        ) : null}
      </dl>
      {summary.chains.length === 0 ? (
        <p className="quiet">
          Nothing has been recorded yet, so there is nothing to check. Every robot records from the moment it starts.
        </p>
      ) : null}
      <table hidden={summary.chains.length === 0}>
        <thead>
          <tr>
            <th scope="col">Chain</th>
            <th scope="col" className="right" title="Recorded events of the chain, each checked against its hash">
              Events
            </th>
            <th scope="col" className="right" title="Events that the kernel, run again, wrote the same bit for bit">
              Agreed
            </th>
            <th scope="col" title="From which event to which, and how far it could be checked">
              Stretches
            </th>
          </tr>
        </thead>
        <tbody>
          {summary.chains.map((chain) => (
            <tr key={chain.name} className={chain.failures > 0 ? 'level-critical' : undefined}>
              <td className="mono">{chain.name}</td>
              <td className="mono right">{chain.events}</td>
              <td className="mono right">{chain.reexecuted}</td>
              <td>
                {chain.stretches} <span className="quiet">{chain.note}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
