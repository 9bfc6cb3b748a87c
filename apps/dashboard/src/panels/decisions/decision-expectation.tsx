import { quantityOf, span } from '../../words/quantities.ts';
import type { ExpectationTrail, PredictedQuantity, Prediction } from './evidence/evidence-words.ts';

const VERDICT: Readonly<Record<Prediction['verdict'], string>> = {
  kept: 'came as expected',
  violated: 'came otherwise: a violation',
  overtaken: 'not judged: another decision or plan came first',
  open: 'not due yet at the end of what is on record',
};

/** What the world model predicted that the command would do, and what came. */
export function DecisionExpectation({ trail }: { readonly trail: ExpectationTrail }) {
  const shown = trail.violated ?? trail.first;
  return (
    <section className="decision-part" aria-label="Expected, and what came" data-testid="expectation">
      <h3>Expected, and what came</h3>
      {shown === null ? (
        <p className="quiet">Nothing could be predicted of this command, so nothing was compared.</p>
      ) : (
        <>
          <p className={shown.verdict === 'violated' ? 'level-warning' : undefined} data-verdict={shown.verdict}>
            <strong>{VERDICT[shown.verdict]}</strong>
            <span className="quiet">
              {' '}
              · {shown.verdict === 'kept' || shown.verdict === 'violated' ? 'judged' : 'due'}{' '}
              {span((shown.dueUs - shown.madeUs) / 1_000)} after it was made
            </span>
          </p>
          <table className="expected">
            <thead>
              <tr>
                <th scope="col">Quantity</th>
                <th scope="col" className="right">
                  Expected
                </th>
                <th scope="col" className="right">
                  Came
                </th>
                <th scope="col">Within</th>
              </tr>
            </thead>
            <tbody>
              {shown.quantities.map((quantity) => (
                <Quantity key={quantity.name} quantity={quantity} />
              ))}
            </tbody>
          </table>
          <p className="quiet">
            {trail.made} {trail.made === 1 ? 'prediction' : 'predictions, renewed while it was in force'}: {trail.kept}{' '}
            kept{trail.violated === null ? '' : ', then this one broken'}.
          </p>
        </>
      )}
    </section>
  );
}

/** Half of the band's width on the small scale that shows how far off it came: three tolerances to each side. */
const SCALE = 3;

function Quantity({ quantity }: { readonly quantity: PredictedQuantity }) {
  const { name, expected, tolerance, came } = quantity;
  const said = quantityOf(name, expected);
  const off = came - expected;
  const outside = !(Math.abs(off) <= tolerance);
  const share = Number.isNaN(came) ? null : Math.max(-SCALE, Math.min(SCALE, off / Math.max(tolerance, 1e-9)));
  return (
    <tr className={outside && !Number.isNaN(came) ? 'level-warning' : undefined}>
      <th scope="row">{said.name}</th>
      <td className="mono right" title={`${said.name} within ${quantityOf(name, tolerance).text} of ${said.text}`}>
        <span className="whole">{said.text}</span>{' '}
        <span className="quiet whole">± {quantityOf(name, tolerance).text}</span>
      </td>
      <td className="mono right">{Number.isNaN(came) ? 'not seen' : quantityOf(name, came).text}</td>
      <td>
        <svg className="off-scale" viewBox="-3 -1 6 2" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <rect className="off-band" x="-1" y="-1" width="2" height="2" />
          <line className="off-zero" x1="0" x2="0" y1="-1" y2="1" />
          {share === null ? null : <rect className="off-came" x={share - 0.08} y="-1" width="0.16" height="2" />}
        </svg>
      </td>
    </tr>
  );
}
