import type { Mission } from '@sigma/proto';
import { MissionStatus } from '@sigma/proto';
import type { ReactNode } from 'react';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import type { SiteView } from '../../live/site-view.ts';
import { ShapeMark } from '../../parts/shape.tsx';
import { type AgentState, agentState, byId, LEVEL_ORDER } from '../../words/agent-state.ts';
import { number, percent, plural } from '../../words/quantities.ts';

/** Named one by one; the rest of them stands in the list of robots. */
const MOST_NAMED = 8;
const EMPTIEST = 4;

/** While nothing is selected: how the whole site stands, who needs somebody, and how to select. */
export function SiteCard() {
  const { live, site, selected, time } = useMissionControl();
  const past = useObservable(time).kind === 'past';
  useTopic('roster');
  useTopic('agents');
  useTopic('missions');
  useTopic('fences');
  const states = statesOf(live);
  const troubled = states.filter(({ state }) => LEVEL_ORDER[state.level] <= LEVEL_ORDER.advisory);
  const unheard = states.filter(({ state }) => state.shape === 'dashed').length;
  const missions = live.missions();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div className="scroll" tabIndex={0} data-testid="site-card">
      <header className="card-head">
        <h2>{site.name}</h2>
        <p className="quiet">
          Nothing selected. Click a robot, or <kbd>j</kbd> <kbd>k</kbd> and <kbd>Enter</kbd>; <kbd>Esc</kbd> goes back.
        </p>
      </header>
      <section className="block" aria-label="Who needs somebody">
        <h3>Needs somebody</h3>
        {troubled.length === 0 ? (
          <p className="quiet">
            {unheard === 0
              ? 'Nobody: no robot is held, stopped or out of contact.'
              : `Nobody, as far as is known: nothing was heard of ${plural(unheard, 'robot')} just now.`}
          </p>
        ) : null}
        <ul className="needs">
          {troubled.slice(0, MOST_NAMED).map(({ id, state }) => (
            <li key={id}>
              <button type="button" className="link mono" onClick={() => selected.set(id)}>
                <bdi>{id}</bdi>
              </button>
              <span className={`state level-${state.level}`}>
                <ShapeMark {...state} /> {state.word}
              </span>
            </li>
          ))}
        </ul>
        {troubled.length > MOST_NAMED ? (
          <p className="quiet">and {troubled.length - MOST_NAMED} more, first in the list of robots</p>
        ) : null}
      </section>
      <section className="block" aria-label="Robots">
        <h3>
          Robots <span className="quiet">{live.ids.length}</span>
        </h3>
        <Tally states={states} />
      </section>
      <dl className="facts site-facts">
        <Line name="Missions" about="Of those that are not over">
          {missionWords(missions, past)}
        </Line>
        <Line name="Batteries" about="Mean charge of all robots, and the emptiest">
          <Batteries live={live} onSelect={selected.set} />
        </Line>
        <Line name="People" about="Seen by robots at this moment">
          {live.people.length === 0 ? 'nobody in sight' : `${live.people.length / 2} in sight of robots`}
        </Line>
        <Line name="Fences" about="Drawn by people and in force">
          {live.fences().length === 0 ? 'none drawn' : plural(live.fences().length, 'fence')}
        </Line>
        <Line name="Floor" about="Extent of the site">
          {number(site.width * site.metresPerCell)} × {number(site.height * site.metresPerCell)} m
        </Line>
      </dl>
    </div>
  );
}

interface Standing {
  readonly id: string;
  readonly state: AgentState;
}

/** Every robot with what an operator should know first about it, the gravest first. */
function statesOf(live: SiteView): Standing[] {
  return [...live.agents()]
    .map(({ id, status }) => ({
      id,
      state: agentState(status, live.newest.ageMs[live.row(id)] ?? Number.POSITIVE_INFINITY),
    }))
    .sort((a, b) => LEVEL_ORDER[a.state.level] - LEVEL_ORDER[b.state.level] || byId(a.id, b.id));
}

/** How many are in which state; the age in "no contact 12 s" tells nobody apart. */
function Tally({ states }: { readonly states: readonly Standing[] }) {
  const counts = new Map<string, { readonly state: AgentState; count: number }>();
  for (const { state } of states) {
    const word = state.word.replace(/ \d.*$/, '');
    const known = counts.get(word);
    if (known === undefined) counts.set(word, { state: { ...state, word }, count: 1 });
    else known.count++;
  }
  if (counts.size === 0) return <p className="quiet">None here at this moment.</p>;
  return (
    <ul className="tally">
      {[...counts.values()].map(({ state, count }) => (
        <li key={state.word}>
          <span className={`state level-${state.level}`}>
            <ShapeMark {...state} /> {state.word}
          </span>
          <meter className="tally-bar" value={count} max={states.length} aria-hidden="true" />
          <span className="mono">{count}</span>
        </li>
      ))}
    </ul>
  );
}

function missionWords(missions: readonly Mission[], past: boolean): string {
  const active = missions.filter(({ status }) => status === MissionStatus.ACTIVE).length;
  const queued = missions.filter(({ status }) => status === MissionStatus.QUEUED).length;
  if (active + queued === 0) return past ? 'none at this moment' : 'none: draw a zone on the map, or press Cover';
  return `${active} active${queued === 0 ? '' : `, ${queued} queued`}`;
}

function Batteries({ live, onSelect }: { readonly live: SiteView; readonly onSelect: (id: string) => void }) {
  const charges = live.ids
    .map((id, row) => ({ id, share: live.newest.battery[row] ?? Number.NaN }))
    .filter(({ share }) => !Number.isNaN(share))
    .sort((a, b) => a.share - b.share || byId(a.id, b.id));
  if (charges.length === 0) return 'not told';
  const mean = charges.reduce((sum, { share }) => sum + share, 0) / charges.length;
  return (
    <>
      {percent(mean)} on average
      <span className="emptiest">
        {charges.slice(0, EMPTIEST).map(({ id, share }) => (
          <span key={id}>
            <button type="button" className="link mono" onClick={() => onSelect(id)}>
              <bdi>{id}</bdi>
            </button>{' '}
            <span className="mono">{percent(share)}</span>
          </span>
        ))}
      </span>
    </>
  );
}

function Line({
  name,
  about,
  children,
}: {
  readonly name: string;
  readonly about: string;
  readonly children: ReactNode;
}) {
  return (
    <div title={about}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
