import type { AgentDecision } from '@sigma/proto';
import { useEffect, useMemo } from 'react';
import { isTaken } from '../../frame/keys/keys.ts';
import { useGo, useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import type { Level, Shape } from '../../words/agent-state.ts';
import { type DecisionKind, type DecisionView as View, viewDecision } from '../../words/decision-words.ts';
import { standingWords } from '../../words/mark-words.ts';
import { taskName } from '../../words/mission-words.ts';
import { localTime, midSentence, utcTime } from '../../words/quantities.ts';
import { DecisionBounds } from './decision-bounds.tsx';
import { DecisionExpectation } from './decision-expectation.tsx';
import { DecisionInputs } from './decision-inputs.tsx';
import { DecisionLadder } from './decision-ladder.tsx';
import { DecisionPlan } from './decision-plan.tsx';
import { DecisionProof, lastedWords } from './decision-proof.tsx';
import { DecisionRules } from './decision-rules.tsx';
import { type EvidenceState, useEvidence } from './evidence/use-evidence.ts';
import { type DecisionRef, decisionPath, useOpenDecision } from './open-decision.ts';
import { isDecision, useDecision } from './use-decision.ts';

interface DecisionViewProps {
  readonly at: DecisionRef;
  /** Alone on its page: steps stay on the page, and no link to it is offered. */
  readonly alone?: boolean;
}

/** Why: winner, losers, bounds, inputs, expectation, rules, plan and proof of one decision. The same view everywhere. */
export function DecisionView({ at, alone = false }: DecisionViewProps) {
  const state = useDecision(at);
  const found = state.kind === 'found' ? state.one : null;
  const standing = found === null ? null : standingWords(found);
  const evidence = useEvidence(
    found === null || standing !== null
      ? null
      : {
          agentId: at.agentId,
          epoch: at.epoch,
          sequence: Number(at.sequence),
          timeUs: Number(found.timeUs),
          atUs: Number(found.atUs),
        },
  );
  return (
    <article
      className="decision-view"
      data-testid="decision-detail"
      aria-label={`Decision ${at.sequence} of ${at.agentId}`}
    >
      <DecisionSteps at={at} alone={alone} />
      {state.kind === 'loading' ? <DecisionSkeleton /> : null}
      {state.kind === 'missing' ? (
        <EmptyState
          icon={EMPTY_ICON.decisions}
          title={
            <>
              The hub knows no decision {String(at.sequence)} of <bdi>{at.agentId}</bdi> in epoch {at.epoch}.
            </>
          }
        >
          It may have been archived, and the recording still holds it; or the record of its robot is still on its way
          here: the time bar says whose is.
        </EmptyState>
      ) : null}
      {state.kind === 'failed' ? (
        <p className="empty level-warning" role="alert">
          {state.reason}
        </p>
      ) : null}
      {found?.decision === undefined ? null : (
        <DecisionBody
          one={found}
          evidence={standing === null ? evidence : { kind: 'absent', reason: standing.short }}
        />
      )}
    </article>
  );
}

const KIND: Readonly<Record<DecisionKind, { readonly shape: Shape; readonly level: Level; readonly word: string }>> = {
  stop: { shape: 'octagon', level: 'warning', word: 'safety acted' },
  refusal: { shape: 'triangle', level: 'advisory', word: 'refused' },
  clamp: { shape: 'diamond', level: 'advisory', word: 'cut down' },
  plain: { shape: 'dot', level: 'calm', word: 'as proposed' },
};

function DecisionBody({ one, evidence }: { readonly one: AgentDecision; readonly evidence: EvidenceState }) {
  const { live } = useMissionControl();
  useTopic('missions');
  const view = useMemo(() => viewDecision(one.decision as NonNullable<typeof one.decision>, one.atUs), [one]);
  const proof = evidence.kind === 'found' ? evidence.evidence : null;
  const task = view.taskId === '' ? '' : taskName(view.taskId, (id) => live.mission(id));
  return (
    <>
      <DecisionHead one={one} view={view} lasted={lastedWords(proof?.lastedUs ?? null)} task={task} />
      <div className="decision-parts">
        <DecisionLadder view={view} evidence={proof} />
        <DecisionBounds view={view} />
        {proof === null ? null : <DecisionExpectation trail={proof.expectations} />}
        <DecisionInputs view={view} evidence={proof} />
        <DecisionRules view={view} policy={proof?.policy ?? null} />
        <DecisionPlan view={view} plan={proof?.plan ?? null} task={task} />
        <DecisionProof state={evidence} />
      </div>
    </>
  );
}

interface DecisionHeadProps {
  readonly one: AgentDecision;
  readonly view: View;
  readonly lasted: string;
  readonly task: string;
}

function DecisionHead({ one, view, lasted, task }: DecisionHeadProps) {
  const kind = KIND[view.kind];
  const standing = standingWords(one);
  return (
    <header className="decision-head">
      <p className="decision-line">
        <span className={`authority authority-${view.authority}`}>{view.authority}</span>
        <span className={`state level-${kind.level}`}>
          <ShapeMark shape={kind.shape} level={kind.level} /> {kind.word}
        </span>
        <span className="spring" />
        <time className="mono" title={`${utcTime(one.timeUs)} UTC · ${view.time} since the robot’s epoch began`}>
          {localTime(one.timeUs)}
        </time>
      </p>
      <h2 data-testid="decision-command">
        <bdi>{view.command}</bdi>
      </h2>
      <p className="decision-because">
        {view.rationale === '' ? null : (
          <>
            because <bdi>{midSentence(view.rationale)}</bdi>
          </>
        )}
      </p>
      <p className="quiet">
        <bdi className="mono" data-testid="decision-winner">
          {view.winner}
        </bdi>{' '}
        · <span title="How sure the winner was of its proposal">confidence {view.confidence}</span>
        {lasted === '' ? null : ` · ${lasted}`}
        {task === '' ? null : (
          <>
            {' '}
            · serves <bdi title={view.taskId}>{task}</bdi>
          </>
        )}
      </p>
      {standing === null ? null : (
        <p className="decision-standing level-advisory" role="status" data-testid="decision-standing">
          <ShapeMark shape="ring" level="advisory" /> <strong>Reported, not proved.</strong> {standing.long}
        </p>
      )}
    </header>
  );
}

/** The decision before and after, by button or by `p` and `n`; and the way to the page of its own. */
function DecisionSteps({ at, alone }: DecisionViewProps & { readonly alone: boolean }) {
  const { live, selection } = useMissionControl();
  const go = useGo();
  const open = useOpenDecision();
  useTopic('decisions');
  const status = live.agent(at.agentId)?.status;
  const newest = status?.epoch === at.epoch ? status.decisionSequence : at.sequence;
  const known = live.decisions(at.agentId).some((one) => isDecision(one, { ...at, sequence: at.sequence + 1n }));
  const [before, after] = [at.sequence > 1n, at.sequence < newest || known];

  useEffect(() => {
    const turn = (step: bigint) => {
      const ref = { ...at, sequence: at.sequence + step };
      if (alone) go(decisionPath(ref));
      else open(ref);
    };
    const keys = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.key, event.target)) return;
      if (event.key === 'p' && before) turn(-1n);
      else if (event.key === 'n' && after) turn(1n);
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', keys);
    return () => window.removeEventListener('keydown', keys);
  });

  const to = (step: bigint) => {
    const ref = { ...at, sequence: at.sequence + step };
    if (alone) go(decisionPath(ref));
    else open(ref);
  };
  return (
    <nav className="decision-steps" aria-label="Decisions">
      <button type="button" className="plain" onClick={() => selection.set({ kind: 'robot', id: at.agentId })}>
        <bdi className="mono">{at.agentId}</bdi>
      </button>
      <span className="quiet">
        decision {String(at.sequence)} · epoch {at.epoch}
      </span>
      <span className="spring" />
      <button
        type="button"
        className="plain"
        disabled={!before}
        onClick={() => to(-1n)}
        title="The decision before (p)"
        aria-label="The decision before"
        data-testid="decision-before"
      >
        ‹
      </button>
      <button
        type="button"
        className="plain"
        disabled={!after}
        onClick={() => to(1n)}
        title="The decision after (n)"
        aria-label="The decision after"
        data-testid="decision-after"
      >
        ›
      </button>
      {alone ? null : (
        <button
          type="button"
          className="plain"
          onClick={() => go(decisionPath(at))}
          title="On a page of its own"
          data-testid="decision-page"
        >
          Page
        </button>
      )}
    </nav>
  );
}

function DecisionSkeleton() {
  return (
    <div className="panel-skeleton" role="status" aria-label="Loading the decision">
      <span className="skeleton-row" />
      <span className="skeleton-row" />
      <span className="skeleton-row" />
      <span className="skeleton-row" />
    </div>
  );
}
