import type { MissionControl } from '../../frame/mission-control.tsx';
import { PastEngine, type PastWorker } from '../../past/past-engine.ts';
import { PastSite } from '../../past/past-site.ts';
import { type OtherLife, workerNameOf } from '../../past/worker/fork-record.ts';

const TELL_MS = 150;
const FILM_MS = 250;
/** A fork is asked for no more than one moment in this time, and at its end for the last one. */
const ASK_GAP_MS = 150;
const AROUND_US = 10_000_000;
/** While it plays, film is asked for when less than this lies ahead. */
const AHEAD_US = 4_000_000;

/** Another life at the moment that the page shows, computed in a worker of its own. */
export interface ForkSite {
  readonly site: PastSite;
  readonly engine: PastEngine;
  readonly end: () => void;
}

/** Follows the page's time: the same moment, in the other life. */
export function openForkSite({ clock, time, now, nowMs, selected }: MissionControl, life: OtherLife): ForkSite {
  const start = (): PastWorker =>
    new Worker(new URL('../../past/worker/past-worker.ts', import.meta.url), {
      type: 'module',
      name: workerNameOf(life),
    });
  const engine = new PastEngine(start, 1, nowMs);
  const site = new PastSite(engine, now, () => clock.atUs, {
    tell: (run) => setTimeout(run, TELL_MS),
    refresh: (run) => setTimeout(run, FILM_MS),
  });
  let askedMs = Number.NEGATIVE_INFINITY;
  let due: ReturnType<typeof setTimeout> | undefined;
  const ask = (): void => {
    due = undefined;
    const shown = time.get();
    if (shown.kind !== 'past') return;
    askedMs = nowMs();
    engine.show(shown.atUs, selected.get(), AROUND_US, clock.playing.get() ? 0 : AROUND_US);
  };
  const follow = (): void => {
    const shown = time.get();
    if (shown.kind !== 'past') return;
    site.moment(shown.atUs);
    const enough = clock.playing.get() && engine.filmedUntilUs > shown.atUs + AHEAD_US;
    if (due !== undefined || enough) return;
    due = setTimeout(ask, Math.max(0, ASK_GAP_MS - (nowMs() - askedMs)));
  };
  const stop = time.subscribe(follow);
  follow();
  return {
    site,
    engine,
    end: () => {
      stop();
      clearTimeout(due);
      engine.end();
    },
  };
}
