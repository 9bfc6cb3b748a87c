import { type RefObject, useEffect, useRef } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import type { Observable } from '../../live/observable.ts';
import { LAYERS, type SiteChoices, toggleLayer, type ViewMode } from '../../site/site-layers.ts';
import type { ShownSiteMap } from './view-port.ts';

interface MapToolsProps {
  readonly choices: Observable<SiteChoices>;
  readonly follow: Observable<boolean>;
  readonly flat: boolean;
  readonly map: () => ShownSiteMap | null;
}

/** How one looks at the site: from above or into it, nearer, whole, after a robot, and with which layers. */
export function MapTools({ choices, follow, flat, map }: MapToolsProps) {
  const { selected } = useMissionControl();
  const chosen = useObservable(selected);
  const follows = useObservable(follow);
  const { mode } = useObservable(choices);
  const look = (next: ViewMode) => choices.set({ ...choices.get(), mode: next });
  return (
    <fieldset className="map-tools" aria-label="View">
      {flat ? null : (
        <div className="map-modes">
          <button type="button" aria-pressed={mode === 'map'} onClick={() => look('map')} title="Map, north up (V)">
            Map
          </button>
          <button
            type="button"
            aria-pressed={mode === 'perspective'}
            onClick={() => look('perspective')}
            title="In perspective; turn with the right button or Shift and arrows (V)"
            data-testid="perspective"
          >
            3D
          </button>
        </div>
      )}
      {flat ? null : <LayerList choices={choices} />}
      <div className="map-zoom">
        <button type="button" onClick={() => map()?.zoom(1)} aria-label="Zoom in" title="Zoom in (+)">
          +
        </button>
        <button type="button" onClick={() => map()?.zoom(-1)} aria-label="Zoom out" title="Zoom out (−)">
          −
        </button>
        <button type="button" onClick={() => map()?.fit()} title="Show the whole site (0)">
          Fit
        </button>
        {flat ? null : (
          <button
            type="button"
            aria-pressed={follows}
            disabled={chosen === null}
            onClick={() => follow.set(!follows)}
            title={chosen === null ? 'Select a robot to follow it' : `Keep ${chosen} in the middle (C)`}
            data-testid="follow"
          >
            Follow
          </button>
        )}
      </div>
    </fieldset>
  );
}

function LayerList({ choices }: { readonly choices: Observable<SiteChoices> }) {
  const { terrains } = useMissionControl();
  const chosen = useObservable(choices);
  const brought = terrains.flatMap(({ layers }) => layers).map(({ id, title }) => ({ id, title, detail: '' }));
  const list = useRef<HTMLDetailsElement>(null);
  useClosing(list);
  return (
    <details className="map-layers" ref={list}>
      <summary data-testid="layers">Layers</summary>
      <ul>
        {[...LAYERS, ...brought].map(({ id, title, detail }) => (
          <li key={id}>
            <label>
              <input
                type="checkbox"
                checked={chosen.layers.includes(id)}
                onChange={() => choices.set(toggleLayer(choices.get(), id))}
                data-testid={`layer-${id}`}
              />
              <span>
                {title}
                {detail === '' ? null : <small>{detail}</small>}
              </span>
            </label>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** An opened list goes when a person presses elsewhere, or Escape; the key then means nothing more. */
function useClosing(list: RefObject<HTMLDetailsElement | null>): void {
  useEffect(() => {
    const away = ({ target }: PointerEvent) => {
      if (list.current?.open && !list.current.contains(target as Node)) list.current.open = false;
    };
    const leave = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !list.current?.open) return;
      event.stopPropagation();
      list.current.open = false;
      list.current.querySelector('summary')?.focus();
    };
    addEventListener('pointerdown', away, { capture: true });
    addEventListener('keydown', leave, { capture: true });
    return () => {
      removeEventListener('pointerdown', away, { capture: true });
      removeEventListener('keydown', leave, { capture: true });
    };
  }, [list]);
}
