import { type AuthorityWord, type Contender, type DecisionView, LADDER } from '../../words/decision-words.ts';
import type { Evidence } from './evidence/evidence-words.ts';
import { RunInstead } from './run-instead.tsx';

const LADDER_WORDS: Readonly<Record<AuthorityWord, string>> = {
  safety: 'Reflexes and failsafe. Nothing overrules them.',
  operator: 'A person who holds the control lease, or a stop.',
  swarm: 'What was agreed with peers, such as right of way.',
  mission: 'The plan of the task.',
  rest: 'Nobody proposed anything.',
};

/** Who wanted what, rung by rung of the authorities: the highest that is present wins, whatever stands below. */
export function DecisionLadder({
  view,
  evidence,
}: {
  readonly view: DecisionView;
  /** Null while the moment is computed again, and where it cannot be. */
  readonly evidence: Evidence | null;
}) {
  const rungs = LADDER.map((authority) => ({
    authority,
    contenders: view.contenders.filter((one) => one.authority === authority),
  }));
  const strangers = view.contenders.filter((one) => one.authority === 'rest');
  return (
    <section className="decision-part" aria-label="Who wanted what" data-testid="losers">
      <h3>Who wanted what</h3>
      {view.contenders.length === 0 ? <p className="quiet">{view.winner}.</p> : null}
      <ol className="ladder">
        {rungs.map(({ authority, contenders }) => (
          <li key={authority} className={contenders.length === 0 ? 'rung silent' : 'rung'}>
            <span className={`authority authority-${authority}`} title={LADDER_WORDS[authority]}>
              {authority}
            </span>
            {contenders.length === 0 ? (
              <span className="quiet">nobody</span>
            ) : (
              <Contenders contenders={contenders} evidence={evidence} />
            )}
          </li>
        ))}
        {strangers.length === 0 ? null : (
          <li className="rung">
            <span className="authority">unknown</span>
            <Contenders contenders={strangers} evidence={evidence} />
          </li>
        )}
      </ol>
      {view.contenders.length === 1 ? <p className="quiet">Nothing else was proposed.</p> : null}
    </section>
  );
}

interface ContendersProps {
  readonly contenders: readonly Contender[];
  readonly evidence: Evidence | null;
}

function Contenders({ contenders, evidence }: ContendersProps) {
  return (
    <ul>
      {contenders.map((one, k) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a recorded decision never changes its order.
        <li key={k} className={one.won ? 'contender won' : 'contender lost'}>
          <p className="contender-what">
            <span className="contender-mark">{one.won ? 'won' : 'lost'}</span> <bdi>{one.what}</bdi>
          </p>
          <p className="contender-who">
            <bdi className="mono">{one.source}</bdi>
            <span className="quiet" title="How sure the proposer was of it">
              {' '}
              confidence {one.confidence}
            </span>
          </p>
          {one.won ? null : (
            <p className="contender-why">
              <bdi>{one.why}</bdi>
              {one.rationale === '' ? null : (
                <span className="quiet">
                  {' '}
                  · it said: <bdi>{one.rationale}</bdi>
                </span>
              )}
            </p>
          )}
          {one.won || evidence === null ? null : (
            <RunInstead
              place={evidence.place}
              alternatives={evidence.alternatives}
              number={one.number}
              what={one.what.split(':')[0] ?? one.what}
              because={evidence.check.because}
            />
          )}
        </li>
      ))}
    </ul>
  );
}
