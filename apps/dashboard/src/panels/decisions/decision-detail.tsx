import { useMissionControl } from '../../frame/mission-control.tsx';
import type { DecisionView } from '../../words/decision-words.ts';
import { taskName } from '../../words/mission-words.ts';

/** Winner, losers with reasons, restrictions, clamps, rationale, confidence, context: the same view everywhere. */
export function DecisionDetail({ view, titled = false }: { readonly view: DecisionView; readonly titled?: boolean }) {
  const { live } = useMissionControl();
  return (
    <div className="decision" data-testid="decision-detail">
      {titled ? (
        <p className="decision-title">
          <span className={`authority authority-${view.authority}`}>{view.authority}</span> {view.title}
        </p>
      ) : null}
      <dl className="facts">
        {titled && view.command === view.title ? null : (
          <div>
            <dt>Command</dt>
            <dd>{view.command}</dd>
          </div>
        )}
        <div>
          <dt>Winner</dt>
          <dd>{view.winner}</dd>
        </div>
        {view.rationale === '' ? null : (
          <div>
            <dt>Because</dt>
            <dd>{view.rationale}</dd>
          </div>
        )}
        <div>
          <dt>Confidence</dt>
          <dd>{view.confidence}</dd>
        </div>
        {view.clamped.length === 0 ? null : (
          <div>
            <dt>Clamped</dt>
            <dd>{view.clamped.join('; ')}</dd>
          </div>
        )}
        {view.forbiddenBy === '' ? null : (
          <div>
            <dt>Forbidden</dt>
            <dd>by {view.forbiddenBy}</dd>
          </div>
        )}
        {view.taskId === '' ? null : (
          <div>
            <dt>Serves</dt>
            <dd title={view.taskId}>
              {taskName(view.taskId, (id) => live.mission(id))}, plan {view.planRevision}
              {view.planner === '' ? '' : `, ${view.planner} planner`}
            </dd>
          </div>
        )}
        {view.context === '' ? null : (
          <div>
            <dt>Saw</dt>
            <dd className="mono">{view.context}</dd>
          </div>
        )}
        {view.rule === '' ? null : (
          <div>
            <dt>Rule</dt>
            <dd className="mono">{view.rule}</dd>
          </div>
        )}
      </dl>
      <Others title="Lost" empty="Nothing else was proposed." rows={view.losers} testId="losers" />
      {view.restrictions.length === 0 ? null : (
        <Others title="Restrictions in force" empty="" rows={view.restrictions} testId="restrictions" />
      )}
    </div>
  );
}

interface OthersProps {
  readonly title: string;
  readonly empty: string;
  readonly rows: DecisionView['losers'];
  readonly testId: string;
}

function Others({ title, empty, rows, testId }: OthersProps) {
  return (
    <div className="others" data-testid={testId}>
      <h4>{title}</h4>
      {rows.length === 0 ? <p className="quiet">{empty}</p> : null}
      <ul>
        {rows.map((row, k) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a recorded decision never changes its order.
          <li key={k}>
            <span>{row.what}</span>
            <span className="quiet">{row.who}</span>
            <span className="why">{row.why}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
