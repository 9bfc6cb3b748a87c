import type { Trial, WatchTrialResponse } from '@sigma/proto';
import { useCallback, useState } from 'react';
import { Guarded, useMay } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import type { PanelProps } from '../../frame/panel-port.ts';
import { explain } from '../../live/hub.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { localTime, plural } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { useAsked } from '../rows/use-asked.ts';
import { FlipsTable } from './flips-table.tsx';
import { brokenLine, cancelTrial, makeFork, trialPath } from './fork-acts.ts';
import { ForkProgress } from './fork-progress.tsx';
import { isOpen } from './fork-words.ts';
import { NoForks } from './no-forks.tsx';
import { RuleEditor } from './rule-editor.tsx';
import { RULE_EXAMPLES } from './rule-texts.ts';
import { useWatched } from './use-watched.ts';

/** Stretches of time that a rule can be tried on; around: of the moment that the page shows. */
const SPANS = [
  { id: 'around', title: 'half a minute around the shown moment', us: 15_000_000 },
  { id: 'minutes', title: 'the last 10 minutes', us: 600_000_000 },
  { id: 'hour', title: 'the last hour', us: 3_600_000_000 },
  { id: 'day', title: 'the last day', us: 86_400_000_000 },
] as const;
const FOLLOWS_SECONDS = 30;
/** The fork begins right before the first decision that flips: much earlier might be before anything is on record. */
const BEFORE_US = 50_000n;

/** What if this rule had been in force: `/what-if`, and `/what-if/:trial` for what was found. */
export default function WhatIfPage({ params }: PanelProps) {
  const { hub } = useMissionControl();
  const ask = useCallback((signal: AbortSignal) => hub.forks.listForks({}, { signal }), [hub]);
  const { asked, again } = useAsked(ask);
  const trialId = params['trial'];
  return (
    <section className="panel forks-page what-if" aria-label="What if" data-testid="what-if">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll forks-columns" tabIndex={0}>
        {asked.kind === 'known' ? null : <NotKnown asked={asked} what="the forks of this hub" again={again} />}
        {asked.kind === 'known' && !asked.value.available ? <NoForks reason={asked.value.reason} /> : null}
        {asked.kind === 'known' && asked.value.available ? (
          <>
            <RuleForm trials={asked.value.trials} trialId={trialId} />
            <section className="fork-results" aria-label="What the rule would have changed">
              {trialId === undefined ? <NothingTried trials={asked.value.trials} /> : <TrialResult id={trialId} />}
            </section>
          </>
        ) : null}
      </div>
    </section>
  );
}

interface RuleFormProps {
  readonly trials: readonly Trial[];
  readonly trialId: string | undefined;
}

