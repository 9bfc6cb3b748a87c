import { useCallback, useSyncExternalStore } from 'react';
import { ShapeMark } from '../../parts/shape.tsx';
import type { AgentState } from '../../words/agent-state.ts';
import { plural } from '../../words/quantities.ts';
import { useMissionControl, useTopic } from '../mission-control.tsx';
import { thenAndNow } from './then-and-now.ts';

/** Robots listed one by one; a site where more than so many changed has changed as a whole. */
const MOST_LISTED = 200;
const MOST_NAMED = 6;

/** Under the two maps: which robots are not what they were, the gravest first. */
export function Differences() {
  const { live, now, selected } = useMissionControl();
  useTopic('agents');
  useTopic('roster');
  useSyncExternalStore(
    useCallback((listener: () => void) => now.subscribe('agents', listener), [now]),
    () => now.version('agents'),
  );
  const { changed, same, onlyThen, onlyNow } = thenAndNow(live, now);
  const rest = [
    same > 0 ? `${plural(same, 'robot')} in the same state.` : '',
    onlyNow.length > 0 ? `Not on record then: ${named(onlyNow)}.` : '',
    onlyThen.length > 0 ? `No longer here: ${named(onlyThen)}.` : '',
    changed.length > MOST_LISTED ? `${changed.length - MOST_LISTED} more changed.` : '',
  ].filter((line) => line !== '');
  return (
    <section className="differences" aria-label="What differs" data-testid="differences">
      <header className="panel-head">
        <h2>What differs</h2>
        <span className="quiet">
          {changed.length === 0
            ? 'No robot is in another state.'
            : `${plural(changed.length, 'robot')} in another state.`}{' '}
          {rest.join(' ')}
        </span>
      </header>
      {changed.length === 0 ? null : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <div className="scroll" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Robot</th>
                <th scope="col" title="The gravest true thing about it at the moment shown">
                  Then
                </th>
                <th scope="col" title="The gravest true thing about it at present">
                  Now
                </th>
                <th scope="col" className="right" title="Share of charge, then and now">
                  Battery
                </th>
                <th scope="col" className="right" title="From where it was to where it is, as the crow flies">
                  Moved
                </th>
              </tr>
            </thead>
            <tbody>
              {changed.slice(0, MOST_LISTED).map((one) => (
                <tr key={one.id}>
                  <td>
                    <button type="button" className="link mono" onClick={() => selected.set(one.id)}>
                      <bdi>{one.id}</bdi>
                    </button>
                  </td>
                  <td>
                    <State {...one.was} />
                  </td>
                  <td>
                    <State {...one.is} />
                  </td>
                  <td className="mono right">{one.battery}</td>
                  <td className="mono right">{Number.isNaN(one.movedM) ? '–' : `${one.movedM.toFixed(1)} m`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

const State = (state: AgentState) => (
  <span className={`state level-${state.level}`}>
    <ShapeMark {...state} /> {state.word}
  </span>
);

const named = (ids: readonly string[]): string =>
  ids.length <= MOST_NAMED
    ? ids.join(', ')
    : `${ids.slice(0, MOST_NAMED).join(', ')} and ${ids.length - MOST_NAMED} more`;
