import type { DecisionView } from '../../words/decision-words.ts';
import { percent, plainWords } from '../../words/quantities.ts';
import type { EvidencePlan } from './evidence/evidence-words.ts';

const PLANNER: Readonly<Record<string, string>> = {
  primary: 'primary planner, in the hub',
  secondary: 'secondary planner, on board',
};

interface DecisionPlanProps {
  readonly view: DecisionView;
  readonly plan: EvidencePlan | null;
  readonly task: string;
}

/** The plan that the command serves: who made it, from what, how sure, and the step it is at. */
export function DecisionPlan({ view, plan, task }: DecisionPlanProps) {
  return (
    <section className="decision-part" aria-label="Plan" data-testid="plan">
      <h3>Plan behind it</h3>
      {view.planner === '' && plan === null ? (
        <p className="quiet">The command serves no plan: whoever won does not plan.</p>
      ) : null}
      {view.planner === '' ? null : (
        <p>
          {PLANNER[view.planner] ?? view.planner}, revision <span className="mono">{view.planRevision}</span>
          {task === '' ? null : (
            <>
              {' '}
              for <bdi title={view.taskId}>{task}</bdi>
            </>
          )}
        </p>
      )}
      {plan === null ? null : (
        <>
          {view.planner === '' ? (
            <p className="quiet">
              It had plan {plan.revision} of the {plan.from} planner at hand, which did not win.
            </p>
          ) : null}
          <p className="quiet">
            <bdi>{plainWords(plan.rationale)}</bdi> · confidence {percent(plan.confidence)} · step {plan.step} of{' '}
            {plan.steps.length}
          </p>
          <Steps plan={plan} />
        </>
      )}
    </section>
  );
}

/** Around the step it is at: what is done is done, what comes later is long. */
const AHEAD = 4;

function Steps({ plan }: { readonly plan: EvidencePlan }) {
  const from = Math.max(0, plan.step - 2);
  const shown = plan.steps.slice(from, from + AHEAD + 1);
  return (
    <ol className="plan-steps" start={from + 1}>
      {shown.map((step, k) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a recorded plan never changes its order.
        <li key={from + k} aria-current={from + k + 1 === plan.step ? 'step' : undefined}>
          <bdi>{step}</bdi>
        </li>
      ))}
      {from + shown.length < plan.steps.length ? (
        <li className="quiet">… {plan.steps.length - from - shown.length} more</li>
      ) : null}
    </ol>
  );
}
