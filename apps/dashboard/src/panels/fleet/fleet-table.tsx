import { useTable } from '@tanstack/react-table';
import { type ReactNode, type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { isTaken } from '../../frame/keys/keys.ts';
import { useMissionControl, useObservable, useTick, useTopic } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { liveReading, percent, plural, span } from '../../words/quantities.ts';
import { type TableColumn, type TableHandle, VirtualTable } from '../rows/virtual-table.tsx';
import { BatteryTrends, type Charge, SAMPLE_MS } from './battery-trend.ts';
import { ColumnChoice } from './column-choice.tsx';
import { COLUMNS, FEATURES, LOOKS } from './fleet-columns.ts';
import { type FleetRow, FleetRows } from './fleet-rows.ts';
import { useColumns } from './remembered-columns.ts';

const ROW_PX = 26;
const URGENT_FIRST = [{ id: 'state', desc: false }];

/** Every robot in a line, the urgent first. `/` filters, `j` and `k` walk, Enter selects. `wide`: with every column. */
export function FleetTable({ wide }: { readonly wide: boolean }) {
  const { live, selected } = useMissionControl();
  const chosen = useObservable(selected);
  const [filter, setFilter] = useState('');
  const [sorting, setSorting] = useState(URGENT_FIRST);
  const [columnVisibility, setShown] = useColumns(wide);
  const handle = useRef<TableHandle>(null);
  const input = useRef<HTMLInputElement>(null);
  const data = useFleetRows(filter);
  const trends = useBatteryTrends();
  const table = useTable({
    features: FEATURES,
    columns: COLUMNS,
    data,
    state: { sorting, columnVisibility },
    onSortingChange: setSorting,
    getRowId: (row: FleetRow) => row.id,
    enableMultiSort: false,
    enableSortingRemoval: false,
  });
  const rows = table.getRowModel().rows;
  const shown = table.getVisibleLeafColumns();
  useFleetKeys(handle, input);

  const columns = shown.map(({ id }): TableColumn => {
    const look = LOOKS[id] as (typeof LOOKS)[string];
    const sort = sorting[0]?.id === id ? sorting[0] : undefined;
    return {
      id,
      ...look,
      ...(wide ? { width: look.wide ?? look.width, from: look.wideFrom ?? 0 } : {}),
      sorted: sort === undefined ? 'none' : sort.desc ? 'descending' : 'ascending',
      ...(id === 'speed' ? {} : { onSort: () => setSorting([{ id, desc: sort !== undefined && !sort.desc }]) }),
    };
  });
  const rowAt = (at: number): FleetRow => (rows[at] as (typeof rows)[number]).original;
  const total = live.ids.length;
  return (
    <section
      className={`panel fleet ${wide ? 'wide' : ''}`}
      aria-labelledby={wide ? 'fleet-page-title' : 'fleet-title'}
    >
      <header className="panel-head">
        <h2 id={wide ? 'fleet-page-title' : 'fleet-title'}>Fleet</h2>
        <input
          ref={input}
          className="filter"
          type="search"
          placeholder="Filter   /"
          aria-label="Filter robots by name, state, task, body, mode or holder"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          onKeyDown={(event) => event.key === 'Enter' && handle.current?.walk(0)}
          data-testid="fleet-filter"
        />
        <button
          type="button"
          className="plain"
          aria-pressed={sorting[0]?.id === 'state' && !sorting[0].desc}
          onClick={() => setSorting(URGENT_FIRST)}
          title="Sort the most urgent first"
          data-testid="fleet-urgent"
        >
          Urgent first
        </button>
        <ColumnChoice shown={columnVisibility} onChange={setShown} />
      </header>
      <VirtualTable
        ref={handle}
        label="Robots"
        testId={wide ? 'fleet-page-list' : 'fleet-list'}
        columns={columns}
        count={rows.length}
        rowHeight={ROW_PX}
        rowKey={(at) => rowAt(at).id}
        selected={chosen === null ? -1 : rows.findIndex(({ id }) => id === chosen)}
        onOpen={(at) => selected.set(rowAt(at).id)}
        row={(at) => {
          const { id, state, staleMs } = rowAt(at);
          return { testId: `robot-${id}`, state: state.word, className: staleMs > 0 ? 'stale' : '' };
        }}
        cells={(at) => shown.map(({ id }) => <Cell key={id} column={id} row={rowAt(at)} trends={trends} wide={wide} />)}
        empty={
          filter === '' ? (
            <NoRobot wide={wide} />
          ) : (
            <Empty wide={wide} icon={EMPTY_ICON.search}>
              No robot matches “<bdi>{filter}</bdi>”.
            </Empty>
          )
        }
      />
      <p className="panel-foot quiet">
        {filter === '' ? plural(rows.length, 'robot') : `${rows.length} of ${plural(total, 'robot')}`}
      </p>
    </section>
  );
}

interface EmptyProps {
  readonly wide: boolean;
  readonly icon: string;
  readonly title?: string;
  readonly children: ReactNode;
}

/** A whole page says it in its middle, a narrow list in a line. */
const Empty = ({ wide, icon, title, children }: EmptyProps) =>
  wide ? (
    <EmptyState icon={icon} title={title ?? children}>
      {title === undefined ? undefined : children}
    </EmptyState>
  ) : (
    <p className="empty">
      {title} {children}
    </p>
  );

/** Why the list is empty, and what fills it. */
function NoRobot({ wide }: { readonly wide: boolean }) {
  const { time, clock, hub } = useMissionControl();
  const shown = useObservable(time);
  const [problem, setProblem] = useState('');
  if (shown.kind === 'live') {
    return (
      <Empty wide={wide} icon={EMPTY_ICON.robots} title="No robot has connected yet.">
        Start one with <code className="mono">npx sigma edge</code>, or a simulated fleet with{' '}
        <code className="mono">npm start</code>.
      </Empty>
    );
  }
  const toFirst = async () => {
    try {
      const { fromTimeUs } = await hub.record.locateMoment({ timeUs: BigInt(Math.round(shown.atUs)) });
      if (fromTimeUs === 0n) setProblem('Nothing has been recorded yet.');
      else clock.seek(Number(fromTimeUs) + FIRST_SIGHT_US);
    } catch (error) {
      setProblem(explain(error));
    }
  };
  return (
    <Empty wide={wide} icon={EMPTY_ICON.robots} title="No robot had been recorded at this moment.">
      <button type="button" onClick={() => void toFirst()} data-testid="to-first-record">
        Go to the first that is
      </button>{' '}
      {problem}
    </Empty>
  );
}

/** A second into the record every robot that began it has said where it is. */
const FIRST_SIGHT_US = 1_000_000;

function useFleetRows(filter: string): FleetRow[] {
  const { live } = useMissionControl();
  const agents = useTopic('agents');
  const roster = useTopic('roster');
  const missions = useTopic('missions');
  const reader = useMemo(() => new FleetRows(), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the versions say that the site, one object for ever, changed.
  return useMemo(() => {
    const all = reader.read(live, missions);
    const sought = filter.trim().toLowerCase();
    return sought === '' ? all : all.filter(({ text }) => text.includes(sought));
  }, [reader, live, filter, agents, roster, missions]);
}

/** Charge is sampled while the list is open; it needs a minute to say how it goes. */
function useBatteryTrends(): BatteryTrends {
  const { now } = useMissionControl();
  const trends = useMemo(() => new BatteryTrends(), []);
  useEffect(() => {
    const take = () => trends.sample(now.ids, now.newest.battery);
    const timer = setInterval(take, SAMPLE_MS);
    return () => clearInterval(timer);
  }, [trends, now]);
  return trends;
}

/** From anywhere on the page: `/` to the filter, `j` and `k` along the list. */
function useFleetKeys(handle: RefObject<TableHandle | null>, input: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTaken(event.key, event.target)) return;
      if (event.key === '/') input.current?.focus();
      else if (event.key === 'j') handle.current?.walk(1);
      else if (event.key === 'k') handle.current?.walk(-1);
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', keys);
    return () => window.removeEventListener('keydown', keys);
  });
}

