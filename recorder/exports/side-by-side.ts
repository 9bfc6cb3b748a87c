import { EventWords } from './event-words.ts';
import { type ChainEvent, type ExportOptions, ExportRun, eachEventOf, type OpenedChain } from './run.ts';
import type { BadStretch } from './sound-events.ts';

/** One event among those of all timelines that are told together. */
export interface ToldEvent {
  /** Place of its recording in what was asked for. */
  readonly recording: number;
  /** Wall clock of its chain's opening, run on by agent time; microseconds since 1970. */
  readonly timeUs: number;
  readonly source: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly type: string;
  readonly subject: string;
  /** What it says in one line. */
  readonly text: string;
}

/** What is told of several timelines: wall clock, microseconds since 1970, both ends inclusive. */
export interface SideBySideOptions {
  readonly timelines: readonly Omit<ExportOptions, 'span'>[];
  readonly fromUs: number;
  readonly toUs: number;
  /** Ends the telling when it gives false. */
  readonly take: (event: ToldEvent) => boolean;
}

/**
 * Tells the events of several recordings together, by their wall clocks: what was lived here beside what was imported.
 * Inputs and snapshots are no news and are left out.
 *
 * @returns what of each recording was damaged and is left out
 * @throws StoreError, the reason of a signal
 */
export async function tellSideBySide(options: SideBySideOptions): Promise<readonly (readonly BadStretch[])[]> {
  const { timelines, fromUs, toUs, take } = options;
  const runs: ExportRun[] = [];
  for (const timeline of timelines) runs.push(await runOf(timeline, fromUs, toUs));
  const words = new Map<OpenedChain, EventWords>();
  const tell = ({ timeUs, chain, event }: ChainEvent, run: ExportRun): void => {
    const { head, opening } = chain;
    const own = words.get(chain) ?? new EventWords(opening.role === 'imported');
    words.set(chain, own);
    const text = own.of(event);
    if (timeUs < fromUs || timeUs > toUs) return;
    if (text === null) return;
    const { source, epoch } = head;
    const { sequence, type, subject } = event;
    const told = { recording: runs.indexOf(run), timeUs, source, epoch, sequence, type, subject, text };
    if (!take(told)) throw ENOUGH;
  };
  try {
    await eachEventOf(runs, tell);
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  return runs.map(({ bad }) => bad);
}

const ENOUGH = Symbol('enough');

/** Reads no more of a recording than may lie in the span. */
async function runOf(timeline: Omit<ExportOptions, 'span'>, fromTimeUs: number, toTimeUs: number): Promise<ExportRun> {
  const whole = { ...timeline, span: { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER } };
  // What describes a topic of an imported file stands before its first message, which may be long before the span.
  const imported = (await new ExportRun(whole).openings()).some(({ opening }) => opening.role === 'imported');
  return new ExportRun(imported ? whole : { ...timeline, span: { fromTimeUs, toTimeUs } });
}
