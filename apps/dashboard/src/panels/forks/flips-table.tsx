import type { Flip, Trial } from '@sigma/proto';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { localTimeFine, plural, span } from '../../words/quantities.ts';
import { Side } from './comparison-tables.tsx';

/** The decisions that a rule flips: when, who, before and after with reasons, by which line. A click goes to the moment. */
export function FlipsTable({ trial, flips }: { readonly trial: Trial; readonly flips: readonly Flip[] }) {
  const { clock, selection } = useMissionControl();
  const agents = new Set(flips.map(({ agentId }) => agentId)).size;
  const lost = flips.reduce((sum, { didM, wouldHaveDoneM }) => sum + Math.max(0, didM - wouldHaveDoneM), 0);
  const go = ({ agentId, epoch, decisionSequence, fromTimeUs }: Flip) => {
    clock.seek(Number(fromTimeUs));
    selection.set({ kind: 'decision', agentId, epoch, sequence: decisionSequence });
  };
  return (
    <>
      <p data-testid="trial-result">
        <strong>{plural(trial.flips, 'decision')} would have been another</strong>
        {trial.flips === 0 ? '' : `, of ${plural(agents, 'agent')}`}
        <span className="quiet">
          {' '}
          · {plural(trial.agents, 'life', 'lives')} tried, {plural(Number(trial.wakes), 'cycle')} run again
          {lost < 0.05 ? '' : ` · by their own commands ${lost.toFixed(1)} m less`}
        </span>
      </p>
      {trial.leftOut.length === 0 ? null : <p className="level-advisory">Left out: {leftOutWords(trial.leftOut)}</p>}
      {flips.length === 0 ? (
        <p className="quiet">
          In this time the rule would have changed nothing. Choose a longer stretch, or a condition that holds more
          often.
        </p>
      ) : (
        <table className="fork-table" data-testid="flips">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">Was</th>
              <th scope="col">Would have been</th>
              <th scope="col">Because of</th>
            </tr>
          </thead>
          <tbody>
            {flips.map((flip, k) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: what a trial found never changes its order.
              <tr key={k}>
                <td>
                  <button type="button" className="link mono" onClick={() => go(flip)} data-testid={`flip-${k}`}>
                    {localTimeFine(flip.fromTimeUs)}
                  </button>
                  <span className="flip-lasted quiet">{span(Number(flip.untilTimeUs - flip.fromTimeUs) / 1e3)}</span>
                </td>
                <td>
                  <bdi className="mono">{flip.agentId}</bdi>
                </td>
                <td>
                  <Side side={flip.was} />
                </td>
                <td>
                  <Side side={flip.would} but={flip.was} />
                </td>
                <td>
                  {flip.rules.map(({ rule, change, verdict, line }) => (
                    <span key={rule} className="flip-rule">
                      {change === 'removed' ? 'without ' : ''}
                      <bdi className="mono">{rule}</bdi>
                      <span className="quiet">
                        {line === 0 ? '' : ` line ${line}`}
                        {verdict === 'error' ? ', cannot be evaluated' : ''}
                      </span>
                    </span>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

const SHOWN_LEFT_OUT = 5;

const leftOutWords = (all: readonly string[]): string =>
  all.slice(0, SHOWN_LEFT_OUT).join('; ') +
  (all.length > SHOWN_LEFT_OUT ? `; and ${all.length - SHOWN_LEFT_OUT} more` : '');