function RuleForm({ trials, trialId }: RuleFormProps) {
  const { hub, clock, time, now, path } = useMissionControl();
  const may = useMay('engineer', 'ever');
  const past = useObservable(time).kind === 'past';
  const known = trials.find(({ id }) => id === trialId);
  const [text, setText] = useState(known?.rule ?? (RULE_EXAMPLES[0]?.text as string));
  const [spanId, setSpanId] = useState<string>('');
  const [broken, setBroken] = useState<{ readonly line: number | null; readonly words: string } | null>(null);
  const [asking, setAsking] = useState(false);
  const chosen = SPANS.find(({ id }) => id === spanId) ?? (past ? SPANS[0] : SPANS[2]);
  const change = (next: string) => {
    setText(next);
    setBroken(null);
  };
  const attempt = async () => {
    setAsking(true);
    const latestUs = Number(now.timeUs);
    const around = chosen.id === 'around';
    const middleUs = around ? clock.atUs : latestUs;
    try {
      const { trial } = await hub.forks.tryRule({
        rule: text,
        fromTimeUs: BigInt(Math.max(1, Math.round(middleUs - chosen.us))),
        toTimeUs: around ? BigInt(Math.round(middleUs + chosen.us)) : 0n,
      });
      setBroken(null);
      if (trial !== undefined) path.set(trialPath(trial.id));
    } catch (error) {
      setBroken({ line: brokenLine(error), words: explain(error) });
    }
    setAsking(false);
  };
  return (
    <form
      className="fork-form"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt();
      }}
    >
      <h3>If this rule had been in force</h3>
      <RuleEditor text={text} onText={change} broken={broken} />
      <label>
        Over{' '}
        <select value={chosen.id} onChange={(event) => setSpanId(event.target.value)} data-testid="trial-span">
          {SPANS.map(({ id, title }) => (
            <option key={id} value={id} disabled={id === 'around' && !past}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <p className="fork-buttons">
        <Guarded role="engineer" when="ever">
          <button type="submit" className="primary" disabled={asking} data-testid="try-rule">
            {asking ? 'Asking the hub…' : 'Try the rule'}
          </button>
        </Guarded>
        <span className="quiet">
          {may.allowed
            ? 'Nothing real changes: each decision is made again in the situation on record.'
            : `${may.reason}. What others tried can be looked at.`}
        </span>
      </p>
    </form>
  );
}

function NothingTried({ trials }: { readonly trials: readonly Trial[] }) {
  const { path } = useMissionControl();
  return (
    <EmptyState
      icon={EMPTY_ICON.decisions}
      title={trials.length === 0 ? 'No rule is tried yet' : 'No trial is opened'}
      testId="nothing-tried"
    >
      <p>
        Press <strong>Try the rule</strong>: the decisions that it flips stand here, each with its reasons before and
        after.
      </p>
      {trials.length === 0 ? null : (
        <ul className="tried-before" aria-label="Tried before">
          {trials.slice(0, 5).map((trial) => (
            <li key={trial.id}>
              <button type="button" className="link" onClick={() => path.set(trialPath(trial.id))}>
                {localTime(trial.createdTimeUs)} {trial.rule.trim().split('\n')[0]}
              </button>{' '}
              <span className="quiet">{trial.state === 'done' ? plural(trial.flips, 'flip') : trial.state}</span>
            </li>
          ))}
        </ul>
      )}
    </EmptyState>
  );
}

const trialIsOver = ({ trial }: WatchTrialResponse): boolean => trial === undefined || !isOpen(trial);

function TrialResult({ id }: { readonly id: string }) {
  const { hub } = useMissionControl();
  const watch = useCallback((signal: AbortSignal) => hub.forks.watchTrial({ trialId: id }, { signal }), [hub, id]);
  const { asked, again } = useWatched(watch, trialIsOver);
  if (asked.kind !== 'known') return <NotKnown asked={asked} what="the trial" again={again} />;
  const { trial, flips } = asked.value;
  if (trial === undefined) return null;
  return <TrialShown trial={trial} flips={flips} />;
}

function TrialShown({ trial, flips }: { readonly trial: Trial; readonly flips: WatchTrialResponse['flips'] }) {
  const control = useMissionControl();
  const [first] = flips;
  return (
    <article className="trial" data-testid="trial" data-state={trial.state}>
      <p className="fork-line">
        <ForkProgress of={trial} done="tried" />
        <span className="spring" />
        {isOpen(trial) ? (
          <button type="button" onClick={() => void cancelTrial(control, trial)} data-testid="cancel-trial">
            Cancel
          </button>
        ) : null}
      </p>
      {trial.state === 'failed' || trial.state === 'interrupted' ? (
        <p className="level-warning" role="alert">
          It was not tried: {trial.reason}. What is recorded is as it was; correct the rule or the stretch and try
          again.
        </p>
      ) : null}
      {trial.state === 'done' ? (
        <>
          <FlipsTable trial={trial} flips={flips} />
          {first === undefined ? null : (
            <p className="fork-buttons">
              <Guarded role="engineer" when="ever">
                <button
                  type="button"
                  className="primary"
                  onClick={() =>
                    void makeFork(control, 'Let the rule run on from its first flip', {
                      start: { case: 'atTimeUs', value: first.fromTimeUs - BEFORE_US },
                      rule: trial.rule,
                      seconds: FOLLOWS_SECONDS,
                      name: `with ${first.rules[0]?.rule ?? 'the rule'} from ${localTime(first.fromTimeUs)}`,
                    })
                  }
                  data-testid="see-what-follows"
                >
                  See what would have followed
                </button>
              </Guarded>
              <span className="quiet">
                Forks the recording just before the first flip and lets {FOLLOWS_SECONDS} s run on with the rule.
              </span>
            </p>
          )}
        </>
      ) : null}
    </article>
  );
}
