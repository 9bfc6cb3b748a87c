import {
  type ChainHead,
  type Life,
  type Lived,
  momentUs,
  openingOf,
  type Recording,
  type Run,
  runAt,
  runsBetween,
  runsOf,
  zeroOf,
} from '@sigma/recorder';
import type { WallSpan } from '@sigma/recorder/exports';
import { type EventName, isEvent, type MomentName, timeText, type WallName } from './moment-name.ts';
import { CommandError, EXIT } from './outcome.ts';

/** Starts that a message names, the newest. */
const MOST_TOLD = 4;

/** A moment of the day as a stretch that is no longer than it. */
export const momentOfDay = ({ timeUs }: WallName): WallSpan => ({ fromTimeUs: timeUs, toTimeUs: timeUs });

/** @param fromUs agent time @throws CommandError when everything ended before it: nothing would look like nothing found */
export function mustReach(named: string, heads: readonly ChainHead[], fromUs: number): void {
  const endUs = Math.max(0, ...heads.map(({ atUs }) => atUs));
  if (fromUs <= endUs) return;
  const [from, end] = [fromUs, endUs].map((us) => (us / 1e6).toFixed(2));
  throw new CommandError(EXIT.usage, `${named} ends at ${end} s, before ${from} s`, 'Give an earlier --from');
}

/**
 * Agent time of a moment that a person named, microseconds.
 *
 * @param heads chains that share a clock (`headsOfRun`)
 * @throws CommandError for an event that is not there
 */
export async function momentIn(recording: Recording, heads: readonly ChainHead[], moment: MomentName): Promise<number> {
  if (typeof moment === 'number') return moment;
  if (isEvent(moment)) return momentUs(recording, { chain: chainNamed(heads, moment), sequence: moment.sequence });
  const [head] = heads;
  return head === undefined ? 0 : moment.timeUs - zeroOf({ opening: await openingOf(recording, head) });
}

/** The chain that holds an event. @throws CommandError when none does */
export function chainNamed(heads: readonly ChainHead[], moment: EventName): ChainHead {
  const { source, epoch, sequence } = moment;
  const life = heads.findLast((head) => head.source === source && (epoch === null || head.epoch === epoch));
  if (life !== undefined && sequence >= 1 && sequence <= life.sequence) return life;
  const what = life === undefined ? `nothing is recorded of '${source}'` : `${source} has ${life.sequence} events`;
  throw new CommandError(EXIT.usage, what, 'Name an event as SOURCE#NUMBER, as `sigma record ls` lists them');
}

/**
 * The chains that share a clock: with whom an event is named of; of seconds, those of the newest run that has them; of a
 * time of the day, those who lived then. A recording of an edge that was started several times, or of a hub, holds several
 * runs (recorder/SPEC.md R114).
 *
 * @param named of several edges that were at work at a time, the one that had some of these
 * @throws CommandError where that is not said
 */
export async function headsOfRun(
  recording: Recording,
  heads: readonly ChainHead[],
  of: ChainHead | number | WallSpan,
  named: readonly string[] = [],
): Promise<readonly ChainHead[]> {
  const lives = await livesOf(recording, heads);
  if (typeof of === 'number') return runAt(lives, of).map(({ head }) => head);
  if ('fromTimeUs' in of) return livesIn(lives, of, named).map(({ head }) => head);
  const zeroUs = zeroOf({ opening: await openingOf(recording, of) });
  return lives.filter((life) => zeroOf(life) === zeroUs).map(({ head }) => head);
}

/**
 * Those of one start of an edge who lived in that time of the day.
 *
 * @param named of several starts the one that had some of these
 * @throws CommandError where nobody lived then, and where it is of several: whoever meant all would miss the others
 */
export function livesIn<Kept extends Lived & Pick<Life, 'source'>>(
  lives: readonly Kept[],
  { fromTimeUs, toTimeUs }: WallSpan,
  named: Iterable<string>,
): readonly Kept[] {
  const runs = runsOf(lives);
  // Of what was imported nobody has a model, and all of it one clock.
  if (runs.length === 0) return lives;
  const then = runsBetween(runs, fromTimeUs, toTimeUs, named);
  const [run, other] = then;
  if (run === undefined) throw nobodyThen(runs);
  if (other === undefined) return run.lives;
  throw new CommandError(
    EXIT.usage,
    `that is of ${then.length} starts of edges, each with a clock of its own: ${timesOf(then)}`,
    'Name one of their robots (--help says how), an event as SOURCE[@EPOCH]#NUMBER, or a time of one of them alone',
  );
}

/**
 * The chains of all who lived in that time of the day, whatever their clocks.
 *
 * @throws CommandError where nobody did: nothing would look like nothing found
 */
export async function headsBetween(
  recording: Recording,
  heads: readonly ChainHead[],
  { fromTimeUs, toTimeUs }: WallSpan,
): Promise<readonly ChainHead[]> {
  const lives = await livesOf(recording, heads);
  const then = lives.filter(
    (life) => zeroOf(life) + life.opening.atUs <= toTimeUs && fromTimeUs <= zeroOf(life) + life.endUs,
  );
  if (then.length > 0) return then.map(({ head }) => head);
  throw nobodyThen(runsOf(lives));
}

const nobodyThen = (runs: readonly Run<Lived>[]): CommandError =>
  new CommandError(EXIT.usage, 'nobody lived then', `Give a time in ${timesOf(runs)}`);

const livesOf = (recording: Recording, heads: readonly ChainHead[]) =>
  Promise.all(
    heads.map(async (head) => ({
      head,
      source: head.source,
      opening: await openingOf(recording, head),
      endUs: head.atUs,
    })),
  );

/** When the newest of these were at work. */
const timesOf = (runs: readonly Run<Lived>[]): string =>
  runs
    .slice(-MOST_TOLD)
    .map(({ zeroUs, fromUs, endUs }) => `${timeText(zeroUs + fromUs)} to ${timeText(zeroUs + endUs)}`)
    .join(', ');
