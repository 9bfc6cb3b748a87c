import { type Mission, MissionStatus } from '@sigma/proto';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useGo, useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { byStanding, goalWords, isOpen, missionStatus } from '../../words/mission-words.ts';
import { localDay, localTime, percent, personWords, plural, span } from '../../words/quantities.ts';
import { type TableColumn, VirtualTable } from '../rows/virtual-table.tsx';
import { missionPath } from './mission-card.tsx';
import { workersOf } from './mission-controls.tsx';
import { MissionRow } from './mission-row.tsx';
import { NewMission } from './new-mission.tsx';
import { byQueue } from './queue.ts';
import { UndoOffers } from './undo-bar.tsx';

/** The queue above, the history below, as far back as the hub has it: `/missions`. */
export default function MissionsPage() {
  const { live } = useMissionControl();
  useTopic('missions');
  const queue = live.missions().filter(isOpen).sort(byQueue);
  return (
    <section className="panel missions-page" aria-labelledby="missions-page-title" data-testid="missions-all">
      <header className="panel-head">
        <h2 id="missions-page-title">Missions</h2>
        <span className="quiet">
          {queue.length === 0
            ? 'no open mission'
            : `${plural(queue.length, 'open mission')}, in the order in which they get robots`}
        </span>
        <span className="spring" />
        <NewMission />
      </header>
      <div className="queue">
        <UndoOffers>
          {queue.length === 0 ? (
            <p className="empty">Nothing waits and nothing runs: Cover, Patrol, Deliver or Dock sends one.</p>
          ) : null}
          <ol className="rows">
            {queue.map((mission) => (
              <MissionRow key={mission.id} mission={mission} queue={queue} selected={false} />
            ))}
          </ol>
        </UndoOffers>
      </div>
      <History />
    </section>
  );
}

const PAGE = 100;
const ROW_PX = 28;
const NEAR_END_PX = ROW_PX * 20;
const OVER = [MissionStatus.DONE, MissionStatus.FAILED, MissionStatus.CANCELLED];

const COLUMNS: readonly TableColumn[] = [
  { id: 'sent', title: 'Sent', about: 'When it was sent, in your zone', width: '130px' },
  { id: 'state', title: 'Ended', about: 'How it ended', width: '110px' },
  { id: 'name', title: 'Mission', about: 'Its name', width: '26%' },
  { id: 'goal', title: 'Goal', about: 'What was asked, and why it failed', width: '', from: 640 },
  { id: 'took', title: 'Took', about: 'From its sending to its end', width: '80px', right: true, from: 560 },
  { id: 'share', title: 'Done', about: 'Share that was done, by what robots sensed', width: '60px', right: true },
  { id: 'robots', title: 'Robots', about: 'Robots that had a share of it', width: '70px', right: true, from: 900 },
  { id: 'by', title: 'By', about: 'Who sent it', width: '150px', from: 760 },
];

function History() {
  const go = useGo();
  const { missions, begun, reading, problem, older } = useHistory();
  return (
    <>
      <h3 className="part-title">History</h3>
      <VirtualTable
        label="Missions that are over, newest first"
        testId="mission-history"
        columns={COLUMNS}
        count={missions.length}
        rowHeight={ROW_PX}
        rowKey={(at) => (missions[at] as Mission).id}
        selected={-1}
        onOpen={(at) => go(missionPath((missions[at] as Mission).id))}
        onScroll={(_, fromEnd) => fromEnd < NEAR_END_PX && older()}
        cells={(at) => cellsOf(missions[at] as Mission)}
        empty={
          <div role="status">
            {problem !== '' ? (
              <EmptyState icon={EMPTY_ICON.trouble} title="The history could not be read.">
                <p>{problem}</p>
                <button type="button" onClick={older}>
                  Try again
                </button>
              </EmptyState>
            ) : reading ? (
              <p className="empty">Reading the history…</p>
            ) : (
              <EmptyState icon={EMPTY_ICON.missions} title="No mission has ended yet.">
                Each that is done, failed or cancelled stays here, with who worked for it and why it changed hands.
              </EmptyState>
            )}
          </div>
        }
        foot={
          problem === '' || missions.length === 0 ? (
            <p className="empty">
              {begun && missions.length > 0 ? 'This is where the history begins.' : reading ? 'Reading…' : ''}
            </p>
          ) : (
            <p className="empty level-warning" role="alert">
              {problem}{' '}
              <button type="button" onClick={older}>
                Try again
              </button>
            </p>
          )
        }
      />
    </>
  );
}

function cellsOf(mission: Mission) {
  const { word, shape } = missionStatus(mission);
  const level = word === 'failed' ? 'warning' : 'calm';
  return [
    <time key="sent" className="mono">
      {localDay(mission.createdTimeUs)} {localTime(mission.createdTimeUs)}
    </time>,
    <span key="state" className={`state level-${level}`}>
      <ShapeMark shape={shape} level={level} /> {word}
    </span>,
    <bdi key="name">{mission.name || mission.id}</bdi>,
    <bdi key="goal" className="quiet">
      {goalWords(mission.goal)}
      {word === 'failed' && mission.detail !== '' ? ` · ${mission.detail}` : ''}
    </bdi>,
    <span key="took" className="mono">
      {mission.finishedTimeUs > 0n ? span(Number(mission.finishedTimeUs - mission.createdTimeUs) / 1_000) : '–'}
    </span>,
    <span key="share" className="mono">
      {percent(mission.progress)}
    </span>,
    <span key="robots" className="mono">
      {workersOf(mission).length}
    </span>,
    <bdi key="by" className="quiet">
      {personWords(mission.createdBy)}
    </bdi>,
  ];
}

/** Pages of ended missions, newest first; what ends while the page is open comes with the stream. */
function useHistory() {
  const { hub, live } = useMissionControl();
  const version = useTopic('missions');
  const [read, setRead] = useState<readonly Mission[]>([]);
  const [begun, setBegun] = useState(false);
  const [reading, setReading] = useState(false);
  const [problem, setProblem] = useState('');
  const asking = useRef(false);
  const last = read.at(-1)?.createdTimeUs ?? 0n;

  const older = useCallback(async () => {
    if (asking.current || begun) return;
    asking.current = true;
    setReading(true);
    setProblem('');
    try {
      const { missions } = await hub.missions.listMissions({ limit: PAGE, beforeTimeUs: last, statuses: OVER });
      setRead((before) => [...before, ...missions]);
      setBegun(missions.length < PAGE);
    } catch (error) {
      setProblem(explain(error));
    } finally {
      asking.current = false;
      setReading(false);
    }
  }, [hub, last, begun]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first page; further ones are asked for by scrolling.
  useEffect(() => void older(), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that missions changed.
  const missions = useMemo(() => {
    const byId = new Map(read.map((mission) => [mission.id, mission]));
    for (const mission of live.missions()) {
      const inReach = begun || read.length === 0 || mission.createdTimeUs >= last;
      if (!isOpen(mission) && inReach) byId.set(mission.id, mission);
    }
    return [...byId.values()].sort(byStanding);
  }, [read, live, version, begun, last]);
  return { missions, begun, reading, problem, older: () => void older() };
}
