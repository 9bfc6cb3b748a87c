import { type UIEvent, useRef } from 'react';
import { READABLE, RULE_EXAMPLES } from './rule-texts.ts';

export interface RuleEditorProps {
  readonly text: string;
  readonly onText: (text: string) => void;
  /** What the hub says is wrong with it, with the line; null while nothing is known to be. */
  readonly broken: { readonly line: number | null; readonly words: string } | null;
}

/** A rule as text, its lines numbered, the broken one marked. */
export function RuleEditor({ text, onText, broken }: RuleEditorProps) {
  const numbers = useRef<HTMLPreElement>(null);
  const lines = Math.max(8, text.split('\n').length);
  const follow = (event: UIEvent<HTMLTextAreaElement>) => {
    if (numbers.current !== null) numbers.current.scrollTop = event.currentTarget.scrollTop;
  };
  return (
    <div className="rule-editor">
      <label className="rule-choice">
        Begin with
        <select
          value={RULE_EXAMPLES.find((one) => one.text === text)?.id ?? ''}
          onChange={(event) => {
            const chosen = RULE_EXAMPLES.find(({ id }) => id === event.target.value);
            if (chosen !== undefined) onText(chosen.text);
          }}
          data-testid="rule-example"
        >
          <option value="">a rule of your own</option>
          {RULE_EXAMPLES.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <div className="rule-text" data-broken={broken === null ? undefined : 'yes'}>
        <pre ref={numbers} aria-hidden="true">
          {Array.from({ length: lines }, (_, k) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines are their numbers.
            <span key={k} className={broken?.line === k + 1 ? 'broken' : undefined}>
              {k + 1}
              {'\n'}
            </span>
          ))}
        </pre>
        <textarea
          value={text}
          onChange={(event) => onText(event.target.value)}
          onScroll={follow}
          rows={lines}
          spellCheck={false}
          wrap="off"
          aria-label="Rule, in YAML with a condition in CEL"
          aria-invalid={broken !== null}
          aria-describedby="rule-help"
          data-testid="rule-text"
        />
      </div>
      {broken === null ? null : (
        <p className="level-warning" role="alert" data-testid="rule-broken">
          {broken.words}
        </p>
      )}
      <p className="quiet" id="rule-help">
        A rule, a list of rules, or a policy, as <code>sigma whatif --rule</code> takes it. Conditions read {READABLE}{' '}
        and more.
      </p>
    </div>
  );
}
