import { Dialog } from '@base-ui/react/dialog';
import { Command as Cmdk, defaultFilter } from 'cmdk';
import { LAYERS, toggleLayer } from '../../site/site-layers.ts';
import { agentState } from '../../words/agent-state.ts';
import { useFrame } from '../frame-ui.ts';
import { panelsOf } from '../layout/default-model.ts';
import { usePanels } from '../layout/panel-box.tsx';
import { useMissionControl, useTopic } from '../mission-control.tsx';
import { COMMANDS } from './commands.ts';
import { keyCaps } from './keys.ts';

/** Rows of one kind that are listed before a person has typed enough. */
const MOST = 200;

/** Finds anything by name, and leaves the pointer free for the stop control: robots, missions, zones, pages, panels, bookmarks, commands. */
export function Palette() {
  const control = useMissionControl();
  const frame = useFrame();
  const panels = usePanels();
  const { live, site, selection, path, choices } = control;
  const layered = control.layered.get();
  const { layers } = choices.get();
  const brought = control.terrains.flatMap((terrain) => terrain.layers);
  useTopic('missions');
  useTopic('roster');
  const close = () => frame.palette.set(false);
  const then = (act: () => void) => () => {
    close();
    act();
  };
  const pages = panelsOf(panels, 'page').filter((panel) => panel.path?.includes(':') === false);
  const docked = panels.filter(({ place }) => place !== 'page' && place !== 'centre');
  return (
    <Dialog.Root open modal="trap-focus" onOpenChange={(open) => open || close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="veil" />
        <Dialog.Popup className="palette" aria-label="Find anything" data-testid="palette">
          <Cmdk label="Find anything" loop filter={likeness}>
            <Cmdk.Input placeholder="Robot, mission, zone, page, command" autoFocus />
            <Cmdk.List>
              <Cmdk.Empty>Nothing here is called that.</Cmdk.Empty>
              <Cmdk.Group heading="Robots">
                {live.ids.slice(0, MOST).map((id) => {
                  const age = live.newest.ageMs[live.row(id)] ?? Number.POSITIVE_INFINITY;
                  const state = agentState(live.agent(id)?.status, age).word;
                  return (
                    <Cmdk.Item
                      key={id}
                      value={`robot ${id}`}
                      keywords={[state]}
                      onSelect={then(() => selection.set({ kind: 'robot', id }))}
                    >
                      <span className="mono">{id}</span> <span className="quiet">{state}</span>
                    </Cmdk.Item>
                  );
                })}
              </Cmdk.Group>
              <Cmdk.Group heading="Missions">
                {live
                  .missions()
                  .slice(0, MOST)
                  .map(({ id, name }) => (
                    <Cmdk.Item
                      key={id}
                      value={`mission ${id} ${name}`}
                      onSelect={then(() => selection.set({ kind: 'mission', id }))}
                    >
                      <bdi>{name === '' ? id : name}</bdi> <span className="quiet mono">{id}</span>
                    </Cmdk.Item>
                  ))}
              </Cmdk.Group>
              <Cmdk.Group heading="Zones">
                {live.fences().map(({ id, name }) => (
                  <Cmdk.Item
                    key={id}
                    value={`fence ${id} ${name}`}
                    onSelect={then(() => selection.set({ kind: 'zone', id }))}
                  >
                    <bdi>{name === '' ? id : name}</bdi> <span className="quiet">fence</span>
                  </Cmdk.Item>
                ))}
                {site.zones.map(({ id }) => (
                  <Cmdk.Item key={id} value={`zone ${id}`} onSelect={then(() => selection.set({ kind: 'zone', id }))}>
                    {id}
                  </Cmdk.Item>
                ))}
              </Cmdk.Group>
              <Cmdk.Group heading="Pages">
                {pages.map((panel) => (
                  <Cmdk.Item
                    key={panel.id}
                    value={`page ${panel.title}`}
                    onSelect={then(() => path.set(panel.path ?? '/'))}
                  >
                    {panel.title}
                  </Cmdk.Item>
                ))}
                <Cmdk.Item value="page Site" onSelect={then(() => path.set('/'))}>
                  Site
                </Cmdk.Item>
              </Cmdk.Group>
              <Cmdk.Group heading="Panels">
                {docked.map(({ id, title }) => (
                  <Cmdk.Item key={id} value={`panel ${title}`} onSelect={then(() => showPanel(frame, id))}>
                    Show {title}
                  </Cmdk.Item>
                ))}
              </Cmdk.Group>
              {layered ? (
                <Cmdk.Group heading="Map layers">
                  {[...LAYERS, ...brought].map(({ id, title }) => {
                    const verb = layers.includes(id) ? 'Hide' : 'Show';
                    return (
                      <Cmdk.Item
                        key={id}
                        value={`layer ${title} ${verb}`}
                        keywords={['map', 'layer']}
                        onSelect={then(() => {
                          choices.set(toggleLayer(choices.get(), id));
                          path.set('/');
                        })}
                      >
                        {verb} {title.toLowerCase()} <span className="quiet">on the map</span>
                      </Cmdk.Item>
                    );
                  })}
                </Cmdk.Group>
              ) : null}
              <Cmdk.Group heading="Bookmarks">
                {frame.bookmarks.all.get().map(({ name, atUs }) => (
                  <Cmdk.Item key={name} value={`bookmark ${name}`} onSelect={then(() => control.clock.seek(atUs))}>
                    <bdi>{name}</bdi>
                  </Cmdk.Item>
                ))}
              </Cmdk.Group>
              <Cmdk.Group heading="Commands">
                {COMMANDS.filter(({ keyOnly }) => keyOnly !== true).map((command) => (
                  <Cmdk.Item
                    key={command.id}
                    value={`command ${command.title}`}
                    onSelect={then(() => command.run({ control, frame }))}
                  >
                    <span>{command.title}</span>
                    {command.keys[0] === undefined ? null : <kbd>{keyCaps(command.keys[0]).join(' ')}</kbd>}
                  </Cmdk.Item>
                ))}
              </Cmdk.Group>
            </Cmdk.List>
          </Cmdk>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Brings the panel to the front and opens its tabset where it is collapsed. */
function showPanel({ workspace }: ReturnType<typeof useFrame>, id: string): void {
  workspace.current?.selectTab(id);
}

/** Less alike than this, letters are strewn over a long title: "heat" is not in "Show me around, in a minute". */
const ALIKE_FROM = 0.1;

function likeness(value: string, typed: string, keywords?: string[]): number {
  const alike = defaultFilter(value, typed, keywords);
  return alike < ALIKE_FROM ? 0 : alike;
}
