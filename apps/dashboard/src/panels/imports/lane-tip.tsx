import type { GetImportResponse, Mark } from '@sigma/proto';
import { useCallback } from 'react';
import { markWords } from '../../words/mark-words.ts';
import type { Imports } from './import-acts.ts';
import { fineTime, lasting } from './import-time.ts';
import { useNewest } from './use-newest.ts';
import { lineOf } from './value-words.ts';

/** What a person points at: a moment in this site's time, in a lane of the import or in one of the record. */
export interface Pointed {
  readonly atUs: number;
  readonly xPx: number;
  readonly yPx: number;
  /** Of a lane of the record; empty in the import. */
  readonly kind: string;
  readonly lane: number | null;
}

const CHARACTERS = 300;
const NEAR_PX = 8;
const BESIDE_PX = 14;

interface LaneTipProps {
  readonly pointed: Pointed;
  readonly known: GetImportResponse;
  readonly imports: Imports;
  readonly offsetUs: number;
  readonly marks: readonly Mark[];
  readonly usPerPx: number;
}

/** Beside the pointer: the moment, and what was said last by then. */
export function LaneTip({ pointed, known, imports, offsetUs, marks, usPerPx }: LaneTipProps) {
  const { atUs, xPx, yPx, kind, lane } = pointed;
  const { innerWidth, innerHeight } = globalThis;
  const place = {
    ...(xPx > innerWidth / 2 ? { right: innerWidth - xPx + BESIDE_PX } : { left: xPx + BESIDE_PX }),
    ...(yPx > innerHeight / 2 ? { bottom: innerHeight - yPx + BESIDE_PX } : { top: yPx + BESIDE_PX }),
  };
  return (
    <div className="lane-tip" style={place} data-testid="lane-tip" aria-hidden="true">
      <p className="mono">{fineTime(atUs)}</p>
      {lane === null ? (
        <NearMark marks={marks} kind={kind} atUs={atUs} nearUs={NEAR_PX * usPerPx} />
      ) : (
        <ValueThen known={known} imports={imports} lane={lane} fileUs={Math.round(atUs - offsetUs)} />
      )}
    </div>
  );
}

interface NearMarkProps {
  readonly marks: readonly Mark[];
  readonly kind: string;
  readonly atUs: number;
  readonly nearUs: number;
}

function NearMark({ marks, kind, atUs, nearUs }: NearMarkProps) {
  let near: Mark | null = null;
  for (const mark of marks) {
    const away = Math.abs(Number(mark.timeUs) - atUs);
    if (mark.kind !== kind || away > nearUs) continue;
    if (near === null || away < Math.abs(Number(near.timeUs) - atUs)) near = mark;
  }
  return near === null ? null : (
    <p>
      {near.agentId === '' ? '' : `${near.agentId}: `}
      <bdi>{markWords(near)}</bdi>
    </p>
  );
}

interface ValueThenProps {
  readonly known: GetImportResponse;
  readonly imports: Imports;
  readonly lane: number;
  readonly fileUs: number;
}

function ValueThen({ known, imports, lane, fileUs }: ValueThenProps) {
  const importId = known.import?.id ?? '';
  const question = fileUs < 0 ? null : { fileUs, lane };
  const ask = useCallback(
    (asked: NonNullable<typeof question>, signal: AbortSignal) =>
      imports.readImportMoment(
        { importId, timeUs: BigInt(asked.fileUs), lanes: [asked.lane], characters: CHARACTERS },
        { signal },
      ),
    [imports, importId],
  );
  const { last } = useNewest(question, `${lane} ${fileUs}`, ask);
  const value = last?.question.lane === lane ? last.answer.values[0] : undefined;
  return (
    <>
      <p>
        <bdi>{known.lanes[lane]?.topic}</bdi>{' '}
        <span className="quiet">
          {value === undefined
            ? 'nothing by then'
            : `${fineTime(Number(value.timeUs))} in the file, ${lasting(Math.max(0, fileUs - Number(value.timeUs)))} before`}
        </span>
      </p>
      {value === undefined ? null : (
        <p className="mono">
          <bdi>{value.unread === '' ? lineOf(value.text) : `${value.text}: ${value.unread}`}</bdi>
        </p>
      )}
    </>
  );
}
