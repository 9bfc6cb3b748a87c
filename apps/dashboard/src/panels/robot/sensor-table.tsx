import type { ChannelSchema, TelemetryFrame } from '@sigma/proto';
import { useEffect, useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import { ShapeMark } from '../../parts/shape.tsx';
import { type SensorLine, sensorLines } from './sensor-lines.ts';

const EVERY_MS = 1_000;

/** The newest reading of every sensor with the band it should be in; the ones outside their band first. */
export function SensorTable({ id }: { readonly id: string }) {
  const { hub } = useMissionControl();
  const [schemas, setSchemas] = useState<readonly ChannelSchema[]>([]);
  const [frames, setFrames] = useState<readonly TelemetryFrame[] | null>(null);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    const ended = new AbortController();
    hub.fleet.listAgents({}, { signal: ended.signal }).then(
      ({ channels }) => setSchemas(channels),
      (error) => ended.signal.aborted || setProblem(explain(error)),
    );
    return () => ended.abort();
  }, [hub]);

  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const answer = await hub.fleet.getAgent({ agentId: id }, { signal: ended.signal });
        setFrames(answer.frames);
        setProblem('');
      } catch (error) {
        if (!ended.signal.aborted) setProblem(explain(error));
      }
      if (!ended.signal.aborted) timer = setTimeout(ask, EVERY_MS);
    };
    void ask();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [hub, id]);

  const lines = sensorLines(frames ?? [], schemas);
  return (
    <section className="block" aria-label="Sensors">
      <h3>Sensors</h3>
      {problem === '' ? null : (
        <p className="level-warning" role="alert">
          {problem}
        </p>
      )}
      {frames === null && problem === '' ? <p className="quiet">Asking for the newest readings…</p> : null}
      {frames !== null && lines.length === 0 ? <p className="quiet">No reading has arrived from this robot.</p> : null}
      {lines.length === 0 ? null : (
        <table className="sensors" data-testid="sensors">
          <thead>
            <tr>
              <th scope="col">Sensor</th>
              <th scope="col" className="right">
                Reading
              </th>
              <th scope="col" className="right">
                Band
              </th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <SensorRow key={line.key} line={line} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function SensorRow({ line }: { readonly line: SensorLine }) {
  const level =
    line.standing === 'inside' || line.standing === 'no band'
      ? 'calm'
      : line.standing === 'no reading'
        ? 'info'
        : 'warning';
  return (
    <tr className={`level-${level}`}>
      <th scope="row">
        {level === 'calm' ? null : <ShapeMark shape={level === 'warning' ? 'triangle' : 'dashed'} level={level} />}{' '}
        {line.name}
      </th>
      <td className="mono right">
        {line.reading}
        {line.standing === 'above' || line.standing === 'below' ? ` ${line.standing}` : ''}
      </td>
      <td className="mono right quiet">{line.band}</td>
    </tr>
  );
}
