import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SiteView } from '../../live/site-view.ts';
import { thenAndNow } from './then-and-now.ts';

interface Robot {
  readonly id: string;
  readonly stop?: string;
  readonly ageMs?: number;
  readonly xM?: number;
  readonly battery?: number;
}

/** As much of a site as is compared. */
function site(robots: readonly Robot[]): SiteView {
  const agents = robots.map(({ id, stop = 'none' }) => ({
    id,
    status: { stop, failsafe: '', failsafeEntries: [], chain: 'primary', mode: 'automatic', taskId: 't' },
  }));
  const column = (of: (robot: Robot) => number) => Float32Array.from(robots, of);
  return {
    agents: () => agents,
    agent: (id: string) => agents.find((one) => one.id === id),
    row: (id: string) => robots.findIndex((one) => one.id === id),
    newest: {
      ageMs: column(({ ageMs = 0 }) => ageMs),
      xM: column(({ xM = 0 }) => xM),
      yM: column(() => 0),
      battery: column(({ battery = 0.5 }) => battery),
    },
  } as unknown as SiteView;
}

test('who is in another state is told with what it was and is, the gravest first', () => {
  const then = site([{ id: 'r2' }, { id: 'r1', stop: 'emergency' }, { id: 'r3' }]);
  const now = site([{ id: 'r2', stop: 'normal', xM: 3, battery: 0.25 }, { id: 'r1' }, { id: 'r3', xM: 9 }]);
  const { changed, same } = thenAndNow(then, now);
  assert.deepEqual(
    changed.map((one) => [one.id, one.was.word, one.is.word, one.battery, one.movedM]),
    [
      ['r1', 'emergency stop', 'working', '50 %', 0],
      ['r2', 'working', 'stopped', '50 % → 25 %', 3],
    ],
  );
  assert.equal(same, 1);
});

test('an age that grows is no difference, and a robot of one moment only is named apart', () => {
  const then = site([{ id: 'r1', ageMs: 12_000 }, { id: 'r2' }]);
  const now = site([
    { id: 'r1', ageMs: 90_000 },
    { id: 'r3', stop: 'emergency' },
  ]);
  assert.deepEqual(thenAndNow(then, now), { changed: [], same: 1, onlyThen: ['r2'], onlyNow: ['r3'] });
});
