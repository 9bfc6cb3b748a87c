import type { Fork, WatchForkResponse } from '@sigma/proto';
import { useCallback, useEffect } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import type { PanelProps } from '../../frame/panel-port.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { localTime, personWords, plural } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { useAsked } from '../rows/use-asked.ts';
import { DecisionTable, OutcomeTable, PartingTable, UncomparedTable } from './comparison-tables.tsx';
import { cancelFork } from './fork-acts.ts';
import { ForkProgress } from './fork-progress.tsx';
import { forkTitle, isOpen } from './fork-words.ts';
import { TwoTimelines } from './two-timelines.tsx';
import { useWatched } from './use-watched.ts';

const forkIsOver = ({ fork }: WatchForkResponse): boolean => fork === undefined || !isOpen(fork);

/** One fork beside what was recorded: `/forks/:fork`. */
export default function ForkPage({ params }: PanelProps) {
  const { hub, path } = useMissionControl();
  const id = params['fork'] ?? '';
  const watch = useCallback((signal: AbortSignal) => hub.forks.watchFork({ forkId: id }, { signal }), [hub, id]);
  const { asked, again } = useWatched(watch, forkIsOver);
  const fork = asked.kind === 'known' ? asked.value.fork : undefined;
  return (
    <section className="panel fork-page" aria-label="Fork" data-testid="fork-page">
      {asked.kind === 'known' ? null : (
        <NotKnown
          asked={asked}
          what="the fork"
          again={again}
          instead={
            <button type="button" className="primary" onClick={() => path.set('/forks')}>
              All forks
            </button>
          }
        />
      )}
      {fork === undefined ? null : <ForkShown fork={fork} />}
    </section>
  );
}

/** How a fork ended of which there is nothing to show. */
const OVER_WORDS: Readonly<Record<string, string>> = {
  failed: 'could not be made',
  interrupted: 'was interrupted before it was made',
  cancelled: 'was cancelled',
};

function ForkShown({ fork }: { readonly fork: Fork }) {
  const { path } = useMissionControl();
  return (
    <>
      <ForkHead fork={fork} />
      {fork.state === 'done' ? <DoneFork fork={fork} /> : null}
      {fork.state in OVER_WORDS ? (
        <div role="alert" data-testid="fork-over">
          <EmptyState icon={EMPTY_ICON.trouble} title={`This fork ${OVER_WORDS[fork.state]}.`}>
            {fork.reason === '' ? null : <p className="level-warning">{fork.reason}.</p>}
            <p>Nothing of it is left, and what is recorded is as it was.</p>
            <button type="button" className="primary" onClick={() => path.set('/forks')}>
              Fork again
            </button>
          </EmptyState>
        </div>
      ) : null}
      {isOpen(fork) ? (
        <div className="panel-skeleton fork-waits" role="status" aria-label="The fork is being computed">
          <span className="skeleton-row" />
          <span className="skeleton-row" />
          <span className="skeleton-row" />
        </div>
      ) : null}
    </>
  );
}

function ForkHead({ fork }: { readonly fork: Fork }) {
  const control = useMissionControl();
  const { what, atTimeUs, endTimeUs, by, touched, agents, loop, cutShort, state } = fork;
  const facts = [
    ...(what === '' || what === forkTitle(fork) ? [] : [what]),
    ...(endTimeUs === 0n ? [] : [`${localTime(atTimeUs)} to ${localTime(endTimeUs)}`]),
    ...(state === 'done' ? [`${touched.length} of ${plural(agents, 'robot')} computed again`] : []),
    ...(loop === 'open' ? ['bodies were not computed: each robot was given what was recorded'] : []),
    ...(cutShort ? ['ends where the recording ends'] : []),
    `by ${personWords(by)}`,
  ];
  return (
    <header className="fork-head">
      <p className="fork-line">
        <strong className="fork-name">
          <bdi>{forkTitle(fork)}</bdi>
        </strong>
        <ForkProgress of={fork} />
        <span className="spring" />
        {isOpen(fork) ? (
          <Guarded role="engineer" when="ever">
            <button type="button" onClick={() => void cancelFork(control, fork)} data-testid="cancel-fork">
              Cancel
            </button>
          </Guarded>
        ) : null}
        <button type="button" className="plain" onClick={() => control.path.set('/forks')}>
          All forks
        </button>
      </p>
      <p className="quiet">{facts.join(' · ')}</p>
    </header>
  );
}

function DoneFork({ fork }: { readonly fork: Fork }) {
  const { hub } = useMissionControl();
  useItsTime(fork);
  const ask = useCallback(
    (signal: AbortSignal) => hub.forks.compareFork({ forkId: fork.id }, { signal }),
    [hub, fork.id],
  );
  const { asked, again } = useAsked(ask);
  return (
    <>
      <TwoTimelines fork={fork} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="fork-compared scroll" tabIndex={0} data-testid="comparison">
        {asked.kind === 'known' ? (
          <>
            <OutcomeTable comparison={asked.value} />
            <div>
              <PartingTable comparison={asked.value} />
              <UncomparedTable comparison={asked.value} />
            </div>
            <DecisionTable comparison={asked.value} />
          </>
        ) : (
          <NotKnown asked={asked} what="how they compare" again={again} />
        )}
      </div>
    </>
  );
}

/** The page goes to the time of the fork, unless it shows a moment of it already. */
function useItsTime({ id, atTimeUs, endTimeUs }: Fork): void {
  const { clock, time } = useMissionControl();
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each fork; then the person chooses the moment.
  useEffect(() => {
    const shown = time.get();
    const inIt = shown.kind === 'past' && shown.atUs >= Number(atTimeUs) && shown.atUs <= Number(endTimeUs);
    if (!inIt) clock.seek(Number(atTimeUs));
  }, [id]);
}
