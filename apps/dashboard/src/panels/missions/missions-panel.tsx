import type { Mission } from '@sigma/proto';
import { useState } from 'react';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { cancelMission } from '../../frame/operations.ts';
import { HoldButton } from '../../parts/hold-button.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { byStanding, goalWords, isOpen, missionStatus, taskStatus, taskTitle } from '../../words/mission-words.ts';
import { percent, plural } from '../../words/quantities.ts';

/** What was asked of the fleet, how far it has come, and why it stands as it stands. */
export function MissionsPanel() {
  const { live } = useMissionControl();
  useTopic('missions');
  const [open, setOpen] = useState<string | null>(null);
  const missions = live.missions().sort(byStanding);
  return (
    <section className="panel missions" aria-labelledby="missions-title" data-testid="missions">
      <header className="panel-head">
        <h2 id="missions-title">Missions</h2>
        <span className="quiet">{plural(missions.filter(isOpen).length, 'open mission')}</span>
      </header>
      <div className="scroll">
        {missions.length === 0 ? <p className="empty">No mission yet. Draw a zone on the map to begin one.</p> : null}
        <ul className="rows">
          {missions.map((mission) => (
            <MissionRow
              key={mission.id}
              mission={mission}
              open={open === mission.id}
              onToggle={() => setOpen(open === mission.id ? null : mission.id)}
            />
          ))}
        </ul>
      </div>
    </section>
  );
}

function MissionRow({
  mission,
  open,
  onToggle,
}: {
  readonly mission: Mission;
  readonly open: boolean;
  readonly onToggle: () => void;
}) {
  const control = useMissionControl();
  const { word, shape } = missionStatus(mission);
  const level = word === 'failed' ? 'warning' : 'calm';
  const name = mission.name || mission.id;
  return (
    <li data-testid={`mission-${mission.id}`} data-status={word}>
      <div className="row-line">
        <button type="button" className="row-main" aria-expanded={open} onClick={onToggle}>
          <span className={`state level-${level}`}>
            <ShapeMark shape={shape} level={level} /> {word}
          </span>
          <span className="row-title" title={name}>
            {name}
          </span>
        </button>
        {isOpen(mission) ? (
          <HoldButton
            onHeld={() => void cancelMission(control, mission.id, name)}
            consequence={`Cancels ${name}; its robots end their tasks and wait.`}
            testId={`cancel-${mission.id}`}
          >
            Cancel
          </HoldButton>
        ) : null}
      </div>
      <p className="row-detail">
        <progress value={mission.progress} max={1} aria-label={`Progress of ${name}`} />
        <span className="mono"> {percent(mission.progress)}</span>{' '}
        <span className="quiet">{mission.detail || goalWords(mission.goal)}</span>
      </p>
      {open ? (
        <ul className="tasks">
          <li className="quiet">
            {goalWords(mission.goal)} · by {mission.createdBy || 'unknown'} · priority {mission.priority}
          </li>
          {mission.tasks.map((task) => (
            <li key={task.id}>
              <button
                type="button"
                className="plain"
                disabled={task.agentId === ''}
                onClick={() => control.selected.set(task.agentId)}
              >
                {taskTitle(task)}
              </button>
              <span className="mono">{percent(task.progress)}</span> {taskStatus(task)}{' '}
              <span className="quiet">{task.detail}</span>
            </li>
          ))}
        </ul>
      ) : null}
    </li>
  );
}
