import { useEffect, useRef } from 'react';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { draftStep } from '../../site/draft.ts';
import { SiteMap } from '../../site/site-map.ts';
import { agentState } from '../../words/agent-state.ts';
import { percent, plural, span } from '../../words/quantities.ts';
import { MissionComposer } from './mission-composer.tsx';

/** The element of the map, with the map behind it, so that a test can ask where a robot stands on the screen. */
export interface MapElement extends HTMLElement {
  sigmaMap?: SiteMap;
}

/** The site from above, with the tools that draw on it. */
export function SitePanel() {
  const control = useMissionControl();
  const { live, site, selected, draft, nowMs } = control;
  const theme = useObservable(control.theme);
  useTopic('roster');
  const frame = useRef<MapElement>(null);
  const still = useRef<HTMLCanvasElement>(null);
  const moving = useRef<HTMLCanvasElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const map = useRef<SiteMap | undefined>(undefined);

  useEffect(() => {
    if (frame.current === null || still.current === null || moving.current === null) return;
    const hover = (id: string | null, xPx: number, yPx: number) => showTip(tip.current, id, xPx, yPx, control);
    const made = new SiteMap(frame.current, still.current, moving.current, { live, selected, draft, hover, nowMs });
    made.show(site);
    map.current = made;
    frame.current.sigmaMap = made;
    const stop = selected.subscribe(() => {
      const id = selected.get();
      if (id !== null) made.reveal(id);
    });
    return () => {
      stop();
      made.end();
    };
  }, [control, live, site, selected, draft, nowMs]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is what changed; the tokens are read from the page.
  useEffect(() => map.current?.recolour(), [theme]);

  useEffect(() => {
    const undo = (event: KeyboardEvent) => {
      const before = draft.get();
      if (before === null) return;
      if (event.target instanceof HTMLElement && event.target.matches('input, select, textarea')) return;
      const control = event.ctrlKey || event.metaKey;
      if (event.key === 'Escape') draft.set(draftStep(before, { type: 'cancel' }));
      else if (event.key === 'Backspace' || (control && event.key === 'z'))
        draft.set(draftStep(before, { type: 'undo' }));
      else if (control && (event.key === 'y' || event.key === 'Z')) draft.set(draftStep(before, { type: 'redo' }));
      else if (event.key === 'Enter' && event.target === frame.current) draft.set(draftStep(before, { type: 'close' }));
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', undo, { capture: true });
    return () => window.removeEventListener('keydown', undo, { capture: true });
  }, [draft]);

  const summary = `Map of ${site.name}, ${plural(live.ids.length, 'robot')}. Arrows move the map, plus and minus zoom, 0 shows everything. While drawing, arrows move the next point and space sets it. The fleet list says the same in words.`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the map has its own keys; `application` says so to screen readers.
    <section className="map" ref={frame} role="application" tabIndex={0} aria-label={summary} data-testid="map">
      <canvas ref={still} />
      <canvas ref={moving} />
      <MissionComposer />
      <fieldset className="map-tools" aria-label="View">
        <button type="button" onClick={() => map.current?.zoom(1)} aria-label="Zoom in" title="Zoom in (+)">
          +
        </button>
        <button type="button" onClick={() => map.current?.zoom(-1)} aria-label="Zoom out" title="Zoom out (-)">
          −
        </button>
        <button type="button" onClick={() => map.current?.fit()} title="Show the whole site (0)">
          Fit
        </button>
      </fieldset>
      <Legend />
      <div className="map-tip" ref={tip} hidden data-testid="map-tip" />
    </section>
  );
}

function Legend() {
  return (
    <details className="legend">
      <summary>Signs</summary>
      <ul>
        <li>Box with a point: carrier, heading. Disc with a nose: humanoid.</li>
        <li>Head and shoulders: a person.</li>
        <li>
          Octagon: stopped until a person resets. Triangle: until one has looked. Diamond: ends by itself, or a mode.
        </li>
        <li>Hollow, dashed: no fresh position; the age stands beside it.</li>
        <li>Dashed line: planned path. Dots and thin rays: lidar of the selected robot.</li>
        <li>Hatched: restricted (dense) or slow (wide) zone. Chevrons: one-way aisle.</li>
        <li>Square: dock; with a bolt: charger; with a triangle: station.</li>
      </ul>
    </details>
  );
}

/** Written straight into the page: the pointer moves more often than components should render. */
function showTip(
  tip: HTMLDivElement | null,
  id: string | null,
  xPx: number,
  yPx: number,
  control: ReturnType<typeof useMissionControl>,
): void {
  if (tip === null) return;
  if (id === null || control.draft.get() !== null) {
    tip.hidden = true;
    return;
  }
  const { live, nowMs } = control;
  const row = live.row(id);
  const age = live.ageMs(row, nowMs());
  const agent = live.agent(id);
  const speed = live.newest.speedMps[row] ?? 0;
  const lines = [
    `${id} · ${agentState(agent?.status, age).word}`,
    `${speed.toFixed(2)} m/s, battery ${percent(live.newest.battery[row] ?? Number.NaN)}, seen ${span(age)} ago`,
    agent?.status?.rationale ?? '',
  ];
  tip.textContent = lines.filter((line) => line !== '').join('\n');
  tip.hidden = false;
  tip.style.left = `${xPx + 14}px`;
  tip.style.top = `${yPx + 14}px`;
}
