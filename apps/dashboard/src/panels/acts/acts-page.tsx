import type { Act } from '@sigma/proto';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { localDay, localTime, personWords, utcTime, words } from '../../words/quantities.ts';
import { type TableColumn, VirtualTable } from '../rows/virtual-table.tsx';
import { actLook, actWords, targetWords } from './act-look.ts';

const PAGE = 200;
const ROW_PX = 28;
const NEAR_END_PX = ROW_PX * 20;
/** What others do shows here soon after. */
const ASK_EVERY_MS = 5_000;

const COLUMNS: readonly TableColumn[] = [
  { id: 'time', title: 'When', about: 'In your zone', width: '140px' },
  { id: 'who', title: 'Who', about: 'The account that did it', width: '22%' },
  { id: 'what', title: 'Did', about: 'What was asked of the hub', width: '' },
  { id: 'whom', title: 'To whom', about: 'Robots or missions that it concerned', width: '18%' },
  { id: 'outcome', title: 'Came of it', about: 'What the hub or the robots answered', width: '24%' },
];

/** Who did what through the hub, newest first: `/acts`. */
export default function ActsPage() {
  const { selected, live } = useMissionControl();
  const [actor, setActor] = useState('');
  const [target, setTarget] = useState('');
  const log = useActs(actor, target);
  const { acts } = log;
  const actors = useActors(acts);
  return (
    <section className="panel acts-page" aria-labelledby="acts-title" data-testid="acts">
      <header className="panel-head">
        <h2 id="acts-title">Who did what</h2>
        <select
          aria-label="Only what this account did"
          value={actor}
          onChange={(event) => setActor(event.target.value)}
          data-testid="acts-actor"
        >
          <option value="">Everybody</option>
          {actors.map((one) => (
            <option key={one} value={one}>
              {personWords(one)}
            </option>
          ))}
        </select>
        <input
          className="filter"
          type="search"
          placeholder="Robot or mission"
          aria-label="Only what concerned this robot or mission"
          value={target}
          onChange={(event) => setTarget(event.target.value)}
          data-testid="acts-target"
        />
      </header>
      <VirtualTable
        label="Acts of people, newest first"
        testId="acts-list"
        columns={COLUMNS}
        count={acts.length}
        rowHeight={ROW_PX}
        rowKey={(at) => (acts[at] as Act).id}
        selected={-1}
        onOpen={(at) => {
          const robot = (acts[at] as Act).targets.find((id) => live.row(id) >= 0);
          if (robot !== undefined) selected.set(robot);
        }}
        onScroll={(_, fromEnd) => fromEnd < NEAR_END_PX && log.older()}
        row={() => ({ testId: 'act-row' })}
        cells={(at) => cellsOf(acts[at] as Act)}
        empty={
          <div role="status">
            {log.problem !== '' ? (
              <EmptyState icon={EMPTY_ICON.trouble} title="What people did could not be read.">
                <p>{log.problem}</p>
                <button type="button" onClick={log.again}>
                  Try again
                </button>
              </EmptyState>
            ) : log.reading ? (
              <p className="empty">Reading…</p>
            ) : actor === '' && target === '' ? (
              <EmptyState icon={EMPTY_ICON.people} title="Nobody has done anything yet.">
                Every stop, mission, acknowledgement and refusal will stand here, with who asked for it.
              </EmptyState>
            ) : (
              <EmptyState icon={EMPTY_ICON.search} title="Nobody has done anything that passes this filter." />
            )}
          </div>
        }
        foot={
          log.problem === '' || acts.length === 0 ? (
            <p className="empty">{log.begun && acts.length > 0 ? 'Nothing older is on record.' : ''}</p>
          ) : (
            <p className="empty level-warning" role="alert">
              {log.problem}{' '}
              <button type="button" onClick={log.older}>
                Try again
              </button>
            </p>
          )
        }
      />
    </section>
  );
}

function cellsOf(act: Act) {
  const look = actLook(act.outcome);
  return [
    <time key="time" className="mono" title={`${utcTime(act.timeUs)} UTC`}>
      {localDay(act.timeUs)} {localTime(act.timeUs)}
    </time>,
    <bdi key="who">{personWords(act.actor)}</bdi>,
    <bdi key="what" title={`${act.summary} (${act.act})`}>
      {actWords(act.summary) || words(act.act)}
    </bdi>,
    <bdi key="whom" className="mono">
      {act.targets.map(targetWords).join(', ')}
    </bdi>,
    <span key="outcome" className={`state level-${look.level}`} title={act.reason}>
      <ShapeMark {...look} /> {act.outcome}
      {act.reason === '' ? null : <bdi className="quiet"> {act.reason}</bdi>}
    </span>,
  ];
}

/** Everybody of whom this page has seen an act: they stay to be chosen while one of them is. */
function useActors(acts: readonly Act[]): readonly string[] {
  const [seen, setSeen] = useState<readonly string[]>([]);
  useEffect(() => {
    setSeen((before) => {
      const all = [...new Set([...before, ...acts.map(({ actor }) => actor)])].sort();
      return all.length === before.length ? before : all;
    });
  }, [acts]);
  return seen;
}

/** Filters are the hub's: a page of what passes them. They wait for a pause in typing. */
const TYPING_MS = 250;

function useActs(actor: string, target: string) {
  const { hub } = useMissionControl();
  const [acts, setActs] = useState<readonly Act[]>([]);
  const [begun, setBegun] = useState(false);
  const [reading, setReading] = useState(true);
  const [problem, setProblem] = useState('');
  const asking = useRef<AbortController | null>(null);

  const read = useCallback(
    async (beforeTimeUs: bigint, signal: AbortSignal) => {
      setReading(true);
      try {
        const page = (await hub.account.listActs({ actor, target, beforeTimeUs, limit: PAGE }, { signal })).acts;
        setActs((before) => merged(before, page));
        if (beforeTimeUs > 0n || page.length < PAGE) setBegun(page.length < PAGE);
        setProblem('');
      } catch (error) {
        if (!signal.aborted) setProblem(explain(error));
      } finally {
        if (!signal.aborted) setReading(false);
      }
    },
    [hub, actor, target],
  );

  useEffect(() => {
    const ended = new AbortController();
    asking.current = ended;
    setActs([]);
    setBegun(false);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      await read(0n, ended.signal);
      if (!ended.signal.aborted) timer = setTimeout(ask, ASK_EVERY_MS);
    };
    timer = setTimeout(ask, actor === '' && target === '' ? 0 : TYPING_MS);
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [read, actor, target]);

  /** The newest page once more; it is asked for every so often anyway. */
  const again = () => {
    if (asking.current !== null) void read(0n, asking.current.signal);
  };
  const older = () => {
    const last = acts.at(-1);
    if (begun || reading || last === undefined || asking.current === null) return;
    void read(last.timeUs, asking.current.signal);
  };
  return { acts, begun, reading, problem, older, again };
}

function merged(before: readonly Act[], page: readonly Act[]): readonly Act[] {
  const byId = new Map([...before, ...page].map((act) => [act.id, act]));
  return [...byId.values()].sort((a, b) => (a.timeUs < b.timeUs ? 1 : a.timeUs > b.timeUs ? -1 : a.id < b.id ? 1 : -1));
}
