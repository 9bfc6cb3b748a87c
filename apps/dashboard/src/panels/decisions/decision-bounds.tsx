import type { BoundView, ClampView, DecisionView } from '../../words/decision-words.ts';

/** What was cut down, from what to what and by whom; then every bound in force, those that bit first. */
export function DecisionBounds({ view }: { readonly view: DecisionView }) {
  const bounds = [...view.restrictions].sort((a, b) => Number(b.bit) - Number(a.bit));
  return (
    <section className="decision-part" aria-label="Bounds" data-testid="restrictions">
      <h3>Bounds on the winner</h3>
      {view.forbiddenBy === '' ? null : (
        <p className="level-warning forbidden" data-testid="forbidden">
          Forbidden by <bdi className="mono">{view.forbiddenBy}</bdi>: the command above went out in its place.
        </p>
      )}
      {view.clamped.map((clamp) => (
        <Clamp key={clamp.param} clamp={clamp} />
      ))}
      {bounds.length === 0 ? <p className="quiet">No restriction was in force.</p> : null}
      <ul className="bounds">
        {bounds.map((bound, k) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a recorded decision never changes its order.
          <Bound key={k} bound={bound} />
        ))}
      </ul>
    </section>
  );
}

function Clamp({ clamp }: { readonly clamp: ClampView }) {
  return (
    <div className="clamp" data-testid={`clamp-${clamp.param}`}>
      <p>
        <span className="clamp-name">{clamp.name}</span> <span className="clamp-from mono">{clamp.from}</span>
        <span aria-hidden="true"> → </span>
        <span className="for-ears">lowered to</span> <strong className="mono">{clamp.to}</strong>
        {clamp.by === '' ? null : (
          <span className="quiet">
            {' '}
            by <bdi className="mono">{clamp.by}</bdi>
          </span>
        )}
      </p>
      <svg className="clamp-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <rect className="clamp-wanted" width="100" height="4" />
        <rect className="clamp-left" width={clamp.share * 100} height="4" />
      </svg>
    </div>
  );
}

function Bound({ bound }: { readonly bound: BoundView }) {
  return (
    <li className={bound.bit ? 'bound bit' : 'bound'}>
      <p>
        <span className={`authority authority-${bound.authority}`}>{bound.authority}</span> <bdi>{bound.what}</bdi>
        {bound.bit ? <span className="bit-mark"> took effect</span> : null}
      </p>
      <p className="contender-who">
        <bdi className="mono">{bound.source}</bdi>
        {bound.why === '' ? null : (
          <>
            {' '}
            · <bdi>{bound.why}</bdi>
          </>
        )}
      </p>
    </li>
  );
}
