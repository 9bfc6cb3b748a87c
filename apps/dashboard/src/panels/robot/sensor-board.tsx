import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { localTimeFine, span } from '../../words/quantities.ts';
import { useOpenDecision } from '../decisions/open-decision.ts';
import { GROUPS, type SensorLine } from './sensor-lines.ts';
import { Trend } from './trend.tsx';
import type { AgentDetail } from './use-agent-detail.ts';

/** A reading older than this, seen from the hub's clock, is the past of a sensor and says so. */
const STALE_READING_MS = 3_000;

interface SensorBoardProps {
  readonly id: string;
  readonly detail: AgentDetail;
  readonly short?: boolean;
}

/**
 * Every sensor with the band it should be in and its last two minutes; what is outside its band stands first. `short`
 * leaves away what has no band to be in.
 */
export function SensorBoard({ id, detail, short = false }: SensorBoardProps) {
  const { live, time } = useMissionControl();
  const shown = useObservable(time);
  const { lines, problem, asked } = detail;
  if (shown.kind === 'past') {
    return short ? null : <PastSensors id={id} />;
  }
  const odd = lines.filter(({ standing }) => standing === 'above' || standing === 'below' || standing === 'no reading');
  return (
    <section className="sensor-board" aria-label="Sensors" data-testid="sensors">
      {problem === '' ? null : (
        <p className="empty level-warning" role="alert">
          {problem}
        </p>
      )}
      {!asked && problem === '' ? <Skeleton /> : null}
      {asked && lines.length === 0 ? <p className="empty">No reading has arrived from this robot.</p> : null}
      {odd.length === 0 ? null : <Group title="Outside their band" lines={odd} detail={detail} nowUs={live.timeUs} />}
      {GROUPS.map(([group, title]) => {
        const members = lines.filter(
          (line) => line.group === group && !odd.includes(line) && !(short && line.standing === 'no band'),
        );
        return members.length === 0 ? null : (
          <Group key={group} title={title} lines={members} detail={detail} nowUs={live.timeUs} />
        );
      })}
    </section>
  );
}

/** Readings of a past moment are computed again with a decision: the last one before the moment leads to them. */
function PastSensors({ id }: { readonly id: string }) {
  const { live } = useMissionControl();
  useTopic('decisions');
  const open = useOpenDecision();
  const last = live.decisions(id)[0];
  const { decision } = last ?? {};
  return (
    <p className="empty">
      Sensors of a past moment are computed again with what the robot decided.{' '}
      {last === undefined || decision === undefined ? (
        'Of this moment no decision is on record yet: step on with the key . to the next.'
      ) : (
        <button
          type="button"
          onClick={() => open({ agentId: id, epoch: decision.context?.epoch ?? 0, sequence: decision.sequence })}
          data-testid="past-sensors"
        >
          What it sensed at {localTimeFine(last.timeUs)}
        </button>
      )}
    </p>
  );
}

interface GroupProps {
  readonly title: string;
  readonly lines: readonly SensorLine[];
  readonly detail: AgentDetail;
  readonly nowUs: bigint;
}

function Group({ title, lines, detail, nowUs }: GroupProps) {
  return (
    <table className="sensors">
      <caption>{title}</caption>
      <colgroup>
        <col className="name-column" />
        <col className="trend-column" />
        <col className="reading-column" />
        <col className="band-column" />
      </colgroup>
      <thead className="for-ears">
        <tr>
          <th scope="col">Sensor</th>
          <th scope="col">Trend</th>
          <th scope="col">Reading</th>
          <th scope="col">Band</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <SensorRow key={line.key} line={line} detail={detail} nowUs={nowUs} />
        ))}
      </tbody>
    </table>
  );
}

const LEVEL: Readonly<Record<SensorLine['standing'], 'calm' | 'info' | 'advisory' | 'warning'>> = {
  inside: 'calm',
  'no band': 'calm',
  unusual: 'advisory',
  'no reading': 'info',
  above: 'warning',
  below: 'warning',
};

function SensorRow({ line, detail, nowUs }: { line: SensorLine; detail: AgentDetail; nowUs: bigint }) {
  const { theme } = useMissionControl();
  const worn = useObservable(theme);
  const level = LEVEL[line.standing];
  const ageMs = nowUs === 0n || line.timeUs === 0n ? 0 : Number(nowUs - line.timeUs) / 1_000;
  const stale = ageMs > STALE_READING_MS;
  return (
    <tr
      className={`level-${stale ? 'calm stale' : level}`}
      data-standing={line.standing}
      data-testid={`sensor-${line.key}`}
    >
      <th scope="row" title={line.about}>
        {level === 'calm' ? null : (
          <ShapeMark
            shape={level === 'warning' ? 'triangle' : level === 'advisory' ? 'diamond' : 'dashed'}
            level={level}
          />
        )}{' '}
        {line.name}
      </th>
      <td className="trend-cell">
        <Trend
          plots={detail.plots}
          name={line.key}
          buffer={detail.trendOf(line.key)}
          low={line.low}
          high={line.high}
          theme={worn}
        />
      </td>
      <td className="mono right" title={line.about}>
        {line.standing === 'above' || line.standing === 'below' || line.standing === 'unusual' ? (
          <span className="standing">{line.standing} </span>
        ) : null}
        {stale ? <span className="standing">{span(ageMs)} old </span> : null}
        {line.reading}
      </td>
      <td className="mono right quiet band">
        {line.band}
        {line.usual === '' ? null : <span className="usual"> usual {line.usual}</span>}
      </td>
    </tr>
  );
}

function Skeleton() {
  return (
    <div className="panel-skeleton" role="status" aria-label="Asking for the newest readings">
      <span className="skeleton-row" />
      <span className="skeleton-row" />
      <span className="skeleton-row" />
      <span className="skeleton-row" />
    </div>
  );
}
