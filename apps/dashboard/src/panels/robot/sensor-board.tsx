import { lazy, Suspense } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { SensorGroups } from './sensor-groups.tsx';
import type { AgentDetail } from './use-agent-detail.ts';

const PastSensors = lazy(async () => ({ default: (await import('./senses/past-sensors.tsx')).PastSensors }));

interface SensorBoardProps {
  readonly id: string;
  readonly detail: AgentDetail;
  readonly short?: boolean;
}

/**
 * Every sensor with the band it should be in and its last two minutes; what is outside its band stands first. `short`
 * leaves away what has no band to be in.
 */
export function SensorBoard({ id, detail, short = false }: SensorBoardProps) {
  const { live, time } = useMissionControl();
  const shown = useObservable(time);
  const { lines, problem, asked } = detail;
  if (shown.kind === 'past') {
    return short ? null : (
      <Suspense fallback={<Skeleton />}>
        <PastSensors id={id} atUs={shown.atUs} />
      </Suspense>
    );
  }
  return (
    <section className="sensor-board" aria-label="Sensors" data-testid="sensors">
      {problem === '' ? null : (
        <p className="empty level-warning" role="alert">
          {problem}
        </p>
      )}
      {!asked && problem === '' ? <Skeleton /> : null}
      {asked && lines.length === 0 ? <p className="empty">No reading has arrived from this robot.</p> : null}
      <SensorGroups lines={lines} detail={detail} nowUs={live.timeUs} short={short} />
    </section>
  );
}

function Skeleton() {
  return (
    <div className="panel-skeleton" role="status" aria-label="Asking for the newest readings">
      <span className="skeleton-row" />
      <span className="skeleton-row" />
      <span className="skeleton-row" />
      <span className="skeleton-row" />
    </div>
  );
}
