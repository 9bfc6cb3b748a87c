import type { GetImportResponse, Import, ImportPlace, ReadImportMomentResponse } from '@sigma/proto';
import { lazy, useCallback, useEffect, useMemo, useState } from 'react';
import { panelsOf } from '../../frame/layout/default-model.ts';
import { PanelBox, usePanels } from '../../frame/layout/panel-box.tsx';
import { MissionControlProvider, useMissionControl } from '../../frame/mission-control.tsx';
import type { TerrainPart } from '../../frame/panel-port.ts';
import { keep, recall } from '../../frame/remembered.ts';
import { Observable } from '../../live/observable.ts';
import { FlatGhosts } from './flat-ghosts.tsx';
import { Ghosts, ghostWords } from './ghosts.ts';
import type { Imports } from './import-acts.ts';
import { around, overlap, type Stretch } from './import-time.ts';
import { LaneTable } from './lane-table.tsx';
import { LaneTools } from './lane-tools.tsx';
import { useRecordRange } from './record-marks.ts';
import { useCursor } from './use-cursor.ts';
import { useNewest } from './use-newest.ts';
import { ValueDetail } from './value-detail.tsx';

const GhostLayer = lazy(async () => ({ default: (await import('./ghost-layer.tsx')).GhostLayer }));

/** Laid over the map of the page of an import. */
const GHOSTS: TerrainPart = {
  terrain: 'import',
  panels: [],
  layers: [{ id: 'import-ghosts', title: 'Import', shown: true, component: GhostLayer, flat: FlatGhosts }],
};

const SHORT = 400;

interface BesideOursProps {
  readonly known: GetImportResponse;
  readonly one: Import;
  readonly imports: Imports;
}

/** The lanes of an import under those of this site's record, over one time; above, the map of the same moment. */
export function BesideOurs({ known, one, imports }: BesideOursProps) {
  const own: Stretch = { fromUs: Number(one.fromTimeUs), toUs: Number(one.toTimeUs) };
  const range = useRecordRange();
  const cursor = useCursor();
  const [offsetUs, setOffset] = useRememberedShift(one.id);
  const [window, setWindow] = useState<Stretch>(() => around(shifted(own, offsetUs)));
  const [lane, setLane] = useState<number | null>(null);
  const [visible, setVisible] = useState<readonly number[]>([]);
  useFirstMoment(shifted(own, offsetUs), cursor.atUs, cursor.seek);
  const align = (to: number) => {
    const beside = to - own.fromUs;
    setOffset(beside);
    setWindow(around(shifted(own, beside)));
    cursor.seek(lookedAt(shifted(own, beside)));
  };
  const atUs = Math.round(cursor.atUs - offsetUs);
  const question = atUs >= 0 && visible.length > 0 ? { atUs, lanes: visible } : null;
  const ask = useCallback(
    (asked: NonNullable<typeof question>, signal: AbortSignal) =>
      imports.readImportMoment(
        { importId: one.id, timeUs: BigInt(asked.atUs), lanes: [...asked.lanes], characters: SHORT },
        { signal },
      ),
    [imports, one.id],
  );
  const { last, failure } = useNewest(question, `${atUs} ${visible.join()}`, ask);
  const moment = last?.answer ?? null;
  const apart = range !== null && !overlap(range, shifted(own, offsetUs));
  return (
    <div className="beside-ours">
      <div className="import-top">
        <MapOfMoment moment={moment} onRecord={cursor.onRecord} />
        <ValueDetail
          known={known}
          lane={lane}
          atUs={atUs}
          offsetUs={offsetUs}
          imports={imports}
          onSeek={(fileUs) => cursor.seek(fileUs + offsetUs)}
        />
      </div>
      <LaneTools
        one={one}
        offsetUs={offsetUs}
        apart={apart}
        recordFromUs={range?.fromUs ?? null}
        cursorUs={cursor.atUs}
        window={window}
        onShift={setOffset}
        onAlign={align}
        onWindow={setWindow}
        fit={around(shifted(own, offsetUs))}
        failure={failure}
      />
      <LaneTable
        known={known}
        imports={imports}
        window={window}
        offsetUs={offsetUs}
        cursor={cursor}
        values={moment?.values ?? []}
        lane={lane}
        onLane={setLane}
        onWindow={setWindow}
        onShift={setOffset}
        onVisible={setVisible}
      />
    </div>
  );
}

const shifted = ({ fromUs, toUs }: Stretch, byUs: number): Stretch => ({ fromUs: fromUs + byUs, toUs: toUs + byUs });

/** A little way in: at its very first event most lanes have said nothing yet. */
const lookedAt = ({ fromUs, toUs }: Stretch): number => Math.round(fromUs + (toUs - fromUs) / 10);

/** By how much this browser's person shifted an import; others shift it as they see fit. */
function useRememberedShift(id: string): readonly [number, (offsetUs: number) => void] {
  const key = `sigma.import.${id}`;
  const [offsetUs, setOffset] = useState(() => {
    const kept = recall(key);
    return typeof kept === 'number' && Number.isSafeInteger(kept) ? kept : 0;
  });
  const set = useCallback(
    (wanted: number) => {
      const whole = Math.round(wanted);
      setOffset(whole);
      keep(key, whole);
    },
    [key],
  );
  return [offsetUs, set];
}

/** The page goes to the beginning of an import, unless it shows a moment of it already. */
function useFirstMoment(stretch: Stretch, atUs: number, seek: (atUs: number) => void): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each import; then the person chooses the moment.
  useEffect(() => {
    if (atUs < stretch.fromUs || atUs > stretch.toUs) seek(lookedAt(stretch));
  }, []);
}

interface MapOfMomentProps {
  readonly moment: ReadImportMomentResponse | null;
  readonly onRecord: boolean;
}

/** The site at the moment of the cursor, and what the import says of places drawn over it. */
function MapOfMoment({ moment, onRecord }: MapOfMomentProps) {
  const control = useMissionControl();
  const panel = panelsOf(usePanels(), 'centre')[0];
  const [places] = useState(() => new Observable<readonly ImportPlace[]>([]));
  const beside = useMemo(() => ({ ...control, terrains: [...control.terrains, GHOSTS] }), [control]);
  useEffect(() => places.set(moment?.places ?? []), [places, moment]);
  if (panel === undefined) return null;
  return (
    <section className="import-map" aria-label="The site at this moment">
      <Ghosts.Provider value={places}>
        <MissionControlProvider value={beside}>
          <PanelBox panel={panel} />
        </MissionControlProvider>
      </Ghosts.Provider>
      <p className="quiet import-map-words" data-testid="ghosts">
        {onRecord ? null : (
          <span className="level-advisory">This site has no record of this moment: the map shows the nearest. </span>
        )}
        <bdi>{ghostWords(moment?.places ?? [])}</bdi>
      </p>
    </section>
  );
}