interface CellProps {
  readonly column: string;
  readonly row: FleetRow;
  readonly trends: BatteryTrends;
  readonly wide: boolean;
}

function Cell({ column, row, trends, wide }: CellProps): ReactNode {
  const { state, agent } = row;
  switch (column) {
    case 'robot':
      return <bdi className="mono">{row.id}</bdi>;
    case 'state':
      return (
        <span
          className={`state level-${state.level}`}
          title={`${state.word}. ${agent.status?.rationale ?? ''}${row.holder === '' ? '' : ` ${row.holder} holds control.`}`}
        >
          <ShapeMark {...state} /> {state.word}
          {row.holder === '' || wide ? null : (
            <span className="holder">
              {' '}
              held by <bdi>{row.holder}</bdi>
            </span>
          )}
        </span>
      );
    case 'battery':
      return <Battery share={row.battery} charge={trends.of(row.id)} />;
    case 'task':
      return (
        <span className="task-cell" title={row.task}>
          {row.task === '' ? '–' : <bdi>{row.task}</bdi>}
        </span>
      );
    case 'link':
      return <LinkAge id={row.id} />;
    case 'speed':
      return <Speed id={row.id} />;
    case 'failsafe':
      return row.failsafe === '' ? <span className="quiet">–</span> : row.failsafe;
    case 'holder':
      return row.holder === '' ? <span className="quiet">–</span> : <bdi>{row.holder}</bdi>;
    case 'mode':
      return row.mode;
    default:
      return row.body;
  }
}

const ARROW: Readonly<Record<Charge['word'], string>> = { charging: '↑', emptying: '↓', steady: '', unknown: '' };
const LOW = 0.15;

function Battery({ share, charge }: { readonly share: number; readonly charge: Charge }) {
  const rate = Number.isNaN(charge.perHour) ? '' : `, ${charge.word} by ${percent(Math.abs(charge.perHour))} an hour`;
  return (
    <span
      className={`mono ${share < LOW ? 'level-warning' : ''}`}
      title={`${percent(share)} of its charge left${rate}. It should stay above 15 %`}
    >
      <span className="charge" aria-hidden="true">
        {ARROW[charge.word]}
      </span>
      {percent(share)}
    </span>
  );
}

/** Changes without any message: only what is in sight ticks. */
function LinkAge({ id }: { readonly id: string }) {
  const { live, nowMs } = useMissionControl();
  useTick(1_000);
  return <span className="mono">{span(live.ageMs(live.row(id), nowMs()))}</span>;
}

function Speed({ id }: { readonly id: string }) {
  const { live } = useMissionControl();
  useTick(500);
  return <span className="mono">{liveReading(live.newest.speedMps[live.row(id)] ?? 0, 'm/s')}</span>;
}
