import type { DecisionView, RuleReference } from '../../words/decision-words.ts';
import { midSentence } from '../../words/quantities.ts';
import { celTokens } from './cel-tokens.ts';
import type { EvidencePolicy, EvidenceRule } from './evidence/evidence-words.ts';

interface DecisionRulesProps {
  readonly view: DecisionView;
  readonly policy: EvidencePolicy | null;
}

/** The rules that spoke, as text with what they read; and what speaks here that is code and no rule. */
export function DecisionRules({ view, policy }: DecisionRulesProps) {
  const spoke = [...view.contenders, ...view.restrictions];
  const named = spoke.map(({ rule }) => rule).filter((rule): rule is RuleReference => rule !== null);
  const code = [...new Set(spoke.map(({ source }) => source).filter((source) => /^(reflex|failsafe):/.test(source)))];
  const found = (policy?.rules ?? []).filter((rule) =>
    named.some(({ id, hash }) => (hash === '' ? rule.id === id : rule.hash === hash)),
  );
  const missing = named.filter(({ id, hash }) => !found.some((rule) => rule.id === id || rule.hash === hash));
  return (
    <section className="decision-part" aria-label="Rules" data-testid="rules">
      <h3>Rules that spoke</h3>
      {named.length + code.length === 0 ? (
        <p className="quiet">No written rule and no reflex bore on this decision.</p>
      ) : null}
      {found.map((rule) => (
        <RuleText key={rule.id} rule={rule} count={policy?.rules.length ?? 0} version={policy?.version ?? ''} />
      ))}
      {missing.map(({ id, hash }) => (
        <p key={id + hash} className="quiet">
          Rule <bdi className="mono">{id || hash.slice(0, 12)}</bdi>: its text is not at hand
          {hash === '' ? '' : `; its hash begins ${hash.slice(0, 12)}`}.
        </p>
      ))}
      {code.map((source) => (
        <p key={source} className="quiet">
          <bdi className="mono">{source}</bdi> is {source.startsWith('reflex:') ? 'a reflex' : 'a failsafe'} of the
          terrain’s model: code that no planner and no policy overrules.
        </p>
      ))}
      <p className="quiet">
        Policy {policy === null ? '' : <bdi>{policy.version} </bdi>}
        <span className="mono" title={view.context.policy}>
          {view.context.policy.slice(0, 12)}
        </span>
        {policy === null ? '' : `, ${policy.rules.length} rules, from the ${policy.source}`}
      </p>
    </section>
  );
}

interface RuleTextProps {
  readonly rule: EvidenceRule;
  readonly count: number;
  readonly version: string;
}

function RuleText({ rule, count, version }: RuleTextProps) {
  return (
    <article className="rule" data-testid={`rule-${rule.id}`}>
      <h4>
        <bdi className="mono">{rule.id}</bdi>{' '}
        <span className="quiet">
          rule {rule.place} of {count} in policy {version} · {rule.rate} ·{' '}
          <span className="mono">{rule.hash.slice(0, 12)}</span>
        </span>
      </h4>
      <pre className="cel">
        {rule.when.split('\n').map((line, k) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of a fixed text.
          <span className="cel-line" key={k}>
            <span className="cel-number" aria-hidden="true">
              {k + 1}
            </span>
            <code>
              {celTokens(line).map(({ kind, text }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: tokens of a fixed text.
                <span key={at} className={`cel-${kind}`}>
                  {text}
                </span>
              ))}
            </code>
          </span>
        ))}
      </pre>
      {rule.reads.length === 0 ? null : (
        <ul className="reads" aria-label="What the condition read">
          {rule.reads.map(({ name, value }) => (
            <li key={name} className="mono">
              {name} = <strong>{value}</strong>
            </li>
          ))}
        </ul>
      )}
      <p>
        then <strong>{rule.effect}</strong>
        <span className="quiet">
          {' '}
          because <bdi>{midSentence(rule.rationale)}</bdi>
        </span>
      </p>
    </article>
  );
}
