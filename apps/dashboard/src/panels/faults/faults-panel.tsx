import { useEffect, useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { injectFault } from '../../frame/operations.ts';
import { explain } from '../../live/hub.ts';
import { words } from '../../words/quantities.ts';

type Bench = { readonly faults: readonly string[]; readonly simulated: boolean } | { readonly problem: string } | null;

/** Breaks a simulated robot by name. Never shown for a real one: the hub says whether this site is simulated. */
export function FaultsPanel({ id }: { readonly id: string }) {
  const control = useMissionControl();
  const { hub } = control;
  const [bench, setBench] = useState<Bench>(null);
  const [seconds, setSeconds] = useState(30);

  useEffect(() => {
    const ended = new AbortController();
    hub.simulation.listFaults({}, { signal: ended.signal }).then(
      ({ faults, simulated }) => setBench({ faults, simulated }),
      (error) => ended.signal.aborted || setBench({ problem: explain(error) }),
    );
    return () => ended.abort();
  }, [hub]);

  if (bench === null) return <p className="empty">Asking which faults there are…</p>;
  if ('problem' in bench) {
    return (
      <p className="level-warning" role="alert">
        {bench.problem}
      </p>
    );
  }
  if (!bench.simulated) return <p className="empty">This site is real. Faults can be injected in simulation only.</p>;
  return (
    <section className="faults" aria-label={`Faults for ${id}`} data-testid="faults">
      <p className="simulation-banner">SIMULATION · these break the simulated {id} on purpose</p>
      <label className="inline">
        For
        <input
          type="number"
          min={1}
          max={3600}
          value={seconds}
          onChange={(event) => setSeconds(Math.max(1, event.target.valueAsNumber || 1))}
        />
        seconds
      </label>
      <ul className="fault-list">
        {bench.faults.map((fault) => (
          <li key={fault}>
            <span>{words(fault)}</span>
            <button
              type="button"
              onClick={() => void injectFault(control, id, fault, false, seconds)}
              data-testid={`inject-${fault}`}
            >
              Inject
            </button>
            <button
              type="button"
              className="plain"
              onClick={() => void injectFault(control, id, fault, true, 0)}
              data-testid={`clear-${fault}`}
            >
              Clear
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
