import type { Timeline } from '@sigma/recorder';

/**
 * When the agent time of a site was 0, by the hub's clock, microseconds since 1970.
 *
 * @param atTimeUs of those who lived then; null: of the last
 */
export function zeroOf({ lives }: Timeline, atTimeUs: number | null): number {
  const robots = lives.filter(({ opening }) => opening.model === 'fleet');
  const present = robots.filter(({ opening }) => atTimeUs === null || opening.timeUs <= atTimeUs);
  const life = present.at(-1) ?? robots.at(0);
  return life === undefined ? 0 : life.opening.timeUs - life.opening.atUs;
}
