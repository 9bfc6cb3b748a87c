import type { Mark } from '@sigma/proto';
import { useMemo } from 'react';
import { clusterMarks } from '../../frame/time/mark-clusters.ts';
import { markLook } from '../../frame/time/mark-look.ts';
import { words } from '../../words/quantities.ts';
import type { Stretch } from './import-time.ts';
import { RECORD_KINDS, type RecordKind, type RecordMarks } from './record-marks.ts';

const MIDDLE_PX = 13;
const ROW_PX = 26;
/** Room that a number needs beside its mark. */
const NUMBER_PX = 30;

interface RecordLanesProps {
  readonly marks: RecordMarks;
  readonly window: Stretch;
  readonly widthPx: number;
}

/** What is on record here, each kind in a lane. */
export function RecordLanes({ marks: { marks, more, failure }, window, widthPx }: RecordLanesProps) {
  const byKind = useMemo(() => Map.groupBy(marks, ({ kind }) => kind), [marks]);
  const absent = RECORD_KINDS.filter((kind) => !byKind.has(kind)).map(words);
  return (
    <section className="record-lanes" aria-label="This site’s record" data-testid="record-lanes">
      <p className="lane-group">
        This site’s record
        <span className="quiet">{absent.length === 0 ? '' : ` · near this stretch no ${absent.join(', ')}`}</span>
        {more ? <span className="quiet"> · more than can be shown: zoom in</span> : null}
        {failure === '' ? null : <span className="level-warning"> · {failure}</span>}
      </p>
      {RECORD_KINDS.map((kind) => {
        const known = byKind.get(kind);
        return known === undefined ? null : (
          <RecordLane key={kind} kind={kind} marks={known} window={window} widthPx={widthPx} />
        );
      })}
    </section>
  );
}

interface RecordLaneProps {
  readonly kind: RecordKind;
  readonly marks: readonly Mark[];
  readonly window: Stretch;
  readonly widthPx: number;
}

function RecordLane({ kind, marks, window, widthPx }: RecordLaneProps) {
  const clusters = clusterMarks(marks, window.fromUs, window.toUs, widthPx);
  const count = clusters.reduce((sum, one) => sum + one.count, 0);
  return (
    <div className="lane-row" data-kind={kind} data-testid={`record-${kind}`}>
      <span className="lane-name">{words(kind)}</span>
      <div className="lane-strip" data-strip="lane">
        <svg width={widthPx} height={ROW_PX} aria-hidden="true">
          {clusters.map(({ name, first, xPx, count: many }, k) => {
            const { path, level, hollow } = markLook(first);
            const roomPx = (clusters[k + 1]?.xPx ?? Number.POSITIVE_INFINITY) - xPx;
            return (
              <g
                key={name}
                transform={`translate(${xPx},${MIDDLE_PX})`}
                className={`mark level-${level}`}
                data-hollow={hollow}
              >
                <path d={path} />
                {many > 1 && roomPx > NUMBER_PX ? (
                  <text x="7" y="4">
                    {many > 99 ? '99+' : many}
                  </text>
                ) : null}
              </g>
            );
          })}
        </svg>
      </div>
      <span className="lane-value quiet">{count === 0 ? 'none in this stretch' : `${count} in this stretch`}</span>
    </div>
  );
}
