import type { AgentStatus } from '@sigma/proto';
import { type ReactNode, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { acknowledgeAgent, resetAgent, setMode, stopAgents } from '../../frame/operations.ts';
import { HoldButton } from '../../parts/hold-button.tsx';
import {
  acknowledgeConsequence,
  releaseConsequence,
  resetConsequence,
  stopConsequence,
} from '../../words/stop-words.ts';
import { LeaseRow } from './lease-row.tsx';

const MODES = ['automatic', 'manual', 'service'] as const;

interface RobotControlsProps {
  readonly id: string;
  readonly status: AgentStatus | undefined;
  readonly leaseExpiresTimeUs: bigint;
  /** What came of the last act, below what the control under the pointer would do. */
  readonly children: ReactNode;
}

/**
 * What an operator may do to one robot. Stops need no lease and act at once, also while the past is shown; whatever
 * lets a robot move again is held. The line below says what the pointed-at or focused control will do to whom.
 */
export function RobotControls({ id, status, leaseExpiresTimeUs, children }: RobotControlsProps) {
  const control = useMissionControl();
  const [consequence, setConsequence] = useState('');
  const waiting = (status?.failsafeEntries ?? []).filter((entry) => entry.acknowledgedBy === '').length;
  const stopped = status?.stop === 'normal' || status?.stop === 'protective';
  const tell = (text: string) => ({
    onPointerEnter: () => setConsequence(text),
    onFocus: () => setConsequence(text),
    onPointerLeave: () => setConsequence(''),
    // Once it was done, what it would do is no longer the question, although the pointer still rests there.
    onPointerUp: () => setConsequence(''),
    onKeyUp: () => setConsequence(''),
    onBlur: () => setConsequence(''),
  });
  const [normal, protective, emergency] = (['normal', 'protective', 'emergency'] as const).map((kind) =>
    stopConsequence(kind, [id]),
  ) as [string, string, string];
  const seen = acknowledgeConsequence(id, status);
  const reset = resetConsequence(id, status);
  const release = status === undefined ? '' : releaseConsequence(id, status);
  return (
    <div className="controls">
      <fieldset className="control-row" aria-label="Stop">
        {stopped ? (
          <span {...tell(release)}>
            <Guarded role="operator">
              <HoldButton onHeld={() => void stopAgents(control, [id], 'none')} consequence={release} testId="stop-end">
                End stop · hold
              </HoldButton>
            </Guarded>
          </span>
        ) : (
          <span {...tell(normal)}>
            <Guarded role="operator" when="ever">
              <button
                type="button"
                onClick={() => void stopAgents(control, [id], 'normal')}
                data-testid="stop-normal"
                title={normal}
              >
                Stop
              </button>
            </Guarded>
          </span>
        )}
        <span {...tell(protective)}>
          <Guarded role="operator" when="ever">
            <button
              type="button"
              onClick={() => void stopAgents(control, [id], 'protective')}
              data-testid="stop-protective"
              title={protective}
            >
              Protective
            </button>
          </Guarded>
        </span>
        <span {...tell(emergency)}>
          <Guarded role="operator" when="ever">
            <HoldButton
              className="danger"
              onHeld={() => void stopAgents(control, [id], 'emergency')}
              consequence={emergency}
              testId="stop-emergency"
            >
              Emergency · hold
            </HoldButton>
          </Guarded>
        </span>
      </fieldset>
      <fieldset className="control-row" aria-label="After a stop">
        <span {...tell(seen)}>
          <Guarded role="operator">
            <button
              type="button"
              onClick={() => void acknowledgeAgent(control, id, status)}
              data-testid="acknowledge"
              title={seen}
            >
              Acknowledge{waiting > 0 ? ` ${waiting}` : ''}
            </button>
          </Guarded>
        </span>
        <span {...tell(reset)}>
          <Guarded role="operator">
            <HoldButton onHeld={() => void resetAgent(control, id, status)} consequence={reset} testId="reset">
              Reset · hold
            </HoldButton>
          </Guarded>
        </span>
        <Guarded role="operator">
          <ModeChoice id={id} mode={status?.mode ?? ''} />
        </Guarded>
      </fieldset>
      <LeaseRow id={id} holder={status?.leaseHolder ?? ''} expiresTimeUs={leaseExpiresTimeUs} />
      <div className="consequence">
        <p hidden={consequence === ''} aria-hidden="true" data-testid="consequence">
          {consequence}
        </p>
        <p aria-live="polite">{children}</p>
        {consequence === '' && children === null ? (
          <p className="quiet" aria-hidden="true">
            Point at a control to read here what it would do, and to whom.
          </p>
        ) : null}
      </div>
    </div>
  );
}

interface ModeChoiceProps {
  readonly id: string;
  readonly mode: string;
  readonly disabled?: boolean;
  readonly 'aria-description'?: string;
}

function ModeChoice({ id, mode, ...guard }: ModeChoiceProps) {
  const control = useMissionControl();
  return (
    <select
      {...guard}
      aria-label="Operating mode"
      title="Automatic: it plans and drives. Manual: only who holds control. Service: nothing but safety acts by itself"
      value={mode}
      onChange={(event) => void setMode(control, id, event.target.value)}
      data-testid="mode"
    >
      {MODES.some((one) => one === mode) ? null : <option value={mode}>{mode || '–'}</option>}
      {MODES.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}
