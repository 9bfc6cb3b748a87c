import { panelsOf } from '../layout/default-model.ts';
import { PanelIcon } from '../layout/docked-panels.tsx';
import { usePanels } from '../layout/panel-box.tsx';
import { useMissionControl, useObservable } from '../mission-control.tsx';
import { pageAt } from '../panel-port.ts';

/** The pages, one under the other, always in the same place; one of a single thing counts with the page of them all. */
export function Rail() {
  const { path } = useMissionControl();
  const open = useObservable(path);
  const panels = usePanels();
  const page = pageAt(panels, open)?.panel;
  const site = panelsOf(panels, 'centre')[0];
  const pages = panelsOf(panels, 'page').filter((panel) => panel.path?.includes(':') === false);
  return (
    <nav className="rail" aria-label="Pages" data-tour="pages">
      {site === undefined ? null : (
        <RailLink id={site.id} title={site.title} icon={site.icon} current={open === '/'} onGo={() => path.set('/')} />
      )}
      {pages.map((panel) => (
        <RailLink
          key={panel.id}
          id={panel.id}
          title={panel.title}
          icon={panel.icon}
          current={page !== undefined && (page.id === panel.id || page.path?.startsWith(`${panel.path}/`) === true)}
          onGo={() => path.set(panel.path ?? '/')}
        />
      ))}
    </nav>
  );
}

interface RailLinkProps {
  readonly id: string;
  readonly title: string;
  readonly icon: string;
  readonly current: boolean;
  readonly onGo: () => void;
}

function RailLink({ id, title, icon, current, onGo }: RailLinkProps) {
  return (
    <button
      type="button"
      className="rail-link"
      aria-current={current ? 'page' : undefined}
      onClick={onGo}
      title={title}
      data-testid={`page-${id}`}
    >
      <PanelIcon d={icon} />
      <span>{title.split(' ')[0]}</span>
    </button>
  );
}
