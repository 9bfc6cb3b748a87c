import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl, useObservable, useTopic } from '../../frame/mission-control.tsx';
import { ShapeMark } from '../../parts/shape.tsx';
import type { Draft, DraftChange } from '../../site/draft.ts';
import { isInside } from '../../site/inside.ts';
import { localTime, personWords, reading, words } from '../../words/quantities.ts';
import { openFence, removeFence } from '../site/fences.ts';
import { ReviseForm } from '../site/revise-form.tsx';
import { FenceHistory } from './fence-history.tsx';

/** A zone of the site or a fence that a person drew: what it asks of robots, who set it, who is inside. */
export function ZoneCard({ id }: { readonly id: string }) {
  const control = useMissionControl();
  const { site, live, selected, draft } = control;
  const drawn = useObservable(draft);
  useTopic('fences');
  useTopic('agents');
  const zone = site.zones.find((one) => one.id === id);
  const fence = live.fences().find((one) => one.id === id);
  const outline = fence?.polygon?.points.map(({ xM, yM }) => ({ xM, yM })) ?? [];
  const inside =
    outline.length < 3
      ? []
      : live.ids.filter((_, row) =>
          isInside(outline, live.newest.xM[row] ?? Number.NaN, live.newest.yM[row] ?? Number.NaN),
        );
  if (drawn?.change?.seen.id === id) return <Changing name={fence?.name || id} draft={drawn} change={drawn.change} />;
  if (zone === undefined && fence === undefined) {
    return <p className="empty">There is no such zone or fence at the moment shown.</p>;
  }
  const kind = fence?.kind ?? zone?.kind ?? '';
  return (
    <>
      <header className="card-head">
        <h2>
          <bdi>{fence?.name || id}</bdi>
        </h2>
        <p className="state">
          <ShapeMark shape={kind === 'restricted' ? 'octagon' : 'diamond'} level="calm" /> {words(kind)}{' '}
          {fence === undefined ? 'zone of the site' : 'fence'}
        </p>
      </header>
      <dl className="facts">
        <div>
          <dt>Asks</dt>
          <dd>
            {kind === 'restricted'
              ? 'No robot enters; one that is inside leaves.'
              : kind === 'slow'
                ? `At most ${reading(fence?.speedMps ?? 0, 'm/s')} inside.`
                : words(kind)}
          </dd>
        </div>
        {fence === undefined ? null : (
          <>
            <div>
              <dt>Note</dt>
              <dd className="lines">
                {fence.note === '' ? <span className="quiet">none</span> : <bdi>{fence.note}</bdi>}
              </dd>
            </div>
            <div>
              <dt>Drawn</dt>
              <dd>
                by <bdi>{personWords(fence.createdBy)}</bdi> at {localTime(fence.createdTimeUs)}
              </dd>
            </div>
            <div>
              <dt>Version</dt>
              <dd className="mono">{fence.version}</dd>
            </div>
            <div>
              <dt>Changed</dt>
              <dd>
                <FenceHistory id={fence.id} version={fence.version} />
              </dd>
            </div>
            <div>
              <dt>Ends</dt>
              <dd>{fence.endsTimeUs === 0n ? 'when it is taken away' : localTime(fence.endsTimeUs)}</dd>
            </div>
            <div>
              <dt>Inside</dt>
              <dd>
                {inside.length === 0 ? 'nobody' : null}
                {inside.slice(0, 20).map((robot) => (
                  <button key={robot} type="button" className="link mono" onClick={() => selected.set(robot)}>
                    {robot}
                  </button>
                ))}
              </dd>
            </div>
          </>
        )}
      </dl>
      {fence === undefined ? null : (
        <div className="card-foot">
          <Guarded role="operator">
            <button type="button" onClick={() => openFence(control, fence)} data-testid="change-fence">
              Change
            </button>
          </Guarded>
          <Guarded role="operator">
            <button type="button" onClick={() => void removeFence(control, fence)}>
              Take away
            </button>
          </Guarded>
        </div>
      )}
    </>
  );
}

function Changing({ name, ...form }: { readonly name: string; readonly draft: Draft; readonly change: DraftChange }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div className="scroll" tabIndex={0}>
      <header className="card-head">
        <h2>
          <bdi>{name}</bdi>
        </h2>
      </header>
      <ReviseForm {...form} />
    </div>
  );
}
