import type { GetImportResponse } from '@sigma/proto';
import { useCallback } from 'react';
import { plural } from '../../words/quantities.ts';
import type { Imports } from './import-acts.ts';
import { fineTime, lasting } from './import-time.ts';
import { useNewest } from './use-newest.ts';
import { fieldsOf, valueIn } from './value-words.ts';

const MOST_FIELDS = 300;
const CHARACTERS = 20_000;

interface ValueDetailProps {
  readonly known: GetImportResponse;
  readonly lane: number | null;
  /** The moment, in the file's own time. */
  readonly atUs: number;
  readonly offsetUs: number;
  readonly imports: Imports;
  readonly onSeek: (fileUs: number) => void;
}

/** What one lane said last, field by field, and the way to its next event. */
export function ValueDetail({ known, lane, atUs, offsetUs, imports, onSeek }: ValueDetailProps) {
  const importId = known.import?.id ?? '';
  const chosen = lane === null ? undefined : known.lanes[lane];
  const question = chosen === undefined || atUs < 0 ? null : { atUs, lane: chosen.lane };
  const ask = useCallback(
    (asked: NonNullable<typeof question>, signal: AbortSignal) =>
      imports.readImportMoment(
        { importId, timeUs: BigInt(asked.atUs), lanes: [asked.lane], characters: CHARACTERS },
        { signal },
      ),
    [imports, importId],
  );
  const { last, failure } = useNewest(question, `${atUs} ${lane}`, ask);
  const jump = async (onward: boolean) => {
    const lanes = chosen === undefined ? [] : [chosen.lane];
    const { timeUs } = await imports.findImportEvent({
      ...{ importId, onward, lanes },
      timeUs: BigInt(Math.max(0, atUs)),
    });
    if (timeUs > 0n) onSeek(Number(timeUs));
  };
  const answered = last !== null && last.question.lane === chosen?.lane;
  const value = answered ? last.answer.values[0] : undefined;
  return (
    <section className="value-detail" aria-label="What the lane says" data-testid="value-detail">
      <p className="value-head">
        <strong>
          <bdi>{chosen === undefined ? 'All lanes' : chosen.topic}</bdi>
        </strong>{' '}
        <bdi className="quiet">{chosen?.kind}</bdi>
        <span className="spring" />
        <button type="button" onClick={() => void jump(false)} data-testid="previous-event">
          ‹ Event before
        </button>
        <button type="button" onClick={() => void jump(true)} data-testid="next-event">
          Next event ›
        </button>
      </p>
      {failure === '' ? null : (
        <p className="level-warning" role="alert">
          {failure}
        </p>
      )}
      {chosen === undefined ? (
        <p className="quiet">Choose a lane to see what it says at the moment of the cursor, field by field.</p>
      ) : value === undefined ? (
        <p className="quiet">{answered ? 'It has said nothing by this moment.' : 'Asking…'}</p>
      ) : (
        <>
          <p className="quiet value-when">
            event {String(value.number)} of {plural(Number(chosen.events), 'event')} · {fineTime(Number(value.timeUs))}{' '}
            in the file{offsetUs === 0 ? '' : `, ${fineTime(Number(value.timeUs) + offsetUs)} here`} ·{' '}
            {lasting(Math.max(0, atUs - Number(value.timeUs)))} before the cursor
          </p>
          {value.unread === '' ? null : (
            <p className="level-advisory">
              Not decoded: <bdi>{value.unread}</bdi>
            </p>
          )}
          <Fields text={value.text} cut={value.cut} />
        </>
      )}
    </section>
  );
}

function Fields({ text, cut }: { readonly text: string; readonly cut: boolean }) {
  const { fields, more } = fieldsOf(valueIn(text), MOST_FIELDS);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div className="scroll" tabIndex={0}>
      <table className="value-fields">
        <tbody>
          {fields.map(({ path, text: said }, k) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a file may name two fields alike.
            <tr key={k}>
              <th scope="row">
                <bdi>{path}</bdi>
              </th>
              <td className="mono">
                <bdi>{said}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {cut || more ? <p className="quiet">Longer than is shown here.</p> : null}
    </div>
  );
}
