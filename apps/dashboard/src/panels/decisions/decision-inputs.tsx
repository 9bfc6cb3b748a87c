import type { DecisionView } from '../../words/decision-words.ts';
import { bandWords, plural, reading, sensorWords } from '../../words/quantities.ts';
import { sensorMeaning } from '../../words/sensor-meaning.ts';
import type { Evidence, EvidenceReading } from './evidence/evidence-words.ts';

/** What the agent had seen when it decided: the place in its inputs, its sensors, what was around it, its plan. */
export function DecisionInputs({
  view,
  evidence,
}: {
  readonly view: DecisionView;
  readonly evidence: Evidence | null;
}) {
  const { context, basis } = view;
  return (
    <section className="decision-part" aria-label="What it saw" data-testid="inputs">
      <h3>What it saw</h3>
      <p>
        Input <span className="mono">{context.input}</span> of epoch <span className="mono">{context.epoch}</span>
        {basis === null ? null : (
          <span className="quiet">
            {' '}
            · its plan was made from input <span className="mono">{basis.input}</span>
            {/^\d+$/.test(basis.behind) ? `, ${plural(Number(basis.behind), 'input')} before` : `, ${basis.behind}`}
          </span>
        )}
      </p>
      {evidence === null ? null : <Moment evidence={evidence} />}
    </section>
  );
}

function Moment({ evidence }: { readonly evidence: Evidence }) {
  const { readings, seen, inbox } = evidence;
  const odd = readings.filter(isOutside);
  const rest = readings.filter((one) => !isOutside(one));
  return (
    <>
      {inbox.length === 0 ? null : (
        <ul className="inbox" aria-label="Inputs of the cycle in which it decided">
          {inbox.map((line, k) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: recorded inputs never change their order.
            <li key={k}>
              <span className="inbox-kind">{line.kind}</span> <bdi>{line.text}</bdi>
            </li>
          ))}
        </ul>
      )}
      {seen.length === 0 ? null : (
        <ul className="seen" aria-label="What was around it">
          {seen.slice(0, 6).map((thing, k) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the nearest first, computed once.
            <li key={k} className={thing.what === 'person' ? 'seen-person' : undefined}>
              {thing.peer === '' ? thing.what : <bdi className="mono">{thing.peer}</bdi>} at{' '}
              <span className="mono">{reading(thing.distanceM, 'm')}</span>
              {thing.speedMps < 0.05 ? ', standing' : <span className="mono">, {reading(thing.speedMps, 'm/s')}</span>}
            </li>
          ))}
          {seen.length > 6 ? <li className="quiet">and {seen.length - 6} more, farther off</li> : null}
        </ul>
      )}
      {readings.length === 0 ? null : (
        <dl className="readings">
          {[...odd, ...rest].map((one) => (
            <Reading key={one.name} one={one} />
          ))}
        </dl>
      )}
    </>
  );
}

const isOutside = ({ value, low, high }: EvidenceReading): boolean =>
  (low !== null && value < low) || (high !== null && value > high);

function Reading({ one }: { readonly one: EvidenceReading }) {
  const outside = isOutside(one);
  const band = bandWords(one.low ?? undefined, one.high ?? undefined, one.unit);
  const name = sensorWords(one.name);
  return (
    <div
      className={outside ? 'level-warning' : undefined}
      title={`${sensorMeaning(one.name) || name}, when it decided${band === '' ? '' : `; it should be ${band}`}`}
    >
      <dt>{name}</dt>
      <dd className="mono">
        {reading(one.value, one.unit)}
        {outside ? <span> should be {band}</span> : null}
      </dd>
    </div>
  );
}
