import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  type RefObject,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';

/** A column as its head shows it. */
export interface TableColumn {
  readonly id: string;
  readonly title: string;
  /** What stands in it, in a sentence: the head's tooltip. */
  readonly about: string;
  /** A CSS width, or empty for what is left; pixels are those of the standard size of type and grow with it. */
  readonly width: string;
  readonly right?: boolean;
  /** Left away where the table is narrower than this, in pixels of the standard size of type. */
  readonly from?: number;
  readonly sorted?: 'ascending' | 'descending' | 'none';
  readonly onSort?: () => void;
}

/** What the owner of a table may ask of it. */
export interface TableHandle {
  readonly toTop: () => void;
  readonly focus: () => void;
  /** Moves the walk by that many rows, from wherever it is. */
  readonly walk: (step: number) => void;
}

interface VirtualTableProps {
  readonly label: string;
  readonly columns: readonly TableColumn[];
  readonly count: number;
  /** Every row is so high, in pixels of the standard size of type: that is what makes a hundred thousand cheap. */
  readonly rowHeight: number;
  readonly rowKey: (at: number) => string;
  readonly cells: (at: number) => readonly ReactNode[];
  readonly row?: (at: number) => { readonly className?: string; readonly testId?: string; readonly state?: string };
  /** Row that is the selection, or -1. */
  readonly selected: number;
  readonly onOpen: (at: number) => void;
  /** Shown in place of the rows when there are none. */
  readonly empty: ReactNode;
  /** Below the last row. */
  readonly foot?: ReactNode;
  readonly onScroll?: (fromTopPx: number, fromEndPx: number) => void;
  readonly testId?: string;
  readonly ref?: Ref<TableHandle>;
}

const OVERSCAN = 10;
/** The size of type, in pixels, in which widths and heights of tables are given. */
const STANDARD_TYPE_PX = 13;
const PAGE_ROWS = 20;

/**
 * A table of any length: only what is in sight is in the page. Arrows, `j` and `k`, page keys, Home and End walk it,
 * Enter opens; the walk is told to screen readers by `aria-activedescendant`, so that the focus never falls out of the
 * page with a row that scrolled away.
 */
