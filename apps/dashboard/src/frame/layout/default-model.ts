import {
  normalizeWorkspaceModel,
  type SplitNodeInput,
  type TabNode,
  type TabsetNodeInput,
  type WorkspaceModel,
  type WorkspaceModelInput,
} from 'react-resizable-panels';
import type { Panel, PanelPlace } from '../panel-port.ts';

/** The tab of the middle: the site. It is always there. */
export const CENTRE = 'centre';

type Tabset = TabsetNodeInput<null, null>;
type Node = Tabset | SplitNodeInput<null, null>;

const LEAST = { minWidth: '240px', minHeight: '120px', collapsible: true } as const;

/** Lists and explanations do not grow with the window: what they need and no more, the rest is the site's. */
const SIDES = {
  left: { share: 23, mostPx: 430 },
  right: { share: 26, mostPx: 540 },
} as const;

/** Every panel where it says that it belongs, in a window so many pixels of the standard size of type wide. */
export function defaultModel(panels: readonly Panel[], widthPx: number): WorkspaceModelInput<null, null> {
  const shareOf = ({ share, mostPx }: (typeof SIDES)['left' | 'right']): number =>
    Math.min(share, (100 * mostPx) / widthPx);
  const centre: Tabset = {
    type: 'tabset',
    id: 'set-centre',
    minWidth: '320px',
    minHeight: '240px',
    disableDrag: true,
    keepWhenEmpty: true,
    tabs: [{ id: CENTRE, title: 'Site', data: null, disableClose: true, disableDrag: true }],
  };
  const bottom = beside(panels, 'bottom', 'horizontal');
  const middle: Node =
    bottom === null
      ? centre
      : { type: 'split', orientation: 'vertical', children: [{ ...centre, size: 66 }, sized(bottom, 34)] };
  const left = beside(panels, 'left', 'vertical');
  const right = beside(panels, 'right', 'vertical');
  const children: Node[] = [];
  const [leftShare, rightShare] = [shareOf(SIDES.left), shareOf(SIDES.right)];
  if (left !== null) children.push(sized(left, leftShare));
  children.push(sized(middle, 100 - leftShare - rightShare));
  if (right !== null) children.push(sized(right, rightShare));
  return { version: 1, root: { type: 'split', id: 'split-root', orientation: 'horizontal', children } };
}

const sized = <One extends Node>(node: One, size: number): One => ({ ...node, size });

/** The panels of a place, as tabs over each other, and beside each other where a panel says so. */
function beside(panels: readonly Panel[], place: PanelPlace, orientation: 'horizontal' | 'vertical'): Node | null {
  const sets: Tabset[] = [];
  for (const panel of panelsOf(panels, place)) {
    const tab = tabOf(panel);
    const last = sets.at(-1);
    if (last === undefined || panel.beside === true)
      sets.push({ type: 'tabset', id: `set-${panel.id}`, ...LEAST, tabs: [tab] });
    else last.tabs.push(tab);
  }
  if (sets.length <= 1) return sets[0] ?? null;
  return { type: 'split', orientation, children: sets };
}

export const panelsOf = (panels: readonly Panel[], place: PanelPlace): readonly Panel[] =>
  panels.filter((panel) => panel.place === place).toSorted((a, b) => a.order - b.order);

const tabOf = ({ id, title }: Panel): TabNode<null> => ({ id, title, data: null });

/**
 * What was remembered, fit to the panels that there are now: those that are gone leave it, new ones come where they
 * belong by default. Null when it cannot be used.
 */
export function rememberedModel(value: unknown, panels: readonly Panel[]): WorkspaceModel<null, null> | null {
  const docked = panels.filter((panel) => panel.place !== 'page' && panel.place !== 'centre');
  const byId = new Map(docked.map((panel) => [panel.id, panel]));
  const model = normalizeWorkspaceModel<null, null>(value, {
    mapTab: (tab) => {
      if (tab.id === CENTRE) return { ...tab, title: 'Site', disableClose: true, disableDrag: true };
      const panel = byId.get(tab.id);
      return panel === undefined ? null : tabOf(panel);
    },
  });
  if (model === null) return null;
  const sets = tabsetsIn(model);
  if (!sets.some(({ tabs }) => tabs.some(({ id }) => id === CENTRE))) return null;
  const shown = new Set(sets.flatMap(({ tabs }) => tabs.map(({ id }) => id)));
  for (const panel of docked) {
    if (shown.has(panel.id)) continue;
    const neighbour = sets.find(({ tabs }) => tabs.some(({ id }) => byId.get(id)?.place === panel.place));
    if (neighbour === undefined) return null;
    neighbour.tabs.push(tabOf(panel));
  }
  return model;
}

function tabsetsIn(model: WorkspaceModel<null, null>) {
  const found: Extract<typeof model.root, { type: 'tabset' }>[] = [...((model.floating ?? []) as never[])];
  const visit = (node: typeof model.root): void => {
    if (node.type === 'tabset') found.push(node);
    else for (const child of node.children) visit(child);
  };
  visit(model.root);
  return found;
}
