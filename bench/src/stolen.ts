import { readFileSync } from 'node:fs';

/** Processor time since the machine began, in the kernel's ticks, of all its processors. */
export interface ProcessorTime {
  readonly all: number;
  /** What the host of a virtual machine gave to others while this one had something to do. */
  readonly stolen: number;
}

const NONE: ProcessorTime = { all: 0, stolen: 0 };
/** Of the line `cpu` of /proc/stat (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal. */
const FIELDS = 8;

/** @returns nothing stolen where the machine does not tell */
export function processorTime(): ProcessorTime {
  let text: string;
  try {
    text = readFileSync('/proc/stat', 'utf8');
  } catch {
    return NONE;
  }
  const ticks = (text.split('\n')[0] ?? '')
    .trim()
    .split(/ +/)
    .slice(1, FIELDS + 1)
    .map(Number);
  return { all: ticks.reduce((sum, count) => sum + count, 0), stolen: ticks[FIELDS - 1] ?? 0 };
}

/** The share of all processors that was stolen since then, 0 to 1. */
export function stolenSince({ all, stolen }: ProcessorTime, now = processorTime()): number {
  return now.all > all ? (now.stolen - stolen) / (now.all - all) : 0;
}
