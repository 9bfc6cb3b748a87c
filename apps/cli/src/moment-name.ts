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
