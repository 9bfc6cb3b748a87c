import type { ComparedDecision, CompareForkResponse, DecidedSide } from '@sigma/proto';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { localTimeFine, plainWords, span } from '../../words/quantities.ts';
import { commandShort, outcomeRows } from './fork-words.ts';

/** What came of each life, side by side. */
export function OutcomeTable({ comparison }: { readonly comparison: CompareForkResponse }) {
  const seconds = Number(comparison.untilTimeUs - comparison.fromTimeUs) / 1e6;
  return (
    <table className="fork-table outcomes" data-testid="outcomes">
      <caption>What came of it, over {seconds.toFixed(1)} s from where they part</caption>
      <thead>
        <tr>
          <th scope="col">Outcome</th>
          <th scope="col" className="right">
            As recorded
          </th>
          <th scope="col" className="right">
            In the fork
          </th>
          <th scope="col" className="right">
            Difference
          </th>
        </tr>
      </thead>
      <tbody>
        {outcomeRows(comparison.outcomes).map(({ key, name, recorded, forked, apart }) => (
          <tr key={key} data-testid={`outcome-${key}`} className={apart === '' ? 'same' : undefined}>
            <th scope="row">{name}</th>
            <td className="mono right">{recorded}</td>
            <td className="mono right">{forked}</td>
            <td className="mono right">
              {apart === '' ? <span className="quiet">same</span> : <strong>{apart}</strong>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const RESULT: Readonly<Record<string, string>> = {
  only_a: 'only as recorded',
  only_b: 'only in the fork',
};

/** Where each life parts from the recorded one: a click goes there. */
export function PartingTable({ comparison }: { readonly comparison: CompareForkResponse }) {
  const { clock, selected } = useMissionControl();
  const parted = comparison.sources.filter(({ result }) => result !== 'shared' && result !== 'same');
  const same = comparison.sources.length - parted.length;
  return (
    <table className="fork-table" data-testid="partings">
      <caption>
        Where they part first
        {same === 0 ? '' : `; ${same} ${same === 1 ? 'other says' : 'others say'} the same in both`}
      </caption>
      <tbody>
        {parted.map(({ source, result, firstTimeUs, firstRecorded, firstForked }) => (
          <tr key={source}>
            <th scope="row">
              <bdi className="mono">{source}</bdi>
            </th>
            <td>
              {firstTimeUs === 0n ? (
                <span className="quiet">{RESULT[result] ?? result}</span>
              ) : (
                <button
                  type="button"
                  className="link mono"
                  onClick={() => {
                    selected.set(source);
                    clock.seek(Number(firstTimeUs));
                  }}
                >
                  {localTimeFine(firstTimeUs)}
                </button>
              )}
            </td>
            <td>
              <Parted recorded={saidWords(firstRecorded)} forked={saidWords(firstForked)} />
            </td>
          </tr>
        ))}
        {parted.length === 0 ? (
          <tr>
            <td>Nobody decided, said or did anything else: the change made no difference in this time.</td>
          </tr>
        ) : null}
      </tbody>
    </table>
  );
}

/** What was said there in each life; where the words are the same, what they do not say is another. */
function Parted({ recorded, forked }: { readonly recorded: string; readonly forked: string }) {
  if (recorded === forked) {
    return (
      <>
        <bdi>{recorded}</bdi> <span className="quiet">in both, with other numbers or losers</span>
      </>
    );
  }
  return (
    <>
      <bdi>{recorded}</bdi> <span className="quiet">→</span> <bdi>{forked}</bdi>
    </>
  );
}

const WHOSE: Readonly<Record<string, string>> = { recorded: 'of what was recorded', forked: 'of the fork' };

/** What the tables above tell nothing of; nothing where they tell of everything. */
export function UncomparedTable({ comparison }: { readonly comparison: CompareForkResponse }) {
  const { uncompared, untilTimeUs: endUs } = comparison;
  if (uncompared.length === 0) return null;
  return (
    <table className="fork-table" data-testid="uncompared">
      <caption>Not compared, on either side: events were dropped for want of room</caption>
      <tbody>
        {uncompared.map(({ agentId, side, fromTimeUs, untilTimeUs, firstSequence, lastSequence }) => (
          <tr key={`${agentId} ${firstSequence}`}>
            <th scope="row">
              <bdi className="mono">{agentId}</bdi>
            </th>
            <td className="mono">
              {localTimeFine(fromTimeUs)} to {untilTimeUs === 0n ? 'the end' : localTimeFine(untilTimeUs)}
            </td>
            <td>
              {span(Number((untilTimeUs === 0n ? endUs : untilTimeUs) - fromTimeUs) / 1e3)}, events{' '}
              {`${firstSequence} to ${lastSequence}`} {WHOSE[side] ?? 'of both'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const saidWords = (said: string): string => (said === '' ? 'nothing' : plainWords(said));

const SHOWN = 60;

/** Times in which other decisions were in force: before and after, with the reasons. */
export function DecisionTable({ comparison }: { readonly comparison: CompareForkResponse }) {
  const { decisions, decisionsLeftOut } = comparison;
  const more = decisionsLeftOut + Math.max(0, decisions.length - SHOWN);
  if (decisions.length === 0) return null;
  return (
    <table className="fork-table" data-testid="differing">
      <caption>
        Other decisions, {decisions.length + decisionsLeftOut} times
        {more === 0 ? '' : `; the first ${SHOWN} are shown, \`sigma compare\` prints all`}
      </caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">As recorded</th>
          <th scope="col">In the fork</th>
        </tr>
      </thead>
      <tbody>
        {decisions.slice(0, SHOWN).map((one, k) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a comparison never changes.
          <DecisionRow key={k} one={one} />
        ))}
      </tbody>
    </table>
  );
}

function DecisionRow({ one }: { readonly one: ComparedDecision }) {
  const { clock, selected } = useMissionControl();
  const { agentId, fromTimeUs, untilTimeUs, recorded, forked } = one;
  return (
    <tr>
      <td>
        <button
          type="button"
          className="link mono"
          onClick={() => {
            selected.set(agentId);
            clock.seek(Number(fromTimeUs));
          }}
        >
          {localTimeFine(fromTimeUs)}
        </button>{' '}
        <span className="quiet">{span(Number(untilTimeUs - fromTimeUs) / 1e3)}</span>
      </td>
      <td>
        <bdi className="mono">{agentId}</bdi>
      </td>
      <td>
        <Side side={recorded} />
      </td>
      <td>
        <Side side={forked} but={recorded} />
      </td>
    </tr>
  );
}

/** Who decided what, and why. @param but the other side: a reason that it gives too is not said twice */
export function Side({
  side,
  but,
}: {
  readonly side: DecidedSide | undefined;
  readonly but?: DecidedSide | undefined;
}) {
  if (side === undefined || side.authority === '') return <span className="quiet">nothing</span>;
  return (
    <>
      <span className={`authority authority-${side.authority}`}>{side.authority}</span>{' '}
      <strong>
        <bdi>{commandShort(side.command)}</bdi>
      </strong>
      {side.rationale === '' ? null : side.rationale === but?.rationale ? (
        <span className="quiet"> for the same reason</span>
      ) : (
        <span className="quiet">
          {' '}
          <bdi>{plainWords(side.rationale)}</bdi>
        </span>
      )}
    </>
  );
}
