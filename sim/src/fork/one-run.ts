import type { Life, Timeline } from '@sigma/recorder';

/** Wall clock at which the agent time of a life was 0, microseconds since 1970. */
export const zeroOf = ({ opening }: Pick<Life, 'opening'>): number => opening.timeUs - opening.atUs;

/** Lives whose agent time is one clock: those of one edge, from when it was started until it ended. */
export interface Run {
  readonly zeroUs: number;
  readonly lives: readonly Life[];
  /** Agent time of the first and the last event of its robots. */
  readonly fromUs: number;
  readonly endUs: number;
}

/**
 * The runs that lives with robots belong to, the newest last. An edge's own recording holds one for each time it was
 * started, a hub's those of all its edges: a moment in agent time is one of a run, never of all of them.
 */
export function runsOf(lives: readonly Life[]): readonly Run[] {
  const runs = [...Map.groupBy(lives, zeroOf)].flatMap(([zeroUs, together]): Run[] => {
    const robots = together.filter(({ opening }) => opening.model === 'fleet');
    if (robots.length === 0) return [];
    const fromUs = Math.min(...robots.map(({ pieces }) => pieces[0]?.opening.atUs ?? 0));
    return [{ zeroUs, lives: together, fromUs, endUs: Math.max(...robots.map(({ endUs }) => endUs)) }];
  });
  return runs.sort((a, b) => a.zeroUs - b.zeroUs);
}

/** The newest run that was under way at that agent time; where none was, the newest. */
export function runAt(lives: readonly Life[], atUs: number): readonly Life[] {
  const runs = runsOf(lives);
  const run = runs.findLast(({ fromUs, endUs }) => fromUs < atUs && atUs <= endUs) ?? runs.at(-1);
  return run?.lives ?? lives;
}

/** A timeline with the lives of that run alone. @param of any life of it */
export const runTimeline = (timeline: Timeline, of: Pick<Life, 'opening'>): Timeline => ({
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
