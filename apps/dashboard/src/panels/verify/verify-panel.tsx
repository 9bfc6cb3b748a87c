import { useEffect, useState } from 'react';
import { useGo } from '../../frame/mission-control.tsx';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { plural } from '../../words/quantities.ts';
import { type ChainLine, ChainTable } from './chain-table.tsx';
import type { VerifyNews, VerifySummary } from './verify-words.ts';

type State =
  | { readonly kind: 'running'; readonly words: string; readonly chains: readonly ChainLine[] }
  | { readonly kind: 'done'; readonly summary: VerifySummary }
  | { readonly kind: 'failed'; readonly message: string };

const BEGUN: State = { kind: 'running', words: 'Reading the heads…', chains: [] };

/** Verifies the recording here, without trusting the hub: every hash, every link, and the kernel run again. */
export function VerifyPanel() {
  const go = useGo();
  const [run, setRun] = useState(0);
  const state = useVerification(run);
  const running = state.kind === 'running';
  const chains = state.kind === 'running' ? state.chains : state.kind === 'done' ? state.summary.chains : [];
  return (
    <section className="panel verify" aria-labelledby="verify-title" data-testid="verify">
      <div className="verify-columns">
        <div className="verify-sum">
          <h1 id="verify-title">Verify the recording</h1>
          <p className="quiet">
            This browser reads every recorded block, checks its hash and its link to the one before, and runs the kernel
            again over the same inputs. It does not take the hub’s word for anything.
          </p>
          <Result state={state} />
          {state.kind === 'done' ? <Facts summary={state.summary} /> : null}
          <p className="verify-acts">
            <button type="button" onClick={() => setRun(run + 1)} disabled={running} data-testid="verify-again">
              Again
            </button>
            {running ? (
              <button type="button" className="plain" onClick={() => go('/')} data-testid="verify-cancel">
                Cancel
              </button>
            ) : null}
          </p>
        </div>
        {chains.length > 0 ? <ChainTable chains={chains} /> : null}
        {state.kind === 'done' && chains.length === 0 ? (
          <EmptyState icon={EMPTY_ICON.calm} title="No chain is recorded yet.">
            Every robot records from the moment it starts; <code className="mono">npm start</code> brings a simulated
            fleet.
          </EmptyState>
        ) : null}
      </div>
    </section>
  );
}

/** One run of the verifier in a worker of its own; another number is another run. */
function useVerification(run: number): State {
  const [state, setState] = useState<State>(BEGUN);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new run is a new worker.
  useEffect(() => {
    setState(BEGUN);
    const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), { type: 'module', name: 'verify' });
    worker.onmessage = ({ data }: MessageEvent<VerifyNews>) => {
      if (data.type === 'report') setState({ kind: 'done', summary: data.summary });
      else if (data.type === 'failed') setState({ kind: 'failed', message: data.message });
      else {
        const { source: name, sequence, ofSequence: events } = data;
        setState((before) => ({
          kind: 'running',
          words: `${name}: event ${sequence} of ${events}`,
          chains: withLine(before.kind === 'running' ? before.chains : [], { name, events, read: sequence }),
        }));
      }
    };
    worker.onerror = (event) =>
      setState({ kind: 'failed', message: event.message || 'the verifier could not be loaded' });
    return () => worker.terminate();
  }, [run]);
  return state;
}

/** The chains read so far, each once, the newest news of each. */
function withLine(lines: readonly ChainLine[], line: ChainLine): readonly ChainLine[] {
  const at = lines.findIndex(({ name }) => name === line.name);
  return at < 0 ? [...lines, line] : lines.with(at, line);
}

function Result({ state }: { readonly state: State }) {
  if (state.kind === 'running') {
    return (
      <p role="status" data-testid="verify-progress">
        {state.words}
      </p>
    );
  }
  if (state.kind === 'failed') {
    return (
      <div className="verify-result unread">
        <p className="verify-word" data-testid="verify-result" role="status">
          could not be checked
        </p>
        <p>{state.message}</p>
      </div>
    );
  }
  const nothing = state.summary.events === 0;
  const failed = !state.summary.ok;
  return (
    <div className={`verify-result ${failed ? 'failed' : nothing ? 'nothing' : 'ok'}`}>
      <p className="verify-word" data-testid="verify-result" role="status">
        {nothing ? 'nothing to check yet' : state.summary.result}
      </p>
      {failed || nothing ? null : (
        <p>Nothing in it was changed, left out, moved or invented, as far as each stretch says.</p>
      )}
    </div>
  );
}

function Facts({ summary }: { readonly summary: VerifySummary }) {
  if (summary.events === 0) return null;
  const { recorded = null, expected = null } = summary.firstFailure ?? {};
  return (
    <dl className="facts">
      <div>
        <dt title="A hash over all heads: whoever has the same one has the same recording, to the byte">Head</dt>
        <dd className="mono" data-testid="verify-head">
          {summary.head}
        </dd>
      </div>
      <div>
        <dt title="Every event against its hash; every cycle of the kernel against what it decided then">Checked</dt>
        <dd>
          {plural(summary.events, 'event')} in {plural(summary.chains.length, 'chain')},{' '}
          {plural(summary.wakes, 'cycle')} run again
        </dd>
      </div>
      {recorded === null ? null : (
        <div>
          <dt>Recorded</dt>
          <dd className="mono">{recorded}</dd>
        </div>
      )}
      {expected === null ? null : (
        <div>
          <dt>Expected</dt>
          <dd className="mono">{expected}</dd>
        </div>
      )}
    </dl>
  );
}
