import { useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { byId } from '../../words/agent-state.ts';
import { plural, words } from '../../words/quantities.ts';
import { whomWords } from '../../words/stop-words.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { ActiveFaults } from './active-faults.tsx';
import { injectInto } from './bench-acts.ts';
import { faultWords, LINK_FAULT } from './fault-words.ts';
import { InFront, OnTheMap } from './put-person.tsx';
import { Seconds } from './robot-bench.tsx';
import { SiteSpeed } from './site-speed.tsx';
import { useBench } from './use-bench.ts';

/** The bench of a simulated site: any fault into any robots, people in the way, links cut; what is in force, and its end. */
export function BenchPanel() {
  const control = useMissionControl();
  const { live, selected } = control;
  useTopic('roster');
  const id = useObservable(selected);
  const { asked, again } = useBench();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [fault, setFault] = useState('');
  const [seconds, setSeconds] = useState(30);
  const whom = chosen.length > 0 ? chosen.filter((one) => live.row(one) >= 0) : id === null ? [] : [id];
  const faults = asked.kind === 'known' ? asked.value.faults : [];
  const named = faults.includes(fault) ? fault : (faults[0] ?? '');

  const inject = async (which: string) => {
    await injectInto(control, whom, which, seconds);
    again();
  };
  const toggle = (one: string) =>
    setChosen(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one]);

  return (
    <section className="panel bench" aria-labelledby="bench-title" data-testid="bench">
      <header className="panel-head">
        <h2 id="bench-title">Simulation bench</h2>
        <span className="simulation-banner">SIMULATION · no real robot is touched</span>
      </header>
      {asked.kind === 'known' ? null : <NotKnown asked={asked} what="faults" again={again} />}
      {asked.kind === 'known' && !asked.value.simulated ? (
        <p className="empty">This site is real. Faults can be injected in simulation only.</p>
      ) : null}
      {asked.kind === 'known' && asked.value.simulated ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <div className="scroll bench-columns" tabIndex={0}>
          <div>
            <h3>Whom</h3>
            <p className="quiet">
              {whom.length === 0
                ? 'Choose robots here, or select one anywhere.'
                : `${plural(whom.length, 'robot')}: ${whomWords(whom)}`}
            </p>
            <fieldset className="chips robots" aria-label="Robots">
              {[...live.ids].sort(byId).map((one) => (
                <button
                  key={one}
                  type="button"
                  className="chip mono"
                  aria-pressed={whom.includes(one)}
                  onClick={() => toggle(one)}
                >
                  <bdi>{one}</bdi>
                </button>
              ))}
            </fieldset>
          </div>
          <div className="bench-acts">
            <h3>What</h3>
            <Seconds value={seconds} onChange={setSeconds} />
            <div className="row-line">
              <select
                aria-label="Fault"
                value={named}
                onChange={(event) => setFault(event.target.value)}
                data-testid="bench-fault"
              >
                {faults.map((one) => (
                  <option key={one} value={one}>
                    {words(one)}
                  </option>
                ))}
              </select>
              <Guarded role="engineer">
                <button
                  type="button"
                  disabled={whom.length === 0 || named === ''}
                  onClick={() => void inject(named)}
                  data-testid="bench-inject"
                >
                  Inject
                </button>
              </Guarded>
            </div>
            <p className="quiet">{named === '' ? '' : `${faultWords(named)}.`}</p>
            <div className="row-line">
              {faults.includes(LINK_FAULT) ? (
                <Guarded role="engineer">
                  <button
                    type="button"
                    disabled={whom.length === 0}
                    onClick={() => void inject(LINK_FAULT)}
                    title={`${whomWords(whom)} lose the link to the hub for ${seconds} s`}
                    data-testid="bench-cut-link"
                  >
                    Cut the link
                  </button>
                </Guarded>
              ) : null}
              <OnTheMap seconds={seconds} />
              {whom.length === 1 ? <InFront id={whom[0] as string} seconds={seconds} /> : null}
            </div>
          </div>
          <div>
            <SiteSpeed speed={asked.value.speed} again={again} />
            <h3>In force</h3>
            <ActiveFaults active={asked.value.active} again={again} />
          </div>
        </div>
      ) : null}
    </section>
  );
}
