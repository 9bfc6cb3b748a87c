import type { PastProblem } from '../../past/past-engine.ts';
import { localTime, plural, span } from '../../words/quantities.ts';
import { useFrame } from '../frame-ui.ts';
import { useConnection, useMissionControl, useObservable, usePast, useTick } from '../mission-control.tsx';

/** Silence longer than this is said before the stream is opened anew. */
const LATE_MS = 2_000;

/** What stands between the page and the truth, under the panels: the hub is gone, the stream is late, a recording is of another version. */
export function StandingNotice() {
  const { engine, clock } = useMissionControl();
  const past = usePast();
  const problems = useObservable(engine.problems);
  const progress = useObservable(engine.progress);
  const { notice, earlier } = useFrame();
  const words = useObservable(notice);
  const elsewhere = useObservable(earlier) !== null;
  const gone = useConnection().state === 'reconnecting';
  return (
    <div className="notices">
      <LateNotice />
      {past && problems.size > 0 ? <ProblemNotice problems={[...problems.values()]} /> : null}
      {past && !elsewhere && progress?.state === 'settled' && engine.sources?.length === 0 ? <NothingNotice /> : null}
      {past && progress?.state === 'failed' ? (
        <p className="notice level-warning" role="alert" data-testid="past-failed">
          {gone
            ? 'This moment cannot be computed: The hub does not answer.'
            : `This moment cannot be computed: ${progress.words}`}{' '}
          <button type="button" onClick={() => clock.seek(clock.atUs)}>
            Try again
          </button>
        </p>
      ) : null}
      <p className={words === '' ? 'for-ears' : 'notice passing'} role="status" data-testid="notice">
        {words}
      </p>
    </div>
  );
}

function LateNotice() {
  const { now, nowMs } = useMissionControl();
  const connection = useConnection();
  const past = usePast();
  useTick(500);
  const silence = now.silenceMs(nowMs());
  if (!Number.isFinite(silence)) return null;
  const gone = connection.state === 'reconnecting';
  if (!gone && silence < LATE_MS) return null;
  return (
    <p className="notice level-warning" role="status" data-testid="late">
      {gone
        ? `The hub does not answer${connection.reason === 'the hub does not answer' ? '' : ` (${connection.reason})`}. ${past ? 'What is computed stays' : `What you see is ${span(silence)} old`}; robots keep themselves safe. Trying again by itself, try ${connection.attempt}.`
        : `Nothing heard for ${span(silence)}: what you see is that old.`}
    </p>
  );
}

/** A link may lead to a moment of which nothing is on record. */
function NothingNotice() {
  const { engine, clock } = useMissionControl();
  const range = useObservable(engine.range);
  const begins = range === null || range.toUs === 0 ? null : range.fromUs;
  return (
    <p className="notice level-advisory" role="status" data-testid="nothing-recorded">
      Nothing is on record of this moment.{' '}
      {begins === null ? (
        'The hub has no recording yet; it grows while robots run.'
      ) : (
        <button type="button" onClick={() => clock.seek(begins + 1_000_000)}>
          Go to where the record begins, {localTime(BigInt(Math.round(begins)))}
        </button>
      )}
    </p>
  );
}

const KIND_WORDS: Readonly<Record<PastProblem['kind'], string>> = {
  newer:
    'was recorded by a newer version than this page. Load the page anew from a hub of that version; until then only recorded positions are shown, ten seconds apart.',
  older:
    'was recorded by an older version than this page. Open it with the release that wrote it; here only recorded positions are shown, ten seconds apart.',
  unknown_site: 'was recorded on a site that this page does not have.',
  unreadable: 'cannot be read. Run: npx sigma verify',
};

function ProblemNotice({ problems }: { readonly problems: readonly PastProblem[] }) {
  const [first] = problems;
  if (first === undefined) return null;
  const whose =
    problems.length === 1 ? first.source : `${plural(problems.length, 'robot')}, ${first.source} among them,`;
  const verb = KIND_WORDS[first.kind];
  return (
    <details className="notice level-warning" data-testid="past-problem" data-kind={first.kind}>
      <summary>
        {whose} {problems.length > 1 ? verb.replace(/^was/, 'were') : verb}
      </summary>
      <ul>
        {problems.slice(0, 20).map(({ source, words }) => (
          <li key={source}>
            <span className="mono">{source}</span> {words}
          </li>
        ))}
      </ul>
    </details>
  );
}
