import type { Opening } from '../payload/opening.ts';
import type { Life, Timeline } from './timeline.ts';

/** A life, or a chain of which nobody looked at more than its beginning and its end. */
export interface Lived {
  readonly opening: Opening;
  /** Agent time of the last event. */
  readonly endUs: number;
  /** Of a fork; absent: there is but one. */
  readonly pieces?: readonly { readonly opening: Opening }[];
}

/** Wall clock at which the agent time of a life was 0, microseconds since 1970. */
export const zeroOf = ({ opening }: Pick<Lived, 'opening'>): number => opening.timeUs - opening.atUs;

/** Lives whose agent time is one clock: those of one edge, from when it was started until it ended (SPEC R114). */
export interface Run<Kept extends Lived = Life> {
  readonly zeroUs: number;
  readonly lives: readonly Kept[];
  /** Agent time of the first and the last event of those who have a model. */
  readonly fromUs: number;
  readonly endUs: number;
}

/**
 * The runs of those who have a model, the newest last. An edge's own recording holds one for each time it was started, a
 * hub's those of all its edges: a moment in agent time is one of a run, never of all of them.
 */
export function runsOf<Kept extends Lived>(lives: readonly Kept[]): readonly Run<Kept>[] {
  const runs = [...Map.groupBy(lives, zeroOf)].flatMap(([zeroUs, together]): Run<Kept>[] => {
    const modelled = together.filter(({ opening }) => opening.model !== '');
    if (modelled.length === 0) return [];
    const fromUs = Math.min(...modelled.map(({ opening, pieces }) => (pieces?.[0]?.opening ?? opening).atUs));
    return [{ zeroUs, lives: together, fromUs, endUs: Math.max(...modelled.map(({ endUs }) => endUs)) }];
  });
  return runs.sort((a, b) => a.zeroUs - b.zeroUs);
}

/**
 * The runs that were under way between two moments of the wall clock, microseconds since 1970: more than one, of several
 * edges or starts. Where one of those who are named lived in some of them, these alone.
 */
export function runsBetween<Kept extends Lived & Pick<Life, 'source'>>(
  runs: readonly Run<Kept>[],
  fromUs: number,
  toUs: number,
  named: Iterable<string>,
): readonly Run<Kept>[] {
  const who = new Set(named);
  const then = runs.filter((run) => run.zeroUs + run.fromUs < toUs && fromUs <= run.zeroUs + run.endUs);
  const theirs = then.filter(({ lives }) => lives.some(({ source }) => who.has(source)));
  return theirs.length > 0 ? theirs : then;
}

/** Those of the newest run that was under way at that agent time; where none was, of the newest. */
export function runAt<Kept extends Lived>(lives: readonly Kept[], atUs: number): readonly Kept[] {
  const runs = runsOf(lives);
  const run = runs.findLast(({ fromUs, endUs }) => fromUs < atUs && atUs <= endUs) ?? runs.at(-1);
  return run?.lives ?? lives;
}

/** A timeline with the lives of that run alone. @param of any life of it */
export const runTimeline = (timeline: Timeline, of: Pick<Lived, 'opening'>): Timeline => ({
  ...timeline,
  lives: timeline.lives.filter((life) => zeroOf(life) === zeroOf(of)),
});

/**
 * What of two timelines can be held against each other where one is a fork: the run that was forked. What other edges
 * lived, and what was lived before and later, is the same or no part of it.
 */
export function forkedRuns(a: Timeline, b: Timeline): readonly [Timeline, Timeline] {
  const forked = [a, b].filter(({ parent }) => parent !== null);
  const zeros = new Set(
    forked.flatMap(({ name, lives }) => lives.filter(({ pieces }) => pieces.at(-1)?.name === name).map(zeroOf)),
  );
  if (zeros.size === 0) return [a, b];
  const narrowed = (timeline: Timeline): Timeline => ({
    ...timeline,
    lives: timeline.lives.filter((life) => zeros.has(zeroOf(life))),
  });
  return [narrowed(a), narrowed(b)];
}
