import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable, useTick } from '../../frame/mission-control.tsx';
import { returnLease, takeLease } from '../../frame/operations.ts';
import { HoldButton } from '../../parts/hold-button.tsx';
import { localTime, personWords, span } from '../../words/quantities.ts';

interface LeaseRowProps {
  readonly id: string;
  readonly holder: string;
  /** When the lease ends, microseconds since 1970; 0 where it is not known. */
  readonly expiresTimeUs: bigint;
}

/** Who may command the robot, until when, and how to take it, give it back, or take it over from its holder. */
export function LeaseRow({ id, holder, expiresTimeUs }: LeaseRowProps) {
  const control = useMissionControl();
  const me = useObservable(control.me).holder;
  useTick(1_000);
  const mine = holder !== '' && holder === me;
  const leftMs = expiresTimeUs === 0n ? 0 : Number(expiresTimeUs - control.live.timeUs) / 1_000;
  const until = expiresTimeUs === 0n ? '' : `until ${localTime(expiresTimeUs)}`;
  return (
    <fieldset className="control-row lease" aria-label="Control lease">
      <span
        className="lease-words"
        data-testid="lease"
        title={`Only the holder may command ${id}; anybody may stop it`}
      >
        {holder === '' ? (
          'Nobody holds control'
        ) : mine ? (
          <strong>You hold control</strong>
        ) : (
          <>
            Control: <bdi>{personWords(holder)}</bdi>
          </>
        )}
        {until === '' || holder === '' ? null : (
          <span className="quiet">
            {' '}
            {until}
            {leftMs > 0 ? `, ${span(leftMs)} left` : ''}
          </span>
        )}
      </span>
      <span className="spring" />
      {mine ? (
        <>
          {leftMs > 0 && leftMs < RENEW_MS ? (
            <Guarded role="operator">
              <button
                type="button"
                onClick={() => void takeLease(control, id, false, holder)}
                data-testid="lease-renew"
              >
                Renew
              </button>
            </Guarded>
          ) : null}
          <Guarded role="operator">
            <button type="button" onClick={() => void returnLease(control, id)} data-testid="lease-return">
              Return
            </button>
          </Guarded>
        </>
      ) : holder === '' ? (
        <Guarded role="operator">
          <button type="button" onClick={() => void takeLease(control, id, false, holder)} data-testid="lease-take">
            Take control
          </button>
        </Guarded>
      ) : (
        <Guarded role="operator">
          <HoldButton
            onHeld={() => void takeLease(control, id, true, holder)}
            consequence={`${personWords(holder)} loses control of ${id} to you, at once; both names are recorded.`}
            testId="lease-take-over"
          >
            Take over from <bdi>{personWords(holder)}</bdi> · hold
          </HoldButton>
        </Guarded>
      )}
    </fieldset>
  );
}

/** With less than this left, renewing is offered. */
const RENEW_MS = 5 * 60_000;
