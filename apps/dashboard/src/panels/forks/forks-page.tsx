import type { Fork } from '@sigma/proto';
import { useCallback } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { localDay, localTime, personWords } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { useAsked } from '../rows/use-asked.ts';
import { cancelFork, forkPath, removeFork } from './fork-acts.ts';
import { ForkForm } from './fork-form.tsx';
import { ForkProgress } from './fork-progress.tsx';
import { forkTitle, isOpen } from './fork-words.ts';
import { NoForks } from './no-forks.tsx';

const ASK_EVERY_MS = 2_000;

/** Other lives of what was recorded: `/forks`. */
export default function ForksPage() {
  const { hub } = useMissionControl();
  const ask = useCallback((signal: AbortSignal) => hub.forks.listForks({}, { signal }), [hub]);
  const { asked, again } = useAsked(ask, ASK_EVERY_MS);
  return (
    <section className="panel forks-page" aria-label="Forks" data-testid="forks">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll forks-columns" tabIndex={0}>
        {asked.kind === 'known' ? null : <NotKnown asked={asked} what="forks" again={again} />}
        {asked.kind === 'known' && !asked.value.available ? <NoForks reason={asked.value.reason} /> : null}
        {asked.kind === 'known' && asked.value.available ? (
          <>
            <ForkForm forks={asked.value.forks} />
            <section className="fork-results" aria-label="Forks of this site">
              {asked.value.forks.length === 0 ? <NoneYet /> : <ForkList forks={asked.value.forks} again={again} />}
            </section>
          </>
        ) : null}
      </div>
    </section>
  );
}

function NoneYet() {
  return (
    <EmptyState icon={EMPTY_ICON.decisions} title="Nothing is forked yet" testId="no-fork-yet">
      <p>
        Go back to a moment and press <strong>Fork from here</strong>, or open a decision and press{' '}
        <strong>Run this instead</strong> on whoever lost.
      </p>
    </EmptyState>
  );
}

function ForkList({ forks, again }: { readonly forks: readonly Fork[]; readonly again: () => void }) {
  return (
    <ul className="fork-list rows">
      {forks.map((fork) => (
        <ForkRow key={fork.id} fork={fork} parent={forks.find(({ id }) => id === fork.ofForkId)} again={again} />
      ))}
    </ul>
  );
}

interface ForkRowProps {
  readonly fork: Fork;
  readonly parent: Fork | undefined;
  readonly again: () => void;
}

function ForkRow({ fork, parent, again }: ForkRowProps) {
  const control = useMissionControl();
  const { what, by, createdTimeUs, atTimeUs, reason, state } = fork;
  const after = (act: Promise<unknown>) => void act.then(again);
  return (
    <li data-testid="fork-row" data-state={state}>
      <button type="button" className="row-main" onClick={() => control.path.set(forkPath(fork.id))}>
        <span className="fork-name">
          <bdi>{forkTitle(fork)}</bdi>
        </span>
        <ForkProgress of={fork} />
        <span className="quiet fork-facts">
          {what === '' || what === forkTitle(fork) ? '' : `${what} · `}
          {atTimeUs === 0n ? '' : `from ${localTime(atTimeUs)} · `}
          {parent === undefined ? '' : `a fork of “${forkTitle(parent)}” · `}
          {personWords(by)}, {localDay(createdTimeUs)} {localTime(createdTimeUs)}
        </span>
        {reason === '' ? null : <span className="level-advisory fork-facts">{reason}</span>}
      </button>
      {isOpen(fork) ? (
        <Guarded role="engineer" when="ever">
          <button type="button" onClick={() => after(cancelFork(control, fork))}>
            Cancel
          </button>
        </Guarded>
      ) : (
        <Guarded role="engineer" when="ever">
          <HoldButton
            consequence={`deletes “${forkTitle(fork)}”; what it was forked from stays`}
            onHeld={() => after(removeFork(control, fork))}
          >
            Delete · hold
          </HoldButton>
        </Guarded>
      )}
    </li>
  );
}
