import { Component, lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { afterFirstPicture, firstPictureDrawn, solidPictureDrawn } from '../../frame/first-picture.ts';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { Observable } from '../../live/observable.ts';
import { draftStep } from '../../site/draft.ts';
import type { FlatPainter } from '../../site/flat/flat-brush.ts';
import { meetLayers } from '../../site/site-layers.ts';
import type { Look } from '../../site/solid/lens.ts';
import { plural } from '../../words/quantities.ts';
import { putFence } from './fences.ts';
import { FlatPainters } from './flat-painters.ts';
import { FlatSite } from './flat-site.tsx';
import { Legend } from './legend.tsx';
import { showScale } from './map-scale.ts';
import { showTip } from './map-tip.ts';
import { MapTools } from './map-tools.tsx';
import { MissionComposer } from './mission-composer.tsx';
import { PrintedSite } from './printed-site.tsx';
import { leaveDraft } from './put-aside.ts';
import { type FlatReason, hasWebgl, type MapElement, type ShownSiteMap } from './view-port.ts';

export type { MapElement } from './view-port.ts';

const fetchSolidSite = async () => {
  await afterFirstPicture();
  return { default: (await import('./solid-site.tsx')).SolidSite };
};

const FLAT_WORDS: Readonly<Record<FlatReason, string>> = {
  loading: '',
  missing: 'Drawn flat: this browser has no WebGL. Everything else works; the 3D view needs graphics acceleration.',
  lost: 'Drawn flat: the graphics device was lost. The 3D view comes back with it.',
  failed: 'Drawn flat: the 3D view failed.',
};

/** The site, solid or flat, with the tools that draw on it. */
export function SitePanel() {
  const control = useMissionControl();
  const { live, site, selected, selection, draft, viewpoint, choices, nowMs, terrains } = control;
  const theme = useObservable(control.theme);
  useTopic('roster');
  const frame = useRef<MapElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const scale = useRef<HTMLDivElement>(null);
  const map = useRef<ShownSiteMap | null>(null);
  const brought = useMemo(() => terrains.flatMap(({ layers }) => layers), [terrains]);
  const follow = useMemo(() => new Observable(false), []);
  const painters = useMemo(() => new Set<FlatPainter>(), []);
  const shownLayers = useObservable(choices).layers;
  const [flat, setFlat] = useState<FlatReason | null>(() => (hasWebgl() ? 'loading' : 'missing'));
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what could not be fetched once stays so; each attempt asks anew.
  const SolidSite = useMemo(() => lazy(fetchSolidSite), [attempt]);

  const ports = useMemo(() => {
    const hover = (id: string | null, xPx: number, yPx: number) => showTip(tip.current, id, xPx, yPx, control);
    const looked = (look: Look) => showScale(scale.current, look);
    const key = (pressed: string): boolean => {
      if (pressed === 'v')
        choices.set({ ...choices.get(), mode: choices.get().mode === 'map' ? 'perspective' : 'map' });
      else if (pressed === 'c' && selected.get() !== null) follow.set(!follow.get());
      else if (pressed === 'n') map.current?.north?.();
      else return false;
      return true;
    };
    const chooseFence = (id: string | null) => selection.set(id === null ? null : { kind: 'zone', id });
    const calmMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
    const shown = { live, selected, selection, draft, viewpoint, choices, follow, painters };
    return { ...shown, nowMs, hover, looked, key, chooseFence, calmMotion, drawn: firstPictureDrawn };
  }, [control, live, selected, selection, draft, viewpoint, nowMs, choices, follow, painters]);

  const show = useCallback((shown: ShownSiteMap | null) => {
    map.current = shown;
    if (frame.current === null) return;
    if (shown === null) delete frame.current.sigmaMap;
    else frame.current.sigmaMap = shown;
  }, []);
  const painted = useCallback(() => {
    solidPictureDrawn();
    setFlat((reason) => (reason === 'loading' ? null : reason));
  }, []);
  const lost = useCallback(() => setFlat('lost'), []);
  const again = useCallback(() => {
    setAttempt((tries) => tries + 1);
    setFlat('loading');
  }, []);
  const failed = useCallback(() => setFlat('failed'), []);
  useDrawingKeys(frame);
  useEffect(() => choices.set(meetLayers(choices.get(), brought)), [choices, brought]);
  useEffect(() => control.layered.set(flat === null), [control, flat]);

  const solid = flat === null || flat === 'loading' || flat === 'lost';
  const summary = `Map of ${site.name}, ${plural(live.ids.length, 'robot')}. Arrows move the map, with shift they turn it, plus and minus zoom, 0 shows everything, V changes between map and perspective, C follows the selected robot. While drawing, arrows move the next point and space sets it. The fleet list says the same in words.`;
  return (
    <section
      className="map"
      ref={frame}
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the map has its own keys; `application` says so to screen readers.
      tabIndex={0}
      aria-label={summary}
      data-testid="map"
      data-flat={flat ?? 'no'}
    >
      {flat === null ? null : (
        <FlatPainters.Provider value={painters}>
          <FlatSite frame={frame} site={site} ports={ports} theme={theme} onMap={flat === 'loading' ? NOBODY : show} />
          {brought.map(({ id, flat: Flat }) =>
            Flat === undefined || !shownLayers.includes(id) ? null : <Flat key={id} />,
          )}
        </FlatPainters.Provider>
      )}
      {solid ? (
        <Fallible key={attempt} onFailed={failed}>
          <Suspense fallback={null}>
            <SolidSite
              frame={frame}
              site={site}
              ports={ports}
              theme={theme}
              layers={brought.filter(({ id }) => shownLayers.includes(id))}
              onMap={show}
              onPainted={painted}
              onLost={lost}
              onRestored={again}
            />
          </Suspense>
        </Fallible>
      ) : null}
      <MissionComposer onFence={(fence) => putFence(control, fence)} />
      <MapTools choices={choices} follow={follow} flat={flat !== null && flat !== 'loading'} map={() => map.current} />
      {flat === null || flat === 'loading' ? null : (
        <p className="map-notice" role="status" data-testid="map-notice">
          {FLAT_WORDS[flat]}
          {flat === 'missing' ? null : (
            <button type="button" onClick={again}>
              Try 3D again
            </button>
          )}
        </p>
      )}
      <div className="map-scale" ref={scale} hidden={flat !== null} aria-hidden="true">
        <svg className="map-north" viewBox="0 0 16 24" width="16" height="24">
          <title>North</title>
          <path d="M8 22V8M4 13l4-5 4 5" />
          <text x="8" y="6">
            N
          </text>
        </svg>
        <span className="map-bar">
          <span data-scale="" />
        </span>
      </div>
      <Legend />
      <div className="map-tip" ref={tip} hidden data-testid="map-tip" />
      <PrintedSite />
    </section>
  );
}

/** While the solid view loads, the flat one under it is looked at and nothing else asks for it. */
const NOBODY = () => undefined;

/** Undo, redo, close and leave the drawing, wherever the focus is. */
function useDrawingKeys(frame: { readonly current: HTMLElement | null }): void {
  const control = useMissionControl();
  const { draft } = control;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const before = draft.get();
      // Where two maps stand beside each other, both hear the key.
      if (before === null || event.defaultPrevented) return;
      if (event.target instanceof HTMLElement && event.target.matches('input, select, textarea')) return;
      const mod = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (event.key === 'Escape') leaveDraft(control, draftStep(before, { type: 'cancel' }));
      else if (mod && (key === 'y' || (key === 'z' && event.shiftKey))) draft.set(draftStep(before, { type: 'redo' }));
      else if (event.key === 'Backspace' || (mod && key === 'z')) draft.set(draftStep(before, { type: 'undo' }));
      else if (event.key === 'Enter' && event.target === frame.current) draft.set(draftStep(before, { type: 'close' }));
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', press, { capture: true });
    return () => window.removeEventListener('keydown', press, { capture: true });
  }, [control, draft, frame]);
}

/** A view that fails is replaced by the flat one; the rest of the page goes on. */
class Fallible extends Component<{ readonly children: ReactNode; readonly onFailed: () => void }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError = () => ({ failed: true });
  override componentDidCatch(error: unknown): void {
    console.error('the 3D view failed', error);
    this.props.onFailed();
  }
  override render(): ReactNode {
    return this.state.failed ? null : this.props.children;
  }
}
