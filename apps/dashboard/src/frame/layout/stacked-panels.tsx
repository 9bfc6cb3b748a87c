import { panelsOf } from './default-model.ts';
import { TheSite } from './docked-panels.tsx';
import { PanelBox, usePanels } from './panel-box.tsx';

/** Panels under each other: the site, then what is selected, then what needs somebody, then the lists. */
export function StackedPanels() {
  const panels = usePanels();
  const order = [...panelsOf(panels, 'right'), ...panelsOf(panels, 'bottom'), ...panelsOf(panels, 'left')];
  return (
    <div className="stacked" data-testid="stacked">
      <div className="stacked-centre">
        <TheSite />
      </div>
      {order.map((panel) => (
        <div key={panel.id} className="stacked-panel" data-panel={panel.id}>
          <PanelBox panel={panel} />
        </div>
      ))}
    </div>
  );
}
