import { useCallback, useEffect, useRef } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import type { Level, Shape } from '../../words/agent-state.ts';
import type { DecisionKind } from '../../words/decision-words.ts';
import { localTimeFine, plural, utcTime } from '../../words/quantities.ts';
import { useOpenDecision } from '../decisions/open-decision.ts';
import { type TableColumn, type TableHandle, VirtualTable } from '../rows/virtual-table.tsx';
import { LINES_KEPT } from './log-buffer.ts';
import { isFiltered, type LogLine } from './log-lines.ts';
import type { Log } from './use-log.ts';

const ROW_PX = 26;
/** Farther from the newest line than this, a person is reading: the log stands still for him. */
const READING_PX = ROW_PX * 1.5;
/** Nearer to the oldest than this, the next page is read. */
const NEAR_END_PX = ROW_PX * 40;

const MARK: Readonly<Record<DecisionKind, { readonly shape: Shape; readonly level: Level; readonly word: string }>> = {
  stop: { shape: 'octagon', level: 'warning', word: 'safety' },
  refusal: { shape: 'triangle', level: 'advisory', word: 'refused' },
  clamp: { shape: 'diamond', level: 'advisory', word: 'clamped' },
  plain: { shape: 'ring', level: 'calm', word: '' },
};

const TIME: TableColumn = { id: 'time', title: 'Time', about: 'When it decided, in your zone', width: '92px' };
const ROBOT: TableColumn = { id: 'robot', title: 'Robot', about: 'Who decided', width: '60px' };
/** Narrower than this, the reason and the authority give way: they stand in the decision. */
const ROOMY_PX = 560;
const REST: readonly TableColumn[] = [
  {
    id: 'authority',
    title: 'Authority',
    about: 'Who won: safety over operator over swarm over mission',
    width: '78px',
    from: ROOMY_PX,
  },
  { id: 'command', title: 'Decided', about: 'The command that went out, after every bound', width: '' },
  { id: 'why', title: 'Because', about: 'The winner’s rationale', width: '28%', from: ROOMY_PX },
];

/** A log, the newest line on top. Scrolling away from the top pauses it; nothing is lost meanwhile. */
export function LogTable({
  log,
  label,
  ofOne,
}: {
  readonly log: Log;
  readonly label: string;
  readonly ofOne: boolean;
}) {
  const { selection } = useMissionControl();
  const chosen = useObservable(selection);
  const open = useOpenDecision();
  const table = useRef<TableHandle>(null);
  const { lines, buffer } = log;
  const columns = ofOne ? [TIME, ...REST] : [TIME, ROBOT, ...REST];
  const at = useCallback((row: number) => lines[lines.length - 1 - row] as LogLine, [lines]);
  const key = chosen?.kind === 'decision' ? `${chosen.agentId} ${chosen.epoch} ${chosen.sequence}` : '';
  const selected = key === '' ? -1 : lines.length - 1 - lastIndexOf(lines, key);

  const scrolled = (fromTop: number, fromEnd: number) => {
    if (fromTop > READING_PX && !buffer.paused) log.pause();
    if (fromEnd < NEAR_END_PX && !log.begun && !log.reading) log.readOlder();
  };
  const toNow = useCallback(() => {
    log.resume();
    table.current?.toTop();
  }, [log]);
  useEffect(() => {
    if (!buffer.paused) table.current?.toTop();
  }, [buffer]);

  return (
    <div className="log-box">
      {buffer.paused ? (
        <p className="log-paused" role="status" data-testid="log-paused">
          <strong>Paused.</strong>{' '}
          {buffer.waiting === 0 ? 'Nothing new since.' : `${plural(buffer.waiting, 'new line')} kept for you.`}
          <span className="spring" />
          <button type="button" onClick={toNow} data-testid="log-now">
            Jump to now
          </button>
        </p>
      ) : null}
      <VirtualTable
        ref={table}
        label={label}
        testId="log-lines"
        columns={columns}
        count={lines.length}
        rowHeight={ROW_PX}
        rowKey={(row) => at(row).key}
        selected={selected >= lines.length ? -1 : selected}
        onOpen={(row) => {
          if (!buffer.paused && row > 0) log.pause();
          open(at(row));
        }}
        onScroll={scrolled}
        row={(row) => ({ testId: 'decision-row', className: `log-${at(row).kind}` })}
        cells={(row) => {
          const cells = cellsOf(at(row));
          return columns.map(({ id }) => cells[id as keyof typeof cells]);
        }}
        empty={<Nothing log={log} />}
        foot={<Foot log={log} />}
      />
    </div>
  );
}

function lastIndexOf(lines: readonly LogLine[], key: string): number {
  for (let k = lines.length - 1; k >= 0; k--) if (lines[k]?.key === key) return k;
  return -1;
}

function cellsOf(line: LogLine) {
  const mark = MARK[line.kind];
  return {
    time: (
      <time className="mono quiet" title={`${utcTime(line.timeUs)} UTC`}>
        {localTimeFine(line.timeUs)}
      </time>
    ),
    robot: <bdi className="mono">{line.agentId}</bdi>,
    authority: <span className={`authority authority-${line.authority}`}>{line.authority}</span>,
    command: (
      <span className="log-title" title={`${line.authority}: ${line.title}. ${line.why}`}>
        <ShapeMark shape={mark.shape} level={mark.level} /> <bdi>{line.title}</bdi>
        {mark.word === '' ? null : <span className={`log-mark level-${mark.level}`}> {mark.word}</span>}
        {line.standing === '' ? null : <span className="log-mark level-advisory"> {line.standing}</span>}
        {line.lost === 0 ? null : <span className="quiet"> · {line.lost} lost</span>}
      </span>
    ),
    why: (
      <bdi className="quiet" title={line.why}>
        {line.why}
      </bdi>
    ),
  };
}

function Nothing({ log }: { readonly log: Log }) {
  if (log.reading) {
    return (
      <p className="empty" role="status">
        Reading the log…
      </p>
    );
  }
  if (log.problem !== '') return null;
  return (
    <p className="empty">
      {isFiltered(log.buffer.filter)
        ? 'No decision passes this filter, here or in the pages read back.'
        : 'Nothing has been decided yet.'}
    </p>
  );
}

function Foot({ log }: { readonly log: Log }) {
  const { buffer } = log;
  if (log.problem !== '') {
    return (
      <p className="empty level-warning" role="alert">
        Older lines could not be read: {log.problem}{' '}
        <button type="button" onClick={log.readOlder}>
          Try again
        </button>
      </p>
    );
  }
  if (buffer.full) {
    return (
      <p className="empty">
        {LINES_KEPT.toLocaleString('en')} lines are kept here at most. Narrow the filter, or go back in time, to read
        older ones.
      </p>
    );
  }
  if (log.lines.length === 0 && log.begun) return null;
  return (
    <p className="empty">
      {log.begun ? (
        'This is where the record of decisions begins.'
      ) : log.reading ? (
        'Reading older lines…'
      ) : (
        <button type="button" className="plain" onClick={log.readOlder} data-testid="log-older">
          Read older decisions
        </button>
      )}
    </p>
  );
}
