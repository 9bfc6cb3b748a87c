import { useGo, useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { byStanding, isOpen } from '../../words/mission-words.ts';
import { plural } from '../../words/quantities.ts';
import { MissionRow } from './mission-row.tsx';
import { NewMission } from './new-mission.tsx';
import { byQueue } from './queue.ts';
import { UndoOffers } from './undo-bar.tsx';

/** Finished missions shown below the queue; the rest stands on the page of missions. */
const OVER_SHOWN = 20;

/** What was asked of the fleet, in the order in which it gets robots, how far it has come, and why it stands as it stands. */
export function MissionsPanel() {
  const { live, selection, time } = useMissionControl();
  const past = useObservable(time).kind === 'past';
  const chosen = useObservable(selection);
  const go = useGo();
  useTopic('missions');
  const missions = live.missions();
  const queue = missions.filter(isOpen).sort(byQueue);
  const over = missions.filter((mission) => !isOpen(mission)).sort(byStanding);
  const id = chosen?.kind === 'mission' ? chosen.id : '';
  return (
    <section className="panel missions" aria-labelledby="missions-title" data-testid="missions">
      <header className="panel-head">
        <h2 id="missions-title">Missions</h2>
        <span className="quiet" title={plural(queue.length, 'open mission')}>
          {queue.length} open
        </span>
        <span className="spring" />
        <NewMission />
        <button type="button" className="plain" onClick={() => go('/missions')} data-testid="missions-page">
          All
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll" tabIndex={0}>
        <UndoOffers>
          {missions.length === 0 ? (
            <p className="empty">
              {past ? 'No mission was known at this moment.' : 'No mission yet. Draw a zone on the map to begin one.'}
            </p>
          ) : null}
          <ul className="rows">
            {queue.map((mission) => (
              <MissionRow key={mission.id} mission={mission} queue={queue} selected={mission.id === id} />
            ))}
            {over.slice(0, OVER_SHOWN).map((mission) => (
              <MissionRow key={mission.id} mission={mission} queue={[]} selected={mission.id === id} />
            ))}
          </ul>
          {over.length > OVER_SHOWN ? (
            <p className="empty">
              <button type="button" className="link" onClick={() => go('/missions')}>
                {over.length - OVER_SHOWN} more that are over
              </button>
            </p>
          ) : null}
        </UndoOffers>
      </div>
    </section>
  );
}
