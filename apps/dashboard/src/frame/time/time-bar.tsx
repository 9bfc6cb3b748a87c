import type { OnTheWay } from '@sigma/proto';
import { lazy, Suspense, useState, useSyncExternalStore } from 'react';
import { OutcomeLine } from '../../parts/outcome-line.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { SPEEDS } from '../../past/time-machine.ts';
import { onTheWayWords, toComeWords } from '../../words/mark-words.ts';
import { localTime, span, utcTime } from '../../words/quantities.ts';
import { MenuName } from '../bars/menu-name.tsx';
import { afterFirstPicture } from '../first-picture.ts';
import { useFrame } from '../frame-ui.ts';
import { COMMANDS } from '../keys/commands.ts';
import { keyCaps } from '../keys/keys.ts';
import { useConnection, useMissionControl, useObservable, usePast, useTick } from '../mission-control.tsx';
import { nameOfMoment } from '../place/address.ts';
import { untilFetched } from '../until-fetched.ts';
import { bookmarksWords } from './bookmarks.ts';
import { Scrubber } from './scrubber.tsx';

const BookmarkMenu = lazy(async () => {
  await afterFirstPicture();
  return { default: (await untilFetched(() => import('./bookmark-menu.tsx'))).BookmarkMenu };
});

/** Stretches of time that the bar can show, minutes. */
const SPANS = [
  [1, '1 min'],
  [5, '5 min'],
  [15, '15 min'],
  [60, '1 h'],
  [240, '4 h'],
  [1_440, '24 h'],
] as const;

