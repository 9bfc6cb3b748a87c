import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { type SiteView, STALE_MS } from '../../live/site-view.ts';
import type { Agent } from '../../live/topics.ts';
import { ShapeMark } from '../../parts/shape.tsx';
import { agentState, byId, byUrgency } from '../../words/agent-state.ts';
import { taskName } from '../../words/mission-words.ts';
import { percent, personWords, plural } from '../../words/quantities.ts';

interface Row {
  readonly agent: Agent;
  /** Whole seconds when stale, else 0: a fresh robot's row does not change with its age. */
  readonly staleMs: number;
  readonly battery: string;
  /** The task by the name of its mission. */
  readonly task: string;
}

/** Every robot in a line. `/` filters, `j` and `k` walk, Enter selects. */
export function FleetPanel() {
  const { live, selected } = useMissionControl();
  const agentsVersion = useTopic('agents');
  const rosterVersion = useTopic('roster');
  const missionsVersion = useTopic('missions');
  const chosen = useObservable(selected);
  const [filter, setFilter] = useState('');
  const [urgentFirst, setUrgentFirst] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the versions say that the live site, one object for ever, changed.
  const rows = useMemo(() => {
    const all = [...live.agents()].map((agent): Row => readRow(agent, live));
    const sought = filter.trim().toLowerCase();
    const found = sought === '' ? all : all.filter((row) => haystack(row).includes(sought));
    return found.sort((a, b) => {
      if (!urgentFirst) return byId(a.agent.id, b.agent.id);
      return byUrgency({ level: stateOf(a).level, id: a.agent.id }, { level: stateOf(b).level, id: b.agent.id });
    });
  }, [live, filter, urgentFirst, agentsVersion, rosterVersion, missionsVersion]);

  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLElement && event.target.matches('input, select, textarea')) return;
      if (event.key === '/') input.current?.focus();
      else if (event.key === 'j') walk(body.current, 1);
      else if (event.key === 'k') walk(body.current, -1);
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', keys);
    return () => window.removeEventListener('keydown', keys);
  }, []);

  return (
    <section className="panel fleet" aria-labelledby="fleet-title">
      <header className="panel-head">
        <h2 id="fleet-title">Fleet</h2>
        <input
          ref={input}
          className="filter"
          type="search"
          placeholder="Filter   /"
          aria-label="Filter robots by id, state, task, body or holder"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          onKeyDown={(event) => event.key === 'Enter' && walk(body.current, 1)}
          data-testid="fleet-filter"
        />
        <button
          type="button"
          className="plain"
          aria-pressed={urgentFirst}
          onClick={() => setUrgentFirst(!urgentFirst)}
          title="Sort the most urgent first"
        >
          Urgent first
        </button>
      </header>
      <div className="scroll">
        {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows are selected, which only a grid can say. */}
        <table role="grid" aria-label="Robots" data-testid="fleet-list">
          <thead>
            <tr>
              <th scope="col">Robot</th>
              <th scope="col">State</th>
              <th scope="col" className="right">
                Batt.
              </th>
              <th scope="col">Task</th>
            </tr>
          </thead>
          <tbody ref={body}>
            {rows.map((row, k) => (
              <RobotRow
                key={row.agent.id}
                {...row}
                chosen={row.agent.id === chosen}
                first={k === 0}
                onSelect={selected.set}
              />
            ))}
          </tbody>
        </table>
        {rows.length === 0 ? (
          <p className="empty">
            {filter === ''
              ? 'No robot has connected yet. Start one with: npx sigma edge'
              : `No robot matches “${filter}”.`}
          </p>
        ) : null}
      </div>
      <p className="panel-foot quiet">
        {filter === '' ? plural(rows.length, 'robot') : `${rows.length} of ${plural(live.ids.length, 'robot')}`}
      </p>
    </section>
  );
}

interface RobotRowProps extends Row {
  readonly chosen: boolean;
  readonly first: boolean;
  readonly onSelect: (id: string) => void;
}

const RobotRow = memo(function RobotRow({ agent, staleMs, battery, task, chosen, first, onSelect }: RobotRowProps) {
  const state = agentState(agent.status, staleMs);
  const taskId = agent.status?.taskId ?? '';
  const holder = agent.status?.leaseHolder ?? '';
  return (
    <tr
      tabIndex={chosen || first ? 0 : -1}
      aria-selected={chosen}
      className={staleMs > 0 ? 'stale' : undefined}
      data-testid={`robot-${agent.id}`}
      data-state={state.word}
      onClick={() => onSelect(agent.id)}
      onKeyDown={(event) => event.key === 'Enter' && onSelect(agent.id)}
    >
      <td className="mono">{agent.id}</td>
      <td className={`state level-${state.level}`} title={`${state.word}. ${agent.status?.rationale ?? ''}`}>
        <ShapeMark {...state} /> {state.word}
      </td>
      <td className="mono right">{battery}</td>
      <td title={holder === '' ? taskId : `${holder} holds control. ${taskId}`}>
        {holder === '' ? null : <span className="holder">held by {personWords(holder)} </span>}
        {task === '' ? '–' : task}
      </td>
    </tr>
  );
});

function readRow(agent: Agent, live: SiteView): Row {
  const row = live.row(agent.id);
  const poses = live.newest;
  const task = taskName(agent.status?.taskId ?? '', (id) => live.mission(id));
  const age = poses.ageMs[row] ?? Number.POSITIVE_INFINITY;
  const staleMs = age <= STALE_MS ? 0 : Number.isFinite(age) ? Math.round(age / 1_000) * 1_000 : age;
  return { agent, staleMs, battery: percent(poses.battery[row] ?? Number.NaN), task };
}

const stateOf = ({ agent, staleMs }: Row) => agentState(agent.status, staleMs);

function haystack(row: Row): string {
  const { agent } = row;
  const { status } = agent;
  return [
    agent.id,
    stateOf(row).word,
    status?.taskId,
    row.task,
    status?.body,
    status?.leaseHolder,
    status?.mode,
    status?.failsafe,
  ]
    .join(' ')
    .toLowerCase();
}

/** Moves the focus along the rows; from outside the list to its selected or first row. */
function walk(body: HTMLTableSectionElement | null, step: 1 | -1): void {
  if (body === null) return;
  const rows = [...body.rows];
  const at = rows.indexOf(document.activeElement as HTMLTableRowElement);
  const from = at >= 0 ? at + step : rows.findIndex((row) => row.getAttribute('aria-selected') === 'true');
  rows[Math.min(rows.length - 1, Math.max(0, from))]?.focus();
}
