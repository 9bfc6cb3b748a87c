import { useMissionControl, useTopic } from '../../../frame/mission-control.tsx';
import { localTimeFine } from '../../../words/quantities.ts';
import { useOpenDecision } from '../../decisions/open-decision.ts';
import { SensorGroups } from '../sensor-groups.tsx';
import { pastLines } from './past-lines.ts';
import { useSenses } from './use-senses.ts';

interface PastSensorsProps {
  readonly id: string;
  /** The moment shown, microseconds since 1970. */
  readonly atUs: number;
}

/** What the robot's sensors read at the moment shown: its inputs are on record, so it is run again up to there. */
export function PastSensors({ id, atUs }: PastSensorsProps) {
  const state = useSenses(id, Math.round(atUs));
  if (state.kind === 'working') {
    return (
      <p className="empty" role="status">
        Computing from the recording what it sensed…
      </p>
    );
  }
  if (state.kind !== 'found') {
    return (
      <section className="sensor-board" data-testid="past-sensors">
        <p className={`empty ${state.kind === 'failed' ? 'level-warning' : ''}`} role="status">
          What its sensors read at this moment cannot be shown: {state.reason}.
        </p>
        <LastDecision id={id} />
      </section>
    );
  }
  const { readings, sensedUs } = state.senses;
  return (
    <section className="sensor-board" aria-label="Sensors at this moment" data-testid="past-sensors">
      <p className="past-note quiet">
        Computed again from its recorded inputs, up to its cycle at{' '}
        <span className="mono">{localTimeFine(BigInt(Math.round(sensedUs)))}</span>.
      </p>
      <SensorGroups lines={pastLines(readings, sensedUs)} detail={null} nowUs={BigInt(Math.round(atUs))} />
      <p className="past-note quiet">
        On record is what its decisions rest on. What else it reports, such as the torque of its joints, is telemetry
        and not part of the recording.
      </p>
      <LastDecision id={id} />
    </section>
  );
}

/** The way to the inputs of the last decision before the moment. */
function LastDecision({ id }: { readonly id: string }) {
  const { live } = useMissionControl();
  useTopic('decisions');
  const open = useOpenDecision();
  const last = live.decisions(id)[0];
  const { decision } = last ?? {};
  if (last === undefined || decision === undefined) return null;
  return (
    <p className="past-note">
      <button
        type="button"
        onClick={() => open({ agentId: id, epoch: decision.context?.epoch ?? 0, sequence: decision.sequence })}
        data-testid="past-sensors-decision"
      >
        What it decided on at {localTimeFine(last.timeUs)}
      </button>
    </p>
  );
}