/** Which moment the whole page shows, what happened around it, and the way from one to another. */
export function TimeBar() {
  const { split, clock } = useMissionControl();
  const past = usePast();
  const [minutes, setMinutes] = useState(15);
  const [missing, setMissing] = useState<readonly OnTheWay[]>([]);
  const sideBySide = useObservable(split);
  const kept = useObservable(useFrame().bookmarks.all);
  return (
    <footer className="time-bar" data-time={past ? 'past' : 'live'} data-tour="time" data-testid="time-bar">
      <div className="time-row">
        <TimeWord />
        <fieldset className="time-steps" aria-label="Move in time">
          <CommandButton id="previous-trouble" sign="«" />
          <CommandButton id="previous-decision" sign="‹" />
          <CommandButton id="nudge-1" sign="−1 s" />
          <PlayButton />
          <CommandButton id="nudge1" sign="+1 s" />
          <CommandButton id="next-decision" sign="›" />
          <CommandButton id="next-trouble" sign="»" />
        </fieldset>
        <SpeedChoice />
        <Moment />
        <Progress />
        <ToCome lives={missing} />
        <LastAct />
        <Suspense fallback={<MenuName>{bookmarksWords(kept.length)}</MenuName>}>
          <BookmarkMenu />
        </Suspense>
        <CommandButton id="split" sign="Compare" pressed={sideBySide && past} />
        {past ? <CommandButton id="fork" sign="Fork" /> : null}
        <label className="inline">
          <span className="for-ears">Stretch of time on the bar</span>
          <select
            value={minutes}
            onChange={(event) => setMinutes(Number(event.target.value))}
            title="Stretch of time on the bar"
            data-testid="time-span"
          >
            {SPANS.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className={past ? 'primary' : undefined}
          disabled={!past}
          onClick={() => clock.goLive()}
          title="Back to the present (L)"
          data-testid="go-live"
        >
          Go live
        </button>
      </div>
      <Scrubber
        spanUs={minutes * 60_000_000}
        onSpan={(by) => setMinutes(nextSpan(minutes, by))}
        onMissing={setMissing}
      />
    </footer>
  );
}

/** Whose record is still on its way; from when on stands shaded on the bar. */
function ToCome({ lives }: { readonly lives: readonly OnTheWay[] }) {
  if (lives.length === 0) return null;
  return (
    <span className="to-come" title={onTheWayWords(lives)} data-testid="to-come">
      <ShapeMark shape="dashed" level="advisory" /> <bdi>{toComeWords(lives)}</bdi>
    </span>
  );
}

function nextSpan(minutes: number, by: 1 | -1): number {
  const at = SPANS.findIndex(([value]) => value === minutes);
  return SPANS[Math.min(SPANS.length - 1, Math.max(0, at + by))]?.[0] ?? minutes;
}

const WORD = {
  live: 'LIVE',
  reconnecting: 'RECONNECTING',
  connecting: 'CONNECTING',
  signed_out: 'SIGNED OUT',
} as const;

/** LIVE or PAST, in a word; how live, where it is not quite. */
function TimeWord() {
  const { now, nowMs } = useMissionControl();
  const past = usePast();
  const connection = useConnection();
  useTick(1_000);
  const silence = now.silenceMs(nowMs());
  const age = Number.isFinite(silence) ? `last heard ${span(silence)} ago` : 'nothing heard yet';
  return (
    <span className="time-word" data-connection={connection.state}>
      {past ? (
        <strong className="past-word" data-testid="time-mode">
          PAST
        </strong>
      ) : null}
      <span className={past ? 'for-ears' : 'connection'} data-testid="connection" role="status">
        {WORD[connection.state]}
        {/* The notice over the panels says it at length; here is room for the word. */}
        {connection.state === 'reconnecting' ? (
          <span className="for-ears">
            {' '}
            · {age} · {connection.reason}
          </span>
        ) : null}
      </span>
    </span>
  );
}

interface CommandButtonProps {
  readonly id: string;
  readonly sign: string;
  readonly pressed?: boolean;
}

function CommandButton({ id, sign, pressed }: CommandButtonProps) {
  const control = useMissionControl();
  const frame = useFrame();
  const command = COMMANDS.find((one) => one.id === id);
  if (command === undefined) return null;
  const keys = command.keys[0] === undefined ? '' : ` (${keyCaps(command.keys[0]).join(' ')})`;
  return (
    <button
      type="button"
      className="plain"
      onClick={() => command.run({ control, frame })}
      aria-pressed={pressed}
      title={`${command.title}${keys}`}
      data-testid={`time-${id}`}
    >
      <span aria-hidden="true">{sign}</span>
      <span className="for-ears">{command.title}</span>
    </button>
  );
}

function PlayButton() {
  const { clock } = useMissionControl();
  const past = usePast();
  const playing = useObservable(clock.playing);
  const runs = !past || playing;
  return (
    <button
      type="button"
      onClick={() => clock.toggle()}
      title={runs ? 'Hold this moment (Space)' : 'Play on (Space)'}
      data-testid="play"
    >
      {runs ? 'Pause' : 'Play'}
    </button>
  );
}

function SpeedChoice() {
  const { clock } = useMissionControl();
  const speed = useObservable(clock.speed);
  return (
    <label className="inline">
      <span className="for-ears">Speed</span>
      <select
        value={speed}
        onChange={(event) => clock.setSpeed(Number(event.target.value))}
        title="Speed of the past (Shift ↑ ↓)"
        data-testid="speed"
      >
        {SPEEDS.map((one) => (
          <option key={one} value={one}>
            {one}×
          </option>
        ))}
      </select>
    </label>
  );
}

/** The shown moment, here and in UTC. By the hub's clock, never by this computer's. */
function Moment() {
  const { clock, time, named } = useMissionControl();
  const shown = useObservable(time);
  useObservable(named);
  useTick(1_000);
  const name = nameOfMoment({ named, time });
  const at = BigInt(Math.round(clock.atUs));
  const tenths = shown.kind === 'past' ? `.${Math.floor((clock.atUs / 100_000) % 10)}` : '';
  const day = at === 0n ? '' : new Date(Number(at / 1000n)).toLocaleDateString('en-CA');
  return (
    <span className="moment" data-testid="site-time">
      <span className="quiet day">{day}</span> {localTime(at)}
      {tenths} <span className="quiet">here</span> · {utcTime(at)} <span className="quiet">UTC</span>
      {name === '' ? null : (
        <>
          {' '}
          <bdi className="moment-name">“{name}”</bdi>
        </>
      )}
    </span>
  );
}

/** Long computing shows how far it is; short computing is not worth a word. */
function Progress() {
  const { engine } = useMissionControl();
  const progress = useObservable(engine.progress);
  const past = usePast();
  if (!past || progress === null) return null;
  if (progress.state === 'settled') {
    return (
      <span className="quiet computed" data-testid="computed" data-ms={Math.round(progress.tookMs)}>
        computed in {Math.round(progress.tookMs)} ms
      </span>
    );
  }
  if (progress.state === 'failed') return null;
  return (
    <span className="computing" data-testid="computing">
      <progress value={progress.of === 0 ? undefined : progress.done / progress.of} max={1} aria-label="Computed" />
      <span>{progress.of === 0 ? 'finding the moment' : `computing ${progress.done} of ${progress.of}`}</span>
    </span>
  );
}

function LastAct() {
  const { acts } = useMissionControl();
  const last = useSyncExternalStore(acts.subscribe, () => acts.all)[0];
  return (
    <span className="last-act" aria-live="polite">
      {last === undefined ? null : <OutcomeLine act={last} testId="last-act" />}
    </span>
  );
}
