import type { Mission } from '@sigma/proto';
import { useMissionControl, useTick } from '../../frame/mission-control.tsx';
import { localTime, span } from '../../words/quantities.ts';
import { type TaskLane, type TaskSpan, taskLanes } from './task-lanes.ts';

/** Narrower than this share of the mission's time, a bar has no room for a name. */
const NAMED_SHARE = 0.05;
const QUARTERS = [0.25, 0.5, 0.75] as const;
const GROWS_MS = 1_000;

/** Who had which task from when to when, each task a lane. What a bar says stands in words in the list of tasks. */
export function LaneChart({ mission }: { readonly mission: Mission }) {
  const { live } = useMissionControl();
  useTick(GROWS_MS);
  const drawn = taskLanes(mission, Number(live.timeUs));
  if (drawn === null) return null;
  const { fromUs, toUs, lanes } = drawn;
  const shareOf = (timeUs: number): number => (timeUs - fromUs) / (toUs - fromUs);
  return (
    <section className="block lanes" aria-label="Who had which task, and when" data-testid="task-lanes">
      <h3>Who had what, and when</h3>
      <ol>
        {lanes.map((lane, at) => (
          <Lane
            key={lane.taskId}
            name={lanes.length === 1 ? 'all of it' : `share ${at + 1}`}
            lane={lane}
            shareOf={shareOf}
          />
        ))}
      </ol>
      <p className="lane-scale mono" aria-hidden="true">
        <span>{timeAt(fromUs)}</span>
        {QUARTERS.map((share) => (
          <span key={share}>{timeAt(fromUs + share * (toUs - fromUs))}</span>
        ))}
        <span>{timeAt(toUs)}</span>
      </p>
    </section>
  );
}

const timeAt = (timeUs: number): string => localTime(BigInt(Math.round(timeUs)));

interface LaneProps {
  readonly name: string;
  readonly lane: TaskLane;
  readonly shareOf: (timeUs: number) => number;
}

function Lane({ name, lane, shareOf }: LaneProps) {
  return (
    <li>
      <span className="lane-name" title={lane.taskId}>
        {name}
      </span>
      <div className="lane">
        {lane.spans.map((one) => (
          <Bar key={`${one.agentId} ${one.fromUs}`} one={one} shareOf={shareOf} />
        ))}
      </div>
    </li>
  );
}

function Bar({ one, shareOf }: { readonly one: TaskSpan; readonly shareOf: LaneProps['shareOf'] }) {
  const { selected } = useMissionControl();
  const from = shareOf(one.fromUs);
  const share = shareOf(one.toUs) - from;
  const words = holdWords(one);
  return (
    <button
      type="button"
      className={`lane-bar lane-${one.kind}`}
      style={{ insetInlineStart: `${from * 100}%`, inlineSize: `${share * 100}%` }}
      title={words}
      aria-label={words}
      onClick={() => selected.set(one.agentId)}
    >
      {share < NAMED_SHARE ? null : <bdi>{one.agentId}</bdi>}
    </button>
  );
}

/** "r9 had it from 16:30:05 to 16:31:10, 65 s: its battery fell below 20 %". */
function holdWords({ agentId, fromUs, toUs, kind, reason }: TaskSpan): string {
  const lasted = span((toUs - fromUs) / 1_000);
  if (kind === 'has') return `${agentId} has it since ${timeAt(fromUs)}, ${lasted}`;
  const held = `${agentId} had it from ${timeAt(fromUs)} to ${timeAt(toUs)}, ${lasted}`;
  return reason === '' ? held : `${held}: ${reason}`;
}
