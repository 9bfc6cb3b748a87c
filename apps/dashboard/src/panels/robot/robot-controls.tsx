import type { AgentStatus } from '@sigma/proto';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { acknowledgeAgent, resetAgent, returnLease, setMode, stopAgents, takeLease } from '../../frame/operations.ts';
import { HoldButton } from '../../parts/hold-button.tsx';
import { personWords } from '../../words/quantities.ts';

const MODES = ['automatic', 'manual', 'service'] as const;

/** What an operator may do to one robot. Stops need no lease; whatever lets a robot move again is held. */
export function RobotControls({ id, status }: { readonly id: string; readonly status: AgentStatus | undefined }) {
  const control = useMissionControl();
  const waiting = (status?.failsafeEntries ?? []).filter((entry) => entry.acknowledgedBy === '');
  const stopped = status?.stop === 'normal';
  return (
    <div className="controls">
      <fieldset className="control-row" aria-label="Stop">
        <button
          type="button"
          onClick={() => void stopAgents(control, [id], stopped ? 'none' : 'normal')}
          data-testid="stop-normal"
          title={stopped ? `${id} goes on working` : `${id} ends its work and stands`}
        >
          {stopped ? 'End stop' : 'Stop'}
        </button>
        <button
          type="button"
          onClick={() => void stopAgents(control, [id], 'protective')}
          data-testid="stop-protective"
          title={`${id} brakes now, to guard people`}
        >
          Protective
        </button>
        <HoldButton
          className="danger"
          onHeld={() => void stopAgents(control, [id], 'emergency')}
          consequence={`Emergency stop of ${id}: it brakes now and moves again only after acknowledge and reset.`}
          testId="stop-emergency"
        >
          Emergency · hold
        </HoldButton>
      </fieldset>
      <fieldset className="control-row" aria-label="After a stop">
        <button
          type="button"
          onClick={() => void acknowledgeAgent(control, id)}
          data-testid="acknowledge"
          title="You have seen the cause; nothing moves yet"
        >
          Acknowledge{waiting.length > 0 ? ` ${waiting.length}` : ''}
        </button>
        <HoldButton
          onHeld={() => void resetAgent(control, id)}
          consequence={`${id} may move again as soon as nothing else holds it. Look at the place first.`}
          testId="reset"
        >
          Reset · hold
        </HoldButton>
        <label className="inline">
          <select
            aria-label="Operating mode"
            value={status?.mode ?? ''}
            onChange={(event) => void setMode(control, id, event.target.value)}
            data-testid="mode"
          >
            {status === undefined ? <option value="">–</option> : null}
            {MODES.map((mode) => (
              <option key={mode} value={mode}>
                {mode}
              </option>
            ))}
          </select>
        </label>
      </fieldset>
      <LeaseRow id={id} holder={status?.leaseHolder ?? ''} />
    </div>
  );
}

function LeaseRow({ id, holder }: { readonly id: string; readonly holder: string }) {
  const control = useMissionControl();
  const me = useObservable(control.me);
  const mine = holder !== '' && holder === me.holder;
  return (
    <fieldset className="control-row lease" aria-label="Control lease">
      <span className="lease-words" data-testid="lease">
        {holder === '' ? 'Nobody holds control' : mine ? 'You hold control' : `Control: ${personWords(holder)}`}
      </span>
      <span className="spring" />
      {mine ? (
        <button type="button" onClick={() => void returnLease(control, id)} data-testid="lease-return">
          Return
        </button>
      ) : holder === '' ? (
        <button type="button" onClick={() => void takeLease(control, id, false)} data-testid="lease-take">
          Take control
        </button>
      ) : (
        <HoldButton
          onHeld={() => void takeLease(control, id, true)}
          consequence={`Takes ${id} from ${holder}; both names are recorded.`}
          testId="lease-take-over"
        >
          Take over · hold
        </HoldButton>
      )}
    </fieldset>
  );
}
