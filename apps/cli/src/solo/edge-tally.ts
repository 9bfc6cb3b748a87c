import type { EdgeStats } from '@sigma/edge';
import type { EdgeTally } from './edge-messages.ts';

/** Sums what the bodies of an edge did. */
export function tallyOf({ bodies, link, stalls, frameToWrite, recorderFailure }: EdgeStats): EdgeTally {
  const failsafe: Record<string, number> = {};
  let decisions = 0;
  let violations = 0;
  let ordersRefused = 0;
  for (const counts of bodies.values()) {
    decisions += counts.decisions;
    violations += counts.violations;
    ordersRefused += counts.ordersRefused;
    for (const [action, times] of Object.entries(counts.failsafe)) failsafe[action] = (failsafe[action] ?? 0) + times;
  }
  const ms = (us: number): number => Math.round(us) / 1000;
  return {
    robots: bodies.size,
    decisions,
    violations,
    ordersRefused,
    failsafe,
    linked: link?.connected ?? false,
    link: {
      connected: link?.connected ?? false,
      connections: link?.connections ?? 0,
      lastError: link?.lastError ?? '',
    },
    reflexStalls: stalls,
    frameToWriteMs: { p50: ms(frameToWrite.p50Us), p99: ms(frameToWrite.p99Us), p999: ms(frameToWrite.p999Us) },
    recorderFailure,
  };
}
