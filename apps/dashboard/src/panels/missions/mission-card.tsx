import { useGo, useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { MissionHead, MissionTasks } from './mission-body.tsx';
import { UndoOffers } from './undo-bar.tsx';

export const missionPath = (id: string): string => `/missions/${encodeURIComponent(id)}`;

/** The selected mission, beside the site. */
export function MissionCard({ id }: { readonly id: string }) {
  const { live } = useMissionControl();
  const go = useGo();
  useTopic('missions');
  const mission = live.mission(id);
  if (mission === undefined) {
    return (
      <p className="empty">
        Mission <bdi className="mono">{id}</bdi> is not among those known at this moment.{' '}
        <button type="button" className="link" onClick={() => go(missionPath(id))}>
          Look in the history
        </button>
      </p>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div className="scroll" tabIndex={0} data-testid="mission-card">
      <UndoOffers>
        <MissionHead mission={mission} />
        <MissionTasks mission={mission} />
        <p className="empty">
          <button type="button" className="link" onClick={() => go(missionPath(id))}>
            Timeline
          </button>
        </p>
      </UndoOffers>
    </div>
  );
}
