import type { Import } from '@sigma/proto';
import { useCallback, useMemo } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { HoldButton } from '../../parts/hold-button.tsx';
import { localDay, localTime, personWords, plural } from '../../words/quantities.ts';
import { NotKnown } from '../rows/not-known.tsx';
import { useAsked } from '../rows/use-asked.ts';
import { ChooseFile, DropFile } from './drop-file.tsx';
import { importPath, importsOf, removeImport } from './import-acts.ts';
import { bytesWords, factsOf, isComing, stateWords } from './import-words.ts';

const ASK_EVERY_MS = 2_000;
/** As the rail draws it. */
const IMPORT_ICON = 'M8 2.5v7M5 6.8l3 2.9 3-2.9M2.5 11.5v2h11v-2';

/** What others recorded, to be looked at beside this site's own record: `/imports`. */
export default function ImportsPage() {
  const { hub } = useMissionControl();
  const imports = useMemo(() => importsOf({ hub }), [hub]);
  const ask = useCallback((signal: AbortSignal) => imports.listImports({}, { signal }), [imports]);
  const { asked, again } = useAsked(ask, ASK_EVERY_MS);
  const known = asked.kind === 'known' ? asked.value : null;
  return (
    <DropFile className="imports-page" label="Imports" testId="imports">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div className="scroll" tabIndex={0}>
        {asked.kind === 'known' ? null : <NotKnown asked={asked} what="imports" again={again} />}
        {known === null ? null : known.imports.length === 0 ? (
          <NoneYet mostBytes={Number(known.mostBytes)} />
        ) : (
          <>
            <p className="imports-head">
              <ChooseFile words="Import a file" />
              <span className="quiet">
                or drop one here: MCAP, or CloudEvents in JSON lines, up to {bytesWords(Number(known.mostBytes))}.{' '}
                {known.imports.length} of {known.mostImports} are kept.
              </span>
            </p>
            <ul className="import-list rows">
              {known.imports.map((one) => (
                <ImportRow key={one.id} one={one} again={again} />
              ))}
            </ul>
          </>
        )}
      </div>
    </DropFile>
  );
}

function NoneYet({ mostBytes }: { readonly mostBytes: number }) {
  return (
    <EmptyState icon={IMPORT_ICON} title="Nothing is imported yet" testId="no-imports">
      <p>
        Drop a file here that another program recorded, and look at it beside this site’s record: MCAP (ROS, Foxglove,
        our own export), or CloudEvents in JSON lines, up to {bytesWords(mostBytes)}.
      </p>
      <ChooseFile words="Choose a file" />
      <p>
        <code>sigma export --format mcap --out drive.mcap RECORDING</code>
      </p>
    </EmptyState>
  );
}

function ImportRow({ one, again }: { readonly one: Import; readonly again: () => void }) {
  const control = useMissionControl();
  const { id, name, state, by, createdTimeUs, reason, leftOutCount } = one;
  return (
    <li data-testid="import-row" data-state={state}>
      <button type="button" className="row-main" onClick={() => control.path.set(importPath(id))}>
        <span className="import-name">
          <bdi>{name}</bdi>
        </span>
        <span className={state === 'failed' ? 'level-warning' : 'quiet'}>{stateWords(one)}</span>
        <span className="quiet import-facts">
          {state === 'done' ? `${factsOf(one)} · ` : ''}
          {by === '' ? '' : `${personWords(by)}, `}
          {localDay(createdTimeUs)} {localTime(createdTimeUs)}
        </span>
        {reason === '' ? null : <span className="level-warning import-facts">{reason}</span>}
        {leftOutCount === 0 ? null : (
          <span className="level-advisory import-facts">{plural(leftOutCount, 'part')} left out</span>
        )}
      </button>
      <Guarded role="operator" when="ever">
        <HoldButton
          consequence={isComing(one) ? `ends the import of “${name}”` : `deletes “${name}” from the hub`}
          onHeld={() => void removeImport(control, one).then(again)}
        >
          {isComing(one) ? 'End · hold' : 'Delete · hold'}
        </HoldButton>
      </Guarded>
    </li>
  );
}
