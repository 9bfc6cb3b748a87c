import {
  columnVisibilityFeature,
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
} from '@tanstack/react-table';
import { byId } from '../../words/agent-state.ts';
import type { FleetRow } from './fleet-rows.ts';

export const FEATURES = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
});

/** How a column is shown; what it holds stands in `COLUMNS`. */
export interface ColumnLook {
  readonly title: string;
  /** A sentence that says what stands in it. */
  readonly about: string;
  /**
   * CSS widths in the list beside the site and on the page of the fleet; empty takes what is left. The page gives all
   * of them: what is left is shared out by width, and no column drifts away from its neighbours.
   */
  readonly width: string;
  readonly wide?: string;
  readonly right?: boolean;
  /** Left away where the table is narrower than this, in pixels; on the page of the fleet, than `wideFrom`. */
  readonly from?: number;
  readonly wideFrom?: number;
  /** Shown in a narrow list until a person chooses. */
  readonly narrow: boolean;
}

export const LOOKS: Readonly<Record<string, ColumnLook>> = {
  robot: { title: 'Robot', about: 'Name of the robot', width: '56px', wide: '80px', narrow: true },
  state: { title: 'State', about: 'The gravest true thing about it', width: '', wide: '200px', narrow: true },
  battery: {
    title: 'Batt.',
    about: 'Share of charge left, 0 to 100 %; the arrow says how it goes. It should stay above 15 %',
    width: '70px',
    wide: '80px',
    right: true,
    narrow: true,
  },
  task: {
    title: 'Task',
    about: 'The mission it works for, and its share of it',
    width: '30%',
    wide: '190px',
    from: 360,
    narrow: true,
  },
  failsafe: {
    title: 'Failsafe',
    about: 'The failsafe action in force',
    width: '150px',
    wideFrom: 1_150,
    narrow: false,
  },
  link: {
    title: 'Link',
    about: 'Age of the newest position the hub has; above 2 s it is stale',
    width: '70px',
    right: true,
    narrow: false,
  },
  speed: { title: 'Speed', about: 'Along its heading, metres a second', width: '78px', right: true, narrow: false },
  mode: {
    title: 'Mode',
    about: 'Automatic plans and drives; manual and service do not',
    width: '90px',
    wideFrom: 900,
    narrow: false,
  },
  holder: { title: 'Control', about: 'Who holds the control lease', width: '150px', narrow: false },
  body: { title: 'Body', about: 'What kind of robot it is', width: '90px', wideFrom: 1_000, narrow: false },
};

const helper = createColumnHelper<typeof FEATURES, FleetRow>();
const byRobot = (a: { original: FleetRow }, b: { original: FleetRow }): number => byId(a.original.id, b.original.id);

/** Names sort as people count (r2 before r10); equals stand by name, so that rows never change places for nothing. */
export const COLUMNS = helper.columns([
  helper.accessor('id', { id: 'robot', sortFn: byRobot }),
  helper.accessor('urgency', {
    id: 'state',
    sortFn: (a, b) => a.original.urgency - b.original.urgency || byRobot(a, b),
  }),
  helper.accessor('battery', {
    sortFn: (a, b) => compareNumber(a.original.battery, b.original.battery) || byRobot(a, b),
  }),
  helper.accessor('task', { sortFn: (a, b) => compareText(a.original.task, b.original.task) || byRobot(a, b) }),
  helper.accessor('failsafe', {
    sortFn: (a, b) => compareText(a.original.failsafe, b.original.failsafe) || byRobot(a, b),
  }),
  helper.accessor('staleMs', {
    id: 'link',
    sortFn: (a, b) => a.original.staleMs - b.original.staleMs || byRobot(a, b),
  }),
  helper.accessor('id', { id: 'speed', enableSorting: false }),
  helper.accessor('mode', { sortFn: (a, b) => compareText(a.original.mode, b.original.mode) || byRobot(a, b) }),
  helper.accessor('holder', { sortFn: (a, b) => compareText(a.original.holder, b.original.holder) || byRobot(a, b) }),
  helper.accessor('body', { sortFn: (a, b) => compareText(a.original.body, b.original.body) || byRobot(a, b) }),
]);

/** What says nothing comes last. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  return byId(a, b);
}

/** The unknown comes first: it wants to be looked at. */
function compareNumber(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return a - b;
}
