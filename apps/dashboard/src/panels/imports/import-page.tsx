import type { GetImportResponse, Import, LeftOut } from '@sigma/proto';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import type { PanelProps } from '../../frame/panel-port.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { personWords, plural } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { useAsked } from '../rows/use-asked.ts';
import { BesideOurs } from './beside-ours.tsx';
import { ChooseFile, DropFile } from './drop-file.tsx';
import { importsOf, removeImport } from './import-acts.ts';
import { factsOf, isComing, stateWords } from './import-words.ts';

const COMING_MS = 400;

/** One import beside what was recorded here: `/imports/:import`. */
export default function ImportPage({ params }: PanelProps) {
  const id = params['import'] ?? '';
  // Another import is another page: nothing of the one before is left on it.
  return <KnownImport key={id} id={id} />;
}

function KnownImport({ id }: { readonly id: string }) {
  const { hub, path } = useMissionControl();
  const imports = useMemo(() => importsOf({ hub }), [hub]);
  const ask = useCallback((signal: AbortSignal) => imports.getImport({ importId: id }, { signal }), [imports, id]);
  const { asked, again } = useComing(ask);
  const known = asked.kind === 'known' ? asked.value : null;
  const one = known?.import;
  return (
    <DropFile className="import-page" label="Import" testId="import-page">
      {asked.kind === 'known' ? null : (
        <NotKnown
          asked={asked}
          what="the import"
          again={again}
          instead={
            <button type="button" className="primary" onClick={() => path.set('/imports')}>
              All imports
            </button>
          }
        />
      )}
      {known === null || one === undefined ? null : (
        <>
          <ImportHead one={one} leftOut={known.leftOut} />
          {one.state === 'done' ? <BesideOurs known={known} one={one} imports={imports} /> : null}
          {isComing(one) ? <Coming one={one} /> : null}
          {one.state === 'failed' ? <Failed one={one} /> : null}
        </>
      )}
    </DropFile>
  );
}

/** Asks again as long as the import is on its way. */
function useComing(ask: (signal: AbortSignal) => Promise<GetImportResponse>) {
  const [coming, setComing] = useState(true);
  const { asked, again } = useAsked(ask, coming ? COMING_MS : 0);
  const state = asked.kind === 'known' ? asked.value.import?.state : undefined;
  useEffect(() => {
    if (state === 'done' || state === 'failed') setComing(false);
  }, [state]);
  return { asked, again };
}

function ImportHead({ one, leftOut }: { readonly one: Import; readonly leftOut: readonly LeftOut[] }) {
  const control = useMissionControl();
  const gone = () => control.path.set('/imports');
  return (
    <header className="import-head">
      <p className="import-line">
        <strong className="import-name" data-testid="import-name">
          <bdi>{one.name}</bdi>
        </strong>
        <span className="quiet import-facts" data-testid="import-facts">
          {one.state === 'done' ? factsOf(one) : stateWords(one)} · by {personWords(one.by)}
        </span>
        <span className="spring" />
        <ChooseFile words="Import another" />
        <Guarded role="operator" when="ever">
          <HoldButton
            consequence={isComing(one) ? 'ends this import' : `deletes “${one.name}” from the hub`}
            onHeld={() => void removeImport(control, one).then(gone)}
          >
            {isComing(one) ? 'End · hold' : 'Delete · hold'}
          </HoldButton>
        </Guarded>
        <button type="button" className="plain" onClick={gone}>
          All imports
        </button>
      </p>
      {leftOut.length === 0 ? null : (
        <details className="left-out" data-testid="left-out">
          <summary className="level-advisory">
            {plural(leftOut.length, 'part')} of the file could not be taken; the rest is shown
          </summary>
          <ul>
            {leftOut.map(({ where, why }) => (
              <li key={`${where} ${why}`}>
                <bdi className="mono">{where}</bdi>: <bdi>{why}</bdi>
              </li>
            ))}
          </ul>
        </details>
      )}
    </header>
  );
}

function Coming({ one }: { readonly one: Import }) {
  const [bytes, received] = [Number(one.bytes), Number(one.receivedBytes)];
  return (
    <div className="import-coming" role="status" data-testid="import-coming">
      <p>{stateWords(one)}</p>
      <progress
        value={one.state === 'receiving' ? received / Math.max(1, bytes) : undefined}
        max={1}
        aria-label={one.state === 'receiving' ? 'Received' : 'Reading'}
      />
      <p className="quiet">It is read apart from the hub: robots and records do not wait for it.</p>
    </div>
  );
}

function Failed({ one }: { readonly one: Import }) {
  return (
    <div role="alert" data-testid="import-failed">
      <EmptyState icon={EMPTY_ICON.trouble} title="This file could not be read.">
        <p className="level-warning">
          <bdi>{one.reason}</bdi>
        </p>
        <p>Nothing of it is kept. What is recorded here is as it was.</p>
      </EmptyState>
    </div>
  );
}
