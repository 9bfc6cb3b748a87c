import type { SiteSpeed as Speed } from '@sigma/proto';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { span } from '../../words/quantities.ts';
import { setSpeed } from './bench-acts.ts';

interface SiteSpeedProps {
  /** Undefined: the hub does not say. */
  readonly speed: Speed | undefined;
  readonly again: () => void;
}

/** Less than this before the wall clock is not worth a word. */
const SAME_US = 1_000_000;

/** Why there is no speed 0, and what does stand still. */
function Standstill({ slowest }: { readonly slowest: number }) {
  const { clock, time } = useMissionControl();
  const live = useObservable(time).kind === 'live';
  return (
    <p className="quiet" data-testid="no-standstill">
      It slows to {slowest}× and never stands: signs of life, stops and their answers are told in this time, and a stop
      must be answered whenever it is pressed. To look at one moment, hold the picture; the robots go on behind it.{' '}
      <button
        type="button"
        disabled={!live}
        onClick={() => clock.toggle()}
        title={live ? 'The whole page shows this moment until you go live again' : 'The picture is held already'}
        data-testid="hold-picture"
      >
        Hold the picture
      </button>
    </p>
  );
}

/** How fast simulated time runs: robots, people, their hub and its timers together. */
export function SiteSpeed({ speed, again }: SiteSpeedProps) {
  const control = useMissionControl();
  const choose = async (factor: number) => {
    await setSpeed(control, factor);
    again();
  };
  const now = speed?.speed ?? 1;
  const aheadUs = Number(speed?.aheadUs ?? 0n);
  return (
    <>
      <h3>Speed</h3>
      {speed === undefined || speed.speeds.length === 0 ? (
        <p className="quiet">
          Real time: these robots run in programs of their own. <code className="mono">sigma up</code> starts a site
          whose time can be set.
        </p>
      ) : (
        <Guarded role="engineer">
          <fieldset className="chips" aria-label="Speed of simulated time">
            {speed.speeds.map((factor) => (
              <button
                key={factor}
                type="button"
                className="chip mono"
                aria-pressed={factor === now}
                onClick={() => void choose(factor)}
                title={`Simulated time runs ${factor} times as fast as the clock on the wall`}
                data-testid={`speed-${factor}`}
              >
                {factor}×
              </button>
            ))}
          </fieldset>
        </Guarded>
      )}
      {speed === undefined || speed.speeds.length === 0 ? null : <Standstill slowest={Math.min(...speed.speeds)} />}
      {Math.abs(aheadUs) < SAME_US ? null : (
        <p className="quiet" data-testid="site-ahead">
          The time of the site is {span(Math.abs(aheadUs) / 1_000)} {aheadUs > 0 ? 'ahead of' : 'behind'} the clock on
          the wall.
        </p>
      )}
    </>
  );
}
