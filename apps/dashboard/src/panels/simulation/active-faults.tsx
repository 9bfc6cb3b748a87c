import type { ActiveFault } from '@sigma/proto';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useTick } from '../../frame/mission-control.tsx';
import { personWords, span, words } from '../../words/quantities.ts';
import { clearFault } from './bench-acts.ts';

interface ActiveFaultsProps {
  readonly active: readonly ActiveFault[];
  readonly again: () => void;
}

/** Faults in force, each with its end and the way to take it away. */
export function ActiveFaults({ active, again }: ActiveFaultsProps) {
  const control = useMissionControl();
  const { live, selected } = control;
  useTick(1_000);
  const clear = async (one: ActiveFault) => {
    await clearFault(control, one.agentId, one.fault);
    again();
  };
  if (active.length === 0) return <p className="empty">No fault is in force.</p>;
  return (
    <ul className="rows active-faults" data-testid="active-faults">
      {active.map((one) => (
        <li key={`${one.agentId} ${one.fault}`} data-testid={`active-${one.agentId}-${one.fault}`}>
          <div className="row-line">
            <button type="button" className="link mono" onClick={() => selected.set(one.agentId)}>
              <bdi>{one.agentId}</bdi>
            </button>
            <span className="row-title">{words(one.fault)}</span>
            <span className="mono quiet" title="Until it ends by itself">
              {one.endsTimeUs === 0n
                ? 'until cleared'
                : `${span(Math.max(0, Number(one.endsTimeUs - live.timeUs) / 1_000))} left`}
            </span>
            <Guarded role="engineer">
              <button type="button" onClick={() => void clear(one)} data-testid={`clear-${one.fault}`}>
                Clear
              </button>
            </Guarded>
          </div>
          {one.by === '' ? null : (
            <p className="row-detail">
              by <bdi>{personWords(one.by)}</bdi>
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
