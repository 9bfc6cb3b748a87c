import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { words } from '../../words/quantities.ts';
import { makeFork } from '../forks/fork-acts.ts';
import type { Evidence } from './evidence/evidence-words.ts';

interface RunInsteadProps {
  readonly place: Evidence['place'];
  readonly alternatives: Evidence['alternatives'];
  /** Among those who lost, from 1. */
  readonly number: number;
  /** What it wanted, in a few words. */
  readonly what: string;
  readonly because: string;
}

const SECONDS = 20;

/** Lets the life go on as one who lost wanted it, or says why that cannot be. */
export function RunInstead({ place, alternatives, number, what, because }: RunInsteadProps) {
  const control = useMissionControl();
  const [asking, setAsking] = useState(false);
  const one = alternatives?.find((alternative) => alternative.number === number);
  if (one === undefined) {
    return (
      <p className="quiet run-instead" data-testid={`cannot-run-${number}`}>
        Whether it can be run is not known: {because || 'the moment was not computed again'}.
      </p>
    );
  }
  if (!one.runnable) {
    return (
      <p className="quiet run-instead" data-testid={`cannot-run-${number}`}>
        Cannot be run: {one.because}.
      </p>
    );
  }
  const { source, epoch, event } = place;
  const run = async () => {
    setAsking(true);
    await makeFork(control, `Run ${what} of ${source} instead`, {
      start: {
        case: 'event',
        value: { $typeName: 'sigma.v1.EventPlace', source, epoch, sequence: BigInt(event) },
      },
      alternative: number,
      seconds: SECONDS,
      name: `${source}: ${what} instead`,
    });
    setAsking(false);
  };
  return (
    <p className="run-instead">
      <Guarded role="engineer" when="ever">
        <button
          type="button"
          disabled={asking}
          onClick={() => void run()}
          title={`Forks the recording here: ${source} does this, and the world runs on for ${SECONDS} s. Nothing real moves`}
          data-testid={`run-instead-${number}`}
        >
          {asking ? 'Asking the hub…' : 'Run this instead'}
        </button>
      </Guarded>
      {one.without.length === 0 ? null : (
        <span className="quiet"> leaves out {one.without.map((id) => words(id)).join(', ')}</span>
      )}
    </p>
  );
}
