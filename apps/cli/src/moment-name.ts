import { InvalidArgumentError } from 'commander';

/** A moment as people name it: agent time in microseconds, or an event of a source. */
export type MomentName = number | { readonly source: string; readonly epoch: number | null; readonly sequence: number };

const EVENT = /^([^#@]+)(?:@(\d+))?#(\d+)$/;
const TIME = /^(?:(\d+):)?(\d+(?:\.\d+)?)s?$/;

/** `12`, `12.5s`, `1:30`: seconds since the recording began; `r17#812`: the moment of that event. */
export function momentNamed(text: string): MomentName {
  const event = EVENT.exec(text);
  if (event !== null) {
    const epoch = event[2] === undefined ? null : Number(event[2]);
    return { source: event[1] as string, epoch, sequence: Number(event[3]) };
  }
  const time = TIME.exec(text);
  if (time === null) {
    throw new InvalidArgumentError('Give seconds (12.5), minutes and seconds (1:30) or an event (r17#812).');
  }
  return Math.round((Number(time[1] ?? 0) * 60 + Number(time[2])) * 1e6);
}

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
