import type { Fork } from '@sigma/proto';
import { type FormEvent, useState } from 'react';
import { Guarded, useMay } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { localTimeFine } from '../../words/quantities.ts';
import { brokenLine, makeFork, type Wish } from './fork-acts.ts';
import { forkTitle } from './fork-words.ts';
import { RuleEditor, type RuleEditorProps } from './rule-editor.tsx';
import { RULE_EXAMPLES } from './rule-texts.ts';

type ChangeKind = 'rule' | 'parameter' | 'mission' | 'nothing';

const KINDS: readonly { readonly id: ChangeKind; readonly title: string }[] = [
  { id: 'rule', title: 'another rule' },
  { id: 'parameter', title: 'a number of the model' },
  { id: 'mission', title: 'a robot sent elsewhere' },
  { id: 'nothing', title: 'nothing, as a check' },
];

/** Lets the recording, or a fork of it, go on otherwise from the moment that the page shows. */
export function ForkForm({ forks }: { readonly forks: readonly Fork[] }) {
  const control = useMissionControl();
  const shown = useObservable(control.time);
  const selected = useObservable(control.selected);
  const [kind, setKind] = useState<ChangeKind>('rule');
  const [rule, setRule] = useState(RULE_EXAMPLES[0]?.text as string);
  const [broken, setBroken] = useState<RuleEditorProps['broken']>(null);
  const [parameter, setParameter] = useState('chain.strikes=2');
  const [goal, setGoal] = useState('');
  const [seconds, setSeconds] = useState(30);
  const [ofForkId, setOf] = useState('');
  const made = forks.filter(({ state }) => state === 'done');
  const may = useMay('engineer', 'ever');
  const past = shown.kind === 'past';
  const wrong = past ? wrongIn(kind, parameter, goal, selected) : 'Go back to a moment first: the time bar is below';
  const changeRule = (next: string) => {
    setRule(next);
    setBroken(null);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (shown.kind !== 'past' || wrong !== '') return;
    const at = localTimeFine(BigInt(shown.atUs));
    const wish: Wish = {
      start: { case: 'atTimeUs', value: BigInt(shown.atUs) },
      besideAgentId: selected ?? '',
      seconds,
      ofForkId,
      ...changeOf(kind, rule, parameter, goal, selected),
      name: `${KINDS.find(({ id }) => id === kind)?.title ?? ''} from ${at}`,
    };
    setBroken(null);
    void makeFork(control, `Fork from ${at}`, wish, (error) => {
      const line = brokenLine(error);
      if (line !== null) setBroken({ line, words: explain(error) });
    });
  };
  return (
    <form className="fork-form" onSubmit={submit} data-testid="fork-form">
      <h3>Fork from {past ? localTimeFine(BigInt(shown.atUs)) : 'a past moment'}</h3>
      {made.length === 0 ? null : (
        <label>
          Of{' '}
          <select value={ofForkId} onChange={(event) => setOf(event.target.value)} data-testid="fork-of">
            <option value="">what is recorded</option>
            {made.map((fork) => (
              <option key={fork.id} value={fork.id}>
                {forkTitle(fork)}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        With{' '}
        <select value={kind} onChange={(event) => setKind(event.target.value as ChangeKind)} data-testid="fork-change">
          {KINDS.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {kind === 'rule' ? <RuleEditor text={rule} onText={changeRule} broken={broken} /> : null}
      {kind === 'parameter' ? (
        <label>
          Name and number{' '}
          <input value={parameter} onChange={(event) => setParameter(event.target.value)} className="mono" />
        </label>
      ) : null}
      {kind === 'mission' ? (
        <label>
          <bdi className="mono">{selected ?? 'select a robot'}</bdi> goes to x, y in metres{' '}
          <input
            value={goal}
            onChange={(event) => setGoal(event.target.value)}
            className="mono"
            placeholder="12.5, 9"
            data-testid="fork-goal"
          />
        </label>
      ) : null}
      <label>
        For{' '}
        <input
          type="number"
          min={1}
          max={600}
          value={seconds}
          onChange={(event) => setSeconds(Math.min(600, Math.max(1, Number(event.target.value))))}
        />{' '}
        seconds
      </label>
      <p className="fork-buttons">
        <Guarded role="engineer" when="ever">
          <button type="submit" className="primary" disabled={wrong !== ''} title={wrong} data-testid="make-fork">
            Fork from here
          </button>
        </Guarded>
        <span className="quiet">
          {!may.allowed
            ? `${may.reason}.`
            : wrong === ''
              ? 'A copy of that moment runs on; nothing real moves.'
              : `${wrong}.`}
        </span>
      </p>
    </form>
  );
}

const PARAMETER = /^\s*([a-zA-Z][\w.]*)\s*=\s*(-?\d+(?:\.\d+)?)\s*$/;
const POINT = /^\s*(-?\d+(?:\.\d+)?)\s*[, ]\s*(-?\d+(?:\.\d+)?)\s*$/;

/** What is still missing, or empty. */
function wrongIn(kind: ChangeKind, parameter: string, goal: string, selected: string | null): string {
  if (kind === 'parameter' && !PARAMETER.test(parameter)) return 'Write name=number, as in chain.strikes=2';
  if (kind !== 'mission') return '';
  if (selected === null) return 'Select the robot on the map or in a list';
  return POINT.test(goal) ? '' : 'Write where to as x, y, as in 12.5, 9';
}

function changeOf(kind: ChangeKind, rule: string, parameter: string, goal: string, selected: string | null) {
  if (kind === 'rule') return { rule };
  if (kind === 'parameter') {
    const [, name = '', value = ''] = PARAMETER.exec(parameter) ?? [];
    return { parameters: [{ $typeName: 'sigma.v1.ForkParameter' as const, name, value: Number(value) }] };
  }
  if (kind === 'nothing' || selected === null) return {};
  const [, xM = '', yM = ''] = POINT.exec(goal) ?? [];
  const argsJson = JSON.stringify({ xM: Number(xM), yM: Number(yM) });
  const task = { $typeName: 'sigma.v1.ForkTask' as const, agentId: selected, kind: 'goto', argsJson, priority: 0 };
  return { tasks: [task] };
}
