import type { Act, Mark, Mission } from '@sigma/proto';
import { useEffect, useMemo, useState } from 'react';
import { useGo, useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import type { PanelProps } from '../../frame/panel-port.ts';
import { explain } from '../../live/hub.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { LEVEL_SHAPE } from '../../words/alert-words.ts';
import { localTime, utcTime, words } from '../../words/quantities.ts';
import { useOpenDecision } from '../decisions/open-decision.ts';
import { WhyThen } from '../decisions/why-then.tsx';
import { LaneChart } from './lane-chart.tsx';
import { MissionHead, MissionTasks } from './mission-body.tsx';
import { type TimelineEntry, timelineOf } from './mission-timeline.ts';
import { UndoOffers } from './undo-bar.tsx';

/** One mission with its story: `/missions/:id`. */
export default function MissionPage({ params }: PanelProps) {
  const id = params['id'] ?? '';
  const go = useGo();
  const { mission, searched, problem } = useMission(id);
  return (
    <section className="panel mission-page" aria-label="Mission" data-testid="mission-page">
      <header className="panel-head">
        <button type="button" className="plain" onClick={() => go('/missions')}>
          ‹ Missions
        </button>
      </header>
      {mission === undefined ? (
        <div role={problem === '' ? 'status' : 'alert'}>
          {problem !== '' ? (
            <p className="empty level-warning">{problem}</p>
          ) : searched ? (
            <EmptyState
              icon={EMPTY_ICON.missions}
              title={
                <>
                  There is no mission <bdi className="mono">{id}</bdi>.
                </>
              }
            >
              <p>Nobody has sent one by this name to this site.</p>
              <button type="button" className="primary" onClick={() => go('/missions')}>
                All missions
              </button>
            </EmptyState>
          ) : (
            <p className="empty">Looking in the history…</p>
          )}
        </div>
      ) : (
        <UndoOffers>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
          <div className="scroll mission-columns" tabIndex={0}>
            <div>
              <MissionHead mission={mission} />
              <MissionTasks mission={mission} />
            </div>
            <div className="mission-story">
              <LaneChart mission={mission} />
              <Timeline mission={mission} />
            </div>
          </div>
        </UndoOffers>
      )}
    </section>
  );
}

const HISTORY_PAGE = 500;

/** From what the page knows, else from the hub's history, page by page. */
function useMission(id: string) {
  const { hub, live } = useMissionControl();
  useTopic('missions');
  const known = live.mission(id);
  const [found, setFound] = useState<Mission | undefined>(undefined);
  const [searched, setSearched] = useState(false);
  const [problem, setProblem] = useState('');
  const need = known === undefined;
  useEffect(() => {
    if (!need) return;
    const ended = new AbortController();
    const search = async () => {
      let beforeTimeUs = 0n;
      for (;;) {
        const { missions } = await hub.missions.listMissions(
          { limit: HISTORY_PAGE, beforeTimeUs },
          { signal: ended.signal },
        );
        const hit = missions.find((mission) => mission.id === id);
        if (hit !== undefined || missions.length < HISTORY_PAGE) return setFound(hit);
        beforeTimeUs = missions.at(-1)?.createdTimeUs ?? 0n;
      }
    };
    setSearched(false);
    search()
      .catch((error) => ended.signal.aborted || setProblem(explain(error)))
      .finally(() => setSearched(true));
    return () => ended.abort();
  }, [hub, id, need]);
  return { mission: known ?? (found?.id === id ? found : undefined), searched, problem };
}

const KINDS = ['violation', 'failsafe', 'stop', 'mission', 'fault'];
const MOST_MARKS = 1_000;

function Timeline({ mission }: { readonly mission: Mission }) {
  const { hub, live } = useMissionControl();
  const [told, setTold] = useState<{ readonly marks: readonly Mark[]; readonly acts: readonly Act[] } | null>(null);
  const [problem, setProblem] = useState('');
  const { id, createdTimeUs, finishedTimeUs } = mission;
  // Task holders change while it runs: each change asks again what happened.
  const shape = mission.tasks.map((task) => `${task.agentId}${task.history.length}`).join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when its tasks changed hands.
  useEffect(() => {
    const ended = new AbortController();
    const toTimeUs = finishedTimeUs === 0n ? live.timeUs : finishedTimeUs;
    Promise.all([
      hub.record.listMarks(
        { fromTimeUs: createdTimeUs, toTimeUs, kinds: KINDS, limit: MOST_MARKS },
        { signal: ended.signal },
      ),
      hub.account.listActs({ target: id }, { signal: ended.signal }),
    ]).then(
      ([{ marks }, { acts }]) => {
        setTold({ marks, acts });
        setProblem('');
      },
      (error) => ended.signal.aborted || setProblem(explain(error)),
    );
    return () => ended.abort();
  }, [hub, live, id, createdTimeUs, finishedTimeUs, shape]);

  const entries = useMemo(() => timelineOf(mission, told?.marks ?? [], told?.acts ?? []), [mission, told]);
  return (
    <section className="block timeline" aria-label="Timeline" data-testid="mission-timeline">
      <h3>Timeline</h3>
      {problem === '' ? null : (
        <p className="level-warning" role="alert">
          {problem}
        </p>
      )}
      {told === null && problem === '' ? <p className="quiet">Reading what happened…</p> : null}
      <ol>
        {entries.map((entry, k) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: several things may happen at one microsecond.
          <Entry key={`${entry.timeUs}${entry.kind}${k}`} entry={entry} />
        ))}
      </ol>
    </section>
  );
}

function Entry({ entry }: { readonly entry: TimelineEntry }) {
  const { selected } = useMissionControl();
  const open = useOpenDecision();
  const { decision } = entry;
  return (
    <li>
      <time className="mono quiet" title={`${utcTime(entry.timeUs)} UTC`}>
        {localTime(entry.timeUs)}
      </time>
      <span className={`state level-${entry.level}`}>
        <ShapeMark shape={LEVEL_SHAPE[entry.level]} level={entry.level} /> {words(entry.kind)}
      </span>
      <span>
        {entry.agentId === '' ? null : (
          <button type="button" className="link mono" onClick={() => selected.set(entry.agentId)}>
            <bdi>{entry.agentId}</bdi>
          </button>
        )}{' '}
        <bdi>{entry.text}</bdi>{' '}
        {entry.kind === 'reassigned' ? <WhyThen agentId={entry.agentId} timeUs={entry.timeUs} /> : null}
        {decision === null ? null : (
          <button type="button" className="link" onClick={() => open(decision)}>
            why
          </button>
        )}
      </span>
    </li>
  );
}
