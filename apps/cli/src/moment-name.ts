import { InvalidArgumentError } from 'commander';

/** A wall clock, microseconds since 1970. */
export interface WallName {
  readonly timeUs: number;
}

/** An event of a source; of its newest epoch where none is named. */
export interface EventName {
  readonly source: string;
  readonly epoch: number | null;
  readonly sequence: number;
}

/** A moment as people name it: agent time in microseconds, a time of the day, or an event. */
export type MomentName = number | WallName | EventName;

/** What a moment may be, as the help of a command says it. */
export const A_MOMENT =
  'seconds since the recording began, minutes:seconds, a time of the day (2026-04-01T08:00:00Z), or an event as SOURCE[@EPOCH]#NUMBER';

const EVENT = /^([^#@]+)(?:@(\d+))?#(\d+)$/;
const TIME = /^(?:(\d+):)?(\d+(?:\.\d+)?)s?$/;
const WALL = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** `2026-04-01`, `2026-04-01T08:00:00.25Z`: a wall clock, in UTC unless a zone is named. @returns microseconds since 1970 */
export function wallNamed(text: string): number {
  const us = wallUs(text);
  if (us !== null) return us;
  throw new InvalidArgumentError('Give a time as 2026-04-01 or 2026-04-01T08:00:00Z; without a zone it is UTC.');
}

/** A wall clock as `wallNamed` reads it, in milliseconds: `2026-04-01 08:00:01.250Z`. */
export const timeText = (timeUs: number): string => new Date(Math.floor(timeUs / 1000)).toISOString().replace('T', ' ');

function wallUs(text: string): number | null {
  const said = WALL.exec(text);
  if (said === null) return null;
  const zone = text.includes(':') && said[1] === undefined ? 'Z' : '';
  const ms = Date.parse(`${text.replace(' ', 'T')}${zone}`);
  // `Date` knows milliseconds; what is recorded has microseconds.
  const us = Number((/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(6, '0').slice(3));
  return Number.isFinite(ms) ? ms * 1000 + us : null;
}

/** `12`, `12.5s`, `1:30`: seconds since the recording began; `2026-04-01T08:00:00Z`; `r17#812`: the moment of that event. */
export function momentNamed(text: string): MomentName {
  const event = EVENT.exec(text);
  if (event !== null) {
    const epoch = event[2] === undefined ? null : Number(event[2]);
    return { source: event[1] as string, epoch, sequence: Number(event[3]) };
  }
  const timeUs = wallUs(text);
  if (timeUs !== null) return { timeUs };
  const time = TIME.exec(text);
  if (time === null) {
    throw new InvalidArgumentError(
      'Give seconds (12.5), minutes and seconds (1:30), a time (2026-04-01T08:00:00Z; without a zone it is UTC) or an event (r17#812).',
    );
  }
  return Math.round((Number(time[1] ?? 0) * 60 + Number(time[2])) * 1e6);
}

/** Whether it is an event: of one chain, and so of one start of an edge. */
export const isEvent = (moment: MomentName): moment is EventName => typeof moment === 'object' && 'source' in moment;

/** Whether it is a time of the day: the same of all clocks. */
export const isWall = (moment: MomentName): moment is WallName => typeof moment === 'object' && 'timeUs' in moment;

interface Chain {
  readonly source: string;
  readonly epoch: number;
}

/** The newest epoch of each source: the one that is meant where none is named. */
export function newestEpochs(chains: readonly Chain[]): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { source, epoch } of chains) newest.set(source, Math.max(epoch, newest.get(source) ?? 0));
  return newest;
}

/** An event as `momentNamed` reads it. */
export const eventName = ({ source, epoch }: Chain, sequence: number, newest: ReadonlyMap<string, number>): string =>
  `${source}${epoch === newest.get(source) ? '' : `@${epoch}`}#${sequence}`;
