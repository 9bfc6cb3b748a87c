import { useGo } from '../../frame/mission-control.tsx';
import { plural, span } from '../../words/quantities.ts';
import type { Evidence } from './evidence/evidence-words.ts';
import type { EvidenceState } from './evidence/use-evidence.ts';
import { HandOver } from './hand-over.tsx';

/** Where the decision stands in the record, and what this browser found when it computed it again. */
export function DecisionProof({ state }: { readonly state: EvidenceState }) {
  const go = useGo();
  return (
    <section className="decision-part" aria-label="Proof" data-testid="proof">
      <h3>Proof</h3>
      {state.kind === 'working' ? (
        <p className="quiet" role="status">
          Reading the record and running the kernel again in this browser…
        </p>
      ) : null}
      {state.kind === 'absent' ? <p className="quiet">Not proved: {state.reason}.</p> : null}
      {state.kind === 'failed' ? (
        <p className="level-warning">Not proved: {state.reason} What stands above is the hub’s word.</p>
      ) : null}
      {state.kind === 'found' ? <Found evidence={state.evidence} /> : null}
      <button type="button" className="link" onClick={() => go('/verify')}>
        Verify the whole recording
      </button>
    </section>
  );
}

function Found({ evidence: { place, check } }: { readonly evidence: Evidence }) {
  return (
    <>
      <p
        className={check.result === 'different' ? 'level-critical' : undefined}
        data-testid="proof-result"
        data-result={check.result}
      >
        {check.result === 'same' ? (
          <>
            <strong>Computed again, the same bit for bit</strong> · {plural(check.wakes, 'cycle')} of the kernel run in
            this browser
          </>
        ) : null}
        {check.result === 'different' ? (
          <strong>Computed again, it comes out otherwise: what is on record is not what this kernel decides</strong>
        ) : null}
        {check.result === 'not recomputed' ? <>On record, not computed again: {check.because}.</> : null}
      </p>
      <dl className="facts">
        <div>
          <dt>Event</dt>
          <dd>
            <span className="mono">{place.event}</span> of <bdi className="mono">{place.source}</bdi>, epoch{' '}
            {place.epoch}
          </dd>
        </div>
        <div>
          <dt>Block</dt>
          <dd>
            <span className="mono" title={place.block}>
              {place.block.slice(0, 16)}…
            </span>{' '}
            <span className="quiet">{plural(check.blocks, 'block')} checked: hash, and link to the one before</span>
          </dd>
        </div>
        <div>
          <dt>Written by</dt>
          <dd>
            <bdi>{place.software}</bdi> <span className="quiet">model {place.model || 'none'}</span>
          </dd>
        </div>
      </dl>
      <HandOver place={place} />
    </>
  );
}

/** How long it was in force, for the head of the view. */
export const lastedWords = (lastedUs: number | null): string =>
  lastedUs === null
    ? ''
    : `in force for ${lastedUs < 100_000 ? `${Math.round(lastedUs / 1_000)} ms` : span(lastedUs / 1_000)}`;