export function VirtualTable(props: VirtualTableProps) {
  const { label, count, rowKey, cells, row, selected, onOpen, empty, foot, onScroll, testId } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLTableElement>(null);
  const [active, setActive] = useState(-1);
  const { width, scale } = useRoom(scroll, grid);
  const rowHeight = Math.round(props.rowHeight * scale);
  const fitting = props.columns.map(({ from = 0 }) => width === 0 || width >= from);
  const columns = props.columns.filter((_, k) => fitting[k]);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another height of rows lays all of them anew.
  useLayoutEffect(() => rows.measure(), [rowHeight]);
  const items = rows.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = Math.max(0, rows.getTotalSize() - (items.at(-1)?.end ?? 0));
  const walked = Math.min(active, count - 1);

  const walkTo = (at: number) => {
    const to = Math.max(0, Math.min(count - 1, at));
    if (count === 0) return;
    setActive(to);
    rows.scrollToIndex(to, { align: 'auto' });
  };
  const walk = (step: number) => walkTo(walked >= 0 ? walked + step : selected >= 0 ? selected + step : 0);
  useImperativeHandle(props.ref, () => ({
    toTop: () => {
      setActive(-1);
      scroll.current?.scrollTo({ top: 0 });
    },
    focus: () => grid.current?.focus(),
    walk: (step) => {
      grid.current?.focus();
      walk(step);
    },
  }));

  const keys = (event: KeyboardEvent<HTMLTableElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== grid.current) return;
    if (event.key === 'Enter') {
      if (walked >= 0) onOpen(walked);
    } else {
      const step = STEPS[event.key];
      if (step === undefined) return;
      if (Number.isFinite(step)) walk(step);
      else walkTo(step < 0 ? 0 : count - 1);
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const scrolled = () => {
    const at = scroll.current;
    if (at !== null) onScroll?.(at.scrollTop, at.scrollHeight - at.clientHeight - at.scrollTop);
  };
  const cellsIn = (at: number) => cells(at).filter((_, k) => fitting[k]);
  const rowId = (at: number) => `${testId ?? 'table'}-row-${at}`;

  return (
    <div className="scroll virtual" ref={scroll} onScroll={scrolled} data-testid={testId}>
      <table
        ref={grid}
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows are walked and selected, which only a grid can say.
        role="grid"
        aria-label={label}
        aria-rowcount={count}
        aria-activedescendant={walked >= 0 ? rowId(walked) : undefined}
        style={{ minWidth: leastWidth(columns) }}
        tabIndex={0}
        onKeyDown={keys}
        onBlur={() => setActive(-1)}
      >
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <Gap height={before} /> : null}
          {items.map(({ index }) => {
            const about = row?.(index) ?? {};
            return (
              <tr
                key={rowKey(index)}
                id={rowId(index)}
                aria-rowindex={index + 1}
                aria-selected={index === selected}
                className={`${index === walked ? 'walked ' : ''}${about.className ?? ''}`}
                style={{ height: rowHeight }}
                onClick={() => onOpen(index)}
                data-testid={about.testId}
                data-state={about.state}
              >
                {cellsIn(index).map((cell, k) => (
                  <td key={columns[k]?.id} className={columns[k]?.right === true ? 'right' : undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 ? <Gap height={after} /> : null}
        </tbody>
      </table>
      {count === 0 ? empty : null}
      {foot}
    </div>
  );
}

/** Width of the table in pixels of the standard size of type, 0 before it is known, and how much larger type is. */
function useRoom(scroll: RefObject<HTMLElement | null>, grid: RefObject<HTMLElement | null>) {
  const [room, setRoom] = useState({ width: 0, scale: 1 });
  useEffect(() => {
    const box = scroll.current;
    if (box === null || grid.current === null) return;
    const look = () => {
      const scale = Number.parseFloat(getComputedStyle(box).fontSize) / STANDARD_TYPE_PX;
      const width = box.clientWidth / scale;
      setRoom((before) => (before.width === width && before.scale === scale ? before : { width, scale }));
    };
    const watch = new ResizeObserver(look);
    watch.observe(box);
    // Its head grows with the type, also while the box around it stays.
    watch.observe(grid.current);
    return () => watch.disconnect();
  }, [scroll, grid]);
  return room;
}

const isFixed = (width: string): boolean => width.endsWith('px');
const cssWidth = (width: string): string =>
  isFixed(width) ? `calc(${Number.parseInt(width, 10)} * var(--table-px))` : width;

/** What the columns need: below it the table is scrolled sideways rather than squeezed. */
function leastWidth(columns: readonly TableColumn[]): string {
  const px = columns.reduce((sum, { width }) => sum + (isFixed(width) ? Number.parseInt(width, 10) : ELASTIC_PX), 0);
  return cssWidth(`${px}px`);
}

const ELASTIC_PX = 64;

/** Stands for the rows that are not in the page. */
function Gap({ height }: { readonly height: number }) {
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row without cells takes no focus.
  return <tr aria-hidden="true" style={{ height }} />;
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  j: 1,
  ArrowUp: -1,
  k: -1,
  PageDown: PAGE_ROWS,
  PageUp: -PAGE_ROWS,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

function Head({ column }: { readonly column: TableColumn }) {
  const { title, about, width, right, sorted, onSort } = column;
  return (
    <th
      scope="col"
      className={right === true ? 'right' : undefined}
      style={width === '' ? undefined : { width: cssWidth(width) }}
      aria-sort={sorted}
      title={about}
    >
      {onSort === undefined ? (
        title
      ) : (
        <button type="button" className="head-sort" onClick={onSort}>
          {title}
          <span aria-hidden="true">{sorted === 'ascending' ? ' ↑' : sorted === 'descending' ? ' ↓' : ''}</span>
        </button>
      )}
    </th>
  );
}
