import { percent } from '../../words/quantities.ts';

/** How far something has come, by what robots sensed; a moment of the past of which nobody kept that says so. */
export function MissionProgress({ share, of }: { readonly share: number; readonly of: string }) {
  if (Number.isNaN(share)) {
    return (
      <span className="mission-progress quiet" title="How far it had come was not recorded with this moment">
        progress not recorded
      </span>
    );
  }
  return (
    <span className="mission-progress" title={`${percent(share)} of it done, by what robots sensed`}>
      <progress value={share} max={1} aria-label={`Progress of ${of}`} />
      <span className="mono">{percent(share)}</span>
    </span>
  );
}
