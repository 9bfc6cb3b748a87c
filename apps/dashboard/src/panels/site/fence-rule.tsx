import type { FenceTerms } from '../../site/draft.ts';
import { number } from '../../words/quantities.ts';

const LASTS = [
  { seconds: 0, words: 'until taken away' },
  { seconds: 900, words: '15 min' },
  { seconds: 3_600, words: '1 h' },
  { seconds: 28_800, words: '8 h' },
] as const;
const NAMED_AT_MOST = 6;

interface FenceRuleProps {
  readonly terms: FenceTerms;
  readonly onTerms: (terms: FenceTerms) => void;
  /** A fence that stands keeps the end that it has. */
  readonly stands?: boolean;
}

/** What holds inside, for how long, and under which name: asked once the outline stands, so that it is not in its way. */
export function FenceRule({ terms, onTerms, stands = false }: FenceRuleProps) {
  const { kind, speedMps, name, seconds, note } = terms;
  return (
    <div className="sender-row">
      <label className="inline">
        Rule
        <select
          value={kind}
          onChange={(event) => onTerms({ ...terms, kind: event.target.value as FenceTerms['kind'] })}
          data-testid="fence-kind"
        >
          <option value="restricted">keep out</option>
          <option value="slow">go slowly</option>
        </select>
      </label>
      {kind === 'slow' ? (
        <label className="inline">
          at most m/s
          <input
            type="number"
            min={0.1}
            max={10}
            step={0.1}
            value={speedMps}
            onChange={(event) => onTerms({ ...terms, speedMps: event.target.valueAsNumber || 0 })}
          />
        </label>
      ) : null}
      {stands ? null : (
        <label className="inline">
          Lasts
          <select value={seconds} onChange={(event) => onTerms({ ...terms, seconds: Number(event.target.value) })}>
            {LASTS.map((one) => (
              <option key={one.seconds} value={one.seconds}>
                {one.words}
              </option>
            ))}
          </select>
        </label>
      )}
      <label className="inline">
        Name
        <input
          value={name}
          maxLength={60}
          onChange={(event) => onTerms({ ...terms, name: event.target.value })}
          data-testid="fence-name"
        />
      </label>
      <label className="fence-note">
        Note to others
        <textarea
          value={note}
          maxLength={4_000}
          rows={Math.min(6, Math.max(2, note.split('\n').length))}
          onChange={(event) => onTerms({ ...terms, note: event.target.value })}
          data-testid="fence-note"
        />
      </label>
    </div>
  );
}

/** Whom it meets inside, and what becomes of them. */
export function Consequence({
  kind,
  inside,
  speedMps,
}: {
  kind: FenceTerms['kind'];
  inside: readonly string[];
  speedMps: number;
}) {
  const more = inside.length > NAMED_AT_MOST ? ` and ${inside.length - NAMED_AT_MOST} more` : '';
  const who = `${inside.slice(0, NAMED_AT_MOST).join(', ')}${more}`;
  const stops = kind === 'restricted' && inside.length > 0;
  return (
    <p className={stops ? 'preview level-warning' : 'preview'} data-testid="fence-preview" role="status">
      {inside.length === 0
        ? 'Nobody is inside now. '
        : kind === 'restricted'
          ? `${who} inside: will stop there until it is taken away. `
          : `${who} inside: will slow to ${number(speedMps)} m/s. `}
      {kind === 'restricted' ? 'Plans go around it from now on.' : 'The others slow down when they enter.'}
    </p>
  );
}
