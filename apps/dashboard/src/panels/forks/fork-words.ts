import type { Command, Fork, Trial } from '@sigma/proto';
import type { Level, Shape } from '../../words/agent-state.ts';
import { number, quantityOf } from '../../words/quantities.ts';

interface StateLook {
  readonly word: string;
  readonly shape: Shape;
  readonly level: Level;
}

const LOOK: Readonly<Record<string, StateLook>> = {
  waiting: { word: 'waits for another to end', shape: 'dashed', level: 'info' },
  running: { word: 'is being computed', shape: 'dashed', level: 'info' },
  done: { word: 'made', shape: 'dot', level: 'calm' },
  failed: { word: 'failed', shape: 'triangle', level: 'warning' },
  cancelled: { word: 'cancelled', shape: 'ring', level: 'calm' },
  interrupted: { word: 'interrupted', shape: 'diamond', level: 'advisory' },
};
const UNKNOWN: StateLook = { word: 'unknown', shape: 'ring', level: 'info' };

export const stateLook = (state: string): StateLook => LOOK[state] ?? UNKNOWN;

export const isOpen = ({ state }: Pick<Fork | Trial, 'state'>): boolean => state === 'waiting' || state === 'running';

export const forkTitle = ({ name, what, id }: Fork): string => name || what || id;

interface OutcomeWords {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
}

/** What came of a life, in the order in which a person asks for it. */
const OUTCOMES: Readonly<Record<string, OutcomeWords>> = {
  collisions: { name: 'Contacts', unit: '', digits: 0 },
  violations: { name: 'Violations', unit: '', digits: 0 },
  failsafe: { name: 'Failsafe actions', unit: '', digits: 0 },
  distanceM: { name: 'Distance', unit: 'm', digits: 1 },
  energyWh: { name: 'Energy', unit: 'Wh', digits: 2 },
  boundS: { name: 'Time under a bound', unit: 's', digits: 1 },
  tasksDone: { name: 'Tasks done', unit: '', digits: 0 },
  tasksFailed: { name: 'Tasks failed', unit: '', digits: 0 },
  decisions: { name: 'Decisions', unit: '', digits: 0 },
};
const ORDER = Object.keys(OUTCOMES);

export interface OutcomeRow {
  readonly key: string;
  readonly name: string;
  readonly recorded: string;
  readonly forked: string;
  /** With its sign; empty where they are equal. */
  readonly apart: string;
}

export function outcomeRows(
  outcomes: readonly { readonly name: string; readonly recorded: number; readonly forked: number }[],
): readonly OutcomeRow[] {
  const placeOf = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return outcomes
    .toSorted((a, b) => placeOf(a.name) - placeOf(b.name))
    .map(({ name, recorded, forked }) => {
      const { unit, digits, name: words } = OUTCOMES[name] ?? { name, unit: '', digits: 2 };
      const text = (value: number): string => `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`;
      const apart = forked - recorded;
      const same = apart.toFixed(digits).replace('-', '') === (0).toFixed(digits);
      const sign = apart > 0 ? '+' : '−';
      const by = same ? '' : `${sign}${text(Math.abs(apart))}`;
      return { key: name, name: words, recorded: text(recorded), forked: text(forked), apart: by };
    });
}

/** "drive 0.30 m/s": the command and how fast, which is what rules change most. */
export function commandShort(command: Command | undefined): string {
  if (command === undefined || command.name === '') return '';
  const speed = command.params.find(({ name }) => name === 'speedMps')?.value;
  return speed?.case === 'number' ? `${command.name} ${quantityOf('speedMps', speed.value).text}` : command.name;
}

export const share = (done: number): string => `${Math.round(done * 100)} %`;

export const metres = (value: number): string => `${number(Math.round(value * 10) / 10)} m`;
