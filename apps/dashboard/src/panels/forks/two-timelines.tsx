import type { Fork } from '@sigma/proto';
import { lazy, type ReactNode, useEffect, useMemo, useState } from 'react';
import { useFrame } from '../../frame/frame-ui.ts';
import { panelsOf } from '../../frame/layout/default-model.ts';
import { PanelBox, usePanels } from '../../frame/layout/panel-box.tsx';
import {
  type MissionControl,
  MissionControlProvider,
  useMissionControl,
  useObservable,
} from '../../frame/mission-control.tsx';
import type { TerrainPart } from '../../frame/panel-port.ts';
import type { SiteView } from '../../live/site-view.ts';
import { type OtherLife, workerNameOf } from '../../past/worker/fork-record.ts';
import { apartNow, canBeCompared } from './apart.ts';
import { FlatDifference } from './flat-difference.tsx';
import { type ForkSite, openForkSite } from './fork-site.ts';
import { metres } from './fork-words.ts';
import { otherControl } from './other-life.ts';
import { Other } from './other-place.ts';
import { SideDecision } from './side-decision.tsx';

const DifferenceLayer = lazy(async () => ({ default: (await import('./difference-layer.tsx')).DifferenceLayer }));

const DIFFERENCE: TerrainPart = {
  terrain: 'fork',
  panels: [],
  layers: [
    { id: 'fork-difference', title: 'Difference', shown: true, component: DifferenceLayer, flat: FlatDifference },
  ],
};

/** The same moment of two lives: as it was recorded, and in the fork. Where poses differ, both maps say so. */
export function TwoTimelines({ fork }: { readonly fork: Fork }) {
  const control = useMissionControl();
  const { id, earlierRun } = fork;
  const forked = useLife(useMemo(() => ({ forkId: id, recorded: false }), [id]));
  // What an earlier run recorded the hub does not show by itself.
  const earlier = useLife(useMemo(() => (earlierRun ? { forkId: id, recorded: true } : null), [id, earlierRun]));
  const panel = panelsOf(usePanels(), 'centre')[0];
  const terrains = useMemo(() => [...control.terrains, DIFFERENCE], [control.terrains]);
  const recorded = useMemo(() => {
    const own = { ...control, terrains };
    return earlier === null ? own : otherControl(own, fork, earlier, true);
  }, [control, terrains, earlier, fork]);
  useExplainedOf(earlier === null ? null : recorded);
  const other = useMemo(() => {
    if (forked === null) return null;
    // Two maps on one page: the name tells them apart for those who hear it.
    const site = { ...control.site, name: `${control.site.name}, in the fork` };
    return otherControl({ ...control, terrains, site }, fork, forked, false);
  }, [control, terrains, forked, fork]);
  const agentId = useObservable(control.selected);
  const [asksWhy, setAsksWhy] = useState(false);
  if (panel === undefined || other === null || forked === null || (earlierRun && earlier === null)) return null;
  const why = asksWhy && agentId !== null;
  return (
    <div className="two-timelines" data-testid="two-timelines" data-why={why ? 'yes' : undefined}>
      <section aria-label="As recorded" data-side="recorded">
        <span className="side-word past-word">AS RECORDED</span>
        <Other.Provider value={forked.site}>
          <MissionControlProvider value={recorded}>
            <PanelBox panel={panel} />
          </MissionControlProvider>
        </Other.Provider>
        {why ? <SideDecision control={recorded} life={nameOf(id, earlierRun, true)} agentId={agentId} /> : null}
      </section>
      <section aria-label="In the fork" data-side="forked">
        <span className="side-word fork-word">IN THE FORK</span>
        <Other.Provider value={recorded.live}>
          <MissionControlProvider value={other}>
            <PanelBox panel={panel} />
          </MissionControlProvider>
        </Other.Provider>
        {why ? <SideDecision control={other} life={nameOf(id, true, false)} agentId={agentId} /> : null}
      </section>
      <Apart recorded={recorded.live} forked={forked}>
        <button
          type="button"
          disabled={agentId === null}
          aria-pressed={why}
          onClick={() => setAsksWhy(!why)}
          title={agentId === null ? 'Select a robot first' : `What ${agentId} decided in each life, and why`}
          data-testid="side-why"
        >
          {why ? 'Only the maps' : 'Why, in each life'}
        </button>
      </Apart>
    </div>
  );
}

/** What is selected is explained of that life while the page is open; the site's own holds nothing of that time. */
function useExplainedOf(life: MissionControl | null): void {
  const { earlier } = useFrame();
  useEffect(() => {
    earlier.set(life);
    return () => earlier.set(null);
  }, [earlier, life]);
}

/** Whose worker tells why; empty: the site's own recording does. */
const nameOf = (forkId: string, ownWorker: boolean, recorded: boolean): string =>
  ownWorker ? workerNameOf({ forkId, recorded }) : '';

function useLife(life: OtherLife | null): ForkSite | null {
  const control = useMissionControl();
  const [site, setSite] = useState<ForkSite | null>(null);
  useEffect(() => {
    if (life === null) return;
    const opened = openForkSite(control, life);
    setSite(opened);
    return opened.end;
  }, [control, life]);
  return site;
}

const LOOK_EVERY_MS = 250;
const SHOWN = 8;

interface ApartProps {
  readonly recorded: SiteView;
  readonly forked: ForkSite;
  /** What can be done about it. */
  readonly children: ReactNode;
}

/** Who stands elsewhere at the shown moment, and how far: what the maps draw, in words. */
function Apart({ recorded, forked, children }: ApartProps) {
  const { selected, nowMs } = useMissionControl();
  const progress = useObservable(forked.engine.progress);
  const [apart, setApart] = useState(() => apartNow(recorded, forked.site, nowMs()));
  const [known, setKnown] = useState(false);
  useEffect(() => {
    const timer = setInterval(() => {
      setApart(apartNow(recorded, forked.site, nowMs()));
      setKnown(canBeCompared(recorded, forked.site, nowMs()));
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [recorded, forked, nowMs]);
  return (
    <p className="apart" data-testid="apart">
      {progress?.state === 'failed' ? (
        <span className="level-warning">The fork cannot be shown at this moment: {progress.words}</span>
      ) : progress?.state !== 'settled' && !known ? (
        <span className="quiet">computing this moment of both lives…</span>
      ) : !known ? (
        <span className="quiet">At this moment nobody’s place is known in both lives.</span>
      ) : apart.length === 0 ? (
        <span className="quiet">At this moment every robot is where it was.</span>
      ) : (
        <>
          <span className="quiet">At this moment elsewhere:</span>
          {apart.slice(0, SHOWN).map(({ id, distanceM }) => (
            <button
              key={id}
              type="button"
              className="plain"
              onClick={() => selected.set(id)}
              data-testid={`apart-${id}`}
            >
              <bdi className="mono">{id}</bdi> by <strong className="mono">{metres(distanceM)}</strong>
            </button>
          ))}
          {apart.length > SHOWN ? <span className="quiet">and {apart.length - SHOWN} more</span> : null}
        </>
      )}
      <span className="spring" />
      {children}
    </p>
  );
}
