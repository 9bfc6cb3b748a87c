import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { words } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { ActiveFaults } from './active-faults.tsx';
import { injectInto } from './bench-acts.ts';
import { faultWords } from './fault-words.ts';
import { InFront } from './put-person.tsx';
import { useBench } from './use-bench.ts';

const LONGEST_S = 3_600;

/** Breaks one simulated robot by name. Never shown for a real one: the hub says whether this site is simulated. */
export function RobotBench({ id }: { readonly id: string }) {
  const control = useMissionControl();
  const { asked, again } = useBench();
  const [seconds, setSeconds] = useState(30);
  if (asked.kind !== 'known') return <NotKnown asked={asked} what="faults" again={again} />;
  const { faults, simulated, active } = asked.value;
  if (!simulated) return <p className="empty">This site is real. Faults can be injected in simulation only.</p>;
  const inject = async (fault: string) => {
    await injectInto(control, [id], fault, seconds);
    again();
  };
  return (
    <section className="faults" aria-label={`Faults for ${id}`} data-testid="faults">
      <p className="simulation-banner">
        SIMULATION · these break the simulated <bdi>{id}</bdi> on purpose
      </p>
      <Seconds value={seconds} onChange={setSeconds} />
      <ul className="fault-list">
        {faults.map((fault) => (
          <li key={fault} title={faultWords(fault)}>
            <span>{words(fault)}</span>
            <Guarded role="engineer">
              <button type="button" onClick={() => void inject(fault)} data-testid={`inject-${fault}`}>
                Inject
              </button>
            </Guarded>
          </li>
        ))}
      </ul>
      <InFront id={id} seconds={seconds} />
      <h3>In force</h3>
      <ActiveFaults active={active.filter(({ agentId }) => agentId === id)} again={again} />
    </section>
  );
}

interface SecondsProps {
  readonly value: number;
  readonly onChange: (seconds: number) => void;
}

export function Seconds({ value, onChange }: SecondsProps) {
  return (
    <label className="inline">
      For
      <input
        type="number"
        min={1}
        max={LONGEST_S}
        value={value}
        onChange={(event) => onChange(Math.min(LONGEST_S, Math.max(1, event.target.valueAsNumber || 1)))}
      />
      seconds
    </label>
  );
}
