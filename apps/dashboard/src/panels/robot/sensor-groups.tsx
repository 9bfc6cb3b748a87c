import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import { span } from '../../words/quantities.ts';
import { GROUPS, type SensorLine } from './sensor-lines.ts';
import { Trend } from './trend.tsx';
import type { AgentDetail } from './use-agent-detail.ts';

/** A reading older than this, seen from the moment shown, is the past of a sensor and says so. */
const STALE_READING_MS = 3_000;

type Trends = Pick<AgentDetail, 'plots' | 'trendOf'>;

interface SensorGroupsProps {
  readonly lines: readonly SensorLine[];
  /** Null where no trend is known, as for a moment of the past. */
  readonly detail: Trends | null;
  /** The moment shown, microseconds since 1970. */
  readonly nowUs: bigint;
  /** Leaves away what has no band to be in. */
  readonly short?: boolean;
}

const isOdd = ({ standing }: SensorLine): boolean =>
  standing === 'above' || standing === 'below' || standing === 'no reading';

/** Sensors by the part of the robot; what is outside its band stands first. */
export function SensorGroups({ lines, detail, nowUs, short = false }: SensorGroupsProps) {
  const odd = lines.filter(isOdd);
  return (
    <>
      {odd.length === 0 ? null : <Group title="Outside their band" lines={odd} detail={detail} nowUs={nowUs} />}
      {GROUPS.map(([group, title]) => {
        const members = lines.filter(
          (line) => line.group === group && !isOdd(line) && !(short && line.standing === 'no band'),
        );
        return members.length === 0 ? null : (
          <Group key={group} title={title} lines={members} detail={detail} nowUs={nowUs} />
        );
      })}
    </>
  );
}

interface GroupProps {
  readonly title: string;
  readonly lines: readonly SensorLine[];
  readonly detail: Trends | null;
  readonly nowUs: bigint;
}

function Group({ title, lines, detail, nowUs }: GroupProps) {
  return (
    <table className={detail === null ? 'sensors without-trend' : 'sensors'}>
      <caption>{title}</caption>
      <colgroup>
        <col className="name-column" />
        {detail === null ? null : <col className="trend-column" />}
        <col className="reading-column" />
        <col className="band-column" />
      </colgroup>
      <thead className="for-ears">
        <tr>
          <th scope="col">Sensor</th>
          {detail === null ? null : <th scope="col">Trend</th>}
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

function SensorRow({ line, detail, nowUs }: { line: SensorLine; detail: Trends | null; nowUs: bigint }) {
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
      {detail === null ? null : (
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
      )}
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
